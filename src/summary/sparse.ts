/**
 * Sparse columns: how full they are, and for each feature how many entries it has, their sum, sum of squares
 * and greatest absolute value. Entries that are not stored are zeros. Features are listed up to a bound on width.
 * Law: counts and greatest values are exact; sums are associative up to rounding.
 */
import type { Column, SparseColumn } from '../particle/column.ts';
import { isPresent } from '../particle/column.ts';
import type { Field } from '../particle/schema.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { corrupt } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, checkCount, recordPerColumn } from './columns.ts';

/** Widest column whose features are listed by default: 32 bytes of state a feature. */
export const SPARSE_WIDTH = 1 << 17;

/** `stored`, `sums`, `squares` and `greatest` have one number a feature, or none beyond the bound. */
export interface SparseState {
  rows: number;
  missing: number;
  entries: number;
  width: number;
  stored: Float64Array;
  sums: Float64Array;
  squares: Float64Array;
  greatest: Float64Array;
}

/** What is known of each feature: arrays of length `width`. */
export interface SparseFeatures {
  /** Entries stored. */
  readonly stored: readonly number[];
  readonly sums: readonly number[];
  readonly squares: readonly number[];
  /** Greatest absolute value. */
  readonly greatest: readonly number[];
}

export interface Sparse {
  readonly present: number;
  readonly missing: number;
  /** Stored entries of all rows. */
  readonly entries: number;
  readonly width: number;
  /** Null when the column is wider than the bound. */
  readonly features: SparseFeatures | null;
}

const none = new Float64Array(0);

export function emptySparse(field: Field): SparseState {
  const width = field.width ?? 0;
  return { rows: 0, missing: 0, entries: 0, width, stored: none, sums: none, squares: none, greatest: none };
}

/** Adds the rows of a sparse column. O(entries + width). */
export function addSparse(
  state: SparseState,
  column: Column,
  rows: Uint32Array | undefined,
  bound: number,
): void {
  if (column.type !== 'sparse') return;
  widen(state, column.width, bound);
  const total = rows?.length ?? column.starts.length - 1;
  const listed = state.width <= bound;
  for (let i = 0; i < total; i++) {
    const row = rows === undefined ? i : rows[i];
    state.rows++;
    if (!isPresent(column.validity, row)) {
      state.missing++;
      continue;
    }
    state.entries += column.starts[row + 1] - column.starts[row];
    if (listed) addRow(state, column, row);
  }
}

function addRow({ stored, sums, squares, greatest }: SparseState, column: SparseColumn, row: number): void {
  const { starts, indices, values } = column;
  for (let at = starts[row]; at < starts[row + 1]; at++) {
    const feature = indices[at];
    const value = values[at];
    stored[feature]++;
    sums[feature] += value;
    squares[feature] += value * value;
    const size = Math.abs(value);
    if (size > greatest[feature]) greatest[feature] = size;
  }
}

/** Makes room for `width` features, or drops the lists if that is beyond the bound. */
function widen(state: SparseState, width: number, bound: number): void {
  state.width = Math.max(state.width, width);
  const size = state.width <= bound ? state.width : 0;
  if (state.stored.length === size) return;
  for (const part of ['stored', 'sums', 'squares', 'greatest'] as const) {
    const grown = new Float64Array(size);
    if (size > 0) grown.set(state[part]);
    state[part] = grown;
  }
}

export function mergeSparse(into: SparseState, from: SparseState, bound: number): void {
  widen(into, from.width, bound);
  into.rows += from.rows;
  into.missing += from.missing;
  into.entries += from.entries;
  if (into.stored.length === 0) return;
  for (let feature = 0; feature < from.stored.length; feature++) {
    into.stored[feature] += from.stored[feature];
    into.sums[feature] += from.sums[feature];
    into.squares[feature] += from.squares[feature];
    if (from.greatest[feature] > into.greatest[feature]) into.greatest[feature] = from.greatest[feature];
  }
}

export function readSparse(state: SparseState): Sparse {
  const { rows, missing, entries, width } = state;
  const listed = state.stored.length === width;
  const features = listed
    ? {
        stored: [...state.stored],
        sums: [...state.sums],
        squares: [...state.squares],
        greatest: [...state.greatest],
      }
    : null;
  return { present: rows - missing, missing, entries, width, features };
}

export function writeSparse(writer: ByteWriter, state: SparseState): void {
  for (const value of [state.rows, state.missing, state.entries, state.width]) writer.f64(value);
  for (const list of [state.stored, state.sums, state.squares, state.greatest]) writer.f64s(list);
}

export function parseSparse(reader: ByteReader): SparseState {
  const [rows, missing, entries, width] = [reader.count(), reader.count(), reader.count(), reader.count()];
  const [stored, sums, squares, greatest] = [reader.f64s(), reader.f64s(), reader.f64s(), reader.f64s()];
  for (const list of [stored, sums, squares, greatest]) {
    if (list.length !== stored.length || (list.length !== width && list.length !== 0)) {
      throw corrupt(`${list.length} features where ${width} are wide`);
    }
  }
  return { rows, missing, entries, width, stored, sums, squares, greatest };
}

/** `width`: widest column whose features are listed. */
export type SparseOptions = ColumnsOptions & { readonly width?: number };

function statisticOf(bound: number): ColumnStatistic<SparseState, Sparse> {
  return {
    tag: 'sparse/1',
    types: ['sparse'],
    empty: emptySparse,
    observe: (state, column, rows) => addSparse(state, column, rows, bound),
    merge: (into, from) => mergeSparse(into, from, bound),
    read: readSparse,
    write: writeSparse,
    parse: parseSparse,
  };
}

/** Summary of every sparse column, or of `columns`. O(entries + width). */
export function sparse(options?: SparseOptions | null) {
  const chosen = options ?? {};
  return recordPerColumn(statisticOf(checkCount('width', chosen.width ?? SPARSE_WIDTH, 0, 2 ** 26)), chosen);
}
