/**
 * A forest in the form that the kernel reads: thresholds become bins, sets stay, nodes stand children first.
 *
 * Features are f32 and thresholds f64, and yet f32 thresholds always suffice: with t' the largest f32 that is ≤ t,
 * x ≤ t ⇔ x ≤ t' for every f32 x. (x ≤ t' ≤ t one way; and an f32 x ≤ t is no larger than the largest such, t'.)
 * So the sorted distinct t' of a feature are edges, the bin of x is the number of edges below x, and for the edge of
 * rank j: x ≤ t' ⇔ bin(x) ≤ j. Exact, for infinities too.
 */
import {
  type BinColumn,
  blockRowsOf,
  CODE_PLANES,
  type CodeColumn,
  INNER_SLOTS,
  MOST_EDGES,
  MOST_LEAVES,
  NODE_CATEGORICAL,
  NODE_MISSING_LEFT,
  type PackedForest,
  SET_SHIFT,
  SLOT_BYTES,
} from '../kernel/forest.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT, SET_WORDS, treeCount } from './forest.ts';
import { floorToSingle } from './single.ts';

/** Where nodes find their feature. */
interface Columns {
  readonly list: (BinColumn | CodeColumn)[];
  readonly planes: number;
  /** Plane and bin of a node that asks a number. */
  find(feature: number, threshold: number, missing: 'right' | 'left'): { plane: number; bin: number };
  /** First plane of a feature as categories. */
  codes(feature: number): number;
}

/**
 * The packed form; undefined where a tree has more than {@link MOST_LEAVES} leaves, or nodes that are reached twice or
 * never, which a file may hold and no fit makes. O(nodes · log nodes).
 */
export function packForest(forest: Forest): PackedForest | undefined {
  const { treeOutputs, nodeFeatures, sets, starts } = forest;
  const layouts = Array.from({ length: treeCount(forest) }, (_, tree) => slotsOf(forest, tree));
  if (!layouts.every((layout) => layout !== undefined) || !hasWholeSets(forest)) return undefined;
  const columns = columnsOf(forest);
  const blockRows = blockRowsOf(columns.planes);
  const program = new Uint32Array(4 * nodeFeatures.reduce((sum, feature) => sum + (feature < 0 ? 0 : 1), 0));
  const leafValues: number[] = [];
  const trees: number[] = [];
  let node = 0;
  for (const [tree, { slots, inner, leaves }] of layouts.entries()) {
    trees.push(inner.length, slots[0], leaves.length, treeOutputs[tree]);
    for (const leaf of leaves) leafValues.push(forest.leafValues[starts[tree] + leaf]);
    for (const i of inner.reverse()) {
      program.set(nodeWords(forest, starts[tree] + i, slots, i, columns, blockRows), 4 * node++);
    }
  }
  return {
    outputs: forest.outputs,
    columns: columns.list,
    planes: columns.planes,
    blockRows,
    trees: Uint32Array.from(trees),
    program,
    sets,
    leafValues: Float64Array.from(leafValues),
  };
}

function hasWholeSets({ thresholds, flags }: Forest): boolean {
  return flags.every((flag, node) => (flag & CATEGORICAL) === 0 || thresholds[node] % SET_WORDS === 0);
}

/** Slots of the nodes of a tree, its inner nodes in order, and its leaves from left to right. */
function slotsOf({ starts, nodeFeatures, lefts }: Forest, tree: number) {
  const root = starts[tree];
  const size = starts[tree + 1] - root;
  if (size > 2 * MOST_LEAVES - 1) return undefined;
  const slots = new Uint32Array(size);
  const inner: number[] = [];
  const leaves: number[] = [];
  const seen = new Set<number>();
  const stack = [0];
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    if (seen.has(i)) return undefined;
    seen.add(i);
    const left = lefts[root + i];
    if (nodeFeatures[root + i] < 0) slots[i] = SLOT_BYTES * (leaves.push(i) - 1);
    else {
      inner.push(i);
      stack.push(left + 1, left);
    }
  }
  if (seen.size < size) return undefined;
  inner.sort((a, b) => a - b);
  for (const [at, i] of inner.entries()) slots[i] = INNER_SLOTS + at * SLOT_BYTES;
  return { slots, inner, leaves };
}

function nodeWords(
  forest: Forest,
  node: number,
  slots: Uint32Array,
  i: number,
  columns: Columns,
  blockRows: number,
): number[] {
  const { nodeFeatures, thresholds, flags, lefts } = forest;
  const feature = nodeFeatures[node];
  const missingLeft = (flags[node] & MISSING_LEFT) !== 0;
  const left = lefts[node];
  const children = slots[left] | (slots[left + 1] << 16);
  if ((flags[node] & CATEGORICAL) !== 0) {
    const set = (thresholds[node] / SET_WORDS) << SET_SHIFT;
    const word = set | NODE_CATEGORICAL | (missingLeft ? NODE_MISSING_LEFT : 0);
    return [columns.codes(feature) * blockRows, word, children, slots[i]];
  }
  const { plane, bin } = columns.find(feature, thresholds[node], missingLeft ? 'left' : 'right');
  return [plane * blockRows, bin & 255, children, slots[i]];
}

/** What nodes ask of a feature. */
interface Asked {
  readonly edges: Set<number>;
  readonly missing: Set<'right' | 'left'>;
  codes: boolean;
}

function columnsOf(forest: Forest): Columns {
  const list: (BinColumn | CodeColumn)[] = [];
  const bins = new Map<number, { edges: Float64Array; columns: BinColumn[] }>();
  const codes = new Map<number, number>();
  let planes = 0;
  for (const [feature, asked] of [...askedOf(forest)].sort(([a], [b]) => a - b)) {
    if (asked.codes) {
      codes.set(feature, planes);
      list.push({ feature, plane: planes });
      planes += CODE_PLANES;
    }
    const edges = Float64Array.from(asked.edges).sort();
    const missing = (['right', 'left'] as const).filter((side) => asked.missing.has(side));
    const columns: BinColumn[] = [];
    for (let from = 0; from < edges.length; from += MOST_EDGES) {
      columns.push({ feature, plane: planes, missing, ...padded(edges.subarray(from, from + MOST_EDGES)) });
      planes += missing.length;
    }
    list.push(...columns);
    bins.set(feature, { edges, columns });
  }
  return {
    list,
    planes,
    codes: (feature) => codes.get(feature)!,
    find(feature, threshold, side) {
      const { edges, columns } = bins.get(feature)!;
      const rank = rankOf(edges, floorToSingle(threshold));
      const { plane, missing } = columns[Math.floor(rank / MOST_EDGES)];
      return { plane: plane + missing.indexOf(side), bin: (rank % MOST_EDGES) - 127 };
    },
  };
}

function askedOf({ nodeFeatures, thresholds, flags }: Forest): Map<number, Asked> {
  const asked = new Map<number, Asked>();
  nodeFeatures.forEach((feature, node) => {
    if (feature < 0) return;
    let one = asked.get(feature);
    if (one === undefined) {
      one = { edges: new Set(), missing: new Set(), codes: false };
      asked.set(feature, one);
    }
    if ((flags[node] & CATEGORICAL) !== 0) {
      one.codes = true;
      return;
    }
    one.edges.add(floorToSingle(thresholds[node]));
    one.missing.add((flags[node] & MISSING_LEFT) === 0 ? 'right' : 'left');
  });
  return asked;
}

/** Edges filled up with infinities to a power of two. */
function padded(edges: Float64Array) {
  const levels = 32 - Math.clz32(edges.length);
  const filled = new Float32Array(1 << levels).fill(Number.POSITIVE_INFINITY);
  filled.set(edges);
  return { edges: filled, levels };
}

/** Index of a number in ascending numbers that have it. */
function rankOf(edges: Float64Array, value: number): number {
  let low = 0;
  for (let high = edges.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (edges[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
