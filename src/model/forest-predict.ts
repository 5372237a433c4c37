/**
 * Margins of a forest: base + offset + the leaves that a row falls into, in the order of the trees. Every sum is made
 * in that order in f64, for a row alone, for a view, and by the kernel, so all give the same bits. Free of Node.
 * Rows are walked in blocks, tree by tree, so that the nodes of a tree stay in the cache while a block passes.
 * Cost: O(rows × trees × depth), and by the kernel a tenth of that; nothing is allocated for a row.
 */
import { addForest, type PackedForest } from '../kernel/forest.ts';
import type { DenseView } from '../particle/view.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT, treeCount } from './forest.ts';
import { packForest } from './forest-pack.ts';

/** Rows that pass a tree before the next one: their values of 64 features fit 256 KiB. */
const BLOCK_ROWS = 1024;

/** Fewer rows are walked: to lay the packed forest out costs as much. */
const FEW_ROWS = 16;

/** Margins of the rows of views, by the kernel where the forest can be packed, which happens once. */
export function forestScorer(forest: Forest): (view: DenseView) => Float64Array {
  let packed: PackedForest | undefined | 'not yet' = 'not yet';
  return (view) => {
    if (view.rows < FEW_ROWS) return forestMargins(forest, view);
    if (packed === 'not yet') packed = packForest(forest);
    if (packed === undefined) return forestMargins(forest, view);
    const margins = startMargins(forest, view);
    addForest(packed, view, margins);
    return margins;
  };
}

/** Margins of the rows of a view by walking: output k of row r at r · outputs + k. */
export function forestMargins(forest: Forest, view: DenseView): Float64Array {
  const { rows, values, stride } = view;
  const margins = startMargins(forest, view);
  for (let from = 0; from < rows; from += BLOCK_ROWS) {
    addTrees(forest, values, stride, from, Math.min(rows, from + BLOCK_ROWS), margins);
  }
  return margins;
}

/** Base and offset. */
function startMargins({ outputs, base }: Forest, { rows, offsets }: DenseView): Float64Array {
  const margins = new Float64Array(rows * outputs);
  for (let row = 0, at = 0; row < rows; row++) {
    const offset = offsets === undefined ? 0 : offsets[row];
    for (let k = 0; k < outputs; k++) margins[at++] = base[k] + offset;
  }
  return margins;
}

/** Margins of one row, its features in order, into `margins` (outputs). */
export function forestRow(
  forest: Forest,
  features: Float32Array,
  margins: Float64Array,
  offset = 0,
): Float64Array {
  for (let k = 0; k < forest.outputs; k++) margins[k] = forest.base[k] + offset;
  addTrees(forest, features, 1, 0, 1, margins);
  return margins;
}

/** Adds the leaves of rows [from, to) to their margins; feature f of row r is `values[f * stride + r]`. */
function addTrees(
  forest: Forest,
  values: Float32Array,
  stride: number,
  from: number,
  to: number,
  margins: Float64Array,
): void {
  const { outputs, starts, treeOutputs, leafValues } = forest;
  const trees = treeCount(forest);
  for (let tree = 0; tree < trees; tree++) {
    const root = starts[tree];
    const k = treeOutputs[tree];
    for (let row = from; row < to; row++) {
      margins[row * outputs + k] += leafValues[leafOf(forest, root, values, stride, row)];
    }
  }
}

/** The leaf that a row falls into, among all nodes; the tree is told by its root's number. O(depth). */
export function leafOf(
  forest: Forest,
  root: number,
  values: Float32Array,
  stride: number,
  row: number,
): number {
  const { nodeFeatures, lefts } = forest;
  let node = root;
  for (let feature = nodeFeatures[node]; feature >= 0; feature = nodeFeatures[node]) {
    const right = goesLeft(forest, node, values[feature * stride + row]) ? 0 : 1;
    node = root + lefts[node] + right;
  }
  return node;
}

/** Whether a value goes left; a category that no set can hold, such as 256, -1 or 0.5, goes right. */
function goesLeft({ thresholds, flags, sets }: Forest, node: number, x: number): boolean {
  const flag = flags[node];
  if (Number.isNaN(x)) return (flag & MISSING_LEFT) !== 0;
  if ((flag & CATEGORICAL) === 0) return x <= thresholds[node];
  const code = x & 255;
  return code === x && ((sets[thresholds[node] + (code >> 5)] >>> (code & 31)) & 1) === 1;
}
