import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './codec.ts';
import {
  addScores,
  binScore,
  emptyHistogram,
  histogramQuantile,
  keyOf,
  mergeHistogram,
  readHistogram,
  type ScoreHistogram,
  scoreOf,
  writeHistogram,
} from './score-histogram.ts';

function of(scores: readonly number[], capacity: number): ScoreHistogram {
  const histogram = emptyHistogram(1, capacity);
  addScores(histogram, Float64Array.from(scores), [new Float64Array(scores.length).fill(1)], scores.length);
  return histogram;
}

const scores = fc.array(fc.float({ noNaN: true }), { maxLength: 60 });

describe('keys', () => {
  it('sort as the scores do and give them back', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), fc.float({ noNaN: true }), (a, b) => {
        expect(scoreOf(keyOf(a))).toBe(a + 0);
        expect(Math.sign(keyOf(a) - keyOf(b))).toBe(Math.sign(a - b) || 0);
      }),
    );
  });
});

describe('histogram', () => {
  it('has the same bins however the scores are cut, merged and ordered', () => {
    fc.assert(
      fc.property(scores, fc.nat(60), fc.nat(60), fc.integer({ min: 1, max: 12 }), (all, i, j, capacity) => {
        const [from, to] = [Math.min(i, j), Math.max(i, j)];
        const parts = [all.slice(0, from), all.slice(from, to), all.slice(to)].map((part) =>
          of(part, capacity),
        );
        const [a, b, c] = parts;
        mergeHistogram(b, c);
        mergeHistogram(b, a);
        expect(b).toEqual(of(all, capacity));
        expect(b.keys.length).toBeLessThanOrEqual(capacity);
      }),
    );
  });

  it('keeps every distinct score while they fit, and their total always', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 8 }), (all, capacity) => {
        const whole = of(all, 100);
        expect(whole.keys.length).toBe(new Set(all.map((score) => score + 0)).size);
        const total = (h: ScoreHistogram) => h.sums[0].reduce((sum, count) => sum + count, 0);
        expect(total(of(all, capacity))).toBe(all.length);
      }),
    );
  });

  it('survives bytes', () => {
    fc.assert(
      fc.property(scores, (all) => {
        const writer = new ByteWriter();
        writeHistogram(writer, of(all, 7));
        expect(readHistogram(new ByteReader(writer.finish()))).toEqual(of(all, 7));
      }),
    );
  });

  it('stands for a coarse bin by a score inside it, in order', () => {
    const histogram = of(
      Array.from({ length: 200 }, (_, i) => i - 100),
      16,
    );
    expect(histogram.shift).toBeGreaterThan(0);
    const middles = Array.from(histogram.keys, (_, bin) => binScore(histogram, bin));
    expect(middles).toEqual([...middles].sort((a, b) => a - b));
    expect(middles[0]).toBeGreaterThanOrEqual(-128);
    expect(middles.at(-1)).toBeLessThanOrEqual(128);
  });

  it('reads quantiles', () => {
    expect(histogramQuantile(of([3, 1, 2], 10), 0.5)).toBe(2);
    expect(histogramQuantile(of([4, 1, 2, 3], 10), 0.5)).toBe(2);
    expect(histogramQuantile(of([], 10), 0.5)).toBeUndefined();
  });
});
