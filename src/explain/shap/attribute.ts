/**
 * Exact SHAP values of a forest for the rows of a dense view, and their pairwise interaction values, by the conditional
 * expectations along the paths of the trees ("path-dependent": Lundberg et al. 2018, 2020).
 *
 * A leaf of value v whose path has features 1 … d, each met by a row or not (o_i = 1 or 0) and taken by the share z_i of
 * the cover, is the game S ↦ v · Π_{i ∈ S} o_i · Π_{i ∉ S} z_i. Its Shapley values are
 *
 *     φ_i = v (o_i − z_i) ∫₀¹ Π_{j ≠ i} (z_j (1 − t) + o_j t) dt,
 *
 * since ∫ tᵏ (1 − t)ᵈ⁻¹⁻ᵏ dt = k! (d − 1 − k)! / d! are the weights of coalitions. Gauss–Legendre with d / 2 points is
 * exact, and all its terms are positive, so nothing cancels. They depend on the row through the d bits o alone: where
 * many rows are explained, a leaf has a table of its 2ᵈ patterns, and a row costs d additions a leaf; the pattern of
 * a leaf is that of its parent with one more condition (as in FastTreeSHAP v2, Yang 2021). Interaction values are
 * the same with two features left out.
 */
import { type KernelRun, runKernels } from '../../kernel/mode.ts';
import {
  addTerms,
  bitPairTerms,
  bitTerms,
  goesLeft,
  type LeafTerms,
  leafPairTerms,
  leafTerms,
  splitPatterns,
  workSize,
} from '../../kernel/shap.ts';
import type { Forest } from '../../model/forest.ts';
import type { DenseView } from '../../particle/view.ts';
import { forestPaths, type LeafStep, type TreePaths } from './paths.ts';
import { gaussLegendre } from './quadrature.ts';

/** Rows that pass a tree together: their patterns and columns stay in the second-level cache. */
const BLOCK = 512;
/** Most rows whose columns are added to before they are handed over, and most of those columns in f64. */
const CHUNK = 16_384;
const CHUNK_VALUES = 1 << 21;
/** Most features of a leaf with a table, and most table entries of a tree. */
const TABLE_BITS = 12;
const TABLE_VALUES = 1 << 20;

/** What attributions are of: each feature, or each pair of features i < j. */
export type Kind = 'features' | 'pairs';

/** A forest ready to be explained. */
export interface Explainer {
  readonly outputs: number;
  readonly features: number;
  /** Margin of a row of which nothing is known, by output: the base plus the mean of the leaves by cover. */
  readonly expected: Float64Array;
  /**
   * Values by column: of row r, output k and feature f at (k · features + f) · rows + r; for pairs, of the pair (i, j) at
   * (k · pairs + {@link pairIndex}) · rows + r, half of the whole interaction.
   */
  attribute(view: DenseView, kind: Kind): Float64Array;
}

/** Number of pairs i < j. */
export function pairCount(features: number): number {
  return (features * (features - 1)) / 2;
}

/** Place of the pair i < j: (0,1), (0,2) …, (1,2) …. */
export function pairIndex(i: number, j: number, features: number): number {
  return (i * (2 * features - i - 1)) / 2 + (j - i - 1);
}

/** Prepares a forest: O(leaves × depth). */
export function forestExplainer(forest: Forest): Explainer {
  const { outputs, features, base } = forest;
  const trees = forestPaths(forest);
  const expected = Float64Array.from(base);
  for (const tree of trees) expected[tree.output] += tree.expected;
  return {
    outputs,
    features,
    expected,
    attribute: (view, kind) => attributeView(forest, trees, view, kind),
  };
}

/** O(rows × Σ leaves' features), or pairs of them; and O(2ᵈ d²) a leaf and chunk for tables. */
function attributeView(
  forest: Forest,
  trees: readonly TreePaths[],
  view: DenseView,
  kind: Kind,
): Float64Array {
  const columns = forest.outputs * (kind === 'features' ? forest.features : pairCount(forest.features));
  const values = new Float64Array(columns * view.rows);
  const most = Math.floor(CHUNK_VALUES / Math.max(1, columns) / 4) * 4;
  const chunk = Math.max(64, Math.min(CHUNK, most));
  for (let from = 0; from < view.rows; from += chunk) {
    const rows = Math.min(chunk, view.rows - from);
    attributeChunk(forest, trees, view, kind, from, rows, columns, values);
  }
  return values;
}

/** What the walks of a chunk share: arrays where kernels reach them. */
interface Bench {
  readonly run: KernelRun;
  readonly kind: Kind;
  readonly forest: Forest;
  readonly sets: Uint32Array;
  /** Rows of the chunk, and rows rounded up to 4. */
  readonly rows: number;
  readonly stride: number;
  /** Feature f of rows [from, from + count) of the chunk. */
  column(feature: number, from: number, count: number): Float32Array;
  /** Patterns: a block a slot. */
  readonly patterns: Uint32Array;
  readonly places: Uint32Array;
  /** 0, 1, 2 …: every pattern of a table. */
  readonly counting: Uint32Array;
  readonly work: Float64Array;
  readonly constants: Float64Array;
  readonly targets: Uint32Array;
  readonly tables: Float64Array;
  /** Terms of a block of rows, for leaves without a table. */
  readonly direct: Float64Array;
  readonly out: Float64Array;
}

/** Slots of a leaf: its features, or pairs of them. */
function slotCount(depth: number, kind: Kind): number {
  return kind === 'features' ? depth : pairCount(depth);
}

/** Entries of a leaf's table, 0 where it has none: it has to be smaller than what it saves. */
function tableSize(depth: number, kind: Kind, rows: number): number {
  if (depth > TABLE_BITS || 2 ** depth > rows / 2) return 0;
  return 2 ** depth * slotCount(depth, kind);
}

function leavesOf({ steps }: TreePaths): LeafStep[] {
  return steps.filter((step) => step.kind === 'leaf');
}

/** Points of an exact rule for so many features, an even number of them. */
function pointCount(depth: number): number {
  return 2 * Math.max(1, Math.ceil(depth / 4));
}

/** f64 that the ratios, factors and weights of a leaf take; each begins at 16 bytes. */
function constantSize(depth: number): number {
  return depth + (depth % 2) + (2 * depth + 1) * pointCount(depth);
}

function attributeChunk(
  forest: Forest,
  trees: readonly TreePaths[],
  view: DenseView,
  kind: Kind,
  first: number,
  rows: number,
  columns: number,
  values: Float64Array,
): void {
  const most = (of: (tree: TreePaths) => number): number =>
    trees.reduce((top, tree) => Math.max(top, of(tree)), 0);
  const sum = (tree: TreePaths, of: (depth: number) => number): number =>
    leavesOf(tree).reduce((total, { features }) => total + of(features.length), 0);
  const deepest = most((tree) => Math.max(0, ...leavesOf(tree).map(({ features }) => features.length)));
  const tables = most((tree) =>
    Math.min(
      TABLE_VALUES,
      sum(tree, (depth) => tableSize(depth, kind, rows)),
    ),
  );
  const block = Math.min(BLOCK, Math.ceil(rows / 4) * 4);
  const stride = Math.ceil(rows / 4) * 4;
  runKernels((run) => {
    const bench: Bench = {
      run,
      kind,
      forest,
      sets: run.place(forest.sets),
      rows,
      stride,
      column: placedColumns(run, view, first, rows),
      patterns: run.zeros(Uint32Array, most(({ slots }) => slots) * block),
      places: run.zeros(Uint32Array, block),
      counting: counted(run.zeros(Uint32Array, Math.max(block, 2 ** Math.min(deepest, TABLE_BITS)))),
      work: run.zeros(Float64Array, workSize(deepest)),
      constants: run.zeros(
        Float64Array,
        most((tree) => sum(tree, constantSize)),
      ),
      targets: run.zeros(
        Uint32Array,
        most((tree) => sum(tree, (depth) => slotCount(depth, kind))),
      ),
      tables: run.zeros(Float64Array, tables),
      direct: run.zeros(Float64Array, slotCount(deepest, kind) * block),
      out: run.zeros(Float64Array, columns * stride),
    };
    for (const tree of trees) addTree(bench, tree, block);
    for (let c = 0; c < columns; c++) {
      values.set(bench.out.subarray(c * stride, c * stride + rows), c * view.rows + first);
    }
  });
}

function counted(array: Uint32Array): Uint32Array {
  for (let i = 0; i < array.length; i++) array[i] = i;
  return array;
}

/** Feature columns of the chunk: as they lie in the view, or copied to where kernels reach them. */
function placedColumns(run: KernelRun, view: DenseView, first: number, rows: number): Bench['column'] {
  const { values, stride, features } = view;
  if (run.inPlace(values)) {
    return (feature, from, count) => {
      const at = feature * stride + first + from;
      return values.subarray(at, at + count);
    };
  }
  const width = Math.ceil(rows / 4) * 4;
  const copy = run.zeros(Float32Array, features * width);
  for (let f = 0; f < features; f++) {
    copy.set(values.subarray(f * stride + first, f * stride + first + rows), f * width);
  }
  return (feature, from, count) => copy.subarray(feature * width + from, feature * width + from + count);
}

/** A leaf on the bench: its terms, where they go, and its table if it has one. */
interface BenchLeaf extends LeafTerms {
  readonly step: LeafStep;
  readonly targets: Uint32Array;
  readonly table?: Float64Array;
}

function addTree(bench: Bench, tree: TreePaths, block: number): void {
  const leaves = benchLeaves(bench, tree);
  for (let from = 0; from < bench.rows; from += block) {
    const count = Math.min(block, bench.stride - from);
    const slot = (index: number): Uint32Array =>
      bench.patterns.subarray(index * block, index * block + count);
    slot(0).fill(0xffff_ffff);
    let next = 0;
    for (const step of tree.steps) {
      if (step.kind === 'leaf') {
        addLeaf(bench, leaves[next++], slot(step.slot), from);
        continue;
      }
      const patterns = slot(step.slot);
      const values = bench.column(step.feature, from, count);
      splitPatterns(bench.run, values, step, bench.sets, patterns, slot(step.slot + 1), patterns);
    }
  }
}

/** Writes constants, targets and tables of the leaves of a tree. */
function benchLeaves(bench: Bench, tree: TreePaths): BenchLeaf[] {
  const { kind, rows, constants, targets, tables } = bench;
  let [constant, target, used] = [0, 0, 0];
  return leavesOf(tree).map((step) => {
    const depth = step.features.length;
    const slots = slotCount(depth, kind);
    const size = constantSize(depth);
    const terms = termsOf(step, constants.subarray(constant, constant + size));
    const places = targets.subarray(target, target + slots);
    writeTargets(bench, tree.output, step.features, places);
    constant += size;
    target += slots;
    const entries = tableSize(depth, kind, rows);
    if (entries === 0 || used + entries > tables.length) return { ...terms, step, targets: places };
    const table = tables.subarray(used, used + entries);
    used += entries;
    writeTerms(bench, bench.counting.subarray(0, 2 ** depth), terms, table, 2 ** depth);
    return { ...terms, step, targets: places, table };
  });
}

/** Ratios of a leaf and its factors z (1 − t) + o t at the points of the quadrature, written to `room`. */
function termsOf({ features, ratios, value }: LeafStep, room: Float64Array): LeafTerms {
  const depth = features.length;
  const { points, weights } = gaussLegendre(pointCount(depth));
  const n = points.length;
  const even = depth + (depth % 2);
  room.set(ratios);
  const factors = room.subarray(even, even + 2 * depth * n);
  for (let i = 0, at = 0; i < depth; i++) {
    for (let q = 0; q < n; q++) factors[at++] = ratios[i] * (1 - points[q]);
    for (let q = 0; q < n; q++, at++) factors[at] = factors[at - n] + points[q];
  }
  const end = even + 2 * depth * n;
  room.set(weights, end);
  return { depth, value, ratios: room.subarray(0, depth), factors, weights: room.subarray(end, end + n) };
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

/** Adds what a leaf gives to the rows of a block, from its table or computed row by row. */
function addLeaf(bench: Bench, leaf: BenchLeaf, patterns: Uint32Array, from: number): void {
  const { run, stride, places, counting, direct } = bench;
  const { targets, depth, step } = leaf;
  if (targets.length === 0) return;
  const out = bench.out.subarray(from);
  if (leaf.table) {
    const table = { terms: leaf.table, width: 2 ** depth, mask: 2 ** depth - 1, targets };
    addTerms(run, patterns, table, out, stride, places);
    return;
  }
  const width = patterns.length;
  if (step.conditions) writeDeep(bench, leaf, from, width);
  else writeTerms(bench, patterns, leaf, direct, width);
  const table = { terms: direct, width, mask: 0xffff_ffff, targets };
  addTerms(run, counting.subarray(0, width), table, out, stride, places);
}

/** Terms of a leaf with more features than a pattern has bits, row by row. */
function writeDeep(
  { kind, sets, column, work, direct }: Bench,
  leaf: BenchLeaf,
  from: number,
  count: number,
): void {
  const bits = new Uint8Array(leaf.depth);
  const conditions = leaf.step.conditions!.map(({ split, left, place }) => {
    return { split, left, place, values: column(split.feature, from, count) };
  });
  const write = kind === 'features' ? bitTerms : bitPairTerms;
  for (let row = 0; row < count; row++) {
    bits.fill(1);
    for (const { split, left, place, values } of conditions) {
      if (goesLeft(split, sets, values[row]) !== left) bits[place] = 0;
    }
    write(bits, leaf, work, direct, row, count);
  }
}
