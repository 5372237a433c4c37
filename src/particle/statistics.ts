/**
 * Light statistics of one column, kept in the particle's file so that it can be read without its columns.
 * Plain arithmetic in row order: the same column gives the same statistics anywhere.
 * Numbers are over finite present values; m2 is the sum of squared differences from the mean (what merges).
 */
import type { Column, NumberArray } from './column.ts';
import { countPresent, isPresent } from './column.ts';

/** What {@link columnStatistics} finds; fields that a type does not have are absent. */
export interface ColumnStatistics {
  readonly rows: number;
  readonly missing: number;
  /** Present values that are ±Infinity; absent when there are none. */
  readonly infinite?: number;
  readonly min?: number;
  readonly max?: number;
  readonly mean?: number;
  readonly m2?: number;
  /** Different categories. */
  readonly distinct?: number;
  /** Stored entries of a sparse column. */
  readonly entries?: number;
}

/** Statistics of a column. O(rows), two passes over numbers. */
export function columnStatistics(column: Column, rows: number): ColumnStatistics {
  const missing = rows - countPresent(column.validity, rows);
  switch (column.type) {
    case 'number':
    case 'boolean':
    case 'timestamp':
      return { rows, missing, ...numberStatistics(column.values, column.validity) };
    case 'category':
      return { rows, missing, distinct: column.dictionary.length };
    case 'sparse':
      return { rows, missing, entries: column.values.length };
    default:
      return { rows, missing };
  }
}

type NumberStatistics = Pick<ColumnStatistics, 'infinite' | 'min' | 'max' | 'mean' | 'm2'>;

function numberStatistics(
  values: NumberArray | Uint8Array,
  validity: Uint8Array | undefined,
): NumberStatistics {
  const whole = validity === undefined ? wholeStatistics(values) : undefined;
  return whole ?? checkedStatistics(values, validity);
}

/** Values converted at once: one kind of array in the hot loops, and all of it in the first-level cache. */
const BLOCK = 1024;
const block = new Float64Array(BLOCK);

/**
 * All rows present; undefined if a sum is not finite (an infinity stands there, or it overflows).
 * Two passes over each block, blocks joined as Chan, Golub and LeVeque (1979) join samples.
 */
function wholeStatistics(values: NumberArray | Uint8Array): NumberStatistics | undefined {
  if (values.length === 0) return {};
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let mean = 0;
  let m2 = 0;
  for (let from = 0; from < values.length; from += BLOCK) {
    const count = Math.min(BLOCK, values.length - from);
    block.set(values.subarray(from, from + count));
    for (let i = 0; i < count; i++) {
      const value = block[i];
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const blockMean = sumBlock(count) / count;
    const difference = blockMean - mean;
    const share = count / (from + count);
    mean += difference * share;
    m2 += squaresOfBlock(count, blockMean) + difference * difference * from * share;
  }
  return Number.isFinite(m2) ? { min: min + 0, max: max + 0, mean: mean + 0, m2 } : undefined;
}

/** Sum of the first `count` values of the block, over four accumulators. */
function sumBlock(count: number): number {
  const whole = count & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < whole; i += 4) {
    a += block[i];
    b += block[i + 1];
    c += block[i + 2];
    d += block[i + 3];
  }
  for (let i = whole; i < count; i++) a += block[i];
  return a + b + (c + d);
}

/** Sum of squared differences from `mean` in the block, over four accumulators. */
function squaresOfBlock(count: number, mean: number): number {
  const whole = count & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < whole; i += 4) {
    const p = block[i] - mean;
    const q = block[i + 1] - mean;
    const r = block[i + 2] - mean;
    const s = block[i + 3] - mean;
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  for (let i = whole; i < count; i++) a += (block[i] - mean) * (block[i] - mean);
  return a + b + (c + d);
}

/** Some rows missing or infinite: a check a row. Sums that overflow leave mean and m2 out. */
function checkedStatistics(
  values: NumberArray | Uint8Array,
  validity: Uint8Array | undefined,
): NumberStatistics {
  let count = 0;
  let infinite = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let row = 0; row < values.length; row++) {
    if (!isPresent(validity, row)) continue;
    const value = values[row];
    if (!Number.isFinite(value)) {
      infinite++;
      continue;
    }
    count++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / count;
  let m2 = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (isPresent(validity, row) && Number.isFinite(value)) m2 += (value - mean) * (value - mean);
  }
  return {
    ...(infinite > 0 ? { infinite } : {}),
    ...(count > 0 ? { min: min + 0, max: max + 0 } : {}),
    ...(Number.isFinite(m2) && count > 0 ? { mean: mean + 0, m2 } : {}),
  };
}
