/** Training that starts from a model of other data: what is mapped, kept and learned. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { treeCount } from '../model/forest.ts';
import { glmParameters, modelForest } from '../model/model.ts';
import { randomUniform } from '../random.ts';
import { featureNames } from '../recipe/recipe.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

const folder = temporaryFolder();
let stores = 0;
const trained = (rows: readonly object[], options: Partial<TrainOptions>) =>
  train(
    rows as never,
    {
      ...{ workers: 0, report: false, target: 'y', learner: 'linear', numeric: 'standard', loss: 'squared' },
      ...{ task: 'regression', store: join(folder, `${stores++}.sora`) },
      ...options,
    } as TrainOptions,
  );

/** y = 2a − b + noise; the new data calls a `alpha`, and has a column c that counts. */
const oldRows = Array.from({ length: 1000 }, (_, i) => {
  const u = (purpose: number) => randomUniform(1, purpose, i);
  return { a: u(0), b: u(1), y: 2 * u(0) - u(1) + 0.5 * u(2) };
});
const newRows = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const u = (purpose: number) => randomUniform(2, purpose, i);
    return { alpha: u(0), b: u(1), c: u(3), y: 2 * u(0) - u(1) + 3 * u(3) + 0.5 * u(2) };
  });
const rmse = ({ evaluation }: Awaited<ReturnType<typeof trained>>) =>
  evaluation!.metrics.find(({ name }) => name === 'rmse')!.value;

describe('train --transfer', async () => {
  const old = await trained(oldRows, {});
  const transfer = old.directory;
  const map = { a: 'alpha' };

  it('keeps coefficients that are frozen, and learns the new columns on top', async () => {
    const { model } = await trained(newRows(60), { transfer, map, adapt: 'freeze' });
    expect(featureNames(model.recipe)).toEqual(['alpha', 'b', 'c']);
    const [before, now] = [glmParameters(old.model), glmParameters(model)];
    expect(now.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(now[2]).toBeGreaterThan(0.5);
    expect(model.provenance.transfer).toMatch(/^[0-9a-f]{64}$/);
  });

  it('pulls to the old coefficients the harder the more they weigh', async () => {
    const before = glmParameters(old.model);
    const distance = async (pull: number) => {
      const { model } = await trained(newRows(60), { transfer, map, pull });
      const now = glmParameters(model);
      return Math.hypot(now[0] - before[0], now[1] - before[1]);
    };
    const [weak, strong] = [await distance(0.1), await distance(1e6)];
    expect(strong).toBeLessThan(1e-3);
    expect(weak).toBeGreaterThan(10 * strong);
  });

  it('needs fewer rows than a start from nothing', async () => {
    const rows = newRows(30);
    const [from, without] = [
      await trained(rows, { transfer, map, testFraction: 0.5 }),
      await trained(rows, { testFraction: 0.5 }),
    ];
    expect(rmse(from)).toBeLessThan(rmse(without));
  });

  it('keeps means of the target by category as the old rows had them, beside new ones out of fold', async () => {
    const zones = (rows: ReturnType<typeof newRows>) =>
      rows.map((row, i) => ({ ...row, zone: `z${i % 40}`, shop: `s${i % 30}` }));
    const old = zones(newRows(200)).map(({ shop: _, ...row }) => row);
    const first = await trained(old as never, { encode: { zone: 'target' } });
    const encode = { zone: 'target', shop: 'target' } as const;
    const { model } = await trained(zones(newRows(90)) as never, { encode, transfer: first.directory });
    const valuesOf = ({ recipe }: typeof model) =>
      recipe.steps.find(({ column }) => column === 'zone') as unknown as { values: number[] };
    expect(valuesOf(model).values).toEqual(valuesOf(first.model).values);
    expect(model.recipe.steps.some(({ column }) => column === 'shop')).toBe(true);
  });

  it('goes on from trees, whose columns must all be there', async () => {
    const trees = { learner: 'trees', numeric: 'auto', earlyStopping: 0, rounds: 10, leaves: 4 } as const;
    const first = await trained(oldRows, trees);
    const frozen = await trained(newRows(200), { ...trees, transfer: first.directory, map, adapt: 'freeze' });
    const [before, now] = [modelForest(first.model), modelForest(frozen.model)];
    expect(treeCount(now)).toBe(20);
    expect(now.leafValues.slice(0, before.leafValues.length)).toEqual(before.leafValues);
    const tuned = await trained(newRows(200), { ...trees, transfer: first.directory, map });
    expect(modelForest(tuned.model).leafValues.slice(0, before.leafValues.length)).not.toEqual(
      before.leafValues,
    );
    await expect(trained(newRows(200), { ...trees, transfer: first.directory })).rejects.toMatchObject({
      code: 'schema-mismatch',
    });
  });

  it('refuses what does not go together', async () => {
    const classes = newRows(60).map((row) => ({ ...row, y: row.y > 1 ? 'yes' : 'no' }));
    for (const [rows, options, message] of [
      [newRows(60), { map }, /needs --transfer/],
      [newRows(60), { adapt: 'freeze' }, /--adapt needs --transfer/],
      [newRows(60), { transfer, map: { old: 'alpha' } }, /names "old", which is no column.*those are: a, b/],
      [newRows(60), { transfer, learner: 'trees', numeric: 'auto' }, /is of linear/],
      [classes, { transfer, map, loss: 'auto', task: 'auto' }, /train without --transfer/],
      [newRows(60).map(({ alpha, c, y }) => ({ alpha, c, y })), { transfer }, /No column of the model/],
    ] as const) {
      await expect(trained(rows, options)).rejects.toThrow(message);
    }
  });
});
