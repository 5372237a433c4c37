/**
 * Plain twins of kernels/sgd.ts: one sequential pass of adaptive gradient steps over rows, coordinate by coordinate
 *     g = residual · x;   squares += g²;   parameter -= rate · g / √squares
 * (AdaGrad: Duchi, Hazan & Singer, JMLR 12, 2011). Same order of sums, same bits.
 */
import type { CsrArrays } from './csr.ts';

const TINY = 1e-300;

/** Residuals and loss of one row: reads `margins`, label and weight, fills `residuals`; stride 2 (kernels/sgd.ts). */
export type RowLoss = (label: number, weight: number) => number;

/** What a pass over dense rows changes and reads; vectors of output k start at k · width, `rates` serve all outputs. */
export interface DenseSgdState {
  /** Features, the intercept, and padding to a multiple of 4. */
  readonly width: number;
  readonly outputs: number;
  readonly parameters: Float64Array;
  readonly squares: Float64Array;
  readonly rates: Float64Array;
  /** One row: margins outputs × 2, residuals outputs × 2, labels 2, weights 2. */
  readonly row: Float64Array;
}

/** What a pass over CSR rows changes and reads. */
export interface CsrSgdState {
  /** Features and the intercept. */
  readonly width: number;
  readonly outputs: number;
  /** RECORD numbers a coordinate: parameter, squares, rate, unused; output k from k · width · RECORD. */
  readonly records: Float64Array;
  readonly row: Float64Array;
}

/** Numbers of a record. */
export const RECORD = 4;

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
  state: DenseSgdState,
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

function stepOne(
  { parameters, squares, rates }: DenseSgdState,
  at: number,
  coordinate: number,
  g: number,
): void {
  const q = squares[at] + g * g;
  squares[at] = q;
  parameters[at] -= (rates[coordinate] * g) / Math.sqrt(q + TINY);
}

function stepRecord(records: Float64Array, at: number, g: number): void {
  const q = records[at + 1] + g * g;
  records[at + 1] = q;
  records[at] -= (records[at + 2] * g) / Math.sqrt(q + TINY);
}

/** Steps over CSR rows [first, first + rows); touches the coordinates of non-zeros and the intercept only. */
export function sgdCsr(
  { starts, indices, values }: CsrArrays,
  first: number,
  { labels, weights, offsets }: SgdRows,
  rows: number,
  { width, outputs, records, row }: CsrSgdState,
  loss: RowLoss,
): number {
  const last = (width - 1) * RECORD;
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    const start = starts[first + r];
    const end = starts[first + r + 1];
    for (let k = 0; k < outputs; k++) {
      const plane = k * width * RECORD;
      let margin = 0;
      for (let j = start; j < end; j++) margin += values[j] * records[plane + indices[j] * RECORD];
      row[k * 2] = margin + records[plane + last] + offsets[r];
    }
    sum += loss(labels[r], weights[r]);
    for (let k = 0; k < outputs; k++) {
      const plane = k * width * RECORD;
      const residual = row[(outputs + k) * 2];
      for (let j = start; j < end; j++) {
        stepRecord(records, plane + indices[j] * RECORD, values[j] * residual);
      }
      stepRecord(records, plane + last, residual);
    }
  }
  return sum;
}

/** Largest |x| and Σ x² of every column over `rows` (a multiple of 4): row r adds to lane r mod 4, (0+2)+(1+3). */
export function denseScales(
  x: Float32Array,
  stride: number,
  features: number,
  rows: number,
  scales: Float64Array,
  squares: Float64Array,
): void {
  for (let f = 0; f < features; f++) {
    let largest = 0;
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    const end = f * stride + rows;
    for (let i = f * stride; i < end; i += 4) {
      largest = Math.max(largest, Math.abs(x[i]), Math.abs(x[i + 1]), Math.abs(x[i + 2]), Math.abs(x[i + 3]));
      s0 += x[i] * x[i];
      s1 += x[i + 1] * x[i + 1];
      s2 += x[i + 2] * x[i + 2];
      s3 += x[i + 3] * x[i + 3];
    }
    scales[f] = largest;
    squares[f] = s0 + s2 + (s1 + s3);
  }
}

/** Column-major rows [start, start + rows) as row-major numbers, `width` a row. */
export function denseRows(
  x: Float32Array,
  start: number,
  stride: number,
  features: number,
  rows: number,
  out: Float32Array,
  width: number,
): void {
  for (let f = 0; f < features; f++) {
    const from = f * stride + start;
    for (let r = 0, to = f; r < rows; r++, to += width) out[to] = x[from + r];
  }
}
