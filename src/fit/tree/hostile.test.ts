/**
 * Data that is out to break a fit, for every loss: a clear error, or the right model. Views are given as they are;
 * what a recipe makes of odd columns is tested with the pipeline (src/pipeline/hostile-trees.test.ts).
 */
import { describe, expect, it } from 'vitest';
import type { SoraError } from '../../errors.ts';
import type { LossSpec } from '../../loss/registry.ts';
import { lossOf } from '../../loss/registry.ts';
import { treeCount } from '../../model/forest.ts';
import { forestMargins } from '../../model/forest-predict.ts';
import { createParticle } from '../../particle/create.ts';
import type { DenseView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import { inlineExecutor } from '../../run/inline.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import { fitTrees, type TreesResult } from './fit.ts';
import type { FitTreesOptions } from './options.ts';

const VIEW = { module: new URL('./fixtures/raw-view.mjs', import.meta.url).href, name: 'rawView' };

interface Data {
  readonly columns: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly weights?: readonly number[];
}

async function fitted(data: Data, more: Partial<FitTreesOptions> = {}, size = 300): Promise<TreesResult> {
  const { columns, labels, weights } = data;
  const particles = [];
  for (let start = 0; start < labels.length; start += size) {
    const part = (values: readonly number[]) => values.slice(start, start + size);
    const all = Object.fromEntries(columns.map((column, f) => [`x${f}`, part(column)]));
    particles.push(
      createParticle({
        columns: { label: part(labels), ...(weights ? { weight: part(weights) } : {}), ...all },
        roles: { label: 'label', ...(weights ? { weight: 'weight' as const } : {}) },
      }),
    );
  }
  const session = await inlineExecutor().open(memoryParticles(particles));
  const categorical = columns.map(() => false);
  const given = { loss: 'squared', outputs: 1, rounds: 20, leaves: 6, minRows: 5, ...more } as const;
  return fitTrees(session, { ...given, view: VIEW, features: columns.length, categorical, ...more });
}

function predicted({ forest, loss }: TreesResult, columns: Data['columns'], outputs = 1): Float64Array {
  const rows = columns[0].length;
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(stride * columns.length);
  columns.forEach((column, f) => {
    values.set(column, f * stride);
  });
  const view: DenseView = {
    ...{ kind: 'dense', rows, stride, features: columns.length, values, labels: new Float64Array(0) },
  };
  const margins = forestMargins(forest, view);
  lossOf(loss as LossSpec).toMeans(margins, outputs);
  return margins;
}

/** Every loss of numbers, with labels that all of them take. */
const NUMBERS: readonly (LossSpec | 'squared' | 'huber' | 'poisson' | 'gamma')[] = [
  'squared',
  'huber',
  'poisson',
  'gamma',
  { name: 'tweedie', power: 1.5 },
  { name: 'quantile', quantile: 0.5 },
];
const title = (loss: LossSpec | string) => lossOf(loss).id;
const each = it.each(NUMBERS.map((loss) => [title(loss), loss] as const));

const ROWS = 600;
const x = Array.from({ length: ROWS }, (_, row) => randomUniform(2, row, 0));
const steps = x.map((value, row) => (value > 0.6 ? 9 : 3) + (row % 3));
/** Few values, so that bins are the same whatever rows count for. */
const coarse = x.map((value) => Math.floor(200 * value) / 200);
const fails = (run: Promise<unknown>) =>
  run.then(
    () => 'no error',
    (error: SoraError) => `${error.code}: ${error.message}`,
  );

describe('columns that tell nothing', () => {
  each(
    '%s: constant and missing ones give the best constant, alone or beside one that tells',
    async (_, loss) => {
      const constant = x.map(() => 7);
      const missing = x.map(() => Number.NaN);
      const nothing = await fitted({ columns: [constant, missing], labels: steps }, { loss });
      expect(nothing).toMatchObject({ stopped: 'no-gain', rounds: 0 });
      expect(treeCount(nothing.forest)).toBe(0);
      const [center] = predicted(nothing, [constant, missing]);
      const mean = steps.reduce((sum, label) => sum + label) / ROWS;
      const isQuantile = lossOf(loss).startQuantile !== undefined;
      if (isQuantile) expect(center).toBe([...steps].sort((a, b) => a - b)[ROWS / 2 - 1]);
      else expect(center).toBeCloseTo(mean, 9);
      const beside = await fitted({ columns: [constant, x, missing], labels: steps }, { loss });
      const alone = await fitted({ columns: [x], labels: steps }, { loss });
      const values = predicted(beside, [constant, x, missing]);
      expect([...beside.forest.nodeFeatures].every((feature) => feature <= 1 && feature !== 0)).toBe(true);
      const gap = Math.max(...values) - Math.min(...values);
      expect(gap).toBeGreaterThan(4);
      expect(beside.history.at(-1)!.trainLoss).toBeCloseTo(alone.history.at(-1)!.trainLoss, 1);
    },
  );

  each('%s: infinite, huge and tiny numbers split as their order says', async (_, loss) => {
    const odd = [Number.NEGATIVE_INFINITY, -3e38, -1e-38, 0, 1e-38, 3e38, Number.POSITIVE_INFINITY];
    const column = x.map((_, row) => odd[row % 7]);
    const labels = x.map((_, row) => 2 ** (row % 7));
    const result = await fitted({ columns: [column], labels }, { loss, rounds: 300, leaves: 8, l2: 0 });
    predicted(result, [column]).forEach((value, row) => {
      expect(Math.abs(value / labels[row] - 1)).toBeLessThan(0.05);
    });
  });
});

describe('few rows', () => {
  each('%s: one row, and rows that are all alike, give their label', async (_, loss) => {
    for (const rows of [1, 2, 50]) {
      const columns = [x.slice(0, rows)];
      const result = await fitted({ columns, labels: new Array<number>(rows).fill(5) }, { loss, minRows: 1 });
      for (const value of predicted(result, columns)) expect(value).toBeCloseTo(5, 9);
    }
  });

  each('%s: fewer rows than a particle each', async (_, loss) => {
    const result = await fitted(
      { columns: [x.slice(0, 40)], labels: steps.slice(0, 40) },
      { loss, minRows: 1 },
      1,
    );
    expect(result.history.at(-1)!.trainLoss).toBeLessThan(result.history[0].trainLoss);
  });

  it('too few to hold any back: the fit goes on without stopping early', async () => {
    for (const rows of [2, 3, 4, 6]) {
      const given = { minRows: 1, l2: 0, rounds: 200, earlyStopping: 5, holdOut: 0.001 };
      const columns = [x.slice(0, rows)];
      const result = await fitted({ columns, labels: steps.slice(0, rows) }, given);
      expect(result.history[0].holdOutLoss).toBeUndefined();
      predicted(result, columns).forEach((value, row) => {
        expect(value).toBeCloseTo(steps[row], 3);
      });
    }
  });

  it('one class of two, one of three, and none', async () => {
    for (const [loss, outputs] of [
      ['logistic', 1],
      ['softmax', 3],
    ] as const) {
      const one = { columns: [x], labels: x.map(() => 1) };
      expect(await fails(fitted(one, { loss, outputs }))).toMatch(/^bad-data: .*the same class/);
      expect(await fails(fitted({ columns: [[]], labels: [] }, { loss, outputs }))).toMatch(
        /^bad-data: .*no training rows/,
      );
    }
    const labels = x.map((value) => (value > 0.5 ? 2 : 0));
    const absent = await fitted({ columns: [x], labels }, { loss: 'softmax', outputs: 3 });
    const shares = predicted(absent, [x], 3);
    expect(Math.max(...shares.filter((_, i) => i % 3 === 1))).toBeLessThan(1e-6);
    expect(shares[3 * x.indexOf(Math.max(...x)) + 2]).toBeGreaterThan(0.8);
  });
});

describe('labels out of range', () => {
  it.each([
    ['logistic', 2],
    ['softmax', 3],
    ['softmax', -1],
    ['poisson', -1],
    ['gamma', 0],
    ['tweedie', -0.1],
    ['squared', Number.POSITIVE_INFINITY],
    ['quantile', Number.NEGATIVE_INFINITY],
    ['huber', Number.POSITIVE_INFINITY],
    ['softmax', 0.5],
    ['logistic', 0.5],
  ] as const)('%s refuses %d', async (loss, label) => {
    const outputs = loss === 'softmax' ? 3 : 1;
    const labels = x.map((_, row) => (row === 123 ? label : row % 2));
    const told = await fails(fitted({ columns: [x], labels }, { loss, outputs }));
    expect(told).toMatch(new RegExp(`^bad-data: .*label.* ${loss}`));
  });

  it('refuses labels whose gradients are no singles, and takes those just below', async () => {
    for (const times of [1e200, 1e140, 1e39]) {
      const far = steps.map((label) => label * times);
      expect(await fails(fitted({ columns: [x], labels: far }))).toMatch(/^bad-data: .*not finite/);
    }
    const near = steps.map((label) => label * 1e35);
    const result = await fitted({ columns: [x], labels: near }, { l2: 0 });
    const same = await fitted({ columns: [x], labels: steps }, { l2: 0 });
    expect(result.history.at(-1)!.trainLoss / 1e70 / same.history.at(-1)!.trainLoss).toBeCloseTo(1, 1);
  });
});

describe('weights', () => {
  each(
    '%s: 0 everywhere is an error, 0 for some is as if those rows were wrong about nothing',
    async (_, loss) => {
      const none = { columns: [x], labels: steps, weights: x.map(() => 0) };
      expect(await fails(fitted(none, { loss }))).toMatch(/^bad-data: .*every weight is 0/);
      const weights = x.map((_, row) => (row % 4 === 0 ? 0 : 1));
      const lies = steps.map((label, row) => (row % 4 === 0 ? 1000 : label));
      const kept = weights.flatMap((weight, row) => (weight > 0 ? [row] : []));
      const pick = (values: readonly number[]) => kept.map((row) => values[row]);
      const weighted = await fitted({ columns: [x], labels: lies, weights }, { loss });
      const removed = await fitted({ columns: [pick(x)], labels: pick(steps) }, { loss });
      expect(weighted.weight).toBe(removed.weight);
      expect(weighted.forest.base[0]).toBeCloseTo(removed.forest.base[0], 12);
      // The rounding of gradients goes by what stands in a particle, so trees may differ where gains nearly tie.
      expect(weighted.history.at(-1)!.trainLoss).toBeCloseTo(removed.history.at(-1)!.trainLoss, 2);
    },
  );

  each('%s: 2 is the row twice', async (_, loss) => {
    const weights = x.map((_, row) => 1 + (row % 2));
    const twice = weights.flatMap((weight, row) => (weight === 2 ? [row, row] : [row]));
    const pick = (values: readonly number[]) => twice.map((row) => values[row]);
    // Least rows count rows, whatever they weigh.
    const given = { loss, minRows: 1 };
    const weighted = await fitted({ columns: [coarse], labels: steps, weights }, given);
    const doubled = await fitted({ columns: [pick(coarse)], labels: pick(steps) }, given);
    expect(weighted.weight).toBe(doubled.weight);
    expect(weighted.forest.base[0]).toBeCloseTo(doubled.forest.base[0], 12);
    expect(weighted.history.at(-1)!.trainLoss).toBeCloseTo(doubled.history.at(-1)!.trainLoss, 2);
  });
});

describe('many categories', () => {
  each('%s: of 10,000 codes those that are frequent are learned', async (_, loss) => {
    const codes = Array.from({ length: 12_000 }, (_, row) => (row % 3 === 0 ? (row / 3) % 9 : row));
    const labels = codes.map((code) => (code < 9 ? 1 + 3 * (code % 3) : 4));
    const result = await fitted(
      { columns: [codes], labels },
      { loss, rounds: 80, minRows: 20, categorical: [true] },
      5000,
    );
    const values = predicted(result, [[0, 1, 2, 11_111]]);
    expect(values[0]).toBeLessThan(2);
    expect(values[2]).toBeGreaterThan(5.5);
    expect(values[3]).toBeGreaterThan(3);
    expect(values[3]).toBeLessThan(5);
  });
});
