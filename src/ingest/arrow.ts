/**
 * Arrow IPC files and streams, a record batch at a time. Types are the file's own; structs are flattened, lists left
 * out. Body compression (ZSTD, LZ4) is flechette's, with the codec that particles use.
 */
import { type Column as ArrowColumn, type DataType, type Table, Type, tableFromIPC } from '@uwdata/flechette';
import { SoraError, throwIfAborted } from '../errors.ts';
import '../particle/flechette-codec.ts';
import type { ColumnType } from '../particle/schema.ts';
import { type ArrowMessage, arrowMessages } from './arrow-messages.ts';
import type { Chunk } from './chunk.ts';
import { type Guess, guessValues } from './guess.ts';
import { unpacked } from './head.ts';
import type { FileSource, RowObject } from './inputs.ts';
import { uniqueNames } from './names.ts';
import { RowBatch } from './objects.ts';
import type { OpenSource, PlannedField, ReadContext, ReadPlan } from './reader.ts';
import type { GuessedColumn } from './schema.ts';

/** A column that a batch gives values of. */
interface ArrowField {
  readonly name: string;
  /** Number of the top-level column, and keys of structs from there. */
  readonly index: number;
  readonly path: readonly string[];
  readonly natural: ColumnType;
}

/** Opens an Arrow file or stream. */
export async function openArrow(source: FileSource, context: ReadContext): Promise<OpenSource> {
  const notes: string[] = [];
  let fields: ArrowField[] | undefined;
  const samples: unknown[][] = [];
  let rows = 0;
  for await (const table of batches(source, context)) {
    fields ??= fieldsOf(table, notes);
    fields.forEach((field, at) => {
      samples[at] ??= [];
      const column = table.getChildAt(field.index);
      for (let row = 0; row < table.numRows && rows + row < context.options.sample; row++) {
        samples[at].push(cellOf(column, field, row));
      }
    });
    rows += table.numRows;
    if (rows >= context.options.sample) break;
  }
  if (fields === undefined) {
    throw new SoraError('bad-data', `${source.name}: the Arrow file has no record batch.`, {
      details: { file: source.name },
    });
  }
  const found = fields;
  const columns = found.map(
    (field, at): GuessedColumn => ({ name: field.name, guess: guessArrow(field, samples[at] ?? []) }),
  );
  return { columns, notes, read: (plan) => readArrow(source, found, plan, context) };
}

/** Tables of one record batch each. The first has no rows if the file has a schema and nothing else. */
async function* batches(source: FileSource, { database, signal }: ReadContext): AsyncGenerator<Table> {
  const head: Buffer[] = [];
  let any = false;
  for await (const message of arrowMessages(unpacked(source, database), source.name)) {
    throwIfAborted(signal);
    if (message.kind === 'schema' || message.kind === 'dictionary') head.push(message.bytes);
    if (message.kind !== 'batch') continue;
    any = true;
    yield tableOf(source.name, head, message);
  }
  if (!any && head.length > 0) yield tableOf(source.name, head);
}

function tableOf(name: string, head: readonly Buffer[], batch?: ArrowMessage): Table {
  const end = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
  const bytes = Buffer.concat([...head, ...(batch === undefined ? [] : [batch.bytes]), end]);
  try {
    // A plain array of its own: views are made with alignment in mind.
    return tableFromIPC(new Uint8Array(bytes), { useBigInt: true });
  } catch (cause) {
    throw new SoraError('bad-input', `${name}: the Arrow data cannot be read: ${(cause as Error).message}.`, {
      cause,
      details: { file: name },
    });
  }
}

function fieldsOf(table: Table, notes: string[]): ArrowField[] {
  const { names } = uniqueNames(table.schema.fields.map((field) => field.name));
  const fields: ArrowField[] = [];
  table.schema.fields.forEach((field, index) => {
    flatten(names[index], index, [], field.type, fields, notes);
  });
  return fields;
}

interface StructChild {
  readonly name: string;
  readonly type: DataType;
}

function flatten(
  name: string,
  index: number,
  path: readonly string[],
  type: DataType,
  into: ArrowField[],
  notes: string[],
): void {
  if (type.typeId === Type.Struct) {
    for (const child of (type as unknown as { children: readonly StructChild[] }).children) {
      flatten(`${name}.${child.name}`, index, [...path, child.name], child.type, into, notes);
    }
    return;
  }
  const natural = naturalType(type);
  if (natural === undefined) notes.push(`${name}: left out, because its values are lists or maps`);
  else into.push({ name, index, path, natural });
}

function naturalType(type: DataType): ColumnType | undefined {
  switch (type.typeId) {
    case Type.Int:
    case Type.Float:
    case Type.Decimal:
    case Type.Time:
    case Type.Duration:
      return 'number';
    case Type.Bool:
      return 'boolean';
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
    case Type.Null:
      return 'category';
    case Type.Dictionary:
      return naturalType((type as unknown as { dictionary: DataType }).dictionary);
    case Type.Date:
    case Type.Timestamp:
      return 'timestamp';
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      return 'binary';
    case Type.RunEndEncoded:
      return naturalType((type as unknown as { children: readonly StructChild[] }).children[1].type);
    default:
      return undefined;
  }
}

function guessArrow({ natural }: ArrowField, values: readonly unknown[]): Guess {
  const guess = guessValues(values);
  if (natural !== 'category') return { ...guess, type: natural, format: undefined, markers: [], notes: [] };
  const isString = guess.type === 'text' || guess.type === 'category';
  return isString
    ? guess
    : { ...guess, type: 'category', format: undefined, markers: [], notes: [], width: 4 };
}

function cellOf(column: ArrowColumn<unknown>, field: ArrowField, row: number): unknown {
  let value: unknown = column.at(row);
  for (const key of field.path) value = (value as RowObject | null | undefined)?.[key];
  return field.natural === 'timestamp' && typeof value === 'number' ? new Date(value) : value;
}

async function* readArrow(
  source: FileSource,
  arrowFields: readonly ArrowField[],
  plan: ReadPlan,
  context: ReadContext,
): AsyncGenerator<Chunk> {
  let rows = 0;
  for await (const table of batches(source, context)) {
    if (table.numRows > 0) yield batchChunk(source.name, table, arrowFields, plan, rows, context);
    rows += table.numRows;
  }
}

/** Columns of a batch, converted; rows with a value that does not fit are left out and reported. */
function batchChunk(
  name: string,
  table: Table,
  arrowFields: readonly ArrowField[],
  plan: ReadPlan,
  before: number,
  { options }: ReadContext,
): Chunk {
  const readers = plan.fields.map((planned) => cellReader(table, arrowFields, planned));
  const batch = new RowBatch(
    plan.fields,
    plan.fields.map((_, at) => String(at)),
    options.missing,
  );
  const cells: Record<string, unknown> = {};
  for (let row = 0; row < table.numRows; row++) {
    for (let at = 0; at < readers.length; at++) cells[at] = readers[at](row);
    const bad = batch.add(cells, { file: name, row: before + row + 1 });
    if (bad !== undefined) plan.badRows.add(bad);
  }
  return batch.take();
}

function cellReader(
  table: Table,
  arrowFields: readonly ArrowField[],
  { field, column }: PlannedField,
): (row: number) => unknown {
  if (column < 0) return () => null;
  const source = arrowFields[column];
  const arrow = table.getChildAt(source.index);
  if (field.type === 'timestamp' || source.path.length > 0) return (row) => cellOf(arrow, source, row);
  return (row) => arrow.at(row);
}
