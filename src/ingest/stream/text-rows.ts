/**
 * Bytes of text to rows as they come: NDJSON, and CSV with a header. A row counts once its line end has come; what
 * follows it waits. Rows that cannot be read stand in their place as {@link UnreadableRow}. Text is UTF-8.
 */
import { extname } from 'node:path';
import { SoraError } from '../../errors.ts';
import { detectDialect } from '../dialect.ts';
import type { RowObject } from '../inputs.ts';
import { type Dialect, RecordSplitter, splitRecord } from '../records.ts';
import { UnreadableRow } from './stream.ts';

/** Formats of text that can be followed. */
export const TEXT_FORMATS = ['ndjson', 'csv'] as const;
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** Rows of the beginning of some bytes, and how many bytes they took. */
export interface ParsedText {
  readonly rows: RowObject[];
  readonly used: number;
}

/** Reads whole rows from bytes that start where a row does; `last` says that no more will come. */
export type TextParser = (bytes: Buffer, last: boolean) => ParsedText;

/** Most bytes of one row. */
export const LONGEST_ROW = 64 << 20;

/** Whether a file of this name can be followed, and as what. */
export function textFormatOf(name: string): TextFormat | undefined {
  const ending = extname(name).toLowerCase();
  if (['.ndjson', '.jsonl', '.json'].includes(ending)) return 'ndjson';
  return ['.csv', '.tsv', '.tab', '.psv'].includes(ending) ? 'csv' : undefined;
}

/** One JSON object a line; blank lines are no rows. */
export function parseNdjson(bytes: Buffer, last: boolean): ParsedText {
  const used = last ? bytes.length : bytes.lastIndexOf(10) + 1;
  const text = bytes.toString('utf8', 0, used);
  const rows: RowObject[] = [];
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, end);
    start = end + 1;
    const row = jsonRow(line);
    if (row !== undefined) rows.push(row);
  }
  return { rows, used };
}

/** The row of a line; undefined where it is blank. What is no object is for the taker to refuse. */
function jsonRow(line: string): RowObject | undefined {
  try {
    return JSON.parse(line) as RowObject;
  } catch (cause) {
    if (line.trim() === '') return undefined;
    return new UnreadableRow(`not JSON: ${(cause as Error).message}`, line);
  }
}

/** How a CSV file is written, as its first line says. */
export interface CsvHeader {
  readonly dialect: Dialect;
  readonly names: readonly string[];
  /** Bytes of the header line. */
  readonly bytes: number;
}

/** The header in the first bytes of a file; undefined while its line is not whole. */
export function csvHeader(bytes: Buffer, last: boolean, delimiter?: string): CsvHeader | undefined {
  const text = bytes.toString('latin1');
  const plain: Dialect = { delimiter: delimiter ?? ',', quote: '"', escape: '"' };
  const splitter = new RecordSplitter(plain);
  const records = splitter.push(text, last);
  const first = records.find((record) => record.text.trim() !== '');
  if (first === undefined) return undefined;
  const after = records[records.indexOf(first) + 1]?.start ?? text.length - splitter.pending;
  const line = utf8(first.text);
  const { dialect, names } = detectDialect(line, true, 1, { header: true, delimiter });
  const escaped = dialect.quote === '' ? plain : dialect;
  return { dialect: { ...escaped, delimiter: dialect.delimiter }, names, bytes: after };
}

/** Records under a header; blank ones are no rows. */
export function csvParser({ dialect, names }: CsvHeader): TextParser {
  return (bytes, last) => {
    // One character a byte: delimiters, quotes and line ends are ASCII, which no byte of a longer character is.
    const text = bytes.toString('latin1');
    const splitter = new RecordSplitter(dialect);
    const records = splitter.push(text, last);
    const rows: RowObject[] = [];
    for (const record of records) if (record.text !== '') rows.push(csvRow(record.text, dialect, names));
    return { rows, used: text.length - splitter.pending };
  };
}

function csvRow(text: string, dialect: Dialect, names: readonly string[]): RowObject {
  const line = utf8(text);
  const { fields, wellFormed } = splitRecord(line, dialect);
  if (!wellFormed) return new UnreadableRow('its quotes are not closed where a field ends', line);
  if (fields.length !== names.length) {
    return new UnreadableRow(`${fields.length} fields, and the header has ${names.length}`, line);
  }
  const row: Record<string, string> = {};
  for (let at = 0; at < names.length; at++) row[names[at]] = fields[at];
  return row;
}

function utf8(text: string): string {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0x7f) return Buffer.from(text, 'latin1').toString('utf8');
  }
  return text;
}

/** Throws `bad-input` where a row goes on and on. */
export function checkLength(pending: number, name: string, where: string): void {
  if (pending <= LONGEST_ROW) return;
  throw new SoraError(
    'bad-input',
    `${name}: the row at ${where} has no end after ${LONGEST_ROW} bytes. Write one row a line, and close every quote.`,
  );
}
