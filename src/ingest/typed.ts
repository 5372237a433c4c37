/**
 * Tables whose columns have types already: Parquet files and SQL queries, read by DuckDB. Every column is projected to
 * one of DOUBLE, BOOLEAN, VARCHAR and BLOB; structs are flattened to dotted names, lists and maps are left out.
 * Where a type was overridden, a value that does not fit makes a bad row, as in text.
 */
import { DuckDBDecimalType, DuckDBStructType, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import type { ColumnType } from '../particle/schema.ts';
import type { Chunk } from './chunk.ts';
import { duckError, identifier, pathLiteral } from './duckdb.ts';
import { type Guess, guessTexts, guessValues } from './guess.ts';
import type { FileSource, QuerySource } from './inputs.ts';
import { type Checks, fittingRows, misfitReason, misfitsOf } from './misfits.ts';
import { uniqueNames } from './names.ts';
import type { OpenSource, PlannedField, ReadContext, ReadPlan } from './reader.ts';
import type { GuessedColumn } from './schema.ts';
import { chunkOf, type Layout } from './vectors.ts';

/** A column of the source, flattened. */
interface TypedColumn {
  readonly name: string;
  /** SQL expression of its value. */
  readonly sql: string;
  readonly type: DuckDBType;
  /** Type it has without being told. */
  readonly natural: ColumnType;
}

/** Opens a Parquet file. */
export async function openParquet(source: FileSource, context: ReadContext): Promise<OpenSource> {
  return openTyped(source.name, `read_parquet(${pathLiteral(source.path)})`, context);
}

/** Steps of a plan that take all rows before they give one, or much work a row: worth every core. */
const HEAVY =
  /HASH_GROUP_BY|PERFECT_HASH_GROUP_BY|UNGROUPED_AGGREGATE|JOIN|ORDER_BY|TOP_N|WINDOW|CROSS_PRODUCT/;

/** Rows that say how long texts are, where the schema is known and nothing else is to be guessed. */
const KNOWN_SAMPLE = 500;

let results = 0;

/**
 * Opens a query. One that aggregates, joins or sorts is run on every core into a temporary table, which spills to disk;
 * others are streamed.
 */
export async function openQuery(source: QuerySource, context: ReadContext): Promise<OpenSource> {
  const { database, signal } = context;
  try {
    const plan = await database.rows(`EXPLAIN SELECT * FROM (${source.sql}\n)`, signal);
    if (!HEAVY.test(JSON.stringify(plan))) return await openTyped('query', `(${source.sql}\n)`, context);
    const table = `result${++results}`;
    await database.runParallel(`CREATE TEMP TABLE ${table} AS SELECT * FROM (${source.sql}\n)`, signal);
    return await openTyped('query', table, context);
  } catch (error) {
    throw await duckError('query', error, database, signal);
  }
}

async function openTyped(name: string, from: string, context: ReadContext): Promise<OpenSource> {
  const { database, signal, options, fields } = context;
  const { keep } = options as { readonly keep?: readonly string[] };
  const isKnown = fields !== undefined && (keep ?? []).length === 0;
  const rows = isKnown ? Math.min(options.sample, KNOWN_SAMPLE) : options.sample;
  const notes: string[] = [];
  const columns: TypedColumn[] = [];
  let sample: readonly Readonly<Record<string, unknown>>[] = [];
  try {
    const described = await database.columns(`SELECT * FROM ${from} AS source`, signal);
    const { names } = uniqueNames(described.map((column) => column.name));
    described.forEach(({ name: inner, type }, index) => {
      flatten(names[index], `source.${identifier(inner)}`, type, columns, notes);
    });
    if (columns.length > 0) {
      const list = columns.map((column, index) => `${sampleExpression(column)} AS c${index}`);
      sample = await database.rows(`SELECT ${list.join(', ')} FROM ${from} AS source LIMIT ${rows}`, signal);
    }
  } catch (error) {
    throw await duckError(name, error, database, signal);
  }
  const guessed = columns.map((column, index): GuessedColumn => {
    const guess = guessTyped(
      column,
      sample.map((row) => row[`c${index}`]),
    );
    return { name: column.name, guess };
  });
  return { columns: guessed, notes, read: (plan) => readTyped(name, from, columns, plan, context) };
}

function flatten(name: string, sql: string, type: DuckDBType, into: TypedColumn[], notes: string[]): void {
  if (type instanceof DuckDBStructType) {
    type.entryNames.forEach((entry, index) => {
      flatten(
        `${name}.${entry}`,
        `struct_extract(${sql}, ${quoted(entry)})`,
        type.entryTypes[index],
        into,
        notes,
      );
    });
    return;
  }
  const natural = naturalType(type);
  if (natural === undefined) notes.push(`${name}: left out, because a ${type.toString()} is not one value`);
  else into.push({ name, sql, type, natural });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const NUMBERS = new Set<DuckDBTypeId>([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.DECIMAL,
  DuckDBTypeId.TIME,
  DuckDBTypeId.TIME_TZ,
  DuckDBTypeId.INTERVAL,
]);
const TIMES = new Set<DuckDBTypeId>([
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
  DuckDBTypeId.TIMESTAMP_TZ,
]);
const STRINGS = new Set<DuckDBTypeId>([
  DuckDBTypeId.VARCHAR,
  DuckDBTypeId.ENUM,
  DuckDBTypeId.UUID,
  DuckDBTypeId.BIT,
  DuckDBTypeId.SQLNULL,
  DuckDBTypeId.BIGNUM,
]);

function naturalType(type: DuckDBType): ColumnType | undefined {
  const { typeId } = type;
  if (NUMBERS.has(typeId)) return 'number';
  if (TIMES.has(typeId)) return 'timestamp';
  if (STRINGS.has(typeId)) return 'category';
  if (typeId === DuckDBTypeId.BOOLEAN) return 'boolean';
  return typeId === DuckDBTypeId.BLOB ? 'binary' : undefined;
}

function isClock(type: DuckDBType): boolean {
  return [DuckDBTypeId.TIME, DuckDBTypeId.TIME_TZ, DuckDBTypeId.INTERVAL].includes(type.typeId);
}

function sampleExpression(column: TypedColumn): string {
  if (column.natural === 'binary') return `octet_length(${column.sql})`;
  if (column.natural === 'number' && !isClock(column.type)) return `CAST(${column.sql} AS VARCHAR)`;
  return expression(column, column.natural);
}

/** Types are known; the sample tells texts from categories, and keys and huge integers from numbers. */
function guessTyped({ natural, type }: TypedColumn, values: readonly unknown[]): Guess {
  if (natural === 'category') {
    const guess = guessTexts(values as (string | null)[]);
    const isString = guess.type === 'text' || guess.type === 'category';
    return isString
      ? guess
      : { ...guess, type: 'category', format: undefined, markers: [], notes: [], width: 4 };
  }
  const numbers = natural === 'number' && !isClock(type);
  const guess = numbers
    ? guessTexts(values as (string | null)[])
    : guessValues(values.map((value) => (value === null ? null : Number(value))));
  const bytes = natural === 'binary' ? 16 + meanOf(values) : natural === 'timestamp' ? 8 : 4;
  const notes = type instanceof DuckDBDecimalType && type.width > 15 ? ['decimals are read as doubles'] : [];
  return { ...guess, type: natural, format: undefined, markers: [], width: bytes, notes };
}

function meanOf(values: readonly unknown[]): number {
  const numbers = values.filter((value) => value !== null).map(Number);
  return numbers.reduce((sum, value) => sum + value, 0) / Math.max(1, numbers.length);
}

const TARGETS: Readonly<Record<ColumnType, string>> = {
  number: 'DOUBLE',
  timestamp: 'DOUBLE',
  boolean: 'BOOLEAN',
  category: 'VARCHAR',
  text: 'VARCHAR',
  binary: 'BLOB',
  sparse: 'VARCHAR',
};

/** SQL of a column as the type wanted, in the SQL type of {@link TARGETS}. */
function expression(column: TypedColumn, wanted: ColumnType): string {
  const { sql, type, natural } = column;
  switch (wanted) {
    case 'number':
      if (natural === 'timestamp') return `CASE WHEN isfinite(${sql}) THEN epoch(${sql})::DOUBLE END`;
      if (isClock(type)) return `epoch(${sql})::DOUBLE`;
      return natural === 'category' ? `TRY_CAST(trim(${sql}::VARCHAR) AS DOUBLE)` : `${sql}::DOUBLE`;
    case 'timestamp':
      if (natural === 'timestamp')
        return milliseconds(type.typeId === DuckDBTypeId.DATE ? `${sql}::TIMESTAMP` : sql);
      return natural === 'number'
        ? `${sql}::DOUBLE`
        : milliseconds(`TRY_CAST(${sql}::VARCHAR AS TIMESTAMPTZ)`);
    case 'boolean':
      return natural === 'number'
        ? `CASE WHEN ${sql} = 1 THEN true WHEN ${sql} = 0 THEN false END`
        : `TRY_CAST(${sql}::VARCHAR AS BOOLEAN)`;
    case 'binary':
      return natural === 'binary' ? sql : `encode(${sql}::VARCHAR)`;
    default:
      return stringExpression(column);
  }
}

function milliseconds(sql: string): string {
  return `CASE WHEN isfinite(${sql}) THEN epoch_us(${sql})::DOUBLE / 1000 END`;
}

/** Whole numbers have no fraction as strings, whatever type they were stored in. */
function stringExpression({ sql, type, natural }: TypedColumn): string {
  const { typeId } = type;
  if (typeId === DuckDBTypeId.FLOAT || typeId === DuckDBTypeId.DOUBLE) {
    return `CASE WHEN ${sql} = trunc(${sql}) AND abs(${sql}) < 1e15 THEN ${sql}::BIGINT::VARCHAR ELSE ${sql}::VARCHAR END`;
  }
  if (natural === 'timestamp') return `strftime(${sql}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ')`;
  return natural === 'binary' ? `hex(${sql})` : `${sql}::VARCHAR`;
}

/** Whether a value may fail to become the type wanted. */
function mayFail({ natural }: TypedColumn, wanted: ColumnType): boolean {
  return natural !== wanted && (wanted === 'number' || wanted === 'boolean' || wanted === 'timestamp');
}

async function* readTyped(
  name: string,
  from: string,
  columns: readonly TypedColumn[],
  plan: ReadPlan,
  { database, signal }: ReadContext,
): AsyncGenerator<Chunk> {
  const query = typedQuery(from, columns, plan.fields);
  let rows = 0;
  try {
    for await (const raw of database.stream(query.sql, signal)) {
      const chunk = chunkOf(raw, query.layout);
      const before = rows;
      yield* fittingRows(chunk, misfitsOf(raw, query.checks, plan.fields), (misfit) => {
        plan.badRows.add({ file: name, row: before + misfit.row + 1, ...misfitReason(misfit) });
      });
      rows += raw.rows;
      plan.onShare?.(database.progress());
    }
  } catch (error) {
    throw await duckError(rows === 0 ? name : `${name}, after ${rows} rows`, error, database, signal);
  }
}

function typedQuery(
  from: string,
  columns: readonly TypedColumn[],
  fields: readonly PlannedField[],
): { sql: string; layout: Layout; checks: Checks } {
  const list: string[] = [];
  const extra: string[] = [];
  const hashes: (number | undefined)[] = [];
  const checks: { field: number; index: number }[] = [];
  fields.forEach(({ field, column }, at) => {
    hashes.push(undefined);
    if (column < 0 || field.type === 'sparse') {
      list.push(`NULL::${TARGETS[field.type]}`);
      return;
    }
    const source = columns[column];
    const sql = expression(source, field.type);
    list.push(sql);
    if (field.type === 'category') {
      hashes[at] = fields.length + extra.length;
      extra.push(`hash(${sql})`);
    } else if (mayFail(source, field.type)) {
      checks.push({ field: at, index: fields.length + extra.length });
      const missing = source.natural === 'category' ? ` AND NOT ${missingTest(source.sql)}` : '';
      extra.push(
        `CASE WHEN ${source.sql} IS NOT NULL AND (${sql}) IS NULL${missing} THEN ${source.sql}::VARCHAR END`,
      );
    }
  });
  const sql = `SELECT ${[...list, ...extra].join(', ')} FROM ${from} AS source`;
  return { sql, layout: { fields: fields.map(({ field }) => field), hashes }, checks };
}

function missingTest(sql: string): string {
  return `lower(trim(${sql}::VARCHAR)) IN ('', 'na', 'n/a', '#n/a', '<na>', 'nan', 'null', '?')`;
}
