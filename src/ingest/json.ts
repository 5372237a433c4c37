/**
 * JSON: one object a line (NDJSON), one after the other, or in a list. DuckDB parses into columns as long as every
 * value fits; from the first that does not, rows are parsed here one by one, so that each bad one is found and named.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import type { ColumnType } from '../particle/schema.ts';
import type { Chunk } from './chunk.ts';
import { duckError, identifier, literal, pathLiteral } from './duckdb.ts';
import { head, type PackedFile, unpacked } from './head.ts';
import type { FileSource, RowObject } from './inputs.ts';
import { BATCH_ROWS, isObject, objectColumns, RowBatch, valueAt } from './objects.ts';
import { packedString } from './packed-text.ts';
import type { OpenSource, PlannedField, ReadContext, ReadPlan } from './reader.ts';
import { type ShareOf, shareOf } from './share.ts';
import { chunkOf, type Layout } from './vectors.ts';

const HEAD_BYTES = 4 << 20;
const OBJECT_BYTES = 64 << 20;

type JsonLayout = 'newline_delimited' | 'unstructured' | 'array';

interface JsonFile {
  readonly file: PackedFile;
  readonly layout: JsonLayout;
  /** Columns whose name is a key of its own, dots and all. */
  readonly whole: ReadonlySet<string>;
  /** Columns with values in the sample that are not strings. */
  readonly notStrings: ReadonlySet<string>;
  readonly share: ShareOf;
}

/** Opens a JSON file. */
export async function openJson(source: FileSource, context: ReadContext): Promise<OpenSource> {
  const { database, options } = context;
  const { bytes, complete } = await head(source, HEAD_BYTES, database);
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  if (text.trim() === '') {
    throw new SoraError('bad-data', `${source.name}: the file is empty.`, { details: { file: source.name } });
  }
  const layout = layoutOf(text);
  const sample =
    layout === 'newline_delimited'
      ? sampleLines(text, complete, options.sample)
      : await sampleObjects({ file: source, layout }, context);
  const { columns, notes } = objectColumns(sample, options.missing);
  const names = columns.map((column) => column.name);
  if (names.length === 0) throw notATable(source.name, sample);
  const whole = new Set(names.filter((name) => sample.some((row) => Object.hasOwn(row, name))));
  const isString = (value: unknown) => value === null || value === undefined || typeof value === 'string';
  const notStrings = new Set(names.filter((name) => !sample.every((row) => isString(valueAt(row, name)))));
  const share = await shareOf(source, bytes.length / rowsOfHead(text), database);
  const json: JsonFile = { file: source, layout, whole, notStrings, share };
  return { columns, notes, read: (plan) => readJson(json, plan, context) };
}

/** The error of a file whose objects, if it has any, hold no value that a column could. */
function notATable(name: string, sample: readonly RowObject[]): SoraError {
  const keys = sample.flatMap((row) => Object.keys(row)).slice(0, 5);
  const found =
    keys.length === 0
      ? 'no JSON object was found in it'
      : `its objects hold nothing but lists (${keys.join(', ')})`;
  return new SoraError(
    'bad-data',
    `${name}: ${found}. A row is an object such as {"text": "…", "label": "…"}: write one a line (NDJSON), or a list of them.`,
    { details: { file: name, keys } },
  );
}

function layoutOf(text: string): JsonLayout {
  const start = text.trimStart();
  if (start.startsWith('[')) return 'array';
  const end = start.indexOf('\n');
  const line = end < 0 ? start : start.slice(0, end);
  return parsed(line) === undefined && end >= 0 && /^\{\s*$/.test(line)
    ? 'unstructured'
    : 'newline_delimited';
}

/** Lines, or where objects go over many, at least one. */
function rowsOfHead(text: string): number {
  return Math.max(1, text.split('\n').length - 1);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sampleLines(text: string, complete: boolean, limit: number): RowObject[] {
  const lines = text.split('\n');
  if (!complete) lines.pop();
  const rows: RowObject[] = [];
  for (const line of lines) {
    if (rows.length >= limit) break;
    const value = parsed(line);
    if (isObject(value)) rows.push(value);
  }
  return rows;
}

async function sampleObjects(
  json: Pick<JsonFile, 'file' | 'layout'>,
  context: ReadContext,
): Promise<RowObject[]> {
  const rows: RowObject[] = [];
  const limit = context.options.sample;
  for await (const batch of objectTexts(json, context, ` LIMIT ${limit}`)) {
    for (const text of batch) {
      const value = parsed(text);
      if (isObject(value)) rows.push(value);
    }
  }
  return rows;
}

/** The texts of all objects of a file, through DuckDB. */
async function* objectTexts(
  { file, layout }: Pick<JsonFile, 'file' | 'layout'>,
  { database, signal }: ReadContext,
  tail = '',
): AsyncGenerator<string[]> {
  const sql = `SELECT json::VARCHAR FROM read_json_objects(${pathLiteral(file.path)}, ${fileOptions(file, layout)})${tail}`;
  const textLayout: Layout = {
    fields: [{ name: 'json', type: 'text', role: 'feature' }],
    hashes: [undefined],
  };
  try {
    for await (const raw of database.stream(sql, signal)) {
      const [part] = chunkOf(raw, textLayout).parts;
      if (part.kind !== 'packed') continue;
      yield Array.from({ length: raw.rows }, (_, row) => packedString(part, row));
    }
  } catch (error) {
    throw await duckError(file.name, error, database, signal);
  }
}

function fileOptions(file: PackedFile, layout: JsonLayout): string {
  return `format = '${layout}', compression = '${file.compression === 'none' ? 'uncompressed' : file.compression}', maximum_object_size = ${OBJECT_BYTES}`;
}

async function* readJson(json: JsonFile, plan: ReadPlan, context: ReadContext): AsyncGenerator<Chunk> {
  let rows = 0;
  if (fitsDatabase(json, plan.fields)) {
    try {
      for await (const chunk of readColumns(json, plan, context)) {
        yield chunk;
        rows += chunk.rows;
      }
      return;
    } catch (error) {
      if (error instanceof SoraError) throw error;
    }
  }
  if (json.layout === 'newline_delimited') yield* readLines(json, plan, context, rows);
  else yield* readObjects(json, plan, context, rows);
}

/** Whether DuckDB's conversions are ours: strings where categories are, dates in ISO 8601, no further markers. */
function fitsDatabase({ notStrings }: JsonFile, fields: readonly PlannedField[]): boolean {
  return fields.every(({ field, column, format, markers }) => {
    if (column < 0) return true;
    if (format !== undefined || (markers?.length ?? 0) > 0 || field.type === 'binary') return false;
    if (field.type !== 'category' && field.type !== 'text') return true;
    return !notStrings.has(field.name);
  });
}

/** Keys that lead to a column: its name, or its parts between dots. */
function pathOf(name: string, { whole }: JsonFile): readonly string[] {
  return whole.has(name) ? [name] : name.split('.');
}

const SQL_TYPES: Partial<Record<ColumnType, string>> = {
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
};

/** Columns as a tree: a leaf is a SQL type. */
type Tree = Map<string, Tree | string>;

async function* readColumns(
  json: JsonFile,
  plan: ReadPlan,
  { database, signal }: ReadContext,
): AsyncGenerator<Chunk> {
  const tree: Tree = new Map();
  const list: string[] = [];
  const extra: string[] = [];
  const hashes: (number | undefined)[] = [];
  plan.fields.forEach(({ field, column }) => {
    const type = SQL_TYPES[field.type] ?? 'VARCHAR';
    const path = pathOf(field.name, json);
    if (column >= 0) plant(tree, path, type);
    const value = column < 0 ? `NULL::${field.type === 'timestamp' ? 'DOUBLE' : type}` : extract(path);
    const isTime = column >= 0 && field.type === 'timestamp';
    list.push(isTime ? `CASE WHEN isfinite(${value}) THEN epoch_us(${value})::DOUBLE / 1000 END` : value);
    hashes.push(field.type === 'category' ? plan.fields.length + extra.length : undefined);
    if (field.type === 'category') extra.push(`hash(${value})`);
  });
  const columns = [...tree].map(([name, node]) => `${literal(name)}: ${literal(typeOf(node))}`);
  if (columns.length === 0) columns.push(`'${'\u0001'}': 'VARCHAR'`);
  const sql = `SELECT ${[...list, ...extra].join(', ')} FROM read_json(${pathLiteral(json.file.path)}, columns = {${columns.join(', ')}}, records = true, ${fileOptions(json.file, json.layout)})`;
  const layout: Layout = { fields: plan.fields.map(({ field }) => field), hashes };
  let rows = 0;
  for await (const raw of database.stream(sql, signal)) {
    yield chunkOf(raw, layout);
    rows += raw.rows;
    plan.onShare?.(json.share(rows));
  }
}

function plant(tree: Tree, path: readonly string[], type: string): void {
  const [key, ...rest] = path;
  if (rest.length === 0) {
    tree.set(key, type);
    return;
  }
  const node = tree.get(key);
  const next: Tree = node instanceof Map ? node : new Map();
  tree.set(key, next);
  plant(next, rest, type);
}

function typeOf(node: Tree | string): string {
  if (typeof node === 'string') return node;
  return `STRUCT(${[...node].map(([name, child]) => `${identifier(name)} ${typeOf(child)}`).join(', ')})`;
}

function extract([first, ...rest]: readonly string[]): string {
  return rest.reduce((sql, key) => `struct_extract(${sql}, ${literal(key)})`, identifier(first));
}

/** Lines one by one, after the first `skip` rows. */
async function* readLines(
  json: JsonFile,
  plan: ReadPlan,
  context: ReadContext,
  skip: number,
): AsyncGenerator<Chunk> {
  const batch = rowBatch(plan, context);
  let done = 0;
  for await (const { text, line } of linesOf(json.file, context)) {
    if (text.trim() === '' || done++ < skip) continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      plan.badRows.add({
        file: json.file.name,
        line,
        raw: text,
        reason: `not JSON: ${(cause as Error).message}`,
      });
      continue;
    }
    const bad = batch.add(value, { file: json.file.name, line, raw: text });
    if (bad !== undefined) plan.badRows.add(bad);
    if (batch.rows === BATCH_ROWS) yield batch.take();
  }
  if (batch.rows > 0) yield batch.take();
}

async function* linesOf(
  file: PackedFile,
  { database, signal }: ReadContext,
): AsyncGenerator<{ text: string; line: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  for await (const piece of unpacked(file, database)) {
    throwIfAborted(signal);
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      yield { text: lineText(bytes, start, end, ++line), line };
      start = end + 1;
    }
    rest = Buffer.from(bytes.subarray(start));
  }
  if (rest.length > 0) yield { text: lineText(rest, 0, rest.length, ++line), line };
}

function lineText(bytes: Buffer, start: number, end: number, line: number): string {
  const text = bytes.toString('utf8', start, end);
  return line === 1 ? text.replace(/^\ufeff/, '') : text;
}

/** Objects of a list one by one, after the first `skip` rows. */
async function* readObjects(
  json: JsonFile,
  plan: ReadPlan,
  context: ReadContext,
  skip: number,
): AsyncGenerator<Chunk> {
  const batch = rowBatch(plan, context);
  let row = 0;
  for await (const texts of objectTexts(json, context)) {
    for (const text of texts) {
      if (row++ < skip) continue;
      const bad = batch.add(parsed(text), { file: json.file.name, row, raw: text });
      if (bad !== undefined) plan.badRows.add(bad);
      if (batch.rows === BATCH_ROWS) yield batch.take();
    }
  }
  if (batch.rows > 0) yield batch.take();
}

function rowBatch(plan: ReadPlan, { options }: ReadContext): RowBatch {
  const names = plan.fields.map(({ field, column }) => (column < 0 ? undefined : field.name));
  return new RowBatch(plan.fields, names, options.missing);
}
