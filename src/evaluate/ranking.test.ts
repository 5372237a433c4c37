import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../random.ts';
import { addScores, emptyHistogram, type ScoreHistogram } from '../summary/score-histogram.ts';
import { expectedCalibrationError, plattScaling, reliabilityOfMargins } from './calibration.ts';
import golden from './fixtures/binary.json' with { type: 'json' };
import { averagePrecision, rankingCurve, rocArea } from './ranking.ts';

function histogramOf(
  scores: readonly number[],
  labels: readonly number[],
  capacity?: number,
): ScoreHistogram {
  const histogram = emptyHistogram(2, capacity);
  const positives = Float64Array.from(labels);
  const negatives = positives.map((label) => 1 - label);
  addScores(histogram, Float64Array.from(scores), [negatives, positives], scores.length);
  return histogram;
}

describe('rocArea', () => {
  it('is the share of pairs in order, ties half', () => {
    const row = fc.record({ score: fc.integer({ min: -5, max: 5 }), label: fc.integer({ min: 0, max: 1 }) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        let pairs = 0;
        let won = 0;
        for (const a of rows) {
          for (const b of rows) {
            if (a.label !== 1 || b.label !== 0) continue;
            pairs++;
            won += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
          }
        }
        const area = rocArea(
          histogramOf(
            rows.map((r) => r.score),
            rows.map((r) => r.label),
          ),
        );
        if (pairs === 0) expect(area).toBeUndefined();
        else expect(area!.value).toBeCloseTo(won / pairs, 12);
      }),
    );
  });

  it('stays within half the tied share when bins are coarse', () => {
    const scores = Array.from({ length: 5000 }, (_, i) => 4 * randomUniform(1, 0, i) - 2);
    const labels = scores.map((score, i) =>
      randomUniform(2, 0, i) < 1 / (1 + Math.exp(-2 * score)) ? 1 : 0,
    );
    const exact = rocArea(histogramOf(scores, labels))!;
    expect(exact.tied).toBeLessThan(1e-4);
    for (const capacity of [4096, 256, 32]) {
      const coarse = rocArea(histogramOf(scores, labels, capacity))!;
      expect(coarse.tied).toBeGreaterThan(exact.tied);
      expect(Math.abs(coarse.value - exact.value)).toBeLessThanOrEqual(coarse.tied / 2);
    }
  });

  it('covers the true area in about 95 of 100 samples', () => {
    const truth = 0.7602499389; // Φ(1/√2): normal scores one standard deviation apart
    const normal = (stream: number, i: number) =>
      Math.sqrt(-2 * Math.log(1 - randomUniform(9, stream, 2 * i))) *
      Math.cos(2 * Math.PI * randomUniform(9, stream, 2 * i + 1));
    let covered = 0;
    for (let sample = 0; sample < 400; sample++) {
      const labels = Array.from({ length: 200 }, (_, i) => (i % 4 === 0 ? 1 : 0));
      const scores = labels.map((label, i) => normal(sample, i) + label);
      const { interval } = rocArea(histogramOf(scores, labels))!;
      if (interval![0] <= truth && truth <= interval![1]) covered++;
    }
    expect(covered / 400).toBeGreaterThan(0.91);
    expect(covered / 400).toBeLessThan(0.98);
  });
});

describe('curves', () => {
  it('run from the strictest threshold to the end, and the area under them is the area', () => {
    const histogram = histogramOf(golden.margins, golden.labels);
    const curve = rankingCurve(histogram, 1e6);
    expect(curve.at(-1)).toMatchObject({ truePositive: 1, falsePositive: 1 });
    let area = 0;
    let last = { truePositive: 0, falsePositive: 0 };
    for (const point of curve) {
      area += ((point.falsePositive - last.falsePositive) * (point.truePositive + last.truePositive)) / 2;
      last = point;
    }
    expect(area).toBeCloseTo(golden.plain.auc, 12);
    expect(rankingCurve(histogram, 50).length).toBeLessThanOrEqual(52);
  });

  it('average precision has an interval around it', () => {
    const { value, interval } = averagePrecision(histogramOf(golden.margins, golden.labels))!;
    expect(interval![0]).toBeLessThan(value);
    expect(interval![1]).toBeGreaterThan(value);
  });
});

describe('calibration', () => {
  it('bins of equal mass agree with scikit-learn where no tie lies on a border', () => {
    const bins = reliabilityOfMargins(histogramOf(golden.margins, golden.labels), 10);
    const total = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0);
    expect(bins.length).toBe(10);
    expect(total(bins.map((bin) => bin.weight))).toBe(golden.labels.length);
    // Ties at the borders may fall on either side, so bins agree to a few rows of sixty.
    bins.forEach((bin, i) => {
      expect(Math.abs(bin.predicted - golden.calibration.predicted[i])).toBeLessThan(0.01);
      expect(Math.abs(bin.observed - golden.calibration.observed[i])).toBeLessThan(0.05);
    });
  });

  it('is near zero for honest probabilities, and Platt scaling brings others back', () => {
    const margins = Array.from({ length: 20_000 }, (_, i) => 6 * randomUniform(3, 0, i) - 3);
    const labels = margins.map((m, i) => (randomUniform(4, 0, i) < 1 / (1 + Math.exp(-m)) ? 1 : 0));
    const honest = reliabilityOfMargins(histogramOf(margins, labels));
    expect(expectedCalibrationError(honest)).toBeLessThan(0.02);
    const loud = margins.map((m) => 3 * m + 1);
    const histogram = histogramOf(loud, labels);
    expect(expectedCalibrationError(reliabilityOfMargins(histogram))).toBeGreaterThan(0.08);
    const { slope, intercept } = plattScaling(histogram)!;
    expect(slope).toBeCloseTo(1 / 3, 1);
    expect(intercept).toBeCloseTo(-1 / 3, 1);
  });

  it('Platt scaling agrees with scikit-learn', () => {
    const { slope, intercept } = plattScaling(histogramOf(golden.margins, golden.labels))!;
    expect(slope).toBeCloseTo(golden.platt.slope, 4);
    expect(intercept).toBeCloseTo(golden.platt.intercept, 4);
  });
});
