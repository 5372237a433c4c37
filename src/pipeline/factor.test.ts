/** Factorization machines from options to predictions: fitted, stopped, saved, explained, the same on workers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { randomUniform } from '../random.ts';
import { openStore } from '../store/store.ts';
import { exportModel } from './exchange.ts';
import { explain } from './explain.ts';
import { loadModel } from './load-model.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';
import { update } from './update.ts';

/** Users of two kinds like items of two sorts crosswise: no column says anything alone. */
const rows = Array.from({ length: 3000 }, (_, i) => {
  const [user, item] = [Math.floor(60 * randomUniform(1, 1, i)), Math.floor(60 * randomUniform(1, 2, i))];
  const likes = user % 2 === item % 2;
  return {
    user: `u${user}`,
    kind: `k${user % 2}`,
    item: `i${item}`,
    age: Math.round(60 * randomUniform(1, 3, i)),
    stars: (likes ? 4 : 2) + Math.round(randomUniform(1, 4, i)),
    likes: likes ? 'yes' : 'no',
    sort: likes ? (item % 2 === 0 ? 'even' : 'odd') : 'none',
  };
});

const folder = temporaryFolder();
let stores = 0;
function trained(target: 'stars' | 'likes' | 'sort', more: Partial<TrainOptions> = {}) {
  const ignore = ['stars', 'likes', 'sort'].filter((name) => name !== target);
  const common = { workers: 0, store: join(folder, `${stores++}.sora`), report: false, ignore } as const;
  return train(rows as never, { target, learner: 'factor', factors: 4, epochs: 12, ...common, ...more });
}

describe('train --learner factor', () => {
  it('learns numbers, saves them, and knows new users by their kind', async () => {
    const { evaluation, model, directory, learner, features } = await trained('stars', {
      task: 'regression',
    });
    expect(learner).toBe('factorization machine, squared loss');
    expect(model.recipe.layout).toBe('csr');
    const [error] = evaluation!.metrics;
    expect(error.value).toBeLessThan(0.6 * error.baseline!);
    expect(features.map(({ name }) => name)).toContain('item');
    const saved = await loadModel(directory);
    const of = (user: string, item: string) => {
      const [{ value }] = saved.predict([{ user, kind: 'k0', item, age: 30 }]);
      return value as number;
    };
    expect(of('u2', 'i4')).toBeGreaterThan(3.7);
    expect(of('never seen', 'i4')).toBeGreaterThan(of('never seen', 'i5') + 1);
    const found = await explain(directory, rows.slice(0, 50) as never, { workers: 0 });
    expect(found.columns.map(({ name }) => name).sort()).toEqual(['age', 'item', 'kind', 'user']);
  });

  it('learns classes, and probabilities that can be calibrated', async () => {
    const two = await trained('likes', { calibrate: true, factors: 2 });
    expect(two.evaluation!.metrics.find(({ name }) => name === 'auc')!.value).toBeGreaterThan(0.95);
    const three = await trained('sort');
    const accuracy = three.evaluation!.metrics.find(({ name }) => name === 'accuracy')!;
    expect(accuracy.value).toBeGreaterThan(accuracy.baseline! + 0.2);
  });

  it('gives the same bytes on one worker and on two', async () => {
    const [alone, two] = [await trained('stars'), await trained('stars', { workers: 2 })];
    const bytes = (directory: string) => readFileSync(join(directory, 'parameters.safetensors'));
    expect(Buffer.compare(bytes(alone.directory), bytes(two.directory))).toBe(0);
  });

  it('encodes users within their kind, for linear models, with the same bytes on workers', async () => {
    const options = { learner: 'linear', task: 'regression', parents: { user: 'kind+sort' } } as const;
    const all = { ...options, factors: undefined, epochs: undefined, ignore: ['likes', 'item'] };
    const [alone, two] = [await trained('stars', all), await trained('stars', { ...all, workers: 2 })];
    const bytes = (directory: string) => readFileSync(join(directory, 'parameters.safetensors'));
    expect(Buffer.compare(bytes(alone.directory), bytes(two.directory))).toBe(0);
    expect(alone.model.recipe.steps.find(({ column }) => column === 'user')).toMatchObject({
      transform: 'nested',
      path: ['kind', 'sort', 'user'],
    });
    await expect(trained('stars', { ...all, parents: { user: 'town' } })).rejects.toThrow(/"town"/);
  });

  it('refuses options of other learners, and losses that it cannot go by', async () => {
    await expect(trained('stars', { leaves: 7 })).rejects.toThrow(/--leaves is for gradient-boosted trees/);
    await expect(trained('stars', { l2: 1 })).rejects.toThrow(/--l2 is for/);
    await expect(trained('stars', { loss: 'quantile' })).rejects.toThrow(/leave --learner factor out/);
    await expect(trained('stars', { learner: 'linear', task: 'regression', prior: 3 })).rejects.toThrow(
      /--factors is for|--prior is for factorization machines/,
    );
  });

  it('says that it cannot be updated, transferred or exported, before anything is written', async () => {
    const { directory, store } = await trained('stars', { epochs: 1 });
    await expect(update(directory, rows as never, { workers: 0 })).rejects.toThrow(
      /factorization machine.*sora follow/,
    );
    expect(await (await openStore(store)).log()).toHaveLength(1);
    await expect(trained('stars', { learner: 'auto', transfer: directory })).rejects.toThrow(
      /only linear models and models of trees can be started from/,
    );
    const out = join(folder, 'stars.onnx');
    await expect(exportModel(directory, { out })).rejects.toThrow(/is a factorization machine, and only/);
    expect(existsSync(out)).toBe(false);
  });
});
