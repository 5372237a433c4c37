/** A loss in a module of the user's own: it is what it says, on any thread, and what is none is refused. */
import { describe, expect, it } from 'vitest';
import { createParticle } from '../particle/create.ts';
import { randomUniform } from '../random.ts';
import { inlineExecutor } from '../run/inline.ts';
import { memoryParticles } from '../run/memory-source.ts';
import type { Executor } from '../run/session.ts';
import { threadExecutor } from '../run/threads.ts';
import { loadLoss } from './own-loss.ts';
import { fitTrees } from './tree/fit.ts';
import type { FitTreesOptions } from './tree/options.ts';

const address = (file: string) => new URL(`./tree/fixtures/${file}`, import.meta.url).href;
const own = (name: string) => ({ module: address('own-loss.mjs'), name });

const particles = [0, 1, 2].map((part) => {
  const rows = Array.from({ length: 500 }, (_, i) => part * 500 + i);
  const x = rows.map((row) => randomUniform(5, row, 0));
  const label = rows.map((row, i) => Math.round(40 * x[i] ** 2 + 5 * randomUniform(5, row, 1)));
  return createParticle({ columns: { x, label }, roles: { label: 'label' } });
});

async function fitted(loss: FitTreesOptions['loss'], executor: Executor = inlineExecutor()) {
  const session = await executor.open(memoryParticles(particles));
  try {
    const view = { module: address('raw-view.mjs'), name: 'rawView' };
    return await fitTrees(session, { loss, outputs: 1, features: 1, view, categorical: [false], rounds: 8 });
  } finally {
    await executor.close();
  }
}

describe('a loss of one’s own', () => {
  it('gives the forest that the same loss of the library gives, inline and on threads', async () => {
    const expected = await fitted('squared');
    for (const executor of [inlineExecutor(), threadExecutor({ workers: 2 })]) {
      const { forest, history } = await fitted(own('halfSquares'), executor);
      expect([...forest.leafValues]).toEqual([...expected.forest.leafValues]);
      expect(history).toEqual(expected.history);
    }
    expect(expected.history[7].trainLoss).toBeLessThan(0.5 * expected.history[0].trainLoss);
  });

  it('is refused where the module has none', async () => {
    await expect(loadLoss(own('nothing'))).rejects.toThrow(/is no loss: its factory must return/);
    await expect(loadLoss(own('missing'))).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringMatching(/"missing" of .*cannot be loaded: .*exports no function/),
    });
    await expect(loadLoss({ module: 'file:///nowhere.mjs', name: 'x' })).rejects.toMatchObject({
      code: 'bad-option',
    });
  });
});
