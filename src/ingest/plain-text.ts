/**
 * Delimited text that workers parse by themselves: a local file that is not packed, UTF-8, one kind of line end, no
 * quotes as far as its beginning tells, columns of numbers, strings and booleans only. Rows of such a file are lines,
 * so it is cut into blocks by counting them, and a block is a range of bytes. What a block holds besides plain lines is
 * seen where it is parsed (`plain-block.ts`); DuckDB then reads on from its first row.
 */
import { open } from 'node:fs/promises';
import { throwIfAborted } from '../errors.ts';
import type { LineColumnKind, LineForm } from '../kernel/csv.ts';
import { LineCounter } from '../kernel/csv-lines.ts';
import type { Schema } from '../particle/schema.ts';
import { particleRows } from '../particle/size.ts';
import type { CsvFile } from './csv-file.ts';
import { nullStrings } from './csv-query.ts';
import type { PlannedField } from './reader.ts';

/** A file of plain lines: all that a worker has to know. */
export interface PlainText {
  readonly path: string;
  readonly form: LineForm;
  /** Whether the first line holds names. */
  readonly header: boolean;
  readonly schema: Schema;
  /** Column of each field. */
  readonly columns: readonly number[];
  /** Strings that mean missing in any column, as they stand between delimiters. */
  readonly nulls: readonly string[];
  /** Strings that mean missing, a field: white space around them does not count. */
  readonly missing: readonly (readonly string[])[];
}

/** Whole lines of a file: bytes [start, end), so many of them not blank. */
export interface TextBlock {
  readonly text: PlainText;
  readonly start: number;
  readonly end: number;
  readonly rows: number;
}

/** Smaller files are read by DuckDB: there is nothing to gain. */
export const SMALLEST_BYTES = 1 << 20;
const MOST_COLUMNS = 2000;
const LONGEST_MARKER = 80;
const DELIMITERS = [',', ';', '\t', '|'];
const KINDS: Partial<Record<string, LineColumnKind>> = {
  number: 'number',
  category: 'string',
  text: 'string',
  boolean: 'string',
};

/** The file as plain text, if its beginning does not say otherwise. */
export function plainText(
  csv: CsvFile,
  fields: readonly PlannedField[],
  missing: PlainText['missing'],
): PlainText | undefined {
  const { text, file } = csv;
  const { dialect, newline } = text;
  const width = text.names.length;
  const kinds = new Map(fields.map(({ field, column }) => [column, KINDS[field.type]]));
  const nulls = nullStrings(csv);
  const plain =
    file.compression === 'none' &&
    csv.encoding === 'utf-8' &&
    !csv.quoted &&
    text.skip === 0 &&
    width >= 2 &&
    width <= MOST_COLUMNS &&
    DELIMITERS.includes(dialect.delimiter) &&
    /^[!-~]?$/.test(dialect.quote) &&
    (dialect.escape === '' || dialect.escape === dialect.quote) &&
    kinds.size === fields.length &&
    fields.every(
      ({ field, column }) => column >= 0 && kinds.get(column) !== undefined && field.role !== 'group',
    ) &&
    nulls.every((text) => text.length <= LONGEST_MARKER);
  if (!plain || newline === 'mixed') return undefined;
  const columns = Array.from({ length: width }, (_, column) => kinds.get(column) ?? 'skip');
  return {
    path: file.path,
    form: { delimiter: dialect.delimiter, quote: dialect.quote, newline, columns, markers: nulls },
    header: text.header,
    schema: { fields: fields.map(({ field }) => field) },
    columns: fields.map(({ column }) => column),
    nulls,
    missing,
  };
}

export interface TextCut {
  readonly bytesPerRow: number;
  /** Number of the first particle in the size policy. */
  readonly firstIndex: number;
  readonly signal?: AbortSignal;
}

const PIECE_BYTES = 1 << 20;

/** Cuts the file into blocks by the size policy. Reads it once; holds two pieces of it. */
export async function* cutText(text: PlainText, cut: TextCut): AsyncGenerator<TextBlock> {
  const file = await open(text.path, 'r');
  const piece = new Uint8Array(PIECE_BYTES);
  const lines = new LineCounter(text.form.newline);
  let index = cut.firstIndex;
  let start = 0;
  let rows = 0;
  let at = 0;
  let header = text.header;
  try {
    while (true) {
      throwIfAborted(cut.signal);
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, at);
      if (bytesRead === 0) break;
      let from = at === 0 ? markBytes(piece) : 0;
      if (at === 0) start = from;
      while (from < bytesRead) {
        const wanted = header ? 1 : particleRows(index, cut.bytesPerRow) - rows;
        const found = lines.take(piece.subarray(from, bytesRead), wanted);
        from += found.end;
        rows += found.lines;
        if (found.lines < wanted) break;
        const end = at + from;
        if (!header) {
          yield { text, start, end, rows };
          index++;
        }
        header = false;
        start = end;
        rows = 0;
      }
      at += bytesRead;
    }
    if (lines.open) rows++;
    if (rows > 0 && !header) yield { text, start, end: at, rows };
  } finally {
    await file.close();
  }
}

/** Bytes of the byte order mark, if the text begins with one. */
function markBytes(text: Uint8Array): number {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
}
