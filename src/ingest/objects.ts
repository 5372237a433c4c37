/**
 * Rows as objects: an array, an iterable, a stream, or JSON values. Nested objects are reached by dotted names
 * (`address.city`); lists are not columns.
 */
import { setImmediate } from 'node:timers/promises';
import { SoraError, throwIfAborted } from '../errors.ts';
import type { Particle } from '../particle/particle.ts';
import type { Field, Schema } from '../particle/schema.ts';
import { type BadRow, BadRows, expected } from './bad-rows.ts';
import type { Chunk } from './chunk.ts';
import { BAD, type Converted, convertValue } from './convert.ts';
import { fillerOf } from './filler.ts';
import { guessValues } from './guess.ts';
import type { RowObject, RowsSource } from './inputs.ts';
import { MISSING_MARKERS, normaliser } from './missing.ts';
import { suggestion } from './names.ts';
import { narrowParticle, type Precision } from './narrow.ts';
import { type PartBuilder, partBuilder } from './part-builder.ts';
import type { OpenSource, PlannedField, ReadContext, ReadPlan, ValueProblem } from './reader.ts';
import type { GuessedColumn } from './schema.ts';

/** Rows made into one chunk. */
export const BATCH_ROWS = 1024;

/** Where a row is, for messages. */
export type Place = Pick<BadRow, 'file' | 'line' | 'row' | 'raw'>;

/** Whether a value is a plain object, to be read as a row or flattened. */
export function isObject(value: unknown): value is RowObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  );
}

/** Columns of a sample of objects, nested ones by dotted names, in order of first appearance. */
export function objectColumns(
  rows: readonly RowObject[],
  markers: readonly string[] = MISSING_MARKERS,
): {
  columns: GuessedColumn[];
  notes: string[];
} {
  const values = new Map<string, unknown[]>();
  rows.forEach((row, index) => {
    collect(row, '', index, rows.length, values);
  });
  const notes: string[] = [];
  const columns: GuessedColumn[] = [];
  for (const [name, list] of values) {
    if (list.some(Array.isArray)) notes.push(`${name}: left out, because it holds lists`);
    else columns.push({ name, guess: guessValues(list, markers) });
  }
  return { columns, notes };
}

function collect(
  row: RowObject,
  prefix: string,
  index: number,
  rows: number,
  into: Map<string, unknown[]>,
): void {
  for (const [key, value] of Object.entries(row)) {
    const name = prefix + key;
    if (isObject(value)) {
      collect(value, `${name}.`, index, rows, into);
      continue;
    }
    let list = into.get(name);
    if (list === undefined) {
      list = new Array<unknown>(rows).fill(null);
      into.set(name, list);
    }
    list[index] = value;
  }
}

/** Value of a column in a row: by its own name, else along the dots. */
export function valueAt(row: RowObject, name: string): unknown {
  if (Object.hasOwn(row, name)) return row[name];
  if (!name.includes('.')) return undefined;
  let value: unknown = row;
  for (const key of name.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Collects converted rows into a chunk; a row with a value that does not fit is reported, not added. */
export class RowBatch {
  readonly #fields: readonly PlannedField[];
  readonly #names: readonly (string | undefined)[];
  readonly #normalise: readonly ((text: string) => string | undefined)[];
  readonly #columns: readonly PartBuilder[];
  readonly #row: Converted[];
  #rows = 0;

  /** `names` are the sources' names of the fields; undefined where a field is not there. */
  constructor(
    fields: readonly PlannedField[],
    names: readonly (string | undefined)[],
    markers: readonly string[] = MISSING_MARKERS,
  ) {
    this.#fields = fields;
    this.#names = names;
    this.#normalise = fields.map((planned) => normaliser([...markers, ...(planned.markers ?? [])]));
    this.#columns = fields.map(({ field }) => partBuilder(field));
    this.#row = fields.map(() => null);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds a row, or gives what is wrong with it. */
  add(row: unknown, place: Place): BadRow | undefined {
    const bad = this.read(row, place);
    if (bad === undefined) this.push(this.#row);
    return bad;
  }

  /** Values of the row that was read last, a field; overwritten by the next. */
  get values(): readonly Converted[] {
    return this.#row;
  }

  /** Converts a row into `values` without adding it, or gives what is wrong with it. */
  read(row: unknown, place: Place): BadRow | undefined {
    if (!isObject(row)) return { ...place, reason: `the row is ${kindOf(row)}, not an object` };
    for (let at = 0; at < this.#fields.length; at++) {
      const name = this.#names[at];
      const value = name === undefined ? null : valueAt(row, name);
      const { field, format, problem } = this.#fields[at];
      const converted = convertValue(field, value, this.#normalise[at], format);
      if (converted === BAD) return this.#misfit(at, value, { expected: expected(field.type) }, place);
      const wrong = converted === null ? undefined : problem?.(converted);
      if (wrong !== undefined) return this.#misfit(at, value, wrong, place);
      this.#row[at] = converted;
    }
    return undefined;
  }

  #misfit(at: number, value: unknown, wrong: Partial<ValueProblem>, place: Place): BadRow {
    const { field, column } = this.#fields[at];
    const text = typeof value === 'string' ? value : (safeJson(value) ?? String(value));
    return {
      ...place,
      column: field.name,
      position: column + 1,
      value: text,
      ...wrong,
      reason: `not ${wrong.expected}`,
    };
  }

  /** Adds values that `read` gave. */
  push(values: readonly Converted[]): void {
    for (let at = 0; at < values.length; at++) this.#columns[at].push(values[at]);
    this.#rows++;
  }

  /** The rows so far as a chunk; the batch starts anew. */
  take(): Chunk {
    const chunk = { rows: this.#rows, parts: this.#columns.map((column) => column.take()) };
    this.#rows = 0;
    return chunk;
  }
}

/** JSON text of a value, or undefined where it has none. */
export function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** Opens rows that come from the program. */
export async function openRows(source: RowsSource, context: ReadContext): Promise<OpenSource> {
  const markers = context.options.missing ?? MISSING_MARKERS;
  const iterator = iteratorOf(source.rows);
  const most = context.fields === undefined ? context.options.sample : Math.min(context.options.sample, 1000);
  const close = async () => {
    await iterator.return?.();
  };
  const first = await takeFirst(iterator, most, context.signal).catch(async (error) => {
    await close();
    throw error;
  });
  const { columns, notes } = objectColumns(first.filter(isObject), markers);
  return { columns, notes, close, read: (plan) => readRows(source.name, first, iterator, plan, context) };
}

async function takeFirst(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  most: number,
  signal: AbortSignal | undefined,
): Promise<unknown[]> {
  const values: unknown[] = [];
  while (values.length < most) {
    throwIfAborted(signal);
    const next = await iterator.next();
    if (next.done) break;
    values.push(next.value);
  }
  return values;
}

function iteratorOf(rows: RowsSource['rows']): Iterator<unknown> | AsyncIterator<unknown> {
  return Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
}

async function* readRows(
  name: string,
  first: readonly unknown[],
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  plan: ReadPlan,
  { options, signal }: ReadContext,
): AsyncGenerator<Chunk> {
  const names = plan.fields.map(({ field }) => field.name);
  const batch = new RowBatch(plan.fields, names, options.missing);
  let row = 0;
  const add = (value: unknown) => {
    const bad = batch.add(value, { file: name, row: ++row });
    if (bad !== undefined) plan.badRows.add({ ...bad, raw: safeJson(value) });
  };
  try {
    for (const value of first) {
      add(value);
      if (batch.rows === BATCH_ROWS) yield batch.take();
    }
    while (true) {
      throwIfAborted(signal);
      const next = await iterator.next();
      if (next.done) break;
      add(next.value);
      if (batch.rows < BATCH_ROWS) continue;
      yield batch.take();
      // A source that never waits would leave no turn to timers and signals.
      await setImmediate();
    }
    if (batch.rows > 0) yield batch.take();
  } finally {
    await iterator.return?.();
  }
}

/** Options of {@link objectsToParticle}. */
export interface ObjectOptions {
  readonly precision?: Precision;
  /** Strings that mean missing; default: those of ingest. */
  readonly missing?: readonly string[];
}

/**
 * A particle of rows in process under a schema, by the same rules and with the same errors as ingest.
 * The label may be absent, other columns may not: `bad-input` names the row, the column and the value.
 * @example
 * const particle = objectsToParticle(model.schema, [{ age: 41, city: 'Oslo' }]);
 */
export function objectsToParticle(
  schema: Schema,
  rows: readonly RowObject[],
  options: ObjectOptions = {},
): Particle {
  requireColumns(schema, rows);
  const planned = schema.fields.map((field, column) => ({ field, column }));
  const normalise = normaliser(options.missing ?? MISSING_MARKERS);
  const batch = new RowBatch(
    planned,
    schema.fields.map((field) => field.name),
    options.missing,
  );
  const badRows = new BadRows('fail');
  rows.forEach((row, index) => {
    const bad = batch.add(row, { file: 'rows', row: index + 1 });
    if (bad !== undefined) badRows.add(bad);
  });
  return particleOf(schema, batch.take(), normalise, options.precision ?? 'f32');
}

/** The particle of one chunk; `normalise` says what its strings mean. */
export function particleOf(
  schema: Schema,
  chunk: Chunk,
  normalise: (text: string) => string | undefined,
  precision: Precision,
): Particle {
  const { rows, parts } = chunk;
  const columns = schema.fields.map((field, at) => {
    const filler = fillerOf(field, rows, normalise);
    filler.append(parts[at], 0, rows);
    return filler.take(0);
  });
  return narrowParticle({ schema, rows, columns }, precision);
}

/** Roles whose columns a row may lack. */
const OPTIONAL_ROLES = new Set<string>(['label', 'ignore', 'weight', 'key', 'group']);

/** Whether a table may lack a column of this role when a model's schema is given. */
export function isOptional(field: Field): boolean {
  return OPTIONAL_ROLES.has(field.role);
}

function requireColumns(schema: Schema, rows: readonly RowObject[]): void {
  if (rows.length === 0) return;
  for (const field of schema.fields) {
    if (isOptional(field) || rows.some((row) => isObject(row) && valueAt(row, field.name) !== undefined))
      continue;
    const names = isObject(rows[0]) ? Object.keys(rows[0]) : [];
    throw new SoraError(
      'schema-mismatch',
      `No row has a value "${field.name}" (${field.type}), which the schema needs. ${suggestion(field.name, names)} Give null where it is missing.`,
      { details: { column: field.name, columns: names } },
    );
  }
}
