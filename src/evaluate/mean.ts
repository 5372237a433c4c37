/**
 * A weighted mean that merges, with what its confidence interval needs: Σw, Σw², mean and Σw(x − mean)².
 * Merged by the pairwise formulas of Chan, Golub & LeVeque (1979); the spread of the mean uses Kish's effective
 * number of rows (Σw)² / Σw², which is the number of rows when all weights are equal.
 */
import type { ByteReader, ByteWriter } from '../summary/codec.ts';

/** Two-sided 95 % point of the standard normal distribution. */
export const Z95 = 1.959963984540054;

/** State of a weighted mean. */
export interface MeanState {
  weight: number;
  squares: number;
  mean: number;
  m2: number;
}

/** Two-sided 95 % confidence interval. */
export type Interval = readonly [number, number];

export function emptyMean(): MeanState {
  return { weight: 0, squares: 0, mean: 0, m2: 0 };
}

/** Adds the first `rows` values, each with its weight (absent: 1). Two passes, O(rows). */
export function addValues(
  state: MeanState,
  values: Float64Array,
  rows: number,
  weights: Float64Array | undefined,
): void {
  if (rows === 0) return;
  let weight = rows;
  let squares = rows;
  let sum = 0;
  if (weights === undefined) {
    for (let row = 0; row < rows; row++) sum += values[row];
  } else {
    weight = 0;
    squares = 0;
    for (let row = 0; row < rows; row++) {
      const w = weights[row];
      weight += w;
      squares += w * w;
      sum += w * values[row];
    }
  }
  if (weight === 0) return;
  const mean = sum / weight;
  let m2 = 0;
  for (let row = 0; row < rows; row++) {
    const d = values[row] - mean;
    m2 += (weights === undefined ? 1 : weights[row]) * d * d;
  }
  mergeMean(state, { weight, squares, mean, m2 });
}

export function mergeMean(into: MeanState, from: MeanState): void {
  if (from.weight === 0) return;
  const weight = into.weight + from.weight;
  const delta = from.mean - into.mean;
  into.m2 += from.m2 + (delta * delta * into.weight * from.weight) / weight;
  into.mean += (delta * from.weight) / weight;
  into.weight = weight;
  into.squares += from.squares;
}

/** Kish's effective number of rows. */
export function effectiveRows(state: MeanState): number {
  return state.squares === 0 ? 0 : (state.weight * state.weight) / state.squares;
}

/** Standard error of the mean; infinite below two effective rows. */
export function standardError(state: MeanState): number {
  const rows = effectiveRows(state);
  return rows > 1 ? Math.sqrt(state.m2 / state.weight / (rows - 1)) : Number.POSITIVE_INFINITY;
}

/** mean ± 1.96 standard errors; undefined where it would not be finite. */
export function meanInterval(state: MeanState): Interval | undefined {
  return normalInterval(state.mean, standardError(state));
}

/** value ± 1.96 error, cut to [low, high]; undefined where the error is not finite. */
export function normalInterval(
  value: number,
  error: number,
  low = Number.NEGATIVE_INFINITY,
  high = Number.POSITIVE_INFINITY,
): Interval | undefined {
  if (!Number.isFinite(error)) return undefined;
  return [Math.max(low, value - Z95 * error), Math.min(high, value + Z95 * error)];
}

/** Wilson's score interval of a share among `rows` (effective) rows; Wilson 1927. */
export function wilsonInterval(share: number, rows: number): Interval | undefined {
  if (!(rows > 0)) return undefined;
  const z2 = Z95 * Z95;
  const centre = (share + z2 / (2 * rows)) / (1 + z2 / rows);
  const reach = (Z95 / (1 + z2 / rows)) * Math.sqrt((share * (1 - share)) / rows + z2 / (4 * rows * rows));
  // Rounding would leave 1e-17 where the bound is exactly 0 or 1.
  return [share === 0 ? 0 : Math.max(0, centre - reach), share === 1 ? 1 : Math.min(1, centre + reach)];
}

export function writeMean(writer: ByteWriter, state: MeanState): void {
  for (const value of [state.weight, state.squares, state.mean, state.m2]) writer.f64(value);
}

export function readMean(reader: ByteReader): MeanState {
  return { weight: reader.f64(), squares: reader.f64(), mean: reader.f64(), m2: reader.f64() };
}
