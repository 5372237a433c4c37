/**
 * Whole fits of trees: against LightGBM (scripts/goldens/trees.py), and against the promises of fitTrees.
 * LightGBM 4.7 with the same leaves, rate, penalties and bins ends at about the same loss; trees differ where gains
 * nearly tie, so curves are compared to 2 % (softmax: 4 %, since LightGBM scales its Hessian by K / (K − 1)).
 * Where a constant is most of the loss, the fall below the constant's loss is compared: to 2 % after ten iterations and
 * more (quantile: 5 %, since what a row that is met exactly counts for is a choice).
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { SoraError } from '../../errors.ts';
import { setKernelMode } from '../../kernel/mode.ts';
import { sumLoss } from '../../loss/loss.ts';
import { type LossSpec, lossOf } from '../../loss/registry.ts';
import { treeCount } from '../../model/forest.ts';
import type { Particle } from '../../particle/particle.ts';
import type { View } from '../../particle/view.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import { type Reference, resolveReference } from '../../run/reference.ts';
import type { Round, Session, ViewKind } from '../../run/session.ts';
import { threadExecutor } from '../../run/threads.ts';
import type { Summary } from '../../summary/summary.ts';
import type { TreesResult } from './fit.ts';
import golden from './fixtures/adult.json' with { type: 'json' };
import {
  bytesOf,
  fitIn,
  fitted,
  type Given,
  HOURS,
  INCOME,
  marginsOf,
  NUMBERS,
  OVERTIME,
  particlesOf,
  RELATION,
  rowsOf,
} from './fixtures/census.ts';

afterEach(() => setKernelMode('wasm'));

const SAME = { rounds: 30, leaves: 15, l2: 1, minRows: 20, minHessian: 1e-3, learningRate: 0.1 };
const MISSING = NUMBERS[0].map((age, row) => (row % 3 === 0 ? Number.NaN : age));
const WITH_CATEGORY = [false, false, false, false, false, true];

describe('against LightGBM', () => {
  it.each([
    [
      'logistic',
      [...NUMBERS, RELATION],
      INCOME,
      { loss: 'logistic', outputs: 1, categorical: WITH_CATEGORY },
      0.02,
      1,
    ],
    [
      'logistic, missing',
      [MISSING, ...NUMBERS.slice(1), RELATION],
      INCOME,
      { loss: 'logistic', outputs: 1, categorical: WITH_CATEGORY },
      0.02,
      1,
    ],
    [
      'squared',
      [...NUMBERS, RELATION],
      HOURS,
      { loss: 'squared', outputs: 1, categorical: WITH_CATEGORY },
      0.02,
      2,
    ],
    [
      'poisson',
      [...NUMBERS, RELATION],
      HOURS,
      { loss: 'poisson', outputs: 1, categorical: WITH_CATEGORY },
      0.02,
      1,
    ],
    ['softmax', NUMBERS, RELATION, { loss: 'softmax', outputs: 6 }, 0.04, 1],
  ] as const)('%s falls as fast', async (name, columns, labels, given, tolerance, factor) => {
    const { history, forest } = await fitted(particlesOf(columns, labels), columns.length, {
      ...SAME,
      ...given,
      categorical: 'categorical' in given ? [...given.categorical] : undefined,
    });
    const expected = golden.losses[name];
    history.forEach(({ trainLoss }, i) => {
      const told = `${name} after ${i + 1}: ${factor * trainLoss} against ${expected[i]}`;
      expect(Math.abs((factor * trainLoss) / expected[i] - 1), told).toBeLessThan(tolerance);
    });
    // What a round says of the training rows is what the forest predicts of them.
    const margins = marginsOf(forest, rowsOf(columns));
    const { loss, weight } = sumLoss(lossOf(given.loss), margins, given.outputs, Float64Array.from(labels));
    expect(loss / weight).toBeCloseTo(history[29].trainLoss, 9);
  });
});

describe('against LightGBM, losses with a parameter or a log link', () => {
  it.each([
    ['gamma', HOURS, 'gamma', 0.02],
    ['tweedie', OVERTIME, { name: 'tweedie', power: 1.4 }, 0.02],
    ['quantile', HOURS, { name: 'quantile', quantile: 0.8 }, 0.05],
    ['huber', HOURS, { name: 'huber', delta: 8 }, 0.02],
  ] as const)('%s falls as far below that of a constant', async (name, labels, loss, tolerance) => {
    const columns = [...NUMBERS, RELATION];
    const given: Given = { ...SAME, loss, outputs: 1, categorical: WITH_CATEGORY };
    const { history, forest } = await fitted(particlesOf(columns, labels), columns.length, given);
    const numbers = Float64Array.from(labels);
    const mean = (margins: Float64Array) => {
      const sums = sumLoss(lossOf(loss as LossSpec), margins, 1, numbers);
      return sums.loss / sums.weight;
    };
    const constant = mean(new Float64Array(labels.length).fill(forest.base[0]));
    const expected = golden.losses[name];
    const share = (at: number) => (constant - history[at].trainLoss) / (constant - expected[at]);
    for (const at of [9, 19, 29]) expect(Math.abs(share(at) - 1), `${name} at ${at}`).toBeLessThan(tolerance);
    expect(mean(marginsOf(forest, rowsOf(columns)))).toBeCloseTo(history[29].trainLoss, 9);
  });
});

describe('the forest is the same, bit for bit', () => {
  const particles = particlesOf([...NUMBERS, RELATION], INCOME);
  const given: Given = {
    loss: 'logistic',
    outputs: 1,
    rounds: 8,
    leaves: 15,
    categorical: WITH_CATEGORY,
    columnShare: 0.8,
    rowShare: 0.7,
    earlyStopping: 5,
  };

  it('on any number of workers, and with plain kernels', async () => {
    const expected = bytesOf(await fitted(particles, 6, given));
    setKernelMode('plain');
    expect(bytesOf(await fitted(particles, 6, given))).toEqual(expected);
    setKernelMode('wasm');
    for (const workers of [1, 2, 3]) {
      const executor = threadExecutor({ workers });
      const session = await executor.open(memoryParticles(particles));
      expect(bytesOf(await fitIn(session, 6, given))).toEqual(expected);
      await executor.close();
    }
  });

  it('with leaves that are quantiles, weighted rows and rows held back', async () => {
    const weights = HOURS.map((_, row) => [0.5, 1, 2.25][row % 3]);
    const columns = [...NUMBERS, RELATION];
    const robust: Given = { ...given, loss: { name: 'quantile', quantile: 0.3 }, rounds: 4 };
    const weighted = particlesOf(columns, HOURS, weights);
    const expected = bytesOf(await fitted(weighted, 6, robust));
    setKernelMode('plain');
    expect(bytesOf(await fitted(weighted, 6, robust))).toEqual(expected);
    setKernelMode('wasm');
    expect(bytesOf(await fitIn(forgetful(weighted), 6, robust))).toEqual(expected);
    for (const workers of [1, 3]) {
      const executor = threadExecutor({ workers });
      const session = await executor.open(memoryParticles(weighted));
      expect(bytesOf(await fitIn(session, 6, robust))).toEqual(expected);
      await executor.close();
    }
  });

  it('where nothing that is known of rows outlives a round', async () => {
    const expected = bytesOf(await fitted(particles, 6, { ...given, rounds: 4 }));
    const softmax: Given = { loss: 'softmax', outputs: 6, rounds: 2, leaves: 5 };
    const many = particlesOf(NUMBERS, RELATION);
    const replayed = await fitIn(forgetful(particles), 6, { ...given, rounds: 4 });
    expect(replayed.replayed).toBe(true);
    expect(bytesOf(replayed)).toEqual(expected);
    expect(bytesOf(await fitIn(forgetful(many), 5, softmax))).toEqual(
      bytesOf(await fitted(many, 5, softmax)),
    );
  });
});

/** A session whose every round derives each view anew. */
function forgetful(particles: readonly Particle[]): Session {
  return {
    particles: [],
    concurrent: false,
    close: async () => {},
    async reduce<State, Value>({ summary, view, parameters }: Round) {
      const kind = await resolveReference<ViewKind<View>>(view as Reference);
      const play = await resolveReference<Summary<State, Value, View>>(summary, parameters);
      const state = play.empty();
      for (const particle of particles) {
        const part = play.empty();
        play.observe(part, kind.derive(particle));
        play.merge(state, play.codec.decode(play.codec.encode(part)));
      }
      return { state, value: play.read(state), observed: particles.length, resident: false };
    },
  };
}

describe('rows', () => {
  it('of weight 2 count as two', async () => {
    const weights = INCOME.map((_, row) => 1 + (row % 2));
    const twice = INCOME.flatMap((_, row) => (row % 2 === 0 ? [row] : [row, row]));
    const pick = (column: readonly number[]) => twice.map((row) => column[row]);
    const given: Given = { loss: 'logistic', outputs: 1, rounds: 20, leaves: 8, minRows: 1 };
    const weighted = await fitted(particlesOf(NUMBERS, INCOME, weights), 5, given);
    const doubled = await fitted(particlesOf(NUMBERS.map(pick), pick(INCOME)), 5, given);
    // Rounding to integers differs, and with it a few near ties: losses agree to a thousandth.
    expect(weighted.weight).toBe(doubled.weight);
    expect(weighted.history[19].trainLoss / doubled.history[19].trainLoss).toBeCloseTo(1, 2);
  });
});

describe('robust losses', () => {
  const labels = NUMBERS[0].map((age, row) => age * (1 + ((row * 7919) % 101) / 101));
  const given: Given = { ...SAME, loss: 'huber', outputs: 1 };

  it('give leaves that are quantiles of the residuals in them', async () => {
    const loss = { name: 'quantile', quantile: 0.7 } as const;
    const options: Given = { ...SAME, loss, outputs: 1, rounds: 1, leaves: 6, learningRate: 1 };
    const { forest } = await fitted(particlesOf(NUMBERS, labels), 5, options);
    const margins = marginsOf(forest, rowsOf(NUMBERS));
    for (const margin of new Set(margins)) {
      const inLeaf = labels.filter((_, row) => margins[row] === margin).sort((a, b) => a - b);
      const at = 0.7 * inLeaf.length;
      const [lower, upper] = [inLeaf[Math.ceil(at) - 1], inLeaf[Math.floor(at)]];
      expect(margin).toBeCloseTo((lower + upper) / 2, 4);
    }
    expect(new Set(margins).size).toBe(6);
  });

  it('come the same for labels in another unit: δ is found in the labels', async () => {
    const scaled = labels.map((label) => 1024 * label);
    const one = await fitted(particlesOf(NUMBERS, labels), 5, given);
    const other = await fitted(particlesOf(NUMBERS, scaled), 5, given);
    const delta = (result: TreesResult) => (result.loss as LossSpec).delta as number;
    expect(delta(one)).toBeGreaterThan(1);
    expect(delta(other)).toBeCloseTo(1024 * delta(one), 6);
    // The penalty on leaves knows no unit, and neither do Hessians of 1: what differs is rounding at random.
    const largest = Math.max(...one.forest.leafValues.map(Math.abs));
    other.forest.leafValues.forEach((value, i) => {
      expect(Math.abs(value / 1024 - one.forest.leafValues[i])).toBeLessThan(1e-4 * largest);
    });
  });

  it('are not pulled by a few wild labels', async () => {
    const wild = labels.map((label, row) => (row % 97 === 0 ? 1e6 : label));
    const tame = await fitted(particlesOf(NUMBERS, wild), 5, given);
    const margins = marginsOf(tame.forest, rowsOf(NUMBERS));
    const error = labels.reduce((sum, label, row) => sum + Math.abs(label - margins[row]), 0) / labels.length;
    const centre = [...labels].sort((a, b) => a - b)[labels.length / 2];
    const trivial = labels.reduce((sum, label) => sum + Math.abs(label - centre), 0) / labels.length;
    expect(error).toBeLessThan(0.75 * trivial);
  });
});

describe('early stopping', () => {
  it('keeps the best round of rows it has not learned from, whatever the order of the data', async () => {
    const noise = INCOME.map((_, row) => ((row * 7919) % 97) / 97);
    const labels = INCOME.map((label, row) => ((row * 31) % 10 < 3 ? 1 - label : label));
    const given: Given = {
      loss: 'logistic',
      outputs: 1,
      rounds: 300,
      leaves: 31,
      learningRate: 0.3,
      earlyStopping: 10,
      holdOut: 0.25,
    };
    const result = await fitted(particlesOf([...NUMBERS, noise], labels), 6, given);
    expect(result.stopped).toBe('early');
    expect(treeCount(result.forest)).toBe(result.rounds);
    expect(result.history).toHaveLength(result.rounds + 10);
    const held = result.history.map(({ holdOutLoss }) => holdOutLoss as number);
    expect(held[result.rounds - 1]).toBe(Math.min(...held));
    expect(result.history.at(-1)!.trainLoss).toBeLessThan(result.history[result.rounds - 1].trainLoss);
  });
});

describe('odd data', () => {
  const given: Given = { loss: 'squared', outputs: 1, rounds: 5, leaves: 4, minRows: 1 };
  const labels = Array.from({ length: 40 }, (_, row) => row % 7);

  it('without a feature that tells anything gives the mean', async () => {
    const columns = [labels.map(() => 3), labels.map(() => Number.NaN)];
    const { forest, stopped, rounds } = await fitted(particlesOf(columns, labels), 2, given);
    expect(stopped).toBe('no-gain');
    expect(rounds).toBe(0);
    expect(treeCount(forest)).toBe(0);
    expect(forest.base[0]).toBeCloseTo(labels.reduce((sum, label) => sum + label) / 40, 12);
  });

  it('of infinities, huge and tiny numbers splits as their order says', async () => {
    const column = labels.map(
      (label) =>
        [Number.NEGATIVE_INFINITY, -1e38, -1e-38, 0, 1e-38, 1e38, Number.POSITIVE_INFINITY].at(label)!,
    );
    const result = await fitted(particlesOf([column], labels), 1, { ...given, rounds: 200, leaves: 7 });
    const margins = marginsOf(result.forest, rowsOf([column]));
    labels.forEach((label, row) => {
      expect(Math.abs(margins[row] - label)).toBeLessThan(0.05);
    });
  });

  it('of one row gives its label; of labels that are all the same, that', async () => {
    expect((await fitted(particlesOf([[1]], [5]), 1, given)).forest.base[0]).toBe(5);
    expect(
      (
        await fitted(
          particlesOf(
            [labels],
            labels.map(() => 2),
          ),
          1,
          given,
        )
      ).history,
    ).toEqual([]);
  });

  it('of one class, or without weight, says so', async () => {
    const fail = (columns: number[][], all: number[], more: Partial<Given>, weights?: number[]) =>
      fitted(particlesOf(columns, all, weights), 1, { ...given, ...more }).catch((error: SoraError) => error);
    const one = await fail(
      [labels],
      labels.map(() => 1),
      { loss: 'logistic' },
    );
    expect(one).toMatchObject({ code: 'bad-data' });
    const option = await fail([labels], labels, { learningRate: 0 });
    expect(option).toMatchObject({ code: 'bad-option', message: expect.stringContaining('learningRate') });
  });

  it('of 10,000 categories learns what the frequent ones say', async () => {
    const codes = Array.from({ length: 12_000 }, (_, row) => (row % 3 === 0 ? row % 9 : row));
    const numbers = codes.map((code) => (code < 9 ? code % 3 : 1));
    const result = await fitted(particlesOf([codes], numbers), 1, {
      ...given,
      rounds: 60,
      minRows: 20,
      categorical: [true],
    });
    expect(result.history.at(-1)!.trainLoss).toBeLessThan(0.2 * result.history[0].trainLoss);
  });
});
