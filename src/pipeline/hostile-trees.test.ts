/**
 * Odd files through `train --learner trees`: a clear error, or the right model. A row of weight 0 leaves the same bytes
 * as no row; what a learner does with odd views is in src/fit/tree/hostile.test.ts.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { randomUniform } from '../random.ts';
import { openStore } from '../store/store.ts';
import { loadModel } from './load-model.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

const folder = temporaryFolder();
let stores = 0;
function trained(data: readonly object[], options: Partial<TrainOptions> = {}) {
  const store = join(folder, `${stores++}.sora`);
  const fit = { learner: 'trees', rounds: 20, learningRate: 0.1 } as const;
  const common = { ...fit, target: 'y', workers: 0, store, report: false };
  return train(data as never, { ...common, ...options });
}
const fails = (data: readonly object[], options: Partial<TrainOptions> = {}) =>
  trained(data, options).then(
    () => 'no error',
    (error) => `${error.code}: ${error.message}`,
  );

const LOSSES: readonly Partial<TrainOptions>[] = [
  { loss: 'squared' },
  { loss: 'huber' },
  { loss: 'poisson' },
  { loss: 'gamma' },
  { loss: 'tweedie' },
  { loss: 'quantile', quantile: 0.7 },
];

const rows = Array.from({ length: 900 }, (_, i) => {
  const [a, b] = [randomUniform(4, i, 0), randomUniform(4, i, 1)];
  return { a, b, kind: 'xyz'[i % 3], y: 1 + Math.round(20 * a * (i % 3)) / 2 };
});

/** Everything that predictions come from. */
const contents = ({ model }: Awaited<ReturnType<typeof trained>>) =>
  Object.entries(model.tensors).map(([name, { values }]) => [
    name,
    Array.from(values as Float64Array, Number),
  ]);

describe('weights of 0', () => {
  it.each(LOSSES)('give the bytes that rows removed give: %j', async (loss) => {
    const weighted = rows.map((row, i) => ({ ...row, w: i % 5 === 0 ? 0 : 2 }));
    const lies = weighted.map((row) => (row.w === 0 ? { ...row, a: -row.a, y: 1e5 } : row));
    const removed = weighted.filter(({ w }) => w > 0);
    const options = { ...loss, weight: 'w', testFraction: 0, earlyStopping: 5 };
    const [zero, none] = [await trained(lies, options), await trained(removed, options)];
    expect(contents(zero)).toEqual(contents(none));
    expect(zero.model.learner.rounds).toBeGreaterThan(3);
  });
});

describe('odd columns', () => {
  it('that are constant, missing or infinite leave the others to tell', async () => {
    const odd = rows.map((row, i) => ({
      ...row,
      constant: 3,
      missing: null,
      wild: [1e300, -1e300, Number.POSITIVE_INFINITY, 0][i % 4],
    }));
    const whole = { rowShare: 1, columnShare: 1 };
    const { directory, evaluation, features } = await trained(odd, { task: 'regression', ...whole });
    expect(evaluation!.metrics.find(({ name }) => name === 'r2')!.value).toBeGreaterThan(0.7);
    expect(
      features
        .slice(0, 2)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['a', 'kind']);
    const model = await loadModel(directory);
    const given = { a: 0.9, b: 0.5, kind: 'z', constant: null, missing: 1, wild: Number.NEGATIVE_INFINITY };
    expect(Number(model.predict([given])[0].value)).toBeGreaterThan(8);
    expect(Number.isFinite(Number(model.predict([{ ...given, kind: 'unseen', a: null }])[0].value))).toBe(
      true,
    );
  });

  it('of 10,000 categories learn what the frequent ones say', async () => {
    const many = Array.from({ length: 12_000 }, (_, i) => {
      const frequent = i % 3 === 0;
      const name = frequent ? `often ${(i / 3) % 5}` : `once ${i}`;
      return { name, y: frequent ? 2 * ((i / 3) % 5) + randomUniform(6, i, 0) : 4 + randomUniform(6, i, 0) };
    });
    const { directory } = await trained(many, { types: { name: 'category' }, rounds: 60 });
    const model = await loadModel(directory);
    const names = ['often 0', 'often 4', 'once 1', 'never'];
    const [low, high, once, never] = model
      .predict(names.map((name) => ({ name })))
      .map(({ value }) => Number(value));
    expect(low).toBeLessThan(1.5);
    expect(high).toBeGreaterThan(7.5);
    for (const value of [once, never]) expect(Math.abs(value - 4.5)).toBeLessThan(1);
  });
});

describe('odd targets', () => {
  it('of one value, one class, one row or none say so', async () => {
    expect(await fails(rows.map((row) => ({ ...row, y: 4 })))).toMatch(/^bad-data: .*always "4"/);
    expect(await fails(rows.map((row) => ({ ...row, y: 'yes' })))).toMatch(/^bad-data: .*always "yes"/);
    expect(await fails(rows.map((row) => ({ ...row, y: null })))).toMatch(/^bad-data: .*no value/);
    expect(await fails(rows.slice(0, 1))).toMatch(/^bad-data: /);
    expect(
      await fails(
        rows.map((row) => ({ ...row, w: 0 })),
        { weight: 'w' },
      ),
    ).toMatch(/^bad-data: /);
  });

  it('of two rows are learned, and rows without a target are left out', async () => {
    const two = await trained(
      [
        { a: 1, y: 2.5 },
        { a: 2, y: 3.5 },
      ],
      {
        ...{ task: 'regression', testFraction: 0, earlyStopping: 0, minRows: 1, l2: 0, rounds: 300 },
        ...{ rowShare: 1, columnShare: 1 },
      },
    );
    const model = await loadModel(two.directory);
    expect(model.predict([{ a: 1 }, { a: 2 }]).map(({ value }) => Number(value).toFixed(3))).toEqual([
      '2.500',
      '3.500',
    ]);
    const some = rows.map((row, i) =>
      i % 7 === 0 ? { ...row, y: i % 2 === 0 ? null : Number.POSITIVE_INFINITY } : row,
    );
    const left = await trained(some, { task: 'regression', testFraction: 0 });
    const without = await trained(
      rows.filter((_, i) => i % 7 !== 0),
      { task: 'regression', testFraction: 0 },
    );
    expect(left.rows.train).toBe(without.rows.train);
    expect(contents(left)).toEqual(contents(without));
  });

  it('out of range name the label and the way out', async () => {
    for (const [loss, y] of [
      ['poisson', -1],
      ['tweedie', -0.5],
      ['gamma', 0],
    ] as const) {
      const message = await fails(
        rows.map((row, i) => (i === 17 ? { ...row, y } : row)),
        { loss, testFraction: 0 },
      );
      expect(message).toMatch(new RegExp(`bad-data: .*${y}`));
    }
  });
});

it('a store without rows says what to do', async () => {
  const empty = join(folder, 'empty.sora');
  (await openStore(empty, { create: true })).close();
  await expect(train(empty, { target: 'y' })).rejects.toThrow(
    /has no rows as of commit 0: add some with sora ingest/,
  );
});
