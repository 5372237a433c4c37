/** Refitted forests: against LightGBM's rule by hand, on any workers, and that new data is learned and old forgotten. */
import { describe, expect, it } from 'vitest';
import { sumLoss } from '../../loss/loss.ts';
import { lossOf } from '../../loss/registry.ts';
import type { Forest } from '../../model/forest.ts';
import { inlineExecutor } from '../../run/inline.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import type { Executor } from '../../run/session.ts';
import { threadExecutor } from '../../run/threads.ts';
import { fitted, HOURS, INCOME, marginsOf, NUMBERS, particlesOf, rowsOf, VIEW } from './fixtures/census.ts';
import { type RefitOptions, refitForest } from './refit.ts';

const LOGISTIC = { loss: 'logistic', outputs: 1, rounds: 8, leaves: 8 } as const;
const FLIPPED = INCOME.map((label) => 1 - label);

async function refitted(
  labels: readonly number[],
  options: Omit<RefitOptions, 'view'>,
  executor: Executor = inlineExecutor(),
): Promise<Forest> {
  const session = await executor.open(memoryParticles(particlesOf(NUMBERS, labels)));
  try {
    return await refitForest(session, { view: VIEW, ...options });
  } finally {
    await session.close();
    await executor.close();
  }
}

const lossAt = (forest: Forest, labels: readonly number[], loss = 'logistic') =>
  sumLoss(
    lossOf(loss as never),
    marginsOf(forest, rowsOf(NUMBERS)),
    forest.outputs,
    Float64Array.from(labels),
  ).loss;

describe('a refitted forest', () => {
  it('keeps all of its values at a decay of 1, and splits at any', async () => {
    const { forest } = await fitted(particlesOf(NUMBERS, INCOME), 5, LOGISTIC);
    const loss = { name: 'logistic' } as const;
    expect(await refitted(FLIPPED, { forest, loss, decay: 1 })).toEqual(forest);
    const { leafValues: _, ...splits } = await refitted(FLIPPED, { forest, loss });
    expect(forest).toMatchObject(splits);
  });

  it('of the same rows and decay 0 is the forest, up to the rounding of gradients', async () => {
    const { forest } = await fitted(particlesOf(NUMBERS, INCOME), 5, LOGISTIC);
    const again = await refitted(INCOME, { forest, loss: { name: 'logistic' }, decay: 0 });
    const largest = Math.max(...forest.leafValues.map(Math.abs));
    again.leafValues.forEach((value, node) => {
      expect(Math.abs(value - forest.leafValues[node])).toBeLessThan(0.003 * largest);
    });
  });

  it('of one tree moves each leaf as the rule says', async () => {
    const { forest } = await fitted(particlesOf(NUMBERS, HOURS), 5, {
      ...LOGISTIC,
      loss: 'squared',
      rounds: 1,
    });
    const labels = HOURS.map((hours) => hours + 7);
    const options = { decay: 0.6, learningRate: 0.5, l2: 3 };
    const again = await refitted(labels, { forest, loss: { name: 'squared' }, ...options });
    const margins = marginsOf(forest, rowsOf(NUMBERS));
    const sums = new Map<number, [number, number]>();
    labels.forEach((label, row) => {
      const value = margins[row] - forest.base[0];
      const leaf = forest.leafValues.findIndex(
        (v, node) => forest.nodeFeatures[node] < 0 && Math.abs(v - value) < 1e-9,
      );
      const [g, h] = sums.get(leaf) ?? [0, 0];
      sums.set(leaf, [g + forest.base[0] - label, h + 1]);
    });
    expect(sums.size).toBeGreaterThan(3);
    for (const [leaf, [g, h]] of sums) {
      const expected = 0.6 * forest.leafValues[leaf] + 0.4 * ((-0.5 * g) / (h + 3));
      expect(again.leafValues[leaf]).toBeCloseTo(expected, 9);
    }
  });

  it('learns other labels, and more the less it keeps', async () => {
    const { forest } = await fitted(particlesOf(NUMBERS, INCOME), 5, { ...LOGISTIC, rounds: 20 });
    const losses: number[] = [];
    for (const decay of [1, 0.8, 0.4, 0]) {
      losses.push(lossAt(await refitted(FLIPPED, { forest, loss: { name: 'logistic' }, decay }), FLIPPED));
    }
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(losses[3]).toBeLessThan(0.6 * losses[0]);
  });

  it('is the same on any number of workers, also of several outputs', async () => {
    const classes = HOURS.map((hours) => (hours < 38 ? 0 : hours < 43 ? 1 : 2));
    const given = { loss: 'softmax', outputs: 3, rounds: 4, leaves: 6 } as const;
    const { forest } = await fitted(particlesOf(NUMBERS, classes), 5, given);
    const options = { forest, loss: { name: 'softmax' }, decay: 0.3 } as const;
    const other = [...classes].reverse();
    const inline = await refitted(other, options);
    expect(inline.leafValues).not.toEqual(forest.leafValues);
    for (const workers of [1, 2, 5]) {
      expect(await refitted(other, options, threadExecutor({ workers }))).toEqual(inline);
    }
    expect(lossAt(inline, other, 'softmax')).toBeLessThan(lossAt(forest, other, 'softmax'));
  });

  it('is refused for rankings and quantiles, and for options out of range', async () => {
    const { forest } = await fitted(particlesOf(NUMBERS, INCOME), 5, { ...LOGISTIC, rounds: 1 });
    for (const wrong of [
      { loss: { name: 'quantile' } },
      { loss: { name: 'lambdarank' } },
      { decay: 1.1 },
      { learningRate: 0 },
      { l2: Number.NaN },
    ] as const) {
      const options = { forest, loss: { name: 'logistic' }, ...wrong } as RefitOptions;
      await expect(refitted(INCOME, options)).rejects.toMatchObject({ code: 'bad-option' });
    }
  });
});
