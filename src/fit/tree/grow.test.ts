import { describe, expect, it } from 'vitest';
import { runKernels } from '../../kernel/mode.ts';
import { FEATURE_WORDS } from '../../kernel/tree.ts';
import { randomWord } from '../../random.ts';
import { fitLoopSync } from '../loop.ts';
import type { FeatureBins } from './bins.ts';
import { packSplits } from './desk.ts';
import { type GrowAsk, type Grown, type GrowOptions, growTree, leastGain } from './grow.ts';
import type { Histograms } from './histogram.ts';
import { leftOf, rightOf, type Split } from './round.ts';
import { bestSplit, type Candidate, nodeSums, searchPlan } from './split.ts';

const FEATURES = 4;
const ROWS = 3000;
const BINS = Array.from({ length: ROWS * FEATURES }, (_, i) => randomWord(1, 0, i) % 12);
const GRADIENTS = Array.from({ length: ROWS }, (_, row) => {
  const [a, b, c] = BINS.slice(row * FEATURES);
  return (a - 5) * (b > 6 ? 40 : -10) + c * c + (randomWord(2, 0, row) % 50);
});

const bins: FeatureBins[] = Array.from({ length: FEATURES }, (_, f) => ({
  edges: new Float32Array(f === 3 ? 0 : 11),
  count: 12,
  categorical: f === 3,
}));

const options: GrowOptions = {
  plan: searchPlan(bins),
  codes: FEATURES,
  units: { gradient: 0.001, hessian: 0.01 },
  rules: { l2: 1, minRows: 5, minHessian: 0, minGain: 0 },
  leaves: 31,
  maxDepth: Number.POSITIVE_INFINITY,
};

function histogramOf(rows: readonly number[]): Int32Array {
  const words = new Int32Array(FEATURES * FEATURE_WORDS);
  for (const row of rows) {
    for (let f = 0; f < FEATURES; f++) {
      words[f * FEATURE_WORDS + 2 * BINS[row * FEATURES + f]] += 7;
      words[f * FEATURE_WORDS + 2 * BINS[row * FEATURES + f] + 1] += GRADIENTS[row];
    }
  }
  return words;
}

const sidesOf = (rows: readonly number[], split: Omit<Split, 'node'>) => {
  const { tables: table } = packSplits([{ ...split, node: 0 }]);
  const goesLeft = (row: number) => table[BINS[row * FEATURES + split.feature]] === 1;
  return [rows.filter(goesLeft), rows.filter((row) => !goesLeft(row))] as const;
};

const ALL = Array.from({ length: ROWS }, (_, row) => row);

/** Answers asks from the rows themselves; counts them. */
function answers() {
  const told = { rounds: 0, asked: 0 };
  const answer = ({ splits, ask }: GrowAsk) => {
    told.rounds++;
    told.asked += ask.length;
    const rowsOf = new Map<number, readonly number[]>([[0, ALL]]);
    splits.forEach((split, i) => {
      const [left, right] = sidesOf(rowsOf.get(split.node)!, split);
      rowsOf.set(leftOf(i), left).set(rightOf(i), right);
    });
    const words = new Int32Array(ask.length * FEATURES * FEATURE_WORDS);
    ask.forEach((node, i) => {
      words.set(histogramOf(rowsOf.get(node)!), i * FEATURES * FEATURE_WORDS);
    });
    return { words, rows: Int32Array.from(ask, (node) => rowsOf.get(node)!.length) };
  };
  return { told, answer };
}

const grow = (given: GrowOptions, answer: (ask: GrowAsk) => Histograms): Grown =>
  fitLoopSync(growTree(given), answer);

/** The leaves that a split at a time gives: always the one that gains most, both children summed anew. */
function plainLeaves(leaves: number): (readonly number[])[] {
  interface Leaf {
    readonly rows: readonly number[];
    readonly best: Candidate | undefined;
  }
  const leafOf = (rows: readonly number[]): Leaf => {
    const words = histogramOf(rows);
    const sums = nodeSums(words, options.units, rows.length);
    return {
      rows,
      best: runKernels((run) =>
        bestSplit(run, run.place(words), options.plan, sums, options.units, options.rules),
      ),
    };
  };
  const open = [leafOf(ALL)];
  while (open.length < leaves) {
    const gains = open.map(({ best }) => best?.gain ?? 0);
    const at = gains.indexOf(Math.max(...gains));
    if (gains[at] === 0) break;
    const [{ rows, best }] = open.splice(at, 1);
    open.push(...sidesOf(rows, best!.split).map(leafOf));
  }
  return open.map(({ rows }) => rows);
}

describe('a tree', () => {
  it.each([2, 3, 8, 31, 64])('of %i leaves is the one that a split at a time gives', (leaves) => {
    const { answer } = answers();
    const blind = grow({ ...options, leaves }, answer);
    // As the tree after it would be, which knows what splits gain.
    const grown = grow({ ...options, leaves, likelyGain: leastGain(blind) }, answer);
    expect([...grown.nodes.values()].map(({ sums }) => sums)).toEqual(
      [...blind.nodes.values()].map(({ sums }) => sums),
    );
    const rowsOf = new Map<number, readonly number[]>([[0, ALL]]);
    grown.splits.forEach((split, i) => {
      const [left, right] = sidesOf(rowsOf.get(split.node)!, split);
      rowsOf.set(leftOf(i), left).set(rightOf(i), right);
    });
    const found = [...grown.nodes.values()].filter(({ split }) => split === undefined);
    const key = (rows: readonly number[]) => rows.join(' ');
    expect(new Set(found.map(({ node }) => key(rowsOf.get(node)!)))).toEqual(
      new Set(plainLeaves(leaves).map(key)),
    );
    for (const { node, sums } of grown.nodes.values()) {
      const rows = rowsOf.get(node)!;
      expect(sums.rows).toBe(rows.length);
      expect(sums.hessian).toBeCloseTo(0.07 * rows.length, 9);
      expect(sums.gradient).toBeCloseTo(0.001 * rows.reduce((sum, row) => sum + GRADIENTS[row], 0), 9);
    }
  });

  it('takes few rounds, and sums few nodes in vain', () => {
    const { told, answer } = answers();
    const first = grow({ ...options, leaves: 64 }, answer);
    expect(told.rounds).toBeLessThan(24);
    expect(told.asked).toBeLessThan(1.5 * 64);
    const next = answers();
    grow({ ...options, leaves: 64, likelyGain: leastGain(first) }, next.answer);
    expect(next.told.rounds).toBeLessThan(14);
    expect(next.told.asked).toBeLessThan(1.1 * 64);
  });

  it('is no deeper than allowed, and one leaf where nothing gains', () => {
    const { answer } = answers();
    const { nodes } = grow({ ...options, maxDepth: 2 }, answer);
    expect(nodes.size).toBe(7);
    expect(Math.max(...[...nodes.values()].map(({ depth }) => depth))).toBe(2);
    const rules = { ...options.rules, minGain: 1e12 };
    const none = grow({ ...options, rules }, answer);
    expect(none.splits).toEqual([]);
    expect([...none.nodes.keys()]).toEqual([0]);
  });
});
