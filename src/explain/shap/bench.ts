/**
 * The bench that the rows of a chunk are explained on: every array of the work, where kernels reach it, sized once for
 * the largest tree. How many rows make a chunk, which leaves have a table, and how large it is, is decided here.
 */
import type { KernelRun } from '../../kernel/mode.ts';
import { hashSize, PATTERN_BITS, workSize } from '../../kernel/shap.ts';
import type { Forest } from '../../model/forest.ts';
import type { DenseView } from '../../particle/view.ts';
import { type Kind, slotCount } from './pairs.ts';
import type { LeafStep, TreePaths } from './paths.ts';

/** Rows that pass a tree together: their patterns and columns stay in the second-level cache. */
const BLOCK = 512;
/** Most rows whose columns are added to before they are handed over, and most values of those columns. */
const CHUNK = 16_384;
const CHUNK_VALUES = 1 << 20;
/** Most features of a leaf that is done block by block; deeper ones are done when all blocks have passed. */
const SHALLOW = 9;
/*
 * What follows bounds the bench to about 20 MiB and the columns of the chunk, so that it fits beside the views of a
 * worker: where it does not, the plain path takes over, with the same bits and five times as slow.
 */
/** Most table entries of a tree, and rows that there must be for each pattern of a table. */
const TABLE_VALUES = 1 << 19;
const ROWS_A_PATTERN = 8;
/** Most patterns that are kept of the leaves of a tree, and most terms of a leaf without a table. */
const KEPT_PATTERNS = 1 << 20;
const KEPT_TERMS = 1 << 19;

/** What is explained: rows [first, first + rows) of the view. */
export interface Chunk {
  readonly view: DenseView;
  readonly kind: Kind;
  readonly first: number;
  readonly rows: number;
  /** Columns of `out`. */
  readonly columns: number;
}

/** What the walks of a chunk share. */
export interface Bench {
  readonly run: KernelRun;
  readonly kind: Kind;
  readonly forest: Forest;
  readonly sets: Uint32Array;
  readonly rows: number;
  /** Rows rounded up to 4. */
  readonly stride: number;
  /** Rows of a block, a multiple of 4. */
  readonly block: number;
  /** Feature f of rows [from, from + count) of the chunk. */
  column(feature: number, from: number, count: number): Float32Array;
  /** Patterns of a block, a slot after the other. */
  readonly patterns: Uint32Array;
  /** Patterns of the whole chunk, a deep leaf after the other. */
  readonly kept: Uint32Array;
  readonly hash: Uint32Array;
  readonly distinct: Uint32Array;
  readonly places: Uint32Array;
  /** 0, 1, 2 …: every pattern of a table. */
  readonly counting: Uint32Array;
  readonly work: Float64Array;
  readonly constants: Float64Array;
  readonly targets: Uint32Array;
  readonly tables: Float64Array;
  /** Terms of a leaf without a table. */
  readonly terms: Float64Array;
  readonly out: Float64Array;
}

/** Leaves of a tree, in the order of its steps. */
export function leavesOf({ steps }: TreePaths): LeafStep[] {
  return steps.filter((step) => step.kind === 'leaf');
}

/** Rows of a chunk, a multiple of 4. */
export function chunkRows(trees: readonly TreePaths[], columns: number): number {
  const leaves = trees.reduce((most, tree) => Math.max(most, leavesOf(tree).filter(isKept).length), 1);
  const rows = Math.min(CHUNK_VALUES / Math.max(1, columns), KEPT_PATTERNS / leaves, CHUNK);
  return Math.max(4, Math.floor(rows / 4) * 4);
}

/** Whether the patterns of a leaf are kept for the whole chunk: never a question of how many rows there are. */
export function isKept({ features }: LeafStep): boolean {
  return features.length > SHALLOW && features.length <= PATTERN_BITS;
}

/** Entries of a leaf's table of all patterns; 0 where it has none, because most of them may not occur. */
export function tableSize(depth: number, kind: Kind, rows: number): number {
  const isWorth = depth <= SHALLOW && 2 ** depth * ROWS_A_PATTERN <= rows;
  return isWorth ? 2 ** depth * slotCount(depth, kind) : 0;
}

/** Points of an exact rule for so many features, an even number of them. */
export function pointCount(depth: number): number {
  return 2 * Math.max(1, Math.ceil(depth / 4));
}

/** f64 that the ratios, factors and weights of a leaf take; each begins at 16 bytes. */
export function constantSize(depth: number): number {
  return depth + (depth % 2) + (2 * depth + 1) * pointCount(depth);
}

/** Lays the bench for a chunk. Throws nothing: where kernel memory is full, the plain path takes over. */
export function makeBench(run: KernelRun, forest: Forest, trees: readonly TreePaths[], chunk: Chunk): Bench {
  const { view, kind, first, rows, columns } = chunk;
  const stride = Math.ceil(rows / 4) * 4;
  const block = Math.min(BLOCK, stride);
  const most = largest(trees, kind, rows);
  const patternSlots = slotCount(Math.min(most.depth, PATTERN_BITS), kind);
  const words = (length: number): Uint32Array => run.zeros(Uint32Array, length);
  const numbers = (length: number): Float64Array => run.zeros(Float64Array, length);
  return {
    ...{ run, kind, forest, rows, stride, block },
    sets: run.place(forest.sets),
    column: placedColumns(run, view, first, rows),
    patterns: words(most.slots * block),
    kept: words(most.leaves * stride),
    hash: words(hashSize(stride)),
    distinct: words(stride),
    places: words(block),
    counting: counted(words(Math.max(block, 2 ** SHALLOW))),
    work: numbers(workSize(most.depth)),
    constants: numbers(most.constants),
    targets: words(most.targets),
    tables: numbers(most.tables),
    terms: numbers(
      Math.max(slotCount(most.depth, kind) * block, Math.min(KEPT_TERMS, patternSlots * stride)),
    ),
    out: numbers(columns * stride),
  };
}

/** The most that any tree needs of each kind. */
function largest(trees: readonly TreePaths[], kind: Kind, rows: number) {
  const most = { slots: 1, leaves: 0, depth: 0, constants: 0, targets: 0, tables: 0 };
  for (const tree of trees) {
    const own = { slots: tree.slots, leaves: 0, depth: 0, constants: 0, targets: 0, tables: 0 };
    for (const leaf of leavesOf(tree)) {
      const depth = leaf.features.length;
      const table = tableSize(depth, kind, rows);
      if (own.tables + table <= TABLE_VALUES) own.tables += table;
      if (isKept(leaf)) own.leaves++;
      own.depth = Math.max(own.depth, depth);
      own.constants += constantSize(depth);
      own.targets += slotCount(depth, kind);
    }
    for (const key of Object.keys(most) as (keyof typeof most)[]) most[key] = Math.max(most[key], own[key]);
  }
  return most;
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
