/**
 * Plain twins of kernels/sgd.ts: one sequential pass of adaptive gradient steps over rows, coordinate by coordinate
 *     g = residual · x;   squares += g²;   parameter -= rate · g / √squares
 * (AdaGrad: Duchi, Hazan & Singer, JMLR 12, 2011). Same order of sums, same bits.
 */
import type { CsrArrays } from './csr.ts';

const TINY = 1e-300;

/** Residuals and loss of one row: reads `margins`, label and weight, fills `residuals`; stride 2 (kernels/sgd.ts). */
export type RowLoss = (label: number, weight: number) => number;

/** What a pass changes and reads; vectors of output k start at k · width, `rates` are shared by outputs. */
export interface SgdState {
  /** Features, the intercept, and padding: a multiple of 4 for dense rows. */
  readonly width: number;
  readonly outputs: number;
  readonly parameters: Float64Array;
  readonly squares: Float64Array;
  readonly rates: Float64Array;
  /** One row: margins outputs × 2, residuals outputs × 2, labels 2, weights 2. */
  readonly row: Float64Array;
}

/** Labels, weights and offsets of a block of rows. */
export interface SgdRows {
  readonly labels: Float64Array;
  readonly weights: Float64Array;
  readonly offsets: Float64Array;
}

/** Steps over row-major dense rows; returns Σ weight · loss of each row before its step. */
export function sgdDense(
  x: Float32Array,
  { labels, weights, offsets }: SgdRows,
  rows: number,
  state: SgdState,
  loss: RowLoss,
): number {
  const { width, outputs, parameters, row } = state;
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    const at = r * width;
    for (let k = 0; k < outputs; k++) {
      const w = k * width;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let f = 0; f < width; f += 4) {
        s0 += x[at + f] * parameters[w + f];
        s1 += x[at + f + 1] * parameters[w + f + 1];
        s2 += x[at + f + 2] * parameters[w + f + 2];
        s3 += x[at + f + 3] * parameters[w + f + 3];
      }
      row[k * 2] = s0 + s2 + (s1 + s3) + offsets[r];
    }
    sum += loss(labels[r], weights[r]);
    for (let k = 0; k < outputs; k++) {
      const residual = row[(outputs + k) * 2];
      for (let f = 0; f < width; f++) stepOne(state, k * width + f, f, x[at + f] * residual);
    }
  }
  return sum;
}

function stepOne({ parameters, squares, rates }: SgdState, at: number, coordinate: number, g: number): void {
  const q = squares[at] + g * g;
  squares[at] = q;
  parameters[at] -= (rates[coordinate] * g) / Math.sqrt(q + TINY);
}

/** Steps over CSR rows [first, first + rows); touches the coordinates of non-zeros and the intercept only. */
export function sgdCsr(
  { starts, indices, values }: CsrArrays,
  first: number,
  { labels, weights, offsets }: SgdRows,
  rows: number,
  state: SgdState,
  loss: RowLoss,
): number {
  const { width, outputs, parameters, row } = state;
  const last = width - 1;
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    const start = starts[first + r];
    const end = starts[first + r + 1];
    for (let k = 0; k < outputs; k++) {
      const w = k * width;
      let margin = 0;
      for (let j = start; j < end; j++) margin += values[j] * parameters[w + indices[j]];
      row[k * 2] = margin + parameters[w + last] + offsets[r];
    }
    sum += loss(labels[r], weights[r]);
    for (let k = 0; k < outputs; k++) {
      const residual = row[(outputs + k) * 2];
      for (let j = start; j < end; j++) {
        stepOne(state, k * width + indices[j], indices[j], values[j] * residual);
      }
      stepOne(state, k * width + last, last, residual);
    }
  }
  return sum;
}
