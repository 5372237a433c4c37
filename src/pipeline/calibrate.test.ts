/** Calibration is honest: no label that calibrates a model also judges it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectedCalibrationError, reliabilityOfMargins } from '../evaluate/calibration.ts';
import { halves, holdOut } from '../evaluate/split.ts';
import type { Particle } from '../particle/particle.ts';
import { randomUniform } from '../random.ts';
import { openStore } from '../store/store.ts';
import { addScores, emptyHistogram } from '../summary/score-histogram.ts';
import { type Split, splitRows } from '../summary/split.ts';
import { ingest } from './ingest.ts';
import { modelPredictor } from './load-model.ts';
import { train } from './train.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-calibrate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROWS = 4000;
const { test: unseen } = holdOut({ seed: 1, fraction: 0.2 });
const [calibrating, judging] = halves(unseen);

/** One positive in ten, and x that tells a little; `flipped` rows have the other label. */
function rows(flipped: ReadonlySet<number> = new Set()) {
  return Array.from({ length: ROWS }, (_, id) => {
    const positive = randomUniform(1, 0, id) < 0.1;
    const x = randomUniform(2, 0, id) + (positive ? 0.4 : 0);
    return { id: `row ${id}`, x, y: positive !== flipped.has(id) ? 'yes' : 'no' };
  });
}

let stores = 0;
/** Balanced classes make probabilities of a rare class far too high, which is what there is to mend. */
async function trained(data: ReturnType<typeof rows>, options: Parameters<typeof train>[1] = {}) {
  const store = join(folder, `${++stores}.sora`);
  return train(data, {
    ...{
      target: 'y',
      key: 'id',
      learner: 'linear',
      classWeight: 'balanced',
      workers: 0,
      report: false,
      store,
    },
    ...options,
  });
}

async function particleOf(directory: string): Promise<Particle> {
  const store = await openStore(directory);
  const { particles } = await store.snapshot();
  expect(particles).toHaveLength(1);
  return store.loadParticle(particles[0]);
}

const ids = (particle: Particle, split: Split) => new Set(splitRows(particle, split));
type Trained = Awaited<ReturnType<typeof trained>>;
const parameters = ({ model }: Trained) => JSON.stringify(model.tensors);
const metricOf = ({ evaluation }: Trained, name: string) =>
  evaluation!.metrics.find((metric) => metric.name === name)!.value;

describe('calibration', () => {
  it('halves the unseen rows', async () => {
    const { store } = await trained(rows());
    const particle = await particleOf(store);
    const [all, one, other] = [unseen, calibrating, judging].map((split) => ids(particle, split));
    expect([...one].some((row) => other.has(row))).toBe(false);
    expect(one.size + other.size).toBe(all.size);
    expect([...one, ...other].every((row) => all.has(row))).toBe(true);
    expect(Math.abs(one.size - other.size)).toBeLessThan(100);
  });

  it('mends probabilities, and says on which rows', async () => {
    const plain = await trained(rows());
    const mended = await trained(rows(), { calibrate: true });
    expect(metricOf(plain, 'calibrationError')).toBeGreaterThan(0.2);
    expect(metricOf(mended, 'calibrationError')).toBeLessThan(0.06);
    expect(metricOf(mended, 'logLoss')).toBeLessThan(metricOf(plain, 'logLoss'));
    const { calibration, test } = mended.rows;
    expect(calibration! + test).toBe(plain.rows.test);
    expect(mended.notes.join(' ')).toContain(`Calibrated on ${calibration} of the held-out rows`);
  });

  it('reports what the written model says of rows that the calibrator has not seen', async () => {
    const result = await trained(rows(), { calibrate: true });
    const particle = await particleOf(result.store);
    const { margins } = modelPredictor(result.model).predictParticle(particle);
    const judged = [...ids(particle, judging)];
    expect(result.rows.test).toBe(judged.length);
    const labels = rows().map(({ y }) => (y === 'yes' ? 1 : 0));
    const positives = Float64Array.from(judged, (row) => labels[row]);
    const negatives = positives.map((label) => 1 - label);
    const scores = Float64Array.from(judged, (row) => margins[row]);
    const histogram = emptyHistogram(2);
    addScores(histogram, scores, [negatives, positives], judged.length);
    const error = expectedCalibrationError(reliabilityOfMargins(histogram));
    expect(metricOf(result, 'calibrationError')).toBeCloseTo(error, 12);
    const losses = scores.map((m, i) => Math.log1p(Math.exp(positives[i] === 1 ? -m : m)));
    const logLoss = losses.reduce((sum, loss) => sum + loss, 0) / judged.length;
    expect(metricOf(result, 'logLoss')).toBeCloseTo(logLoss, 12);
  });

  it('of judging rows the labels reach the metrics and not the model, of calibrating rows the model', async () => {
    const first = await trained(rows(), { calibrate: true });
    const particle = await particleOf(first.store);
    // Sides follow from the key, so they stay when labels change.
    const judged = await trained(rows(ids(particle, judging)), { calibrate: true });
    expect(parameters(judged)).toBe(parameters(first));
    expect(metricOf(judged, 'calibrationError')).toBeGreaterThan(0.5);
    const mended = await trained(rows(ids(particle, calibrating)), { calibrate: true });
    expect(parameters(mended)).not.toBe(parameters(first));
  });

  it('holds in cross-validation', async () => {
    const store = join(folder, 'folds.sora');
    await ingest(rows().slice(0, 2000), { store, target: 'y', key: 'id', workers: 0 });
    await ingest(rows().slice(2000), { store, append: true, workers: 0 });
    const options = { target: 'y', classWeight: 'balanced', workers: 0, report: false, folds: 2 } as const;
    const errorOf = async (calibrate: boolean) => {
      const { folds } = await train(store, { ...options, calibrate });
      return folds!.find(({ name }) => name === 'calibrationError')!.mean;
    };
    expect(await errorOf(false)).toBeGreaterThan(0.2);
    expect(await errorOf(true)).toBeLessThan(0.06);
  });

  it('says what it needs', async () => {
    await expect(trained(rows(), { calibrate: true, testFraction: 0 })).rejects.toThrow(
      /--calibrate needs held-out rows: raise --test-fraction/,
    );
    await expect(trained(rows(), { calibrate: true, target: 'x' })).rejects.toThrow(
      /two classes.*number target/,
    );
    const few = rows().map((row, id) => ({ ...row, y: id < 20 ? 'yes' : 'no' }));
    await expect(trained(few, { calibrate: true, testFraction: 0.001 })).rejects.toThrow(
      /rows of both classes.*have one; hold out more/,
    );
  });
});
