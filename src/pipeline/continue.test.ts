/** Training that goes on from a model: rounds are added, or leaves refitted; what does not go together is refused. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { treeCount } from '../model/forest.ts';
import { modelForest } from '../model/model.ts';
import { randomUniform } from '../random.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

const folder = temporaryFolder();
const rowsOf = (seed: number, flip: boolean) =>
  Array.from({ length: 800 }, (_, i) => {
    const [age, pay] = [20 + 50 * randomUniform(seed, 0, i), 1000 * randomUniform(seed, 1, i)];
    const label = age > 45 !== (pay > 600 && flip) ? 'yes' : 'no';
    return { age, pay, city: ['Rome', 'Oslo', 'Lima'][i % 3], label };
  });
/** Trees that see everything, in large steps. */
const WHOLE = { learningRate: 0.3, columnShare: 1, rowShare: 1 };
let stores = 0;
function trained(rows: readonly object[], options: Partial<TrainOptions>) {
  const store = join(folder, `${stores++}.sora`);
  const given = { workers: 0, store, report: false, earlyStopping: 0, leaves: 4, ...WHOLE };
  return train(rows as never, { ...given, ...options } as TrainOptions);
}
const lossOf = (result: Awaited<ReturnType<typeof train>>) =>
  result.evaluation!.metrics.find(({ name }) => name === 'logLoss')!.value as number;

describe('train --from', async () => {
  const first = await trained(rowsOf(1, false), { target: 'label', learner: 'trees', rounds: 10 });
  const from = first.directory;
  const others = rowsOf(2, true);

  it('adds rounds to the model under its recipe, and learns what the new rows say', async () => {
    const more = await trained(others, { from, rounds: 15 });
    expect(more.model.recipe).toEqual(first.model.recipe);
    expect(more.fit.rounds).toBe(25);
    expect(more.target).toBe(first.target);
    const [old, now] = [modelForest(first.model), modelForest(more.model)];
    expect(treeCount(now)).toBe(25);
    expect(now.leafValues.slice(0, old.leafValues.length)).toEqual(old.leafValues);
    const short = await trained(others, { from, rounds: 1 });
    expect(lossOf(more)).toBeLessThan(lossOf(short));
  });

  it('with --refit keeps the splits and moves the leaves', async () => {
    const refitted = await trained(others, { from, refit: true, decay: 0 });
    const kept = await trained(others, { from, refit: true, decay: 1 });
    const [old, now] = [modelForest(first.model), modelForest(refitted.model)];
    expect(now.thresholds).toEqual(old.thresholds);
    expect(now.leafValues).not.toEqual(old.leafValues);
    expect(modelForest(kept.model)).toEqual(old);
    expect(refitted.fit).toMatchObject({ reason: 'refit', rounds: 10 });
    expect(lossOf(refitted)).toBeLessThan(lossOf(kept));
  });

  it('refuses what does not go together', async () => {
    const linear = await trained(others, {
      target: 'label',
      learner: 'linear',
      ...{ earlyStopping: undefined, leaves: undefined, learningRate: undefined },
      ...{ columnShare: undefined, rowShare: undefined },
    });
    for (const [options, message] of [
      [{ refit: true, target: 'label', learner: 'trees' }, /needs --from/],
      [{ from, target: 'age' }, /The target is "age"/],
      [{ from, loss: 'squared' }, /has loss logistic/],
      [{ from: linear.directory }, /is no model of trees/],
    ] as const) {
      await expect(trained(others, options)).rejects.toThrow(message);
    }
    await expect(trained(others, { from: join(folder, 'none') })).rejects.toMatchObject({
      code: 'not-found',
    });
    const without = others.map(({ pay: _, ...rest }) => rest);
    await expect(trained(without, { from })).rejects.toThrow(/pay/);
  });
});
