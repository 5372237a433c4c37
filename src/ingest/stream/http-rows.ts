/**
 * The rows of an answer and the place after each batch of them, in the three forms that endpoints have: rows in lines,
 * a page of JSON, or server-sent events. A place is what to ask for, and how many rows of its answer were taken.
 */
import { createHash } from 'node:crypto';
import { SoraError } from '../../errors.ts';
import type { RowObject } from '../inputs.ts';
import { isObject, valueAt } from '../objects.ts';
import { jsonOf, piecesOf } from './http-body.ts';
import { EventParser } from './http-events.ts';
import { LineSplitter } from './http-lines.ts';
import { TURN } from './persist.ts';

/** Where a stream over HTTP stands. */
export interface Place {
  /** The cursor, event id or address to ask for; null at the start. */
  readonly at: string | null;
  /** Rows of that answer that were taken. */
  readonly rows: number;
  /** Whether that is the id of an event. */
  readonly event?: boolean;
  /** What the first and the last of them were, to see whether the answer still begins with them. */
  readonly first?: string;
  readonly last?: string;
}

/** How rows are found in an answer. */
export interface Reading {
  readonly name: string;
  /** Bytes of a row, or of a page. */
  readonly limit: number;
  /** Field of a row that is the cursor. */
  readonly cursor: string | undefined;
  /** Field of a page that holds the rows, and that holds what to ask for next; header that does. */
  readonly rows: string | undefined;
  readonly next: string | undefined;
  readonly nextHeader: string | undefined;
  /** Type of the events that are rows; undefined for all. */
  readonly event: string | undefined;
}

/** Rows and the place after them. */
export interface Step {
  readonly rows: readonly RowObject[];
  readonly place: Place;
}

/** Takes rows in turn, leaves out those that were taken before, and knows the place after each. */
class Taker {
  place: Place;
  readonly #reading: Reading;
  readonly #from: Place;
  #seen = 0;
  #rows: RowObject[] = [];
  #text: string | undefined;

  constructor(reading: Reading, from: Place) {
    this.#reading = reading;
    this.#from = from;
    this.place = from;
  }

  /** Takes the next row of the answer; `text` is what it was written as. */
  take(text: string, value: unknown = parsed(text)): void {
    const { name, cursor } = this.#reading;
    const number = ++this.#seen;
    if (!isObject(value)) {
      throw new SoraError(
        'bad-input',
        `${name}: row ${number} is no JSON object: ${text.slice(0, 100)}. A row is one such as {"a": 1}.`,
        { details: { row: number } },
      );
    }
    if (cursor !== undefined) this.#takeAfter(value, number, cursor);
    else this.#takeCounted(value, number, text);
  }

  /** The rows since the last call. */
  step(): Step {
    const rows = this.#rows;
    this.#rows = [];
    if (this.#text !== undefined && this.place.rows > 0) {
      const { first } = this.place;
      const last = markOf(this.#text);
      this.place = { at: this.#from.at, rows: this.#seen, first, last };
    }
    this.#text = undefined;
    return { rows, place: this.place };
  }

  /** The last step of an answer, `page` if it is one. Throws if it ended before the rows that were taken. */
  last(response: Response, page?: unknown): Step {
    if (this.#seen < this.#from.rows) throw this.#changed(`has ${this.#seen} rows`);
    const next = nextOf(this.#reading, response, page);
    if (next !== undefined && this.#reading.cursor === undefined) this.place = { at: next, rows: 0 };
    return this.step();
  }

  #takeAfter(row: RowObject, number: number, cursor: string): void {
    const value = valueAt(row, cursor);
    const at = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
    if (at === undefined) {
      throw new SoraError(
        'bad-input',
        `${this.#reading.name}: row ${number} has no text or number "${cursor}", which is the cursor. It has: ${Object.keys(row).slice(0, 20).join(', ')}.`,
        { details: { row: number } },
      );
    }
    if (at === this.place.at) {
      // Some endpoints give the row of the cursor again.
      if (number === 1) return;
      throw new SoraError(
        'bad-input',
        `${this.#reading.name}: rows ${number - 1} and ${number} have the same cursor ${at}, so neither can be told from the other. Follow a field that differs from row to row.`,
        { details: { row: number } },
      );
    }
    this.#rows.push(row);
    this.place = { at, rows: 0 };
  }

  #takeCounted(row: RowObject, number: number, text: string): void {
    const { rows, first, last } = this.#from;
    if (number <= rows) {
      if (number === 1 && markOf(text) !== first) throw this.#changed('begins with another row');
      if (number === rows && markOf(text) !== last) throw this.#changed(`has another row ${number}`);
      return;
    }
    this.#rows.push(row);
    const mark = markOf(text);
    this.place = {
      at: this.#from.at,
      rows: number,
      first: number === 1 ? mark : this.place.first,
      last: mark,
    };
  }

  #changed(how: string): SoraError {
    const { rows } = this.#from;
    return new SoraError(
      'bad-input',
      `${this.#reading.name}: ${rows} rows of this answer were taken, and now it ${how}: it does not give the same rows again. Follow it by a field of the rows, if the endpoint knows one: …?after={cursor}#cursor=id; or start anew.`,
      { details: { rows } },
    );
  }
}

/** The rows of lines (NDJSON). The last line counts without its end too, once it is whole. */
export async function* linesOf(
  reading: Reading,
  response: Response,
  from: Place,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  const taker = new Taker(reading, from);
  const splitter = new LineSplitter(reading.limit, reading.name);
  for await (const piece of piecesOf(response, TURN, signal)) {
    for (const line of piece === undefined ? [] : splitter.push(piece)) {
      if (line.trim() !== '') taker.take(line);
    }
    yield taker.step();
  }
  const rest = splitter.rest();
  // One that is still being written is read with the next answer.
  if (isObject(parsed(rest))) taker.take(rest);
  yield taker.last(response);
}

/** The rows of a page of JSON: a list, or a field of an object that holds one. */
export async function* pageOf(
  reading: Reading,
  response: Response,
  from: Place,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  const taker = new Taker(reading, from);
  const page = await jsonOf(response, reading, signal);
  for (const row of rowsOf(reading, page)) taker.take(JSON.stringify(row), row);
  yield taker.last(response, page);
}

/** The rows of server-sent events. */
export async function* eventsOf(
  reading: Reading,
  response: Response,
  from: Place,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  const { name, limit } = reading;
  const splitter = new LineSplitter(limit, name);
  const parser = new EventParser(limit, name);
  let place = from;
  let number = 0;
  for await (const piece of piecesOf(response, TURN, signal)) {
    const rows: RowObject[] = [];
    for (const line of piece === undefined ? [] : splitter.push(piece)) {
      const event = parser.push(line);
      if (event === undefined || (reading.event ?? event.type) !== event.type) continue;
      number++;
      const value = parsed(event.data);
      if (!event.id || !isObject(value)) {
        const what = event.id
          ? `is no JSON object: ${event.data.slice(0, 100)}`
          : 'has no id, so it could not be gone on from it';
        throw new SoraError(
          'bad-input',
          `${name}: event ${number} ${what}. Ask for events of one type with #event=.`,
          {
            details: { event: number },
          },
        );
      }
      if (event.id === place.at) continue;
      rows.push(value);
      place = { at: event.id, rows: 0, event: true };
    }
    yield { rows, place };
  }
}

function rowsOf({ name, rows: field }: Reading, page: unknown): readonly unknown[] {
  const rows = field === undefined ? page : isObject(page) ? valueAt(page, field) : undefined;
  if (Array.isArray(rows)) return rows;
  const lists = isObject(page) ? Object.keys(page).filter((key) => Array.isArray(page[key])) : [];
  const hint =
    lists.length > 0
      ? `Say which field holds the rows: #rows=${lists[0]}.`
      : 'If it has one row a line: #format=lines.';
  throw new SoraError(
    'bad-input',
    `${name}: the answer has no list of rows${field ? ` "${field}"` : ''}. ${hint}`,
  );
}

/** A target of the header `Link` and its parameters, whose values may be quoted (RFC 8288). */
const LINK = /<([^>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g;

/** What to ask for after an answer: as the address says, else as the header `Link` does; undefined if there is none. */
function nextOf({ next, nextHeader }: Reading, { headers }: Response, page: unknown): string | undefined {
  if (next !== undefined) {
    const value = isObject(page) ? valueAt(page, next) : undefined;
    return value === null || value === undefined || value === '' ? undefined : String(value);
  }
  if (nextHeader !== undefined) return headers.get(nextHeader) || undefined;
  for (const [, target, parameters] of (headers.get('link') ?? '').matchAll(LINK)) {
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)/i.test(parameters)) return target;
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function markOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
