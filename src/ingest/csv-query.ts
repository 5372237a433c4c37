/** Delimited text as a query of DuckDB: everything told, nothing left to be found out. */
import type { ColumnType } from '../particle/schema.ts';
import type { CsvFile } from './csv-file.ts';
import { identifier, literal, pathLiteral } from './duckdb.ts';
import type { Checks } from './misfits.ts';
import type { PlannedField } from './reader.ts';
import { strptimeFormat } from './time.ts';
import type { Layout } from './vectors.ts';

/** Bytes of DuckDB's read buffers: several lie in memory at once. */
const BUFFER_BYTES = 8_000_000;
/** Longest line. */
const LINE_BYTES = 4_000_000;

/**
 * Types that DuckDB parses columns as. Times are parsed as strings and converted afterwards: DuckDB 1.5 converts them
 * after parsing a chunk, and reads strings of rejected rows then that it has never written.
 */
const SQL_TYPES: Partial<Record<ColumnType, string>> = { number: 'DOUBLE', boolean: 'BOOLEAN' };

/** A query, where the fields are in its result, and where strings that are no times. */
interface CsvQuery {
  readonly sql: string;
  readonly layout: Layout;
  readonly checks: Checks;
}

/** The query that reads the planned fields, and where they are in its result. */
export function csvQuery(csv: CsvFile, fields: readonly PlannedField[], rejects?: string): CsvQuery {
  const types = new Map(fields.map(({ field, column }) => [column, field.type]));
  const columns = csv.text.names.map(
    (_, i) => `${literal(columnId(i))}: ${literal(SQL_TYPES[types.get(i) ?? 'text'] ?? 'VARCHAR')}`,
  );
  const expressions = fields.map((planned) => expressionOf(planned, csv));
  const hashes: (number | undefined)[] = [];
  const extra: string[] = [];
  const checks: { field: number; index: number }[] = [];
  fields.forEach(({ field, column }, at) => {
    const name = identifier(columnId(column));
    const hashed = field.type === 'category' && column >= 0;
    hashes.push(hashed ? fields.length + extra.length : undefined);
    if (hashed) extra.push(`hash(${name})`);
    if (field.type !== 'timestamp' || column < 0) return;
    checks.push({ field: at, index: fields.length + extra.length });
    extra.push(`CASE WHEN ${timeOf(name, csv, column)} IS NULL AND trim(${name}) <> '' THEN ${name} END`);
  });
  const sql = `SELECT ${[...expressions, ...extra].join(', ')} FROM read_csv(${pathLiteral(csv.file.path)}, columns = {${columns.join(', ')}}, ${readOptions(csv, rejects)})`;
  return { sql, layout: { fields: fields.map(({ field }) => field), hashes }, checks };
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
    const time = timeOf(name, csv, column);
    return `CASE WHEN isfinite(${time}) THEN epoch_us(${time})::DOUBLE / 1000 END`;
  }
  return field.type === 'binary' ? `encode(${name})` : name;
}

/** A column of strings as a time; NULL where it is none. */
function timeOf(name: string, csv: CsvFile, column: number): string {
  const { format } = csv.guesses[column];
  return format === undefined
    ? `TRY_CAST(trim(${name}) AS TIMESTAMPTZ)`
    : `try_strptime(trim(${name}), ${literal(strptimeFormat(format))})`;
}

function readOptions(csv: CsvFile, rejects: string | undefined): string {
  const { text, file, encoding } = csv;
  const { delimiter, quote, escape: escaping } = text.dialect;
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
    `nullstr = [${nullStrings(csv).map(literal).join(', ')}]`,
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

/**
 * Strings that mean missing, in whatever column, as they may stand between delimiters: with a space before or after.
 * None may hold a delimiter or quote.
 */
export function nullStrings(csv: CsvFile): string[] {
  const { delimiter, quote } = csv.text.dialect;
  const markers = [...csv.markers, ...csv.guesses.flatMap((guess) => guess.markers ?? [])];
  const all = markers.flatMap((marker) => (marker === '' ? [''] : [marker, ` ${marker}`, `${marker} `]));
  const clashes = (text: string) => text.includes(delimiter) || (quote !== '' && text.includes(quote));
  return [...new Set(all)].filter((text) => text === '' || !(clashes(text) || delimiter.includes(text)));
}
