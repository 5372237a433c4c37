/**
 * What a table of true against predicted classes says: accuracy, balanced accuracy and F1, with intervals.
 * `table[true * K + predicted]` is a weight; `rowsOfClass[true]` effective rows (Kish). O(K²).
 */
import { type Interval, normalInterval, wilsonInterval } from './mean.ts';
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

/** Mean recall over the classes that occur; normal interval from the binomial spread of each recall. */
export function balancedAccuracy(table: Float64Array, classes: number, rowsOfClass: Float64Array): Estimate {
  let sum = 0;
  let variance = 0;
  let present = 0;
  for (let c = 0; c < classes; c++) {
    const total = rowTotal(table, classes, c);
    if (total === 0) continue;
    const recall = table[c * classes + c] / total;
    present++;
    sum += recall;
    variance += (recall * (1 - recall)) / rowsOfClass[c];
  }
  return {
    value: sum / present,
    interval: normalInterval(sum / present, Math.sqrt(variance) / present, 0, 1),
  };
}

/** F1 of one class: 2·hits / (2·hits + misses + false alarms); 0 when the class neither occurs nor is predicted. */
export function f1Of(table: Float64Array, classes: number, c: number): number {
  const hits = table[c * classes + c];
  const said = columnTotal(table, classes, c);
  const total = rowTotal(table, classes, c);
  return said + total === 0 ? 0 : (2 * hits) / (said + total);
}

/**
 * F1 of the positive class of a binary table, with the delta method's interval: F1 = 2p / (1 + p), where p is the
 * share of hits among rows that are or are called positive. `scale` turns weights into effective rows.
 */
export function binaryF1(table: Float64Array, scale: number): Estimate {
  const value = f1Of(table, 2, 1);
  const rows = (table[1] + table[2] + table[3]) * scale;
  let interval: Interval | undefined;
  if (rows > 0) {
    const p = value / (2 - value);
    const slope = 2 / ((1 + p) * (1 + p));
    interval = normalInterval(value, slope * Math.sqrt((p * (1 - p)) / rows), 0, 1);
  }
  return { value, interval };
}

/** Mean F1 over the classes that occur or are predicted. */
export function macroF1(table: Float64Array, classes: number): number {
  let sum = 0;
  let present = 0;
  for (let c = 0; c < classes; c++) {
    if (rowTotal(table, classes, c) + columnTotal(table, classes, c) === 0) continue;
    sum += f1Of(table, classes, c);
    present++;
  }
  return sum / present;
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
