/**
 * Delimited text. The beginning is looked at in TypeScript (dialect, names, types); DuckDB then parses the file with
 * everything told, so nothing is guessed twice. Numbers are parsed as doubles, so a column of integers may turn
 * fractional after the sample; one that turns to text is a bad row.
 */
import { SoraError } from '../errors.ts';
import type { ColumnType } from '../particle/schema.ts';
import type { Chunk } from './chunk.ts';
import { explainFailure, rejectedRows } from './csv-errors.ts';
import type { CsvFile } from './csv-file.ts';
import { detectDialect } from './dialect.ts';
import { identifier, literal, pathLiteral } from './duckdb.ts';
import { guessTexts } from './guess.ts';
import { head } from './head.ts';
import type { FileSource } from './inputs.ts';
import { MISSING_MARKERS } from './missing.ts';
import { normalisedCopy, textEncoding } from './normalise.ts';
import type { OpenSource, PlannedField, ReadContext, ReadPlan } from './reader.ts';
import type { GuessedColumn } from './schema.ts';
import { type ShareOf, shareOf } from './share.ts';
import { strptimeFormat } from './time.ts';
import { chunkOf, type Layout } from './vectors.ts';

/** Bytes of the beginning that are looked at. */
const HEAD_BYTES = 2 << 20;

/** Bytes of DuckDB's read buffers: several lie in memory at once. */
const BUFFER_BYTES = 8_000_000;
/** Longest line. */
const LINE_BYTES = 4_000_000;

/** Most columns of delimited text: a vector of each has to fit into the memory that DuckDB is given. */
const MOST_COLUMNS = 10_000;

/** Opens a delimited file. */
export async function openCsv(source: FileSource, context: ReadContext): Promise<OpenSource> {
  const { bytes, complete } = await head(source, HEAD_BYTES, context.database);
  const { csv, notes } = inspect(source, bytes, complete, context);
  const columns = csv.text.names.map((name, index): GuessedColumn => ({ name, guess: csv.guesses[index] }));
  const positional = !csv.text.header && context.options.names === undefined;
  const share = await shareOf(source, csv.rowBytes, context.database);
  return { columns, notes, positional, read: (plan) => readCsv(csv, plan, share, context) };
}

/** What the beginning says. Keeps nothing of it: a name cut out of it would hold all of it in memory. */
function inspect(
  source: FileSource,
  bytes: Buffer,
  complete: boolean,
  context: ReadContext,
): { csv: CsvFile; notes: string[] } {
  const { options } = context;
  const { encoding, text: start, notes } = textEncoding(bytes, complete, options.encoding);
  if (start.trim() === '') {
    throw new SoraError('bad-data', `${source.name}: the file is empty.`, { details: { file: source.name } });
  }
  const { sample, ...text } = detectDialect(start, complete, options.sample, dialectOptions(context));
  if (text.names.length > MOST_COLUMNS) throw tooWide(source.name, text.names.length);
  const markers = options.missing ?? MISSING_MARKERS;
  const names = text.names.map(ownCopy);
  const guesses = names.map((_, column) => {
    const values = sample.map((row) => row[column] ?? null);
    const { markers: extra, ...guess } = guessTexts(values, markers);
    return { ...guess, markers: extra?.map(ownCopy) };
  });
  const rowBytes = meanBytes(sample);
  const csv: CsvFile = { file: source, text: { ...text, names }, encoding, guesses, markers, rowBytes };
  return { csv, notes: [...notes, ...text.notes, ...crowdedFormats(csv)].map(ownCopy) };
}

function meanBytes(rows: readonly (readonly string[])[]): number {
  let bytes = 0;
  for (const row of rows) for (const field of row) bytes += field.length + 1;
  return bytes / Math.max(1, rows.length);
}

function tooWide(name: string, columns: number): SoraError {
  return new SoraError(
    'bad-data',
    `${name}: it has ${columns.toLocaleString('en-US')} columns; delimited text may have ${MOST_COLUMNS.toLocaleString('en-US')}. Leave some out, or write the rows as libsvm (label index:value …), which has no such limit.`,
    { details: { file: name, columns, limit: MOST_COLUMNS } },
  );
}

/** The same string in memory of its own. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

function dialectOptions({ options, fields }: ReadContext) {
  const { delimiter, quote, header, names } = options;
  return {
    delimiter: delimiter === '\\t' ? '\t' : delimiter,
    quote,
    header,
    names,
    known: fields?.map((field) => field.name),
  };
}

async function* readCsv(
  csv: CsvFile,
  plan: ReadPlan,
  share: ShareOf,
  context: ReadContext,
): AsyncGenerator<Chunk> {
  if (csv.text.newline === 'mixed' || csv.encoding === 'utf-16') {
    const copy = await normalisedCopy(csv, context.database, context.signal);
    try {
      yield* parse({ ...csv, file: copy.file, encoding: 'utf-8' }, plan, share, context);
    } finally {
      await copy.remove();
    }
  } else yield* parse(csv, plan, share, context);
}

let scans = 0;

async function* parse(
  csv: CsvFile,
  plan: ReadPlan,
  share: ShareOf,
  context: ReadContext,
): AsyncGenerator<Chunk> {
  const { database, signal } = context;
  const rejects = plan.badRows.policy === 'fail' ? undefined : `rejects${++scans}`;
  const { sql, layout } = csvQuery(csv, plan.fields, rejects);
  let rows = 0;
  try {
    for await (const raw of database.stream(sql, signal)) {
      yield chunkOf(raw, layout);
      rows += raw.rows;
      plan.onShare?.(share(rows));
    }
  } catch (error) {
    if (error instanceof SoraError) throw error;
    throw await explainFailure(csv, plan.fields, rows, error, context);
  }
  if (rejects === undefined) return;
  for await (const row of rejectedRows(csv, plan.fields, rejects, context)) plan.badRows.add(row);
}

const SQL_TYPES: Partial<Record<ColumnType, string>> = { number: 'DOUBLE', boolean: 'BOOLEAN' };

/** Type that DuckDB parses a column as. */
function sqlType(planned: PlannedField | undefined, csv: CsvFile): string {
  if (planned === undefined) return 'VARCHAR';
  if (planned.field.type !== 'timestamp') return SQL_TYPES[planned.field.type] ?? 'VARCHAR';
  const format = csv.guesses[planned.column].format;
  if (format === undefined) return 'TIMESTAMPTZ';
  return format.time === 'none' ? 'DATE' : 'TIMESTAMP';
}

/** The query that reads the planned fields, and where they are in its result. */
export function csvQuery(
  csv: CsvFile,
  fields: readonly PlannedField[],
  rejects?: string,
): { sql: string; layout: Layout } {
  const byColumn = new Map(fields.filter((f) => f.column >= 0).map((f) => [f.column, f]));
  const types = csv.text.names.map(
    (_, i) => `${literal(columnId(i))}: ${literal(sqlType(byColumn.get(i), csv))}`,
  );
  const expressions = fields.map((planned) => expressionOf(planned, csv));
  const hashes: (number | undefined)[] = [];
  const extra: string[] = [];
  fields.forEach(({ field, column }) => {
    const hashed = field.type === 'category' && column >= 0;
    hashes.push(hashed ? fields.length + extra.length : undefined);
    if (hashed) extra.push(`hash(${identifier(columnId(column))})`);
  });
  const sql = `SELECT ${[...expressions, ...extra].join(', ')} FROM read_csv(${pathLiteral(csv.file.path)}, columns = {${types.join(', ')}}, ${readOptions(csv, rejects)})`;
  return { sql, layout: { fields: fields.map(({ field }) => field), hashes } };
}

function columnId(index: number): string {
  return `c${index}`;
}

const EMPTY_TYPES: Partial<Record<ColumnType, string>> = {
  number: 'DOUBLE',
  timestamp: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
};

function expressionOf({ field, column }: PlannedField, csv: CsvFile): string {
  if (column < 0) return `NULL::${EMPTY_TYPES[field.type] ?? 'VARCHAR'}`;
  const name = identifier(columnId(column));
  if (field.type === 'timestamp') {
    const isDate = csv.guesses[column].format?.time === 'none';
    return `CASE WHEN isfinite(${name}) THEN epoch_us(${name}${isDate ? '::TIMESTAMP' : ''})::DOUBLE / 1000 END`;
  }
  return field.type === 'binary' ? `encode(${name})` : name;
}

function readOptions(csv: CsvFile, rejects: string | undefined): string {
  const { text, file, encoding } = csv;
  const { delimiter, quote, escape: escaping } = text.dialect;
  const formats = dateFormats(csv);
  const nulls = nullStrings(
    [...csv.markers, ...csv.guesses.flatMap((guess) => guess.markers ?? [])],
    delimiter,
    quote,
  );
  return [
    'auto_detect = false',
    `header = ${text.header}`,
    `skip = ${text.skip}`,
    `delim = ${literal(delimiter)}`,
    `quote = ${literal(quote)}`,
    `escape = ${literal(escaping)}`,
    ...(text.newline === 'mixed'
      ? []
      : [`new_line = ${literal(text.newline.replace('\r', '\\r').replace('\n', '\\n'))}`]),
    `compression = '${file.compression}'`,
    `encoding = '${encoding}'`,
    `nullstr = [${nulls.map(literal).join(', ')}]`,
    ...(formats.date === undefined ? [] : [`dateformat = ${literal(formats.date)}`]),
    ...(formats.time === undefined ? [] : [`timestampformat = ${literal(formats.time)}`]),
    `max_line_size = ${LINE_BYTES}`,
    `buffer_size = ${BUFFER_BYTES}`,
    ...(rejects === undefined
      ? []
      : [
          `store_rejects = true`,
          `rejects_limit = 0`,
          `rejects_table = '${rejects}'`,
          `rejects_scan = '${rejects}_scan'`,
        ]),
  ].join(', ');
}

/** Markers as they may stand between delimiters, with a space before or after; none may hold a delimiter or quote. */
function nullStrings(markers: readonly string[], delimiter: string, quote: string): string[] {
  const all = markers.flatMap((marker) => (marker === '' ? [''] : [marker, ` ${marker}`, `${marker} `]));
  const clashes = (text: string) => text.includes(delimiter) || (quote !== '' && text.includes(quote));
  return [...new Set(all)].filter((text) => text === '' || !(clashes(text) || delimiter.includes(text)));
}

/** DuckDB takes one format for dates and one for times a file. */
function dateFormats({ guesses }: CsvFile): { date?: string; time?: string } {
  const formats = guesses.flatMap((guess) => (guess.format === undefined ? [] : [guess.format]));
  const date = formats.find((format) => format.time === 'none');
  const time = formats.find((format) => format.time !== 'none');
  return {
    ...(date === undefined ? {} : { date: strptimeFormat(date) }),
    ...(time === undefined ? {} : { time: strptimeFormat(time) }),
  };
}

function crowdedFormats(csv: CsvFile): string[] {
  const used = dateFormats(csv);
  return csv.guesses.flatMap((guess, column) => {
    if (guess.format === undefined) return [];
    const format = strptimeFormat(guess.format);
    if (format === used.date || format === used.time) return [];
    return [
      `${csv.text.names[column]}: its dates are written in a second order; --types ${csv.text.names[column]}=category keeps them`,
    ];
  });
}
