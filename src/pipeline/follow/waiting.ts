/**
 * Rows that wait for their labels, by key, in the order they came. A label goes to the oldest row of its key. A row
 * waits for so many rows of the stream, or until the time column has gone on so far; no clock of the machine is asked.
 * The rows are kept as one particle: their values, when they came, and what was said of them then.
 */
import type { Converted } from '../../ingest/convert.ts';
import type { PlannedField } from '../../ingest/reader.ts';
import { decodeParticle, encodeParticle } from '../../particle/bytes.ts';
import { type Column, isPresent } from '../../particle/column.ts';
import type { Particle } from '../../particle/particle.ts';
import type { Field, Schema } from '../../particle/schema.ts';
import { RowsToParticle } from './intake.ts';

/** A row that waits. */
export interface WaitingRow {
  readonly values: Converted[];
  /** Number of the row in the stream, from 1. */
  readonly arrival: number;
  /** What was said of it, and the last label then; set when it has been asked. */
  prediction: Float64Array;
  last: number;
}

/** How long rows wait. */
export interface WaitBounds {
  readonly rows: number;
  readonly seconds?: number;
}

/** Where key and time stand among the values. */
export interface WaitColumns {
  readonly key: number;
  readonly time: number;
}

export class WaitingRows {
  readonly #bounds: WaitBounds;
  readonly #columns: WaitColumns;
  readonly #byKey = new Map<string | number, WaitingRow[]>();
  readonly #inOrder = new Set<WaitingRow>();
  /** Largest time that has come. */
  clock: number;

  constructor(bounds: WaitBounds, columns: WaitColumns, clock = Number.NEGATIVE_INFINITY) {
    this.#bounds = bounds;
    this.#columns = columns;
    this.clock = clock;
  }

  get size(): number {
    return this.#inOrder.size;
  }

  /** Whether a row of this key waits. */
  has(key: Converted): boolean {
    return this.#byKey.has(key as string | number);
  }

  add(row: WaitingRow): void {
    const key = row.values[this.#columns.key] as string | number;
    const same = this.#byKey.get(key);
    if (same === undefined) this.#byKey.set(key, [row]);
    else same.push(row);
    this.#inOrder.add(row);
  }

  /** Takes the oldest row of a key. */
  take(key: Converted): WaitingRow | undefined {
    const row = this.#byKey.get(key as string | number)?.[0];
    if (row !== undefined) this.#remove(row);
    return row;
  }

  /** Takes the rows, oldest first, that wait no longer when row `number` of the stream has come with this time. */
  expire(number: number, time: Converted): WaitingRow[] {
    if (typeof time === 'number' && time > this.clock) this.clock = time;
    const expired: WaitingRow[] = [];
    for (const row of this.#inOrder) {
      if (!this.#isLate(row, number)) break;
      expired.push(row);
    }
    for (const row of expired) this.#remove(row);
    return expired;
  }

  #isLate({ arrival, values }: WaitingRow, number: number): boolean {
    const { rows, seconds } = this.#bounds;
    if (number - arrival > rows) return true;
    const since = seconds === undefined ? undefined : values[this.#columns.time];
    return typeof since === 'number' && this.clock - since > 1000 * (seconds as number);
  }

  #remove(row: WaitingRow): void {
    const key = row.values[this.#columns.key] as string | number;
    const same = this.#byKey.get(key) as WaitingRow[];
    same.splice(same.indexOf(row), 1);
    if (same.length === 0) this.#byKey.delete(key);
    this.#inOrder.delete(row);
  }

  /** The rows as bytes; equal rows, equal bytes. */
  save(schema: Schema, outputs: number): Uint8Array {
    const fields = keptFields(schema, outputs);
    const collect = new RowsToParticle({ fields: fields.map(({ field }) => field) }, fields);
    for (const { values, arrival, last, prediction } of this.#inOrder) {
      // Classes that were not known then had no share.
      const shares = Array.from({ length: outputs }, (_, k) => prediction[k] ?? 0);
      collect.push([...values, arrival, last, ...shares]);
    }
    return encodeParticle(collect.take());
  }

  /** Adds the rows that `save` wrote. */
  restore(bytes: Uint8Array, schema: Schema, outputs: number): void {
    const { columns, rows }: Particle = decodeParticle(bytes);
    const width = schema.fields.length;
    for (let row = 0; row < rows; row++) {
      const values = columns.map((column) => keptValue(column, row));
      const prediction = Float64Array.from(
        { length: outputs },
        (_, k) => (values[width + 2 + k] as number) ?? Number.NaN,
      );
      this.add({
        values: values.slice(0, width),
        arrival: values[width] as number,
        last: values[width + 1] as number,
        prediction,
      });
    }
  }
}

/** Columns of kept rows: the values by their numbers, then arrival, last label and prediction. */
function keptFields({ fields }: Schema, outputs: number): PlannedField[] {
  const numbers = ['arrival', 'last', ...Array.from({ length: outputs }, (_, k) => `prediction${k}`)];
  const all: Field[] = [
    ...fields.map(({ type }, at): Field => ({ name: `value${at}`, type, role: 'ignore' })),
    ...numbers.map((name): Field => ({ name, type: 'number', role: 'ignore' })),
  ];
  return all.map((field, column) => ({ field, column }));
}

function keptValue(column: Column, row: number): Converted {
  if (!isPresent(column.validity, row)) return null;
  if (column.type === 'category') return column.dictionary[column.codes[row]];
  return column.type === 'sparse' ? null : column.values[row];
}
