/**
 * Columns in memory: typed arrays with validity, no objects per row.
 * `validity` is an Arrow bitmap (bit i of byte i >> 3, least significant first; 1 = present);
 * it is absent when nothing is missing. A value at a missing row is 0, -1 (codes), '' or empty: never read.
 * NaN never stands in a column: readers turn it into missing. Infinities may.
 */
import type { ColumnType } from './schema.ts';

/** Physical arrays of a numeric column: the smallest that holds the values (see docs/particle-format.md). */
export type NumberArray = Float32Array | Float64Array | Int8Array | Int16Array | Int32Array;

export interface NumberColumn {
  readonly type: 'number';
  readonly values: NumberArray;
  readonly validity?: Uint8Array;
}

/** 0 or 1 a row, one byte each. */
export interface BooleanColumn {
  readonly type: 'boolean';
  readonly values: Uint8Array;
  readonly validity?: Uint8Array;
}

/** Dictionary of this particle in order of first appearance, and a code a row (-1 where missing). */
export interface CategoryColumn {
  readonly type: 'category';
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
  readonly validity?: Uint8Array;
}

export interface TextColumn {
  readonly type: 'text';
  readonly values: readonly string[];
  readonly validity?: Uint8Array;
}

/** Milliseconds since 1970-01-01T00:00Z; may have a fraction (microseconds). */
export interface TimestampColumn {
  readonly type: 'timestamp';
  readonly values: Float64Array;
  readonly validity?: Uint8Array;
}

export interface BinaryColumn {
  readonly type: 'binary';
  readonly values: readonly Uint8Array[];
  readonly validity?: Uint8Array;
}

/** CSR rows: entries of row r are [starts[r], starts[r + 1]), indices ascending within a row, below `width`. */
export interface SparseColumn {
  readonly type: 'sparse';
  readonly starts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
  readonly width: number;
  readonly validity?: Uint8Array;
}

export type Column =
  | NumberColumn
  | BooleanColumn
  | CategoryColumn
  | TextColumn
  | TimestampColumn
  | BinaryColumn
  | SparseColumn;

/** The column interface of a type. */
export type ColumnOf<T extends ColumnType> = Extract<Column, { type: T }>;

/** Whether row `row` is present. */
export function isPresent(validity: Uint8Array | undefined, row: number): boolean {
  return validity === undefined || (validity[row >> 3] & (1 << (row & 7))) !== 0;
}

/** Bitmap of `rows` bits, all absent. */
export function emptyValidity(rows: number): Uint8Array {
  return new Uint8Array((rows + 7) >> 3);
}

/** Marks a row present. */
export function setPresent(validity: Uint8Array, row: number): void {
  validity[row >> 3] |= 1 << (row & 7);
}

/** Number of rows that are present. O(rows / 8). */
export function countPresent(validity: Uint8Array | undefined, rows: number): number {
  if (validity === undefined) return rows;
  const whole = rows >> 3;
  let count = 0;
  for (let byte = 0; byte < whole; byte++) {
    let bits = validity[byte];
    bits -= (bits >> 1) & 0x55;
    bits = (bits & 0x33) + ((bits >> 2) & 0x33);
    count += (bits + (bits >> 4)) & 0x0f;
  }
  for (let row = whole << 3; row < rows; row++) count += (validity[row >> 3] >> (row & 7)) & 1;
  return count;
}

/** Number of rows of a column. */
export function columnRows(column: Column): number {
  if (column.type === 'category') return column.codes.length;
  if (column.type === 'sparse') return column.starts.length - 1;
  return column.values.length;
}
