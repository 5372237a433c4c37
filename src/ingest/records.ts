/**
 * Splits delimited text into records and records into fields, in plain TypeScript: for samples, and to say in which
 * line and column a row went wrong. Quotes count at the start of a field only; a newline inside quotes is content.
 */

/** How a delimited file is written. */
export interface Dialect {
  readonly delimiter: string;
  /** Quote character, or '' for none. */
  readonly quote: string;
  /** Character that makes a quote in quotes plain; usually the quote itself. */
  readonly escape: string;
}

/** One record: its text without the line end, the line (from 1) and the character (from 0) that it starts at. */
export interface TextRecord {
  readonly text: string;
  readonly line: number;
  readonly start: number;
}

/** How often each line end stood outside quotes. */
export interface LineEnds {
  lf: number;
  cr: number;
  crlf: number;
}

const LF = 10;
const CR = 13;

/** Splits text that comes in pieces into records. */
export class RecordSplitter {
  readonly ends: LineEnds = { lf: 0, cr: 0, crlf: 0 };
  readonly #dialect: Dialect;
  #rest = '';
  #line = 1;
  #start = 0;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** Records that are complete with this piece. Pass `last` with the final piece to get what remains too. */
  push(piece: string, last = false): TextRecord[] {
    const text = this.#rest + piece;
    const records: TextRecord[] = [];
    let start = 0;
    while (start < text.length) {
      const found = this.#recordEnd(text, start, last);
      if (found === undefined) break;
      records.push({ text: text.slice(start, found.end), line: this.#line, start: this.#start + start });
      this.#line += found.lines;
      start = found.next;
    }
    this.#rest = text.slice(start);
    this.#start += start;
    return records;
  }

  /** Characters of a record that has begun and is not complete. */
  get pending(): number {
    return this.#rest.length;
  }

  #recordEnd(
    text: string,
    start: number,
    last: boolean,
  ): { end: number; next: number; lines: number } | undefined {
    const { delimiter, quote, escape: escaping } = this.#dialect;
    const quoteCode = quote === '' ? -1 : quote.charCodeAt(0);
    const escapeCode = escaping === '' ? -1 : escaping.charCodeAt(0);
    const delimiterEnd = delimiter.charCodeAt(delimiter.length - 1);
    let inQuotes = false;
    let fieldStart = true;
    let lines = 0;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (inQuotes) {
        if (code === escapeCode && text.charCodeAt(at + 1) === quoteCode) at++;
        else if (code === quoteCode) inQuotes = false;
        else if (code === LF || (code === CR && text.charCodeAt(at + 1) !== LF)) lines++;
        continue;
      }
      if (code === quoteCode && fieldStart) inQuotes = true;
      else if (code === LF || code === CR) {
        if (code === CR && at + 1 === text.length && !last) return undefined;
        const pair = code === CR && text.charCodeAt(at + 1) === LF;
        this.ends[pair ? 'crlf' : code === LF ? 'lf' : 'cr']++;
        return { end: at, next: at + (pair ? 2 : 1), lines: lines + 1 };
      }
      fieldStart = code === delimiterEnd && (delimiter.length === 1 || text.endsWith(delimiter, at + 1));
    }
    return last ? { end: text.length, next: text.length, lines: lines + 1 } : undefined;
  }
}

/** The fields of a record, unquoted, and whether its quotes are well formed. */
export function splitRecord(text: string, dialect: Dialect): { fields: string[]; wellFormed: boolean } {
  const { delimiter, quote, escape: escaping } = dialect;
  if (quote === '' || !text.includes(quote)) return { fields: text.split(delimiter), wellFormed: true };
  const fields: string[] = [];
  let wellFormed = true;
  let at = 0;
  while (true) {
    if (text[at] === quote) {
      let field = '';
      let closed = false;
      at++;
      for (; at < text.length; at++) {
        if (text[at] === escaping && text[at + 1] === quote) {
          field += quote;
          at++;
        } else if (text[at] === quote) {
          closed = true;
          at++;
          break;
        } else field += text[at];
      }
      const end = text.indexOf(delimiter, at);
      const tail = text.slice(at, end < 0 ? text.length : end);
      if (!closed || tail !== '') wellFormed = false;
      fields.push(field + tail);
      if (end < 0) return { fields, wellFormed };
      at = end + delimiter.length;
    } else {
      const end = text.indexOf(delimiter, at);
      fields.push(text.slice(at, end < 0 ? text.length : end));
      if (end < 0) return { fields, wellFormed };
      at = end + delimiter.length;
    }
  }
}
