/**
 * Plain text: delimited text that workers parse by themselves (`plain-csv.ts` says which files may be). Its rows are
 * lines, so files are cut into blocks by counting them, and a block is ranges of bytes. What it holds besides plain
 * lines is seen where it is parsed (`plain-block.ts`); DuckDB then reads on from its first row.
 */
import { open } from 'node:fs/promises';
import { throwIfAborted } from '../errors.ts';
import type { LineForm } from '../kernel/csv.ts';
import { LineCounter } from '../kernel/csv-lines.ts';
import type { Schema } from '../particle/schema.ts';
import { particleRows } from '../particle/size.ts';
import { fileVersion } from './file-version.ts';

/** A file of plain lines: all that a worker has to know. */
export interface PlainText {
  readonly path: string;
  /** As the user knows it. */
  readonly name: string;
  readonly form: LineForm;
  /** Whether the first line holds names. */
  readonly header: boolean;
  /** Column of each field. */
  readonly columns: readonly number[];
  /** Strings that mean missing, a field: white space around them does not count. */
  readonly missing: readonly (readonly string[])[];
}

/** Whole lines of a file: bytes [start, end), so many of them not blank. */
export interface TextRange {
  /** Number of the file among the sources. */
  readonly source: number;
  /** Which file it is: see `fileVersion`. */
  readonly version: string;
  readonly text: PlainText;
  readonly start: number;
  readonly end: number;
  readonly rows: number;
}

/** The rows of a particle: of one file, or of several that follow each other. */
export interface TextBlock {
  readonly schema: Schema;
  readonly rows: number;
  readonly ranges: readonly TextRange[];
}

export interface TextCut {
  readonly schema: Schema;
  readonly bytesPerRow: number;
  /** Number of the first particle in the size policy. */
  readonly firstIndex: number;
  readonly signal?: AbortSignal;
}

const PIECE_BYTES = 1 << 20;

/**
 * Cuts files into blocks by the size policy. Reads each once; holds one piece of one. Ends with undefined, without the
 * rows that fill no block yet, where a source is not plain text.
 */
export async function* cutTexts(
  texts: AsyncIterable<PlainText | undefined>,
  { schema, bytesPerRow, firstIndex, signal }: TextCut,
): AsyncGenerator<TextBlock | undefined> {
  const piece = new Uint8Array(PIECE_BYTES);
  let index = firstIndex;
  let ranges: TextRange[] = [];
  let rows = 0;
  let source = 0;
  for await (const text of texts) {
    if (text === undefined) {
      yield undefined;
      return;
    }
    const wanted = () => particleRows(index, bytesPerRow) - rows;
    for await (const { lines, ...range } of lineRanges(text, piece, wanted, signal)) {
      rows += lines;
      ranges.push({ source, text, ...range, rows: lines });
      if (wanted() > 0) continue;
      yield { schema, rows, ranges };
      index++;
      ranges = [];
      rows = 0;
    }
    source++;
  }
  if (rows > 0) yield { schema, rows, ranges };
}

/** Ranges of a file with as many lines as are wanted at that time; the last has what is left, if anything. */
async function* lineRanges(
  text: PlainText,
  piece: Uint8Array,
  wanted: () => number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Omit<TextRange, 'source' | 'text' | 'rows'> & { lines: number }> {
  const file = await open(text.path, 'r');
  const counter = new LineCounter(text.form.newline);
  let { header } = text;
  let start = 0;
  let lines = 0;
  let at = 0;
  try {
    const version = fileVersion(await file.stat());
    while (true) {
      throwIfAborted(signal);
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, at);
      if (bytesRead === 0) break;
      if (at === 0) start = markBytes(piece);
      for (let from = at === 0 ? start : 0; from < bytesRead; ) {
        const limit = header ? 1 : wanted() - lines;
        const found = counter.take(piece.subarray(from, bytesRead), limit);
        from += found.end;
        lines += found.lines;
        if (found.lines < limit) break;
        const end = at + from;
        if (!header) yield { version, start, end, lines };
        header = false;
        start = end;
        lines = 0;
      }
      at += bytesRead;
    }
    if (counter.open) lines++;
    if (lines > 0 && !header) yield { version, start, end: at, lines };
  } finally {
    await file.close();
  }
}

/** Bytes of the byte order mark, if the text begins with one. */
function markBytes(text: Uint8Array): number {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
}
