/**
 * Forecasts that anyone can make: the value of the target some rows or some time ago, against what came. A summary over
 * particles that carry such values in columns; rows without one are left out, and counted apart.
 */
import type { Json } from '../json.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex } from '../particle/schema.ts';
import type { Reference } from '../run/reference.ts';
import { taggedCodec } from '../summary/codec.ts';
import {
  columnNumbers,
  type LabelEncoding,
  labelNumbers,
  namesTo,
  roleNumbers,
} from '../summary/label-values.ts';
import { type Split, splitRows } from '../summary/split.ts';
import type { Summary } from '../summary/summary.ts';
import { type Metric, metric } from './result.ts';

interface NaiveOptions {
  readonly label: LabelEncoding;
  /** Columns that hold what is forecast. */
  readonly columns: readonly string[];
  readonly split?: Split;
}

/** How good the forecast of a column is. */
export interface Naive {
  readonly name: string;
  /** Rows with a forecast, of those with a label. */
  readonly rows: number;
  readonly of: number;
  readonly metrics: readonly Metric[];
}

/** Names {@link naiveForecasts} with these options. */
export function naiveReference(options: NaiveOptions): Reference {
  return { module: import.meta.url, name: 'naiveForecasts', options: options as unknown as Json };
}

/** By column: rows with a label, rows with a forecast, weight, sums of |error|, error², and of right answers. */
const SUMS = 6;

/**
 * Errors of the forecasts: RMSE and MAE of numbers, accuracy of classes. O(rows × columns).
 * @byReference
 */
export function naiveForecasts(given: Json): Summary<Float64Array, readonly Naive[]> {
  const { label, columns, split } = given as unknown as NaiveOptions;
  return {
    id: `naive/1 ${JSON.stringify(given)}`,
    empty: () => new Float64Array(SUMS * columns.length),
    observe(state, particle) {
      const labels = labelNumbers(particle, label);
      const weights = roleNumbers(particle, 'weight');
      const rows = splitRows(particle, split);
      for (const [c, name] of columns.entries()) {
        const sums = state.subarray(SUMS * c, SUMS * (c + 1));
        addErrors(sums, labels, forecasts(particle, name, label), weights, rows);
      }
    },
    merge(into, from) {
      for (let i = 0; i < into.length; i++) into[i] += from[i];
    },
    read: (state) =>
      columns.map((name, c) => {
        const [of, rows, weight, absolute, squares, right] = state.subarray(SUMS * c, SUMS * (c + 1));
        const metrics = label.classes
          ? [metric('accuracy', right / weight, 'higher')]
          : [metric('rmse', Math.sqrt(squares / weight), 'lower'), metric('mae', absolute / weight, 'lower')];
        return { name, rows, of, metrics: rows > 0 ? metrics : [] };
      }),
    codec: taggedCodec(
      'naive/1',
      (writer, state) => writer.f64s(state),
      (reader) => reader.f64s(),
    ),
  };
}

function forecasts({ schema, columns }: Particle, name: string, { classes }: LabelEncoding): Float64Array {
  const column = columns[fieldIndex(schema, name)];
  if (classes === undefined) return columnNumbers(column, name);
  const indexOf = new Map(classes.map((one, at) => [one, at]));
  return namesTo(column, name, (one) => indexOf.get(one) ?? Number.NaN);
}

function addErrors(
  sums: Float64Array,
  labels: Float64Array,
  values: Float64Array,
  weights: Float64Array | undefined,
  rows: Uint32Array | undefined,
): void {
  const count = rows?.length ?? labels.length;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : rows[i];
    const weight = weights === undefined ? 1 : weights[row];
    if (Number.isNaN(labels[row]) || Number.isNaN(weight)) continue;
    sums[0]++;
    const error = labels[row] - values[row];
    if (Number.isNaN(error)) continue;
    sums[1]++;
    sums[2] += weight;
    sums[3] += weight * Math.abs(error);
    sums[4] += weight * error * error;
    sums[5] += error === 0 ? weight : 0;
  }
}
