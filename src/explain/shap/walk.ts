/**
 * A tree passes over the rows of a bench: patterns come down from the root, block by block, and every leaf adds its terms.
 * Shallow leaves are added first, then deep ones, whatever the number of rows: a row alone and among others gets the
 * same bits.
 */
import {
  addTerms,
  bitPairTerms,
  bitTerms,
  distinctPatterns,
  goesLeft,
  type LeafTerms,
  leafLayout,
  leafPairTerms,
  leafTerms,
  splitPatterns,
} from '../../kernel/shap.ts';
import { type Bench, constantSize, isKept, leavesOf, pointCount, tableSize } from './bench.ts';
import { pairCount, pairIndex, slotCount } from './pairs.ts';
import type { LeafStep, TreePaths } from './paths.ts';
import { gaussLegendre } from './quadrature.ts';

/** Every bit of a pattern. */
const ALL = 0xffff_ffff;

/** A leaf on the bench: its terms, where they go, and its table if it has one. */
interface BenchLeaf {
  readonly step: LeafStep;
  readonly terms: LeafTerms;
  readonly targets: Uint32Array;
  /** Terms of every pattern. */
  readonly table?: Float64Array;
  /** Patterns of the chunk, where there is no table. */
  readonly kept?: Uint32Array;
}

/** Adds what a tree gives to every row of the bench. */
export function addTree(bench: Bench, tree: TreePaths): void {
  const { block } = bench;
  const leaves = benchLeaves(bench, tree);
  let slots: Uint32Array[] = [];
  for (let from = 0; from < bench.rows; from += block) {
    const count = Math.min(block, bench.stride - from);
    if (slots[0]?.length !== count) slots = slotsOf(bench, tree.slots, count);
    slots[0].fill(ALL);
    let next = 0;
    for (const step of tree.steps) {
      const patterns = slots[step.slot];
      if (step.kind === 'leaf') {
        addLeaf(bench, leaves[next++], patterns, from);
        continue;
      }
      const values = bench.column(step.feature, from, count);
      splitPatterns(bench.run, values, step, bench.sets, patterns, slots[step.slot + 1], patterns);
    }
  }
  for (const leaf of leaves) if (leaf.kept) addKept(bench, leaf, leaf.kept);
}

function slotsOf({ patterns, block }: Bench, slots: number, count: number): Uint32Array[] {
  return Array.from({ length: slots }, (_, i) => patterns.subarray(i * block, i * block + count));
}

/** Writes constants, targets and tables of the leaves of a tree. */
function benchLeaves(bench: Bench, tree: TreePaths): BenchLeaf[] {
  const { kind, rows, stride, constants, targets, tables } = bench;
  let [at, target, used, kept] = [0, 0, 0, 0];
  return leavesOf(tree).map((step) => {
    const depth = step.features.length;
    const slots = slotCount(depth, kind);
    const own = targets.subarray(target, target + slots);
    const terms = { depth, value: step.value, points: pointCount(depth), constants, at };
    writeConstants(step, terms);
    writeTargets(bench, tree.output, step.features, own);
    at += constantSize(depth);
    target += slots;
    const entries = tableSize(depth, kind, rows);
    if (entries > 0 && used + entries <= tables.length) {
      const table = tables.subarray(used, used + entries);
      used += entries;
      writeTerms(bench, bench.counting.subarray(0, 2 ** depth), terms, table, 2 ** depth);
      return { step, terms, targets: own, table };
    }
    if (!isKept(step)) return { step, terms, targets: own };
    kept += stride;
    return { step, terms, targets: own, kept: bench.kept.subarray(kept - stride, kept) };
  });
}

/** Ratios of a leaf, its factors z (1 − t) + o t at the points of the quadrature, and their weights. */
function writeConstants({ ratios }: LeafStep, terms: LeafTerms): void {
  const { depth, points: n, constants, at } = terms;
  const { points, weights } = gaussLegendre(n);
  const { factors, weights: end } = leafLayout(terms);
  for (let i = 0, to = factors; i < depth; i++) {
    constants[at + i] = ratios[i];
    for (let q = 0; q < n; q++) constants[to++] = ratios[i] * (1 - points[q]);
    for (let q = 0; q < n; q++, to++) constants[to] = constants[to - n] + points[q];
  }
  for (let q = 0; q < n; q++) constants[end + q] = weights[q];
}

function writeTargets(
  { kind, forest }: Bench,
  output: number,
  path: readonly number[],
  out: Uint32Array,
): void {
  const { features } = forest;
  if (kind === 'features') {
    for (let i = 0; i < path.length; i++) out[i] = output * features + path[i];
    return;
  }
  let at = 0;
  for (let i = 0; i < path.length; i++) {
    for (let j = i + 1; j < path.length; j++) {
      const [low, high] = path[i] < path[j] ? [path[i], path[j]] : [path[j], path[i]];
      out[at++] = output * pairCount(features) + pairIndex(low, high, features);
    }
  }
}

function writeTerms(
  { run, kind, work }: Bench,
  patterns: Uint32Array,
  leaf: LeafTerms,
  out: Float64Array,
  width: number,
): void {
  if (kind === 'features') leafTerms(run, patterns, leaf, work, out, width);
  else leafPairTerms(run, patterns, leaf, work, out, width);
}

/** Adds what a shallow leaf gives to the rows of a block, and keeps the patterns of a deep one. */
function addLeaf(bench: Bench, leaf: BenchLeaf, patterns: Uint32Array, from: number): void {
  const { run, stride, places, counting, terms } = bench;
  const { targets } = leaf;
  const width = patterns.length;
  if (targets.length === 0) return;
  if (leaf.kept) leaf.kept.set(patterns, from);
  else if (leaf.table) {
    const size = 2 ** leaf.terms.depth;
    const table = { terms: leaf.table, width: size, mask: size - 1, targets };
    addTerms(run, patterns, table, bench.out.subarray(from), stride, places);
  } else if (leaf.step.conditions) {
    writeDeep(bench, leaf, from, width);
    const table = { terms, width, mask: ALL, targets };
    addTerms(run, counting.subarray(0, width), table, bench.out.subarray(from), stride, places);
  } else addDistinct(bench, leaf, patterns, from);
}

/** Adds what a deep leaf gives to all rows. */
function addKept(bench: Bench, leaf: BenchLeaf, patterns: Uint32Array): void {
  const step = Math.floor(bench.terms.length / leaf.targets.length / 4) * 4;
  for (let from = 0; from < patterns.length; from += step) {
    addDistinct(bench, leaf, patterns.subarray(from, from + step), from);
  }
}

/** Terms of the patterns that occur, each computed once, to the rows from `from`; uses the patterns up. */
function addDistinct(bench: Bench, leaf: BenchLeaf, patterns: Uint32Array, from: number): void {
  const { run, stride, block, hash, distinct, places, terms } = bench;
  const width = distinctPatterns(run, patterns, hash, distinct);
  writeTerms(bench, distinct.subarray(0, width), leaf.terms, terms, width);
  const table = { terms, width, mask: ALL, targets: leaf.targets };
  for (let at = 0; at < patterns.length; at += block) {
    const some = patterns.subarray(at, at + block);
    addTerms(run, some, table, bench.out.subarray(from + at), stride, places);
  }
}

/** Terms of a leaf with more features than a pattern has bits, row by row. */
function writeDeep(bench: Bench, leaf: BenchLeaf, from: number, count: number): void {
  const { kind, sets, column, work, terms } = bench;
  const bits = new Uint8Array(leaf.terms.depth);
  const conditions = leaf.step.conditions!.map(({ split, left, place }) => {
    return { split, left, place, values: column(split.feature, from, count) };
  });
  const write = kind === 'features' ? bitTerms : bitPairTerms;
  for (let row = 0; row < count; row++) {
    bits.fill(1);
    for (const { split, left, place, values } of conditions) {
      if (goesLeft(split, sets, values[row]) !== left) bits[place] = 0;
    }
    write(bits, leaf.terms, work, terms, row, count);
  }
}
