/**
 * Moments of numeric columns: count, mean and central sums of powers, from which variance, skewness and
 * kurtosis are read. Blocks are summed about their first value, then merged by the pairwise formulas of
 * Chan, Golub and LeVeque (1979) and Pébay (SAND2008-6212): relative error ~1e-15 however large the mean.
 * Law: merge is associative up to rounding; the merge tree fixes the order, so results are reproducible.
 */
import type { Column } from '../particle/column.ts';
import type { ColumnType } from '../particle/schema.ts';
import { eachBlock } from './blocks.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, recordPerColumn } from './columns.ts';

/** n, mean, and Σ(x − mean)^p for p = 2, 3, 4. */
export interface MomentsState {
  n: number;
  mean: number;
  m2: number;
  m3: number;
  m4: number;
}

/** What moments say of a column; null where too few values (or an overflow) leave it undefined. */
export interface Moments {
  /** Present, finite values. */
  readonly n: number;
  readonly mean: number | null;
  /** Sample variance, divisor n − 1. */
  readonly variance: number | null;
  /** Square root of the sample variance. */
  readonly std: number | null;
  /** Population skewness, m3 / m2^1.5 with divisor n. */
  readonly skewness: number | null;
  /** Population excess kurtosis. */
  readonly kurtosis: number | null;
}

export const NUMERIC_TYPES: readonly ColumnType[] = ['number', 'timestamp', 'boolean'];

export function emptyMoments(): MomentsState {
  return { n: 0, mean: 0, m2: 0, m3: 0, m4: 0 };
}

/** Adds `count` finite values. Two passes, O(count). */
export function addMoments(state: MomentsState, values: Float64Array, count: number): void {
  if (count === 0) return;
  const mean = blockMean(values, count);
  let m2 = 0;
  let m3 = 0;
  let m4 = 0;
  for (let i = 0; i < count; i++) {
    const d = values[i] - mean;
    const square = d * d;
    m2 += square;
    m3 += square * d;
    m4 += square * square;
  }
  mergeMoments(state, { n: count, mean, m2, m3, m4 });
}

/** Mean about the first value, so that a constant block has exactly its value; four lanes. */
function blockMean(values: Float64Array, count: number): number {
  const origin = values[0];
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    a += values[i] - origin;
    b += values[i + 1] - origin;
    c += values[i + 2] - origin;
    d += values[i + 3] - origin;
  }
  for (; i < count; i++) a += values[i] - origin;
  const mean = origin + (a + b + (c + d)) / count;
  if (Number.isFinite(mean)) return mean;
  let scaled = 0;
  for (let j = 0; j < count; j++) scaled += values[j] / count;
  return scaled;
}

/** Pébay (2008), equations 2.1, 3.1: central sums of a union from those of its parts. */
export function mergeMoments(into: MomentsState, from: MomentsState): void {
  if (from.n === 0) return;
  if (into.n === 0) {
    Object.assign(into, from);
    return;
  }
  const { n: na, m2: a2, m3: a3, m4: a4 } = into;
  const { n: nb, m2: b2, m3: b3, m4: b4 } = from;
  const n = na + nb;
  const delta = from.mean - into.mean;
  const step = delta / n;
  const square = step * step;
  const cross = delta * step * na * nb;
  into.m4 =
    a4 +
    b4 +
    cross * square * (na * na - na * nb + nb * nb) +
    6 * square * (na * na * b2 + nb * nb * a2) +
    4 * step * (na * b3 - nb * a3);
  into.m3 = a3 + b3 + cross * step * (na - nb) + 3 * step * (na * b2 - nb * a2);
  into.m2 = a2 + b2 + cross;
  into.mean += step * nb;
  into.n = n;
}

export function readMoments({ n, mean, m2, m3, m4 }: MomentsState): Moments {
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  const variance = n > 1 ? finite(m2 / (n - 1)) : null;
  const spread = m2 / n;
  return {
    n,
    mean: n > 0 ? finite(mean) : null,
    variance,
    std: variance === null ? null : Math.sqrt(variance),
    skewness: m2 > 0 ? finite(m3 / n / (spread * Math.sqrt(spread))) : null,
    kurtosis: m2 > 0 ? finite(m4 / n / (spread * spread) - 3) : null,
  };
}

export function writeMoments(writer: ByteWriter, state: MomentsState): void {
  writer.f64(state.n);
  for (const value of [state.mean, state.m2, state.m3, state.m4]) writer.f64(value);
}

export function parseMoments(reader: ByteReader): MomentsState {
  return { n: reader.count(), mean: reader.f64(), m2: reader.f64(), m3: reader.f64(), m4: reader.f64() };
}

const statistic: ColumnStatistic<MomentsState, Moments> = {
  tag: 'moments/1',
  types: NUMERIC_TYPES,
  empty: emptyMoments,
  observe(state, column, rows) {
    eachNumber(column, rows, (values, count) => addMoments(state, values, count));
  },
  merge: mergeMoments,
  scale(state, factor) {
    state.n *= factor;
    state.m2 *= factor;
    state.m3 *= factor;
    state.m4 *= factor;
  },
  read: readMoments,
  write: writeMoments,
  parse: parseMoments,
};

/** Blocks of the values of a number, timestamp or boolean column. */
export function eachNumber(
  column: Column,
  rows: Uint32Array | undefined,
  visit: (values: Float64Array, count: number) => void,
): { missing: number; infinite: number } {
  if (column.type !== 'number' && column.type !== 'timestamp' && column.type !== 'boolean') {
    throw new TypeError(`A ${column.type} column has no numbers.`);
  }
  return eachBlock(column.values, column.validity, rows, visit);
}

/**
 * Summary of the moments of every numeric column, or of `columns`. O(values), 40 bytes of state a column.
 * @example
 * const state = partial(moments(), particle);
 * moments().read(state).age.mean;
 */
export function moments(options?: ColumnsOptions | null) {
  return recordPerColumn(statistic, options ?? {});
}
