/**
 * What a table of true against predicted classes says: accuracy, balanced accuracy and F1, with intervals.
 * `table[true * K + predicted]` is a weight; `rowsOfClass[true]` effective rows (Kish). O(K²).
 */
import { type Interval, wilsonInterval, Z95 } from './mean.ts';
import type { Estimate } from './ranking.ts';

/** Share of weight on the diagonal, with Wilson's interval. */
export function accuracy(table: Float64Array, classes: number, rows: number): Estimate {
  let right = 0;
  let all = 0;
  for (let i = 0; i < table.length; i++) {
    all += table[i];
    if (i % (classes + 1) === 0) right += table[i];
  }
  const value = right / all;
  return { value, interval: wilsonInterval(value, rows) };
}

/** Mean recall over the classes that occur; see {@link macroInterval}: recalls of different classes share no rows. */
export function balancedAccuracy(table: Float64Array, classes: number, rowsOfClass: Float64Array): Estimate {
  const recalls: Part[] = [];
  for (let c = 0; c < classes; c++) {
    const total = rowTotal(table, classes, c);
    if (total === 0) continue;
    const value = table[c * classes + c] / total;
    const rows = rowsOfClass[c];
    recalls.push({ value, interval: wilsonInterval(value, rows), variance: (value * (1 - value)) / rows });
  }
  return { value: meanOf(recalls), interval: macroInterval(recalls) };
}

/** F1 of one class: 2·hits / (2·hits + misses + false alarms); 0 when the class neither occurs nor is predicted. */
export function f1Of(table: Float64Array, classes: number, c: number): number {
  const hits = table[c * classes + c];
  const said = columnTotal(table, classes, c);
  const total = rowTotal(table, classes, c);
  return said + total === 0 ? 0 : (2 * hits) / (said + total);
}

/**
 * F1 of the positive class of a binary table. F1 = 2p / (1 + p), where p is the share of hits among rows that are or
 * are called positive (F*: Hand, Christen & Kirielle 2021); Wilson's interval of p is mapped to F1.
 * `scale` turns weights into effective rows.
 */
export function binaryF1(table: Float64Array, scale: number): Estimate {
  return partF1(table, 2, 1, scale);
}

function partF1(table: Float64Array, classes: number, c: number, scale: number): Part {
  const value = f1Of(table, classes, c);
  const either = rowTotal(table, classes, c) + columnTotal(table, classes, c);
  const rows = (either - table[c * classes + c]) * scale;
  const share = wilsonInterval(value / (2 - value), rows);
  return {
    value,
    interval: share && [(2 * share[0]) / (1 + share[0]), (2 * share[1]) / (1 + share[1])],
    variance: (value * (1 - value) * (2 - value)) / (either * scale),
  };
}

/**
 * Mean F1 over the classes that occur or are predicted. Variance of each F1, and covariance of two by the rows that
 * confuse their classes, from the multinomial covariance of the table (delta method; Takahashi et al. 2022, Applied
 * Intelligence 52): with d = rows that are class i + rows that are called i, as shares of n rows,
 * var F_i = F_i (1 − F_i)(2 − F_i) / (n d_i) and cov(F_i, F_j) = (p_ij + p_ji) F_i F_j / (n d_i d_j).
 */
export function macroF1(table: Float64Array, classes: number, scale: number): Estimate {
  const parts: Part[] = [];
  const either: number[] = [];
  const known: number[] = [];
  for (let c = 0; c < classes; c++) {
    const total = rowTotal(table, classes, c) + columnTotal(table, classes, c);
    if (total === 0) continue;
    known.push(c);
    either.push(total);
    parts.push(partF1(table, classes, c, scale));
  }
  const covariance = (i: number, j: number) => {
    const confused = table[known[i] * classes + known[j]] + table[known[j] * classes + known[i]];
    return (confused * parts[i].value * parts[j].value) / (either[i] * either[j] * scale);
  };
  return { value: meanOf(parts), interval: macroInterval(parts, covariance) };
}

/** A class's share in a mean over classes. */
interface Part extends Estimate {
  readonly variance: number;
}

function meanOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { value }) => sum + value, 0) / parts.length;
}

/**
 * Interval of a mean over classes: on each side the wider of two. One is the normal interval; it collapses where few
 * rows of a class are all right. The other (MOVER, Zou & Donner 2008) adds up the reaches of the classes' own
 * intervals, with the same correlations; it lies too low where many classes are nearly all right. O(K²).
 */
function macroInterval(
  parts: readonly Part[],
  covariance: (i: number, j: number) => number = () => 0,
): Interval | undefined {
  if (parts.some(({ interval }) => interval === undefined)) return undefined;
  const value = meanOf(parts);
  const errors = parts.map(({ variance }) => Math.sqrt(variance));
  const reaches = [0, 1].map((side) => parts.map((part) => Math.abs(part.interval![side] - part.value)));
  let variance = 0;
  const squares = [0, 0];
  for (let i = 0; i < parts.length; i++) {
    variance += parts[i].variance;
    for (const side of [0, 1]) squares[side] += reaches[side][i] ** 2;
    for (let j = 0; j < i; j++) {
      const shared = covariance(i, j);
      if (shared === 0 || errors[i] * errors[j] === 0) continue;
      variance += 2 * shared;
      const correlation = shared / (errors[i] * errors[j]);
      for (const side of [0, 1]) squares[side] += 2 * correlation * reaches[side][i] * reaches[side][j];
    }
  }
  const normal = Z95 * Math.sqrt(variance);
  const [low, high] = squares.map((square) => Math.max(normal, Math.sqrt(square)) / parts.length);
  return [Math.max(0, value - low), Math.min(1, value + high)];
}

/** Weight of the rows of a true class. */
export function rowTotal(table: Float64Array, classes: number, c: number): number {
  let sum = 0;
  for (let j = 0; j < classes; j++) sum += table[c * classes + j];
  return sum;
}

/** Weight of the rows that a class was predicted for. */
export function columnTotal(table: Float64Array, classes: number, c: number): number {
  let sum = 0;
  for (let i = 0; i < classes; i++) sum += table[i * classes + c];
  return sum;
}

/** The table as nested arrays. */
export function nested(table: Float64Array, classes: number): number[][] {
  return Array.from({ length: classes }, (_, c) =>
    Array.from(table.subarray(c * classes, (c + 1) * classes)),
  );
}
