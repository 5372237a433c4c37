/**
 * Lifts a statistic of one column to a summary of particles: one state per column, matched by name.
 * Columns that a particle lacks are left as they are; a column that changes its type is refused.
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { canonicalJson } from '../json.ts';
import type { Column } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import { COLUMN_TYPES, type ColumnType, type Field, ROLES } from '../particle/schema.ts';
import { hashText } from '../random.ts';
import { type ByteReader, type ByteWriter, corrupt, taggedCodec } from './codec.ts';
import { type Split, splitRows } from './split.ts';
import type { Summary } from './summary.ts';

/** A mergeable statistic of one column. */
export interface ColumnStatistic<State, Value> {
  /** Name and version, e.g. `moments/1`; changes when results or bytes change. */
  readonly tag: string;
  /** Column types it is of; other columns are passed over. */
  readonly types: readonly ColumnType[];
  empty(field: Field): State;
  /** `rows`: ascending indices to look at (undefined: all); `key`: seed of this column's random numbers. */
  observe(state: State, column: Column, rows: Uint32Array | undefined, key: number): void;
  merge(into: State, from: State, key: number): void;
  /** See {@link Summary}. */
  scale?(state: State, factor: number): void;
  read(state: State, field: Field): Value;
  write(writer: ByteWriter, state: State): void;
  parse(reader: ByteReader, field: Field): State;
}

/** State of one column, with the field it belongs to. */
export interface ColumnState<State> {
  readonly field: Field;
  readonly key: number;
  readonly state: State;
}

/** State of a lifted statistic: columns in order of first appearance, and rows looked at. */
export interface ColumnsState<State> {
  rows: number;
  readonly columns: ColumnState<State>[];
}

/** The option if it is a whole number in the range; throws `bad-option` if not. */
export function checkCount(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new SoraError(
    'bad-option',
    `Option ${name} is ${value}: give a whole number from ${least} to ${most}.`,
    { details: { option: name, value, least, most } },
  );
}

/** Which columns and rows to look at. */
export type ColumnsOptions = {
  /** Names; absent: every column of a fitting type. */
  readonly columns?: readonly string[];
  readonly split?: Split;
};

/** The summary whose value is made by `read` from one state per column. */
export function perColumn<State, ColumnValue, Value>(
  statistic: ColumnStatistic<State, ColumnValue>,
  options: ColumnsOptions & { readonly [key: string]: Json | undefined },
  read: (columns: readonly (readonly [Field, ColumnValue])[], rows: number) => Value,
): Summary<ColumnsState<State>, Value> {
  const { columns: names, split } = options;
  const wanted = names && new Set(names);
  return {
    id: `${statistic.tag} ${canonicalJson(options)}`,
    empty: () => ({ rows: 0, columns: [] }),
    observe(state, particle: Particle) {
      const rows = splitRows(particle, split);
      state.rows += rows?.length ?? particle.rows;
      for (const [index, field] of particle.schema.fields.entries()) {
        if (!statistic.types.includes(field.type) || (wanted && !wanted.has(field.name))) continue;
        const slot = slotOf(state, statistic, field, index);
        statistic.observe(slot.state, particle.columns[index], rows, slot.key);
      }
    },
    merge(into, from) {
      into.rows += from.rows;
      for (const [index, other] of from.columns.entries()) {
        const slot = slotOf(into, statistic, other.field, index);
        statistic.merge(slot.state, other.state, slot.key);
      }
    },
    ...(statistic.scale === undefined
      ? {}
      : {
          scale(state: ColumnsState<State>, factor: number) {
            state.rows *= factor;
            for (const { state: one } of state.columns) statistic.scale?.(one, factor);
          },
        }),
    read: (state) =>
      read(
        state.columns.map(({ field, state: one }) => [field, statistic.read(one, field)] as const),
        state.rows,
      ),
    codec: taggedCodec(
      statistic.tag,
      (writer, state) => writeColumns(writer, state, statistic),
      (reader) => parseColumns(reader, statistic),
    ),
  };
}

/** The summary whose value is a record from column name to value. */
export function recordPerColumn<State, Value>(
  statistic: ColumnStatistic<State, Value>,
  options: ColumnsOptions & { readonly [key: string]: Json | undefined },
): Summary<ColumnsState<State>, Readonly<Record<string, Value>>> {
  return perColumn(statistic, options, (columns) =>
    Object.fromEntries(columns.map(([field, value]) => [field.name, value])),
  );
}

/** The state of a field, made if new; `hint` is where it probably stands. */
function slotOf<State>(
  into: ColumnsState<State>,
  statistic: ColumnStatistic<State, unknown>,
  field: Field,
  hint: number,
): ColumnState<State> {
  const guess = into.columns[hint];
  const found =
    guess?.field.name === field.name ? guess : into.columns.find((slot) => slot.field.name === field.name);
  if (found === undefined) {
    const slot = { field, key: hashText(field.name), state: statistic.empty(field) };
    into.columns.push(slot);
    return slot;
  }
  if (found.field.type !== field.type) {
    throw new SoraError(
      'schema-mismatch',
      `Column "${field.name}" is of type ${found.field.type} in one particle and ${field.type} in another.`,
    );
  }
  return found;
}

function writeColumns<State>(
  writer: ByteWriter,
  state: ColumnsState<State>,
  statistic: ColumnStatistic<State, unknown>,
): void {
  writer.f64(state.rows);
  writer.u32(state.columns.length);
  for (const { field, state: one } of state.columns) {
    writer.text(field.name);
    writer.u8(COLUMN_TYPES.indexOf(field.type));
    writer.u8(ROLES.indexOf(field.role));
    writer.u32(field.width ?? 0);
    statistic.write(writer, one);
  }
}

function parseColumns<State>(
  reader: ByteReader,
  statistic: ColumnStatistic<State, unknown>,
): ColumnsState<State> {
  const state: ColumnsState<State> = { rows: reader.count(), columns: [] };
  const count = reader.u32();
  for (let index = 0; index < count; index++) {
    const field = parseField(reader);
    state.columns.push({ field, key: hashText(field.name), state: statistic.parse(reader, field) });
  }
  return state;
}

function parseField(reader: ByteReader): Field {
  const name = reader.text();
  const type = COLUMN_TYPES[reader.u8()];
  const role = ROLES[reader.u8()];
  const width = reader.u32();
  if (type === undefined || role === undefined) throw corrupt(`column "${name}" has no known type or role`);
  return width > 0 ? { name, type, role, width } : { name, type, role };
}
