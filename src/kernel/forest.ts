/**
 * Leaves of a packed forest, added to margins: kernels/forest.ts, which asks every node of 64 rows at once, or the twin
 * here, which walks. Both find the same leaves and add them in the order of the trees, in f64: the same bits.
 * Rows are binned by the thresholds of the forest alone, so a comparison of bytes says exactly what the comparison of
 * numbers would. Knows nothing of how a model is kept; model/forest-pack.ts packs.
 */
import type { DenseView } from '../particle/view.ts';
import { type KernelRun, runKernels } from './mode.ts';
import { binBlock, type PaddedEdges } from './tree.ts';

/** Most leaves of a tree that is not walked: a leaf is a byte. */
export const MOST_LEAVES = 256;
/** Most thresholds of a column: bins -127 … 126; a feature of more has several columns. */
export const MOST_EDGES = 253;
const FIRST_BIN = -127;
/** Bin of a missing value where it goes right, and where it goes left. */
const MISSING = { right: 127, left: -128 } as const;
/** Bytes of a slot: a leaf for each of 64 rows. */
export const SLOT_BYTES = 64;
/** Slot of the first inner node. */
export const INNER_SLOTS = MOST_LEAVES * SLOT_BYTES;
/** Bits of a node's second word. */
export const NODE_CATEGORICAL = 256;
export const NODE_MISSING_LEFT = 512;
export const NODE_LEAF = 1024;
export const SET_SHIFT = 11;
/** Bytes of a node. */
export const NODE_BYTES = 16;
/** Stands for the slot of the root of a tree that is walked. */
export const WALKED = 0xffff_ffff;
/** Planes of a category. */
export const CODE_PLANES = 5;

/** A feature as bins, by planes from `plane` on: missing values right, left, or a plane of each in this order. */
export interface BinColumn extends PaddedEdges {
  readonly feature: number;
  readonly plane: number;
  readonly missing: readonly ('right' | 'left')[];
}

/** A feature as categories: {@link CODE_PLANES} planes from `plane` on, see kernels/forest.ts. */
export interface CodeColumn {
  readonly feature: number;
  readonly plane: number;
  readonly edges?: undefined;
}

/** A forest as the kernel reads it: see kernels/forest.ts for the words. */
export interface PackedForest {
  readonly outputs: number;
  readonly columns: readonly (BinColumn | CodeColumn)[];
  readonly planes: number;
  /** Rows that are binned at once, a multiple of 64: bytes of a plane. */
  readonly blockRows: number;
  /** Words: nodes, slot of the root or {@link WALKED}, leaves, output. */
  readonly trees: Uint32Array;
  /** Four words a node: children before parents, or the nodes of the forest as they stand where a tree is walked. */
  readonly program: Uint32Array;
  readonly sets: Uint32Array;
  /** Values of leaves, from left to right, tree after tree. */
  readonly leafValues: Float64Array;
}

/** Rows of a block: as many as keep the planes within a quarter of a megabyte, 64 to 1024. */
export function blockRowsOf(planes: number): number {
  let rows = 1024;
  while (rows > 64 && rows * planes > 262_144) rows /= 2;
  return rows;
}

/**
 * Adds the leaves of all trees to margins (output k of row r at r · outputs + k).
 * O(rows × nodes / 16), about 0.04 ns a row and node, or O(rows × depth) for trees that are walked; and 3 ns for each
 * value that is binned.
 */
export function addForest(forest: PackedForest, view: DenseView, margins: Float64Array): void {
  const { outputs, blockRows, planes } = forest;
  const { rows, values, stride } = view;
  runKernels((run) => {
    const kernel = run.wasm === undefined ? undefined : placeForest(run, forest);
    const block = run.zeros(Int8Array, planes * blockRows);
    const sums = run.zeros(Float64Array, blockRows * outputs);
    const copy = run.inPlace(values) ? undefined : run.zeros(Float32Array, blockRows);
    const columns = forest.columns.map((column) =>
      column.edges === undefined ? column : { ...column, edges: run.place(column.edges) },
    );
    for (let start = 0; start < rows; start += blockRows) {
      const count = Math.min(blockRows, rows - start);
      for (const column of columns) {
        const from = column.feature * stride + start;
        const source = values.subarray(from, from + count);
        if (column.edges === undefined) codePlanes(column, source, blockRows, block);
        else binPlanes(run, column, resident(source, copy), blockRows, block);
      }
      const slice = margins.subarray(start * outputs, (start + count) * outputs);
      sums.set(slice);
      if (kernel === undefined) walkBlock(forest, block, count, sums);
      else kernel(block, count, sums);
      slice.set(sums.subarray(0, slice.length));
    }
  });
}

function resident(source: Float32Array, copy: Float32Array | undefined): Float32Array {
  if (copy === undefined) return source;
  copy.set(source);
  return copy.subarray(0, source.length);
}

/** The kernel over a forest that lies in scratch for the duration of the call. */
function placeForest(run: KernelRun, forest: PackedForest) {
  const { wasm } = run;
  const { outputs, blockRows } = forest;
  const [trees, program, sets] = [forest.trees, forest.program, forest.sets].map((words) => run.place(words));
  const leafValues = run.place(forest.leafValues);
  const slots = run.zeros(Uint8Array, 2 * INNER_SLOTS);
  for (let leaf = 0; leaf < MOST_LEAVES; leaf++) slots.fill(leaf, leaf * SLOT_BYTES, (leaf + 1) * SLOT_BYTES);
  return (block: Int8Array, rows: number, margins: Float64Array) =>
    wasm!.forestBlock(
      trees.byteOffset,
      trees.length / 4,
      program.byteOffset,
      sets.byteOffset,
      leafValues.byteOffset,
      block.byteOffset,
      blockRows,
      slots.byteOffset,
      margins.byteOffset,
      outputs,
      rows,
    );
}

function binPlanes(
  run: KernelRun,
  column: BinColumn,
  values: Float32Array,
  bytes: number,
  block: Int8Array,
): void {
  const [first, second] = column.missing;
  const at = column.plane * bytes;
  const bins = block.subarray(at, at + bytes);
  binBlock(run, column, values, FIRST_BIN, MISSING[first], bins);
  if (second === undefined) return;
  const mirrored = block.subarray(at + bytes, at + 2 * bytes);
  if (run.wasm) run.wasm.forestMirror(bins.byteOffset, mirrored.byteOffset, values.length);
  else for (let r = 0; r < values.length; r++) mirrored[r] = bins[r] === 127 ? -128 : bins[r];
}

/** A category that no set can hold, such as 256, -1 or 0.5, has no bit, and goes right. */
function codePlanes({ plane }: CodeColumn, values: Float32Array, bytes: number, block: Int8Array): void {
  const at = plane * bytes;
  for (let r = 0; r < values.length; r++) {
    const x = values[r];
    const code = x & 255;
    block[at + r] = code >> 3;
    block[at + bytes + r] = (code >> 3) - 16;
    block[at + 2 * bytes + r] = code === x ? 1 << (code & 7) : 0;
    block[at + 3 * bytes + r] = Number.isNaN(x) ? 0 : -1;
    block[at + 4 * bytes + r] = -1;
  }
}

/** The twin: every row walks every tree. */
function walkBlock(forest: PackedForest, block: Int8Array, rows: number, margins: Float64Array): void {
  const { trees, outputs, leafValues } = forest;
  let first = 0;
  let value = 0;
  for (let tree = 0; tree < trees.length; tree += 4) {
    const [count, root, leaves, output] = trees.subarray(tree, tree + 4);
    for (let r = 0; r < rows; r++) {
      const leaf =
        root === WALKED
          ? walkedLeaf(forest, first, block, r)
          : slottedLeaf(forest, root, first + count - 1, block, r);
      margins[r * outputs + output] += leafValues[value + leaf];
    }
    first += count;
    value += leaves;
  }
}

/** Leaf of a row in a tree whose last node is the root. */
function slottedLeaf(forest: PackedForest, root: number, last: number, block: Int8Array, r: number): number {
  const { program } = forest;
  let slot = root;
  while (slot >= INNER_SLOTS) {
    const node = last - (slot - INNER_SLOTS) / SLOT_BYTES;
    const children = program[4 * node + 2];
    slot = goesRight(forest, node, block, r) ? children >>> 16 : children & 0xffff;
  }
  return slot / SLOT_BYTES;
}

/** Leaf of a row in a tree that is walked, whose first node is the root. */
function walkedLeaf(forest: PackedForest, root: number, block: Int8Array, r: number): number {
  const { program } = forest;
  let node = root;
  while ((program[4 * node + 1] & NODE_LEAF) === 0) {
    const right = goesRight(forest, node, block, r) ? 1 : 0;
    node = root + program[4 * node + 2] / NODE_BYTES + right;
  }
  return program[4 * node + 3] / 8;
}

function goesRight({ program, sets, blockRows }: PackedForest, node: number, block: Int8Array, r: number) {
  const x = program[4 * node] + r;
  const word = program[4 * node + 1];
  if ((word & NODE_CATEGORICAL) === 0) return block[x] > (word << 24) >> 24;
  const byte = block[x];
  const set = sets[8 * (word >>> SET_SHIFT) + (byte >> 2)] >>> (8 * (byte & 3));
  const keep = block[x + blockRows * ((word & NODE_MISSING_LEFT) === 0 ? 4 : 3)];
  return (set & block[x + 2 * blockRows] & 255) === 0 && keep !== 0;
}
