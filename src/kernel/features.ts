/**
 * The features of a view, block of rows by block of rows, on either path: what generalised linear models multiply.
 * Resident views are used in place; others are copied a block at a time, so scratch is bounded whatever the view.
 * Block size is a function of the number of features alone: sums never depend on memory, path or place.
 */
import type { CsrView, DenseView } from '../particle/view.ts';
import * as csr from './csr.ts';
import * as dense from './dense.ts';
import type { KernelExports } from './load.ts';
import type { KernelRun } from './mode.ts';

/**
 * Numbers from one plane of block vectors to the next: a cache line more than rows. Planes a power of two apart would share
 * one set of the first-level cache, and loads would seem to depend on stores to other planes: 10 instead of 6 ns for an
 * output of softmax.
 */
export function planeStride(blockRows: number): number {
  return blockRows + 8;
}

/** Products with the current block. Arrays are `run`'s; block vectors have room for `blockRows`. */
export interface FeatureBlocks {
  /** Rows of every block but the last; a multiple of 4. */
  readonly blockRows: number;
  /** Makes rows [start, start + rows) the current block. */
  move(start: number, rows: number): void;
  /** margins[at + r] += x_r · coefficients[from … from + features). */
  addMargins(coefficients: Float64Array, from: number, margins: Float64Array, at: number): void;
  /** gradient[at + f] += Σ_r x_rf · residuals[from + r], and gradient[at + features] += Σ_r residuals[from + r]. */
  addGradient(residuals: Float64Array, from: number, gradient: Float64Array, at: number): void;
  /** total[0] += Σ_r terms[r]. */
  addSum(terms: Float64Array, total: Float64Array): void;
  /** diagonal[at + f] += Σ_r x_rf² · curvatures[r], and the intercept after the features. */
  addDiagonal(curvatures: Float64Array, diagonal: Float64Array, at: number): void;
  /** Upper triangle of X' diag(curvatures) X, intercept last: (features + 1)(features + 2) / 2 numbers. */
  addCurvature(curvatures: Float64Array, triangle: Float64Array, at: number): void;
}

/** Rows of a dense block: 1024 while it stays within half a megabyte of cache, 64 at least. */
function denseBlockRows(features: number): number {
  let rows = CSR_BLOCK_ROWS;
  while (rows > 64 && rows * features > 131_072) rows /= 2;
  return rows;
}

const CSR_BLOCK_ROWS = 1024;

/** No more room than the view needs: a view of few rows has one block. */
function roomFor(view: DenseView | CsrView, blockRows: number): number {
  return Math.min(blockRows, Math.max(4, paddedRows(view.rows)));
}

/** The blocks of a view's features. Allocates its scratch at once. */
export function featureBlocks(run: KernelRun, view: DenseView | CsrView): FeatureBlocks {
  return view.kind === 'dense' ? denseBlocks(run, view) : csrBlocks(run, view);
}

/** total[at] += Σ terms[from … from + rows), rows a multiple of 4 (the padding is 0). */
function addSum(
  wasm: KernelExports | undefined,
  terms: Float64Array,
  from: number,
  total: Float64Array,
  at: number,
  rows: number,
): void {
  if (wasm) wasm.blockSum(terms.byteOffset + from * 8, total.byteOffset + at * 8, rows);
  else total[at] += dense.blockSum(terms, from, rows);
}

/** Rows up to a multiple of 4. */
export function paddedRows(rows: number): number {
  return (rows + 3) & ~3;
}

function denseBlocks(run: KernelRun, view: DenseView): FeatureBlocks {
  const { features, stride: viewStride } = view;
  const { wasm } = run;
  const blockRows = roomFor(view, denseBlockRows(features));
  const inPlace = run.inPlace(view.values);
  const x = inPlace ? view.values : run.zeros(Float32Array, blockRows * features);
  const stride = inPlace ? viewStride : blockRows;
  const bytes = stride * 4;
  const scaled = run.zeros(Float64Array, blockRows);
  let at = 0;
  let rows = 0;
  const xPtr = () => x.byteOffset + at * 4;
  return {
    blockRows,
    move(start, count) {
      rows = paddedRows(count);
      at = inPlace ? start : 0;
      if (inPlace) return;
      for (let f = 0; f < features; f++) {
        const from = f * viewStride + start;
        x.set(view.values.subarray(from, from + rows), f * stride);
      }
    },
    addMargins(w, from, margins, to) {
      const [wPtr, mPtr] = [w.byteOffset + from * 8, margins.byteOffset + to * 8];
      if (wasm) wasm.denseMargins(xPtr(), bytes, features, wPtr, mPtr, rows);
      else dense.denseMargins(x, at, stride, features, w, from, margins, to, rows);
    },
    addGradient(residuals, from, gradient, to) {
      const [rPtr, gPtr] = [residuals.byteOffset + from * 8, gradient.byteOffset + to * 8];
      if (wasm) wasm.denseGradient(xPtr(), bytes, features, rPtr, gPtr, rows);
      else dense.denseGradient(x, at, stride, features, residuals, from, gradient, to, rows);
      addSum(wasm, residuals, from, gradient, to + features, rows);
    },
    addSum: (terms, total) => addSum(wasm, terms, 0, total, 0, rows),
    addDiagonal(h, diagonal, to) {
      const dPtr = diagonal.byteOffset + to * 8;
      if (wasm) wasm.denseDiagonal(xPtr(), bytes, features, h.byteOffset, dPtr, scaled.byteOffset, rows);
      else dense.denseDiagonal(x, at, stride, features, h, diagonal, to, scaled, rows);
      addSum(wasm, h, 0, diagonal, to + features, rows);
    },
    addCurvature(h, triangle, to) {
      const tPtr = triangle.byteOffset + to * 8;
      if (wasm) wasm.denseCurvature(xPtr(), bytes, features, h.byteOffset, tPtr, scaled.byteOffset, rows);
      else dense.denseCurvature(x, at, stride, features, h, triangle, to, scaled, rows);
    },
  };
}

/** Most entries that a block of rows has. */
function largestBlock(starts: Uint32Array, rows: number, blockRows: number): number {
  let most = 0;
  for (let start = 0; start < rows; start += blockRows) {
    most = Math.max(most, starts[Math.min(rows, start + blockRows)] - starts[start]);
  }
  return most;
}

function csrBlocks(run: KernelRun, view: CsrView): FeatureBlocks {
  const { features } = view;
  const { wasm } = run;
  const blockRows = roomFor(view, CSR_BLOCK_ROWS);
  const inPlace = run.inPlace(view.starts) && run.inPlace(view.indices) && run.inPlace(view.values);
  const most = inPlace ? 0 : largestBlock(view.starts, view.rows, blockRows);
  const arrays = inPlace
    ? view
    : {
        starts: run.zeros(Uint32Array, blockRows + 1),
        indices: run.zeros(Uint32Array, most),
        values: run.zeros(Float32Array, most),
      };
  const { starts, indices, values } = arrays;
  let first = 0;
  let rows = 0;
  const call = (name: 'csrMargins' | 'csrGradient' | 'csrDiagonal', vectorPtr: number, outPtr: number) =>
    wasm?.[name](
      starts.byteOffset + first * 4,
      indices.byteOffset,
      values.byteOffset,
      vectorPtr,
      outPtr,
      rows,
    );
  return {
    blockRows,
    move(start, count) {
      rows = count;
      first = inPlace ? start : 0;
      if (inPlace) return;
      const [from, to] = [view.starts[start], view.starts[start + count]];
      for (let r = 0; r <= count; r++) starts[r] = view.starts[start + r] - from;
      indices.set(view.indices.subarray(from, to));
      values.set(view.values.subarray(from, to));
    },
    addMargins(w, from, margins, to) {
      if (wasm) call('csrMargins', w.byteOffset + from * 8, margins.byteOffset + to * 8);
      else csr.csrMargins(arrays, first, w, from, margins, to, rows);
    },
    addGradient(residuals, from, gradient, to) {
      if (wasm) call('csrGradient', residuals.byteOffset + from * 8, gradient.byteOffset + to * 8);
      else csr.csrGradient(arrays, first, residuals, from, gradient, to, rows);
      addSum(wasm, residuals, from, gradient, to + features, paddedRows(rows));
    },
    addSum: (terms, total) => addSum(wasm, terms, 0, total, 0, paddedRows(rows)),
    addDiagonal(h, diagonal, to) {
      if (wasm) call('csrDiagonal', h.byteOffset, diagonal.byteOffset + to * 8);
      else csr.csrDiagonal(arrays, first, h, diagonal, to, rows);
      addSum(wasm, h, 0, diagonal, to + features, paddedRows(rows));
    },
    addCurvature(h, triangle, to) {
      if (!wasm) csr.csrCurvature(arrays, first, h, triangle, to, features, rows);
      else {
        wasm.csrCurvature(
          starts.byteOffset + first * 4,
          indices.byteOffset,
          values.byteOffset,
          h.byteOffset,
          triangle.byteOffset + to * 8,
          features,
          rows,
        );
      }
    },
  };
}
