/**
 * A few rows of every view: blocks of rows at even distances, so that order within a particle does little harm.
 * Which rows are taken is a pure function of the view's size. Blocks are windows on the same arrays: no copy.
 */
import type { CsrView, DenseView } from '../../particle/view.ts';

/** Most blocks a view, and least rows of a block if there is more than one: smaller ones cost more than their rows. */
const BLOCKS = 16;
const BLOCK_ROWS = 256;

/** Windows of about `share` of the rows of a view; starts and lengths are multiples of 4, except the end's. */
export function sampleBlocks<V extends DenseView | CsrView>(view: V, share: number): V[] {
  const wanted = Math.min(view.rows, Math.ceil(share * view.rows));
  if (wanted === view.rows) return [view];
  const count = Math.max(1, Math.min(BLOCKS, Math.floor(wanted / BLOCK_ROWS)));
  const length = Math.min(view.rows, Math.ceil(wanted / count / 4) * 4);
  const blocks: V[] = [];
  for (let block = 0; block < count; block++) {
    const start = Math.floor(((view.rows - length) * (count === 1 ? 0.5 : block / (count - 1))) / 4) * 4;
    blocks.push(rowsOf(view, start, length) as V);
  }
  return blocks;
}

/** About `share` of `rows` row numbers at even distances, at least one of any: for what needs no windows. */
export function spacedRows(rows: number, share: number): Uint32Array {
  const wanted = Math.min(rows, Math.ceil(share * rows));
  return Uint32Array.from({ length: wanted }, (_, i) => Math.floor(((i + 0.5) * rows) / wanted));
}

/** Rows [start, start + length) of a view; `start` a multiple of 4. */
export function rowsOf(view: DenseView | CsrView, start: number, length: number): DenseView | CsrView {
  const end = start + length;
  const rows = {
    rows: length,
    labels: view.labels.subarray(start, end),
    weights: view.weights?.subarray(start, end),
    offsets: view.offsets?.subarray(start, end),
  };
  if (view.kind === 'dense') return { ...view, ...rows, values: view.values.subarray(start) };
  return { ...view, ...rows, starts: view.starts.subarray(start, end + 1) };
}
