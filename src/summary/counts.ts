/**
 * How often each category stands in a column: exact up to `cap` different ones, heavy hitters beyond.
 * The Misra–Gries summary in its mergeable form (Agarwal et al., "Mergeable Summaries", PODS 2012):
 * counts are added; when more than `cap` remain, the (cap + 1)-th greatest is taken off all and the rest dropped.
 * Guarantee: count ≤ true count ≤ count + error, and error ≤ total / (cap + 1).
 */
import type { CategoryColumn } from '../particle/column.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, checkCount, recordPerColumn } from './columns.ts';

/** Different categories counted exactly by default. */
export const COUNTS_CAP = 8192;

export interface CountsState {
  /** Rows that are present, and rows that are not. */
  total: number;
  missing: number;
  /** What has been taken off any one count, at most. */
  error: number;
  counts: Map<string, number>;
}

export interface Count {
  readonly value: string;
  readonly count: number;
}

export interface Counts {
  readonly total: number;
  readonly missing: number;
  /** Most common first, equal counts by name; a lower bound each when `error` is not 0. */
  readonly values: readonly Count[];
  /** A count may be too low by this much; a value not listed stands at most this often. 0: all is exact. */
  readonly error: number;
}

export function emptyCounts(): CountsState {
  return { total: 0, missing: 0, error: 0, counts: new Map() };
}

/** Adds the rows of a category column; returns the rows of each code. O(rows + dictionary). */
export function addCategories(
  state: CountsState,
  column: CategoryColumn,
  rows: Uint32Array | undefined,
  cap: number,
): Uint32Array {
  const tally = tallyCodes(column, rows);
  let total = 0;
  for (const [code, value] of column.dictionary.entries()) {
    if (tally[code] === 0) continue;
    total += tally[code];
    state.counts.set(value, (state.counts.get(value) ?? 0) + tally[code]);
  }
  state.total += total;
  state.missing += (rows?.length ?? column.codes.length) - total;
  reduceTo(state, cap);
  return tally;
}

/** Rows of each code of the dictionary. */
export function tallyCodes(column: CategoryColumn, rows: Uint32Array | undefined): Uint32Array {
  const { codes, dictionary } = column;
  const tally = new Uint32Array(dictionary.length);
  if (rows === undefined) {
    for (let row = 0; row < codes.length; row++) {
      const code = codes[row];
      if (code >= 0) tally[code]++;
    }
  } else {
    for (let i = 0; i < rows.length; i++) {
      const code = codes[rows[i]];
      if (code >= 0) tally[code]++;
    }
  }
  return tally;
}

export function mergeCounts(into: CountsState, from: CountsState, cap: number): void {
  into.total += from.total;
  into.missing += from.missing;
  into.error += from.error;
  for (const [value, count] of from.counts) into.counts.set(value, (into.counts.get(value) ?? 0) + count);
  reduceTo(into, cap);
}

/** Takes the (cap + 1)-th greatest count off all, so that at most `cap` stay. O(n log n). */
function reduceTo(state: CountsState, cap: number): void {
  if (state.counts.size <= cap) return;
  const descending = Float64Array.from(state.counts.values()).sort().reverse();
  const off = descending[cap];
  state.error += off;
  const kept = new Map<string, number>();
  for (const [value, count] of state.counts) if (count > off) kept.set(value, count - off);
  state.counts = kept;
}

/** Ascending by UTF-16 units: the same order everywhere. */
function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function readCounts({ total, missing, error, counts }: CountsState): Counts {
  const values = [...counts].map(([value, count]) => ({ value, count }));
  values.sort((a, b) => b.count - a.count || byName(a.value, b.value));
  return { total, missing, values, error };
}

export function writeCounts(writer: ByteWriter, state: CountsState): void {
  for (const value of [state.total, state.missing, state.error, state.counts.size]) writer.f64(value);
  for (const value of [...state.counts.keys()].sort(byName)) {
    writer.text(value);
    writer.f64(state.counts.get(value)!);
  }
}

export function parseCounts(reader: ByteReader): CountsState {
  const state: CountsState = {
    total: reader.count(),
    missing: reader.count(),
    error: reader.count(),
    counts: new Map(),
  };
  const size = reader.count();
  for (let i = 0; i < size; i++) {
    const value = reader.text();
    state.counts.set(value, reader.count());
  }
  return state;
}

/** `cap`: different values kept; memory is O(cap). */
export type CountsOptions = ColumnsOptions & { readonly cap?: number };

function statisticOf(cap: number): ColumnStatistic<CountsState, Counts> {
  return {
    tag: 'counts/1',
    types: ['category', 'boolean'],
    empty: emptyCounts,
    observe(state, column, rows) {
      if (column.type === 'category') addCategories(state, column, rows, cap);
      else if (column.type === 'boolean') addCategories(state, asCategories(column), rows, cap);
    },
    merge: (into, from) => mergeCounts(into, from, cap),
    scale(state, factor) {
      for (const part of ['total', 'missing', 'error'] as const) state[part] *= factor;
      for (const [value, count] of state.counts) state.counts.set(value, count * factor);
    },
    read: readCounts,
    write: writeCounts,
    parse: parseCounts,
  };
}

/** A boolean column as categories `false` and `true`. */
function asCategories(column: { values: Uint8Array; validity?: Uint8Array }): CategoryColumn {
  const { values, validity } = column;
  const codes = new Int32Array(values.length);
  for (let row = 0; row < codes.length; row++) {
    const present = validity === undefined || (validity[row >> 3] & (1 << (row & 7))) !== 0;
    codes[row] = present ? values[row] : -1;
  }
  return { type: 'category', codes, dictionary: ['false', 'true'], validity };
}

/** Summary of the counts of every category and boolean column, or of `columns`. O(rows). */
export function counts(options?: CountsOptions | null) {
  const chosen = options ?? {};
  return recordPerColumn(statisticOf(checkCount('cap', chosen.cap ?? COUNTS_CAP, 1, 1_000_000)), chosen);
}
