/** Ways to grow other than plain boosting, and what each of them promises. */
import { describe, expect, it } from 'vitest';
import type { SoraError } from '../../errors.ts';
import { type Forest, treeCount } from '../../model/forest.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import { threadExecutor } from '../../run/threads.ts';
import type { TreesResult } from './fit.ts';
import {
  bytesOf,
  fitIn,
  fitted,
  type Given,
  HOURS,
  INCOME,
  marginsOf,
  NUMBERS,
  particlesOf,
  RELATION,
  rowsOf,
} from './fixtures/census.ts';

const FEATURES = [...NUMBERS, RELATION];
const PARTICLES = particlesOf(FEATURES, INCOME);
const LOGISTIC: Given = {
  loss: 'logistic',
  outputs: 1,
  categorical: [false, false, false, false, false, true],
  rounds: 12,
  leaves: 8,
};
const grow = (given: Partial<Given>) => fitted(PARTICLES, 6, { ...LOGISTIC, ...given });
const lossOf = (result: TreesResult) => result.history[result.history.length - 1].trainLoss;
/** Checkpoints after every so many iterations. */
const checkpoints = (every: number, save: (bytes: Uint8Array) => void, resume?: Uint8Array) => ({
  due: (round: number) => round % every === 0,
  save: (_: string, bytes: Uint8Array) => save(bytes),
  load: () => resume,
});
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Log loss of the census, from margins by the definition of the forest. */
const logLoss = (forest: Forest) => {
  const margins = marginsOf(forest, rowsOf(FEATURES));
  return meanOf(INCOME.map((y, row) => Math.log1p(Math.exp((y === 1 ? -1 : 1) * margins[row]))));
};

interface Path {
  readonly depth: number;
  readonly features: readonly number[];
}

/** Depth and features asked above each leaf. */
function leafPaths(forest: Forest): Path[] {
  const paths: Path[] = [];
  for (let t = 0; t < treeCount(forest); t++) {
    const walk = (node: number, features: readonly number[]): void => {
      const feature = forest.nodeFeatures[forest.starts[t] + node];
      if (feature < 0) {
        paths.push({ depth: features.length, features });
        return;
      }
      const left = forest.lefts[forest.starts[t] + node];
      walk(left, [...features, feature]);
      walk(left + 1, [...features, feature]);
    };
    walk(0, []);
  }
  return paths;
}

describe('a fit that is interrupted', () => {
  const cases: [string, Partial<Given>][] = [
    ['boosted', {}],
    ['with rows at random and stopping early', { rowShare: 0.5, earlyStopping: 5, columnShare: 0.6 }],
    ['with dropouts', { mode: 'dart', dropRate: 0.4, skipDrop: 0.2 }],
    ['a forest', { mode: 'forest', columnShare: 0.7 }],
    ['with quantile leaves', { loss: { name: 'quantile', quantile: 0.8 } }],
  ];
  it.each(cases)('goes on from a checkpoint to the same bytes: %s', async (_, given) => {
    const saved: Uint8Array[] = [];
    const whole = await grow({ ...given, checkpoint: checkpoints(4, (bytes) => saved.push(bytes)) });
    expect(saved.length).toBeGreaterThanOrEqual(2);
    for (const resume of saved.slice(0, 2)) {
      const resumed = await grow({ ...given, checkpoint: checkpoints(4, () => {}, resume) });
      expect(bytesOf(resumed)).toEqual(bytesOf(whole));
      expect(resumed.history).toEqual(whole.history);
    }
  });

  it('goes on in threads, and for more rounds than were asked before', async () => {
    const saved: Uint8Array[] = [];
    await grow({ rounds: 6, checkpoint: checkpoints(6, (bytes) => saved.push(bytes)) });
    const executor = threadExecutor({ workers: 2 });
    const session = await executor.open(memoryParticles(PARTICLES));
    try {
      const resume = checkpoints(100, () => {}, saved[0]);
      const resumed = await fitIn(session, 6, { ...LOGISTIC, checkpoint: resume });
      expect(bytesOf(resumed)).toEqual(bytesOf(await grow({})));
    } finally {
      await session.close();
      await executor.close();
    }
  });

  it('refuses a checkpoint of other options, of other data, or none at all', async () => {
    const saved: Uint8Array[] = [];
    await grow({ rounds: 2, checkpoint: checkpoints(2, (bytes) => saved.push(bytes)) });
    for (const [given, resume] of [
      [{ leaves: 9 }, saved[0]],
      [{ loss: 'squared' }, saved[0]],
      [{}, Uint8Array.of(1, 2, 3)],
    ] as const) {
      const error = grow({ ...given, checkpoint: checkpoints(2, () => {}, resume) });
      await expect(error).rejects.toMatchObject({ code: 'bad-option' } satisfies Partial<SoraError>);
    }
    const other = fitted(particlesOf(FEATURES, [...INCOME].reverse()), 6, {
      ...LOGISTIC,
      checkpoint: checkpoints(2, () => {}, saved[0]),
    });
    await expect(other).rejects.toMatchObject({ code: 'bad-option' });
  });
});

describe('a forest that is continued', () => {
  it('is about the one that all rounds at once give, and keeps its first trees', async () => {
    const half = await grow({ rounds: 6 });
    const whole = await grow({ rounds: 12 });
    const continued = await grow({ rounds: 6, from: half.forest });
    expect(treeCount(continued.forest)).toBe(12);
    const nodes = half.forest.leafValues.length;
    expect(continued.forest.leafValues.slice(0, nodes)).toEqual(half.forest.leafValues);
    expect(lossOf(continued)).toBeCloseTo(logLoss(continued.forest), 6);
    expect(Math.abs(lossOf(continued) - lossOf(whole))).toBeLessThan(0.01 * lossOf(whole));
  });

  it('learns what other data say, also for several classes', async () => {
    const classes = HOURS.map((hours) => (hours < 38 ? 0 : hours < 43 ? 1 : 2));
    const given: Given = { ...LOGISTIC, loss: 'softmax', outputs: 3, rounds: 4 };
    const [first, second] = [classes.slice(0, 2000), classes.slice(2000)];
    const part = (from: number, to?: number) => FEATURES.map((column) => column.slice(from, to));
    const half = await fitted(particlesOf(part(0, 2000), first), 6, given);
    const rest = particlesOf(part(2000), second);
    const continued = await fitted(rest, 6, { ...given, from: half.forest });
    expect(treeCount(continued.forest)).toBe(2 * treeCount(half.forest));
    const alone = await fitted(rest, 6, given);
    expect(lossOf(continued)).toBeLessThan(lossOf(alone));
  });

  it('must have the features and outputs of the data', async () => {
    const { forest } = await grow({ rounds: 1 });
    const other = fitted(particlesOf(NUMBERS, INCOME), 5, {
      ...LOGISTIC,
      categorical: undefined,
      from: forest,
    });
    await expect(other).rejects.toMatchObject({ code: 'bad-option' });
  });
});

describe('dropouts', () => {
  it('give a forest whose losses are those that were watched, and differ from none', async () => {
    const dart = await grow({ mode: 'dart', dropRate: 0.3, skipDrop: 0 });
    expect(lossOf(dart)).toBeCloseTo(logLoss(dart.forest), 9);
    expect(bytesOf(dart)).not.toEqual(bytesOf(await grow({})));
    expect(lossOf(dart)).toBeLessThan(dart.history[0].trainLoss);
  });

  it('are none where they are always skipped', async () => {
    expect(bytesOf(await grow({ mode: 'dart', skipDrop: 1 }))).toEqual(bytesOf(await grow({})));
  });
});

describe('a forest of trees that learn alone', () => {
  it('is their mean: each moves from the base by its own, on rows of its own', async () => {
    const forest = await grow({ mode: 'forest', rounds: 10, leaves: 31 });
    expect(treeCount(forest.forest)).toBe(10);
    expect(lossOf(forest)).toBeCloseTo(logLoss(forest.forest), 9);
    const base = meanOf(INCOME);
    const constant = -(base * Math.log(base) + (1 - base) * Math.log(1 - base));
    expect(lossOf(forest)).toBeLessThan(0.8 * constant);
    const trees = Array.from({ length: 10 }, (_, t) =>
      forest.forest.leafValues.slice(forest.forest.starts[t], forest.forest.starts[t + 1]).join(),
    );
    expect(new Set(trees).size).toBe(10);
  });
});

describe('gradient-based sampling', () => {
  it('comes close to all rows, closer than as few rows at random', async () => {
    const all = lossOf(await grow({ rounds: 30 }));
    const oneSided = lossOf(await grow({ rounds: 30, topShare: 0.2, otherShare: 0.1 }));
    const random = lossOf(await grow({ rounds: 30, rowShare: 0.3 }));
    expect(Math.abs(oneSided - all)).toBeLessThan(0.06 * all);
    expect(oneSided).not.toBe(random);
  });

  it('does not depend on how the data is cut', async () => {
    const given = { ...LOGISTIC, topShare: 0.3, otherShare: 0.7 };
    const one = await fitted(particlesOf(FEATURES, INCOME, undefined, 900), 6, given);
    const other = await fitted(particlesOf(FEATURES, INCOME, undefined, 900), 6, { ...LOGISTIC });
    // All of the others are kept: nothing is sampled.
    expect(bytesOf(one)).toEqual(bytesOf(other));
  });

  it('does not go with what chooses rows otherwise', async () => {
    for (const given of [{ rowShare: 0.5 }, { otherShare: 0.9 }, { mode: 'forest' }] as const) {
      await expect(grow({ topShare: 0.2, ...given })).rejects.toMatchObject({ code: 'bad-option' });
    }
  });
});

describe('trees level by level', () => {
  it('have leaves of two levels at most while leaves are few', async () => {
    const { forest } = await grow({ order: 'level', leaves: 16, rounds: 3, minRows: 1 });
    for (const { depth } of leafPaths(forest)) expect(depth).toBeLessThanOrEqual(5);
    const depths = leafPaths((await grow({ leaves: 16, rounds: 3, minRows: 1 })).forest).map(
      ({ depth }) => depth,
    );
    expect(Math.max(...depths)).toBeGreaterThan(5);
  });
});

describe('features', () => {
  it('of one path stand in a set that may stand together', async () => {
    const { forest } = await grow({
      interactions: [
        [0, 1],
        [2, 3, 5],
      ],
      rounds: 20,
    });
    const sets = [new Set([0, 1]), new Set([2, 3, 5]), new Set([4])];
    for (const { features } of leafPaths(forest)) {
      expect(sets.some((set) => features.every((f) => set.has(f)))).toBe(true);
    }
    const free = leafPaths((await grow({ rounds: 20 })).forest);
    expect(free.every(({ features }) => sets.some((set) => features.every((f) => set.has(f))))).toBe(false);
  });

  it('are sampled anew for each level', async () => {
    const { forest } = await grow({ levelColumnShare: 0.2, rounds: 10 });
    const tree = (t: number) => {
      const byLevel = new Map<number, Set<number>>();
      const walk = (node: number, depth: number): void => {
        const feature = forest.nodeFeatures[forest.starts[t] + node];
        if (feature < 0) return;
        byLevel.set(depth, (byLevel.get(depth) ?? new Set()).add(feature));
        const left = forest.lefts[forest.starts[t] + node];
        walk(left, depth + 1);
        walk(left + 1, depth + 1);
      };
      walk(0, 0);
      return byLevel;
    };
    const levels = Array.from({ length: treeCount(forest) }, (_, t) => [...tree(t).values()]).flat();
    for (const level of levels) expect(level.size).toBeLessThanOrEqual(2);
    expect(new Set(levels.flatMap((level) => [...level])).size).toBeGreaterThan(3);
  });

  it.each([1, -1])('with a direction never turn it, at any row (%i)', async (direction) => {
    const monotone = [direction, 0, direction, 0, 0, 0];
    const { forest } = await grow({ monotone, rounds: 25, leaves: 15 });
    const rows = rowsOf(FEATURES).slice(0, 60);
    const turned = (f: number, constrained: Forest) =>
      rows.some((row) => {
        const ages = Array.from({ length: 40 }, (_, i) => row.with(f, f === 0 ? 17 + 2 * i : i));
        const margins = marginsOf(constrained, ages);
        return margins.some((margin, i) => i > 0 && (margin - margins[i - 1]) * direction < -1e-12);
      });
    expect(turned(0, forest)).toBe(false);
    expect(turned(2, forest)).toBe(false);
    expect(turned(0, (await grow({ rounds: 25, leaves: 15 })).forest)).toBe(true);
  });

  it('with a direction must be numbers, each with one', async () => {
    for (const monotone of [[1], [0, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 0]]) {
      await expect(grow({ monotone })).rejects.toMatchObject({ code: 'bad-option' });
    }
    await expect(grow({ interactions: [[0, 6]] })).rejects.toMatchObject({ code: 'bad-option' });
  });
});
