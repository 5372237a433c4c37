/**
 * Where transforms write: one matrix of features, dense (column-major) or CSR, from three kinds of piece.
 * A block is a few dense columns, slots are one 1 a row, entries are CSR rows. Pieces come in feature order,
 * so indices ascend within a row of the CSR form. Cost: O(rows × block width + entries).
 */

import type { ReusedBytes } from '../particle/reused-bytes.ts';

/** The finished matrix; see DenseView and CsrView for the layouts. */
export interface DenseMatrix {
  readonly layout: 'dense';
  readonly stride: number;
  readonly values: Float32Array;
}

export interface CsrMatrix {
  readonly layout: 'csr';
  readonly starts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

/** Receives pieces in order of their first feature `base`. */
export interface Output {
  readonly rows: number;
  /** Rows rounded up to 4: the distance between columns of a block. */
  readonly stride: number;
  /** Zeroed columns to be written: value of column k, row r at `k * stride + r`. */
  block(base: number, width: number): Float32Array;
  /** A 1 at feature `base + slots[r]` of row r; -1 for none. */
  slots(base: number, slots: Int32Array): void;
  /** CSR rows from 0, indices relative to `base` and ascending within a row; the arrays may become the matrix. */
  entries(base: number, starts: Uint32Array, indices: Uint32Array, values: Float32Array): void;
}

/** Numbers in a page of 4 KiB, and in a cache line. */
const PAGE = 1024;
const LINE = 16;

/**
 * Rows rounded up to a multiple of 4, so that every column starts on a SIMD boundary; a cache line more where columns would
 * be whole pages apart, since the same rows of all columns would then share one set of the first-level cache.
 */
export function strideOf(rows: number): number {
  const stride = (rows + 3) & ~3;
  return stride % PAGE === 0 ? stride + LINE : stride;
}

/** Writes each piece straight into one column-major matrix of `width` features, in `memory` if that is given. */
export function denseOutput(
  rows: number,
  width: number,
  memory?: ReusedBytes,
): Output & { finish(): DenseMatrix } {
  const stride = strideOf(rows);
  const values = memory?.zeros(width * stride) ?? new Float32Array(width * stride);
  return {
    rows,
    stride,
    block: (base, columns) => values.subarray(base * stride, (base + columns) * stride),
    slots(base, slots) {
      const start = base * stride;
      for (let row = 0; row < rows; row++) {
        const slot = slots[row];
        if (slot >= 0) values[start + slot * stride + row] = 1;
      }
    },
    entries(base, starts, indices, entries) {
      for (let row = 0; row < rows; row++) {
        for (let at = starts[row]; at < starts[row + 1]; at++) {
          values[(base + indices[at]) * stride + row] = entries[at];
        }
      }
    },
    finish: () => ({ layout: 'dense', stride, values }),
  };
}

type Piece =
  | { readonly kind: 'block'; readonly base: number; readonly width: number; readonly values: Float32Array }
  | { readonly kind: 'slots'; readonly base: number; readonly slots: Int32Array }
  | {
      readonly kind: 'entries';
      readonly base: number;
      readonly starts: Uint32Array;
      readonly indices: Uint32Array;
      readonly values: Float32Array;
    };

/** Keeps the pieces, then counts and fills CSR rows; exact zeros of blocks are left out. */
export function csrOutput(rows: number): Output & { finish(): CsrMatrix } {
  const stride = strideOf(rows);
  const pieces: Piece[] = [];
  return {
    rows,
    stride,
    block(base, width) {
      const values = new Float32Array(width * stride);
      pieces.push({ kind: 'block', base, width, values });
      return values;
    },
    slots: (base, slots) => void pieces.push({ kind: 'slots', base, slots }),
    entries: (base, starts, indices, values) =>
      void pieces.push({ kind: 'entries', base, starts, indices, values }),
    finish: () => assemble(rows, stride, pieces),
  };
}

function assemble(rows: number, stride: number, pieces: readonly Piece[]): CsrMatrix {
  const [only] = pieces;
  if (pieces.length === 1 && only.kind === 'entries' && only.base === 0) {
    const { starts, indices, values } = only;
    return { layout: 'csr', starts, indices, values };
  }
  const starts = new Uint32Array(rows + 1);
  const counts = starts.subarray(1);
  for (const piece of pieces) countPiece(piece, rows, stride, counts);
  for (let row = 0; row < rows; row++) starts[row + 1] += starts[row];
  const next = starts.slice(0, rows);
  const indices = new Uint32Array(starts[rows]);
  const values = new Float32Array(starts[rows]);
  for (const piece of pieces) fillPiece(piece, rows, stride, next, indices, values);
  return { layout: 'csr', starts, indices, values };
}

function countPiece(piece: Piece, rows: number, stride: number, counts: Uint32Array): void {
  if (piece.kind === 'slots') {
    const { slots } = piece;
    for (let row = 0; row < rows; row++) counts[row] += slots[row] >= 0 ? 1 : 0;
  } else if (piece.kind === 'entries') {
    const { starts } = piece;
    for (let row = 0; row < rows; row++) counts[row] += starts[row + 1] - starts[row];
  } else {
    for (let column = 0; column < piece.width; column++) {
      const values = piece.values.subarray(column * stride, column * stride + rows);
      for (let row = 0; row < rows; row++) counts[row] += values[row] !== 0 ? 1 : 0;
    }
  }
}

function fillPiece(
  piece: Piece,
  rows: number,
  stride: number,
  next: Uint32Array,
  indices: Uint32Array,
  values: Float32Array,
): void {
  if (piece.kind === 'slots') fillSlots(piece.slots, piece.base, rows, next, indices, values);
  else if (piece.kind === 'entries') fillEntries(piece, rows, next, indices, values);
  else {
    for (let column = 0; column < piece.width; column++) {
      const block = piece.values.subarray(column * stride, column * stride + rows);
      fillColumn(block, piece.base + column, rows, next, indices, values);
    }
  }
}

function fillEntries(
  piece: Extract<Piece, { kind: 'entries' }>,
  rows: number,
  next: Uint32Array,
  indices: Uint32Array,
  values: Float32Array,
): void {
  for (let row = 0; row < rows; row++) {
    let to = next[row];
    for (let from = piece.starts[row]; from < piece.starts[row + 1]; from++, to++) {
      indices[to] = piece.base + piece.indices[from];
      values[to] = piece.values[from];
    }
    next[row] = to;
  }
}

function fillSlots(
  slots: Int32Array,
  base: number,
  rows: number,
  next: Uint32Array,
  indices: Uint32Array,
  values: Float32Array,
): void {
  for (let row = 0; row < rows; row++) {
    if (slots[row] < 0) continue;
    const to = next[row]++;
    indices[to] = base + slots[row];
    values[to] = 1;
  }
}

function fillColumn(
  column: Float32Array,
  feature: number,
  rows: number,
  next: Uint32Array,
  indices: Uint32Array,
  values: Float32Array,
): void {
  for (let row = 0; row < rows; row++) {
    if (column[row] === 0) continue;
    const to = next[row]++;
    indices[to] = feature;
    values[to] = column[row];
  }
}
