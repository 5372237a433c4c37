/**
 * Where and why a delimited file went wrong. DuckDB counts records, people count lines: a quoted field may hold many.
 * So a failure is looked up in the file itself, by the rules of `records.ts` and `guess.ts`.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import type { BadRow } from './bad-rows.ts';
import { badRowError, expected } from './bad-rows.ts';
import type { CsvFile } from './csv-file.ts';
import { duckMessage, type Row } from './duckdb.ts';
import { isNumberText } from './guess.ts';
import { unpacked } from './head.ts';
import { type Misfit, misfitReason } from './misfits.ts';
import { normaliser } from './missing.ts';
import type { PlannedField, ReadContext } from './reader.ts';
import { RecordSplitter, splitRecord, type TextRecord } from './records.ts';
import { parseTime } from './time.ts';

/** Rows of the rejects table that are taken at a time. */
const PAGE = 10_000;

/** A value of a file that is no time. */
export interface FileMisfit extends Misfit {
  /** Number of its record among those that DuckDB did not reject, from 0. */
  readonly record: number;
}

/** Thrown inside of a scan that stops at the first bad row. */
export class MisfitFound extends Error {
  readonly misfit: Misfit;
  readonly record: number;

  constructor(misfit: Misfit, record: number) {
    super('A value does not fit.');
    this.misfit = misfit;
    this.record = record;
  }
}

/** Rows that a finished scan left out, each once: those that DuckDB rejected, and those with misfits. */
export async function* leftOutRows(
  csv: CsvFile,
  fields: readonly PlannedField[],
  table: string,
  misfits: readonly FileMisfit[],
  context: ReadContext,
): AsyncGenerator<BadRow> {
  try {
    if (misfits.length === 0) yield* rejectedRows(csv, fields, table, context);
    else yield* mergedRows(csv, fields, table, misfits, context);
  } finally {
    await context.database.run(`DROP TABLE IF EXISTS ${table}; DROP TABLE IF EXISTS ${table}_scan`);
  }
}

/** Rejected rows in file order. */
async function* rejectedRows(
  csv: CsvFile,
  fields: readonly PlannedField[],
  table: string,
  context: ReadContext,
): AsyncGenerator<BadRow> {
  const lines = new LineCounter(csv, context);
  for await (const row of rejects(table, context)) {
    yield rejectedRow(csv, fields, row, await lines.lineAt(Number(row.place)));
  }
  await lines.close();
}

/** One entry a rejected row, by its place: the byte (from 1) that it starts at. */
async function* rejects(table: string, { database, signal }: ReadContext): AsyncGenerator<Row> {
  let last = -1;
  while (true) {
    const rows = await database.rows(
      `SELECT line_byte_position AS place, arg_min(column_idx, column_idx) AS position, arg_min(error_type::VARCHAR, column_idx) AS kind, arg_min(csv_line, column_idx) AS raw, arg_min(error_message, column_idx) AS message FROM ${table} WHERE line_byte_position > ${last} GROUP BY line_byte_position ORDER BY place LIMIT ${PAGE}`,
      signal,
    );
    yield* rows;
    if (rows.length < PAGE) return;
    last = Number(rows[rows.length - 1].place);
  }
}

/** Both kinds in file order: one pass over the records, which tells what DuckDB does not. */
async function* mergedRows(
  csv: CsvFile,
  fields: readonly PlannedField[],
  table: string,
  misfits: readonly FileMisfit[],
  context: ReadContext,
): AsyncGenerator<BadRow> {
  const rejected = rejects(table, context);
  let reject = await rejected.next();
  let at = 0;
  let good = 0;
  for await (const { text, line, start, end } of records(csv, context)) {
    if (!reject.done && Number(reject.value.place) <= end + 1 && Number(reject.value.place) > start) {
      yield rejectedRow(csv, fields, reject.value, line);
      reject = await rejected.next();
    } else if (good++ === misfits[at]?.record) {
      yield { file: csv.file.name, line, raw: text, ...misfitReason(misfits[at++]) };
    }
    if (reject.done && at === misfits.length) return;
  }
  for (; !reject.done; reject = await rejected.next())
    yield rejectedRow(csv, fields, reject.value, undefined);
  for (; at < misfits.length; at++) yield { file: csv.file.name, ...misfitReason(misfits[at]) };
}

function rejectedRow(
  csv: CsvFile,
  fields: readonly PlannedField[],
  row: Row,
  line: number | undefined,
): BadRow {
  const raw = String(row.raw ?? '').replace(/[\r\n]+$/, '');
  const base = { file: csv.file.name, line, raw };
  const kind = String(row.kind);
  const position = Number(row.position);
  if (kind === 'CAST') {
    const planned = fields.find((candidate) => candidate.column === position - 1);
    const column = csv.text.names[position - 1];
    const value =
      /Could not convert string "([\s\S]*)" to/.exec(String(row.message))?.[1] ??
      splitRecord(raw, csv.text.dialect).fields[position - 1];
    const wanted = planned === undefined ? undefined : expected(planned.field.type);
    return { ...base, position, column, value, expected: wanted, reason: `not ${wanted ?? 'readable'}` };
  }
  return { ...base, reason: structuralReason(kind, raw, csv) };
}

function structuralReason(kind: string, raw: string, csv: CsvFile): string {
  const columns = csv.text.names.length;
  const found = splitRecord(raw, csv.text.dialect).fields.length;
  switch (kind) {
    case 'MISSING COLUMNS':
    case 'TOO MANY COLUMNS':
      return `the row has ${found} values, expected ${columns}`;
    case 'UNQUOTED VALUE':
      return 'a quoted value does not end where it should';
    case 'INVALID ENCODING':
    case 'INVALID UNICODE':
      return 'the row is not UTF-8';
    case 'LINE SIZE OVER MAXIMUM':
      return 'the row is longer than 4 MB';
    default:
      return kind.toLowerCase();
  }
}

/** Lines at byte offsets that only grow: one pass over the file, however many are asked for. */
class LineCounter {
  readonly #pieces: AsyncGenerator<Buffer>;
  readonly #newline: number;
  #piece: Buffer = Buffer.alloc(0);
  #start = 0;
  #counted = 0;
  #line = 1;

  constructor(csv: CsvFile, { database }: Pick<ReadContext, 'database'>) {
    this.#pieces = unpacked(csv.file, database);
    this.#newline = csv.text.newline === '\r' ? 13 : 10;
  }

  async lineAt(offset: number): Promise<number> {
    while (true) {
      const end = Math.min(offset, this.#start + this.#piece.length);
      for (; this.#counted < end; this.#counted++) {
        const next = this.#piece.indexOf(this.#newline, this.#counted - this.#start);
        if (next < 0 || this.#start + next >= end) {
          this.#counted = end;
          break;
        }
        this.#counted = this.#start + next;
        this.#line++;
      }
      if (offset <= this.#start + this.#piece.length) return this.#line;
      const more = await this.#pieces.next();
      if (more.done) return this.#line;
      this.#start += this.#piece.length;
      this.#piece = more.value;
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined);
  }
}

/** Longest record, in bytes. */
const LINE_LIMIT = 4_000_000;

/** Records checked after DuckDB's failure before its own message is taken. */
const CHECKED_RECORDS = 3_000_000;

/** The error to throw when DuckDB failed after `good` rows: the first row that is bad by our own rules. */
export async function explainFailure(
  csv: CsvFile,
  fields: readonly PlannedField[],
  good: number,
  failure: unknown,
  context: ReadContext,
): Promise<SoraError> {
  if (failure instanceof MisfitFound) return badRowError(await misfitRow(csv, failure, context));
  const bad = await firstBadRow(csv, fields, good, context).catch(() => undefined);
  throwIfAborted(context.signal);
  if (bad !== undefined) return badRowError(bad);
  const reason = await context.database.reason(failure, context.signal);
  if (reason instanceof SoraError) return reason;
  const line = /CSV Error on Line: (\d+)/.exec(String(reason))?.[1];
  const place = line === undefined ? csv.file.name : `${csv.file.name}: record ${line}`;
  return new SoraError(
    'bad-input',
    `${place}: ${duckMessage(reason).replace(/^[A-Za-z ]*Error: /, '')} Check the file's delimiter, quotes and line ends, or use --bad-rows skip.`,
    {
      cause: failure,
      details: { file: csv.file.name, record: line === undefined ? undefined : Number(line) },
    },
  );
}

async function misfitRow(
  csv: CsvFile,
  { misfit, record }: MisfitFound,
  context: ReadContext,
): Promise<BadRow> {
  let ordinal = 0;
  for await (const { line, text } of records(csv, context)) {
    if (ordinal++ === record) return { file: csv.file.name, line, raw: text, ...misfitReason(misfit) };
  }
  return { file: csv.file.name, row: record + 1, ...misfitReason(misfit) };
}

async function firstBadRow(
  csv: CsvFile,
  fields: readonly PlannedField[],
  good: number,
  context: ReadContext,
): Promise<BadRow | undefined> {
  const check = recordChecker(csv, fields);
  let ordinal = 0;
  for await (const record of records(csv, context)) {
    if (ordinal++ < good) continue;
    const bad = check(record);
    if (bad !== undefined || ordinal > good + CHECKED_RECORDS) return bad;
  }
  return undefined;
}

/** A record of the file, with its bytes and where they are: [start, end). */
interface FileRecord extends TextRecord {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Records below the header, as DuckDB counts them: blank lines are none, unless there is one column. */
async function* records(csv: CsvFile, { database, signal }: ReadContext): AsyncGenerator<FileRecord> {
  const { dialect, names, skip, header } = csv.text;
  const splitter = new RecordSplitter(dialect);
  const encoding = csv.encoding === 'latin-1' ? 'latin1' : 'utf8';
  let before = skip + (header ? 1 : 0);
  const own = function* (list: readonly TextRecord[]): Generator<FileRecord> {
    for (const { text, line, start } of list) {
      if (before > 0) {
        before--;
        continue;
      }
      if (text === '' && names.length > 1) continue;
      const bytes = Buffer.from(text, 'latin1');
      yield { text: bytes.toString(encoding), line, start, bytes, end: start + bytes.length };
    }
  };
  for await (const piece of unpacked(csv.file, database)) {
    throwIfAborted(signal);
    yield* own(splitter.push(piece.toString('latin1')));
    if (splitter.pending > LINE_LIMIT) return;
  }
  yield* own(splitter.push('', true));
}

function recordChecker(csv: CsvFile, fields: readonly PlannedField[]) {
  const { dialect, names } = csv.text;
  const markers = [...csv.markers, ...csv.guesses.flatMap((guess) => guess.markers ?? [])];
  const normalise = normaliser(markers);
  return (record: FileRecord): BadRow | undefined => {
    const base = { file: csv.file.name, line: record.line, raw: record.text };
    if (csv.encoding === 'utf-8' && !isUtf8(record.bytes))
      return { ...base, reason: structuralReason('INVALID ENCODING', record.text, csv) };
    const { fields: values, wellFormed } = splitRecord(record.text, dialect);
    if (!wellFormed) return { ...base, reason: structuralReason('UNQUOTED VALUE', record.text, csv) };
    if (values.length !== names.length)
      return { ...base, reason: structuralReason('MISSING COLUMNS', record.text, csv) };
    for (const { field, column } of fields) {
      if (column < 0) continue;
      const value = normalise(values[column]);
      if (value === undefined || fits(value, field.type, csv, column)) continue;
      const wanted = expected(field.type);
      return {
        ...base,
        position: column + 1,
        column: names[column],
        value,
        expected: wanted,
        reason: `not ${wanted}`,
      };
    }
    return undefined;
  };
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function fits(value: string, type: string, csv: CsvFile, column: number): boolean {
  switch (type) {
    case 'number':
      return isNumberText(value);
    case 'boolean':
      return /^(?:true|false|t|f|yes|no|y|n|1|0)$/i.test(value);
    case 'timestamp':
      return parseTime(value, csv.guesses[column].format) !== undefined;
    default:
      return true;
  }
}
