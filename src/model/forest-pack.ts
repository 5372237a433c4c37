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
  NODE_BYTES,
  NODE_CATEGORICAL,
  NODE_LEAF,
  NODE_MISSING_LEFT,
  type PackedForest,
  SET_SHIFT,
  SLOT_BYTES,
  WALKED,
} from '../kernel/forest.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT, SET_WORDS, treeCount } from './forest.ts';
import { floorToSingle } from './single.ts';

/** No bin lies above it, so nothing goes right. */
const LARGEST_BIN = 127;

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
 * The packed form; undefined where a set begins between sets, which a file may hold and no fit makes.
 * O(nodes · log nodes).
 */
export function packForest(forest: Forest): PackedForest | undefined {
  if (!hasWholeSets(forest)) return undefined;
  const columns = columnsOf(forest);
  const blockRows = blockRowsOf(columns.planes);
  const packed = { trees: [] as number[], words: [] as number[], leafValues: [] as number[] };
  for (let tree = 0; tree < treeCount(forest); tree++) {
    const layout = slotsOf(forest, tree);
    const plan = { forest, tree, columns, blockRows };
    const { nodes, root, leaves } = layout === undefined ? walkedTree(plan) : slottedTree(plan, layout);
    for (const words of nodes) packed.words.push(...words);
    for (const leaf of leaves) packed.leafValues.push(forest.leafValues[forest.starts[tree] + leaf]);
    packed.trees.push(nodes.length, root, leaves.length, forest.treeOutputs[tree]);
  }
  return {
    outputs: forest.outputs,
    columns: columns.list,
    planes: columns.planes,
    blockRows,
    trees: Uint32Array.from(packed.trees),
    program: Uint32Array.from(packed.words),
    sets: forest.sets,
    leafValues: Float64Array.from(packed.leafValues),
  };
}

function hasWholeSets({ thresholds, flags }: Forest): boolean {
  return flags.every((flag, node) => (flag & CATEGORICAL) === 0 || thresholds[node] % SET_WORDS === 0);
}

/** A tree to be packed. */
interface Plan {
  readonly forest: Forest;
  readonly tree: number;
  readonly columns: Columns;
  readonly blockRows: number;
}

/** Words of nodes, slot of the root, and the nodes that are leaves, in the order of their values. */
interface PackedTree {
  readonly nodes: readonly (readonly number[])[];
  readonly root: number;
  readonly leaves: readonly number[];
}

/** Every node is asked: children first. */
function slottedTree(plan: Plan, { slots, inner, leaves }: Slots): PackedTree {
  const { starts, lefts } = plan.forest;
  const nodes = inner.toReversed().map((i) => {
    const left = lefts[starts[plan.tree] + i];
    return [...question(plan, i), slots[left] | (slots[left + 1] << 16), slots[i]];
  });
  return { nodes, root: slots[0], leaves };
}

/** Nodes as they stand; too many leaves for a byte, or a node that is reached twice or never. */
function walkedTree(plan: Plan): PackedTree {
  const { starts, lefts, nodeFeatures } = plan.forest;
  const root = starts[plan.tree];
  const leaves: number[] = [];
  const nodes = Array.from({ length: starts[plan.tree + 1] - root }, (_, i) => {
    if (nodeFeatures[root + i] >= 0) return [...question(plan, i), NODE_BYTES * lefts[root + i], 0];
    return [0, NODE_LEAF | LARGEST_BIN, NODE_BYTES * i, 8 * (leaves.push(i) - 1)];
  });
  return { nodes, root: WALKED, leaves };
}

/** Plane, and bin or set, of node i of a tree. */
function question({ forest, tree, columns, blockRows }: Plan, i: number): [number, number] {
  const { nodeFeatures, thresholds, flags, starts } = forest;
  const node = starts[tree] + i;
  const feature = nodeFeatures[node];
  const missingLeft = (flags[node] & MISSING_LEFT) !== 0;
  if ((flags[node] & CATEGORICAL) !== 0) {
    const set = (thresholds[node] / SET_WORDS) << SET_SHIFT;
    const word = set | NODE_CATEGORICAL | (missingLeft ? NODE_MISSING_LEFT : 0);
    return [columns.codes(feature) * blockRows, word];
  }
  const { plane, bin } = columns.find(feature, thresholds[node], missingLeft ? 'left' : 'right');
  return [plane * blockRows, bin & 255];
}

interface Slots {
  readonly slots: Uint32Array;
  readonly inner: readonly number[];
  readonly leaves: readonly number[];
}

/** Slots of the nodes of a tree, its inner nodes in order, and its leaves from left to right; undefined: to be walked. */
function slotsOf({ starts, nodeFeatures, lefts }: Forest, tree: number): Slots | undefined {
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
