/**
 * Extremes of numeric columns: least and greatest value, and how many are missing, infinite or zero.
 * Law: exact; merge is associative and commutative.
 */
import type { ByteReader, ByteWriter } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, recordPerColumn } from './columns.ts';
import { eachNumber, NUMERIC_TYPES } from './moments.ts';

/** `min` is +∞ and `max` −∞ while no finite value has been seen. */
export interface ExtremesState {
  finite: number;
  missing: number;
  infinite: number;
  zeros: number;
  integers: boolean;
  min: number;
  max: number;
}

export interface Extremes {
  /** Values that are present, infinite ones among them. */
  readonly present: number;
  readonly missing: number;
  readonly infinite: number;
  readonly zeros: number;
  /** Whether every finite value is a whole number. */
  readonly integers: boolean;
  /** Of the finite values; null if there are none. */
  readonly min: number | null;
  readonly max: number | null;
}

export function emptyExtremes(): ExtremesState {
  return { finite: 0, missing: 0, infinite: 0, zeros: 0, integers: true, min: Infinity, max: -Infinity };
}

/** Adds `count` finite values. */
export function addExtremes(state: ExtremesState, values: Float64Array, count: number): void {
  let { min, max } = state;
  let zeros = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (value < min) min = value;
    if (value > max) max = value;
    if (value === 0) zeros++;
  }
  state.finite += count;
  state.zeros += zeros;
  state.min = min + 0;
  state.max = max + 0;
  if (state.integers) state.integers = allIntegers(values, count);
}

function allIntegers(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (Math.floor(values[i]) !== values[i]) return false;
  return true;
}

export function mergeExtremes(into: ExtremesState, from: ExtremesState): void {
  into.finite += from.finite;
  into.missing += from.missing;
  into.infinite += from.infinite;
  into.zeros += from.zeros;
  into.integers &&= from.integers;
  if (from.min < into.min) into.min = from.min;
  if (from.max > into.max) into.max = from.max;
}

export function readExtremes(state: ExtremesState): Extremes {
  const { missing, infinite, zeros, integers } = state;
  const some = state.finite > 0;
  return {
    present: state.finite + infinite,
    missing,
    infinite,
    zeros,
    integers: some && integers,
    min: some ? state.min : null,
    max: some ? state.max : null,
  };
}

export function writeExtremes(writer: ByteWriter, state: ExtremesState): void {
  for (const count of [state.finite, state.missing, state.infinite, state.zeros]) writer.f64(count);
  writer.u8(state.integers ? 1 : 0);
  writer.f64(state.min);
  writer.f64(state.max);
}

export function parseExtremes(reader: ByteReader): ExtremesState {
  return {
    finite: reader.count(),
    missing: reader.count(),
    infinite: reader.count(),
    zeros: reader.count(),
    integers: reader.u8() === 1,
    min: reader.f64(),
    max: reader.f64(),
  };
}

const statistic: ColumnStatistic<ExtremesState, Extremes> = {
  tag: 'extremes/1',
  types: NUMERIC_TYPES,
  empty: emptyExtremes,
  observe(state, column, rows) {
    const left = eachNumber(column, rows, (values, count) => addExtremes(state, values, count));
    state.missing += left.missing;
    state.infinite += left.infinite;
  },
  merge: mergeExtremes,
  read: readExtremes,
  write: writeExtremes,
  parse: parseExtremes,
};

/** Summary of the extremes of every numeric column, or of `columns`. O(values), 49 bytes of state a column. */
export function extremes(options?: ColumnsOptions | null) {
  return recordPerColumn(statistic, options ?? {});
}
