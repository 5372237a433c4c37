/**
 * Finds out how a delimited file is written, from its beginning: delimiter, quotes, line ends, header, names.
 * Pure: the same beginning and options give the same answer.
 */
import { SoraError } from '../errors.ts';
import { guessTexts } from './guess.ts';
import { MISSING_MARKERS } from './missing.ts';
import { uniqueNames } from './names.ts';
import { type Dialect, type LineEnds, RecordSplitter, splitRecord, type TextRecord } from './records.ts';

export interface DialectOptions {
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean;
  readonly names?: readonly string[];
  /** Names that a header would hold. */
  readonly known?: readonly string[];
}

/** How a file is written, and its sample. */
export interface DelimitedText {
  readonly dialect: Dialect;
  /** Line ends; `mixed` ones have to be made alike before DuckDB reads them. */
  readonly newline: '\n' | '\r' | '\r\n' | 'mixed';
  readonly header: boolean;
  /** Blank lines before the first record. */
  readonly skip: number;
  readonly names: readonly string[];
  /** Fields of each record after the header, those with the usual number of fields only. */
  readonly sample: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** The rarer one is inside of values, the earlier. */
const DELIMITERS = ['\t', '|', ';', ','];
/** Agreements that differ by less are the same. */
const CLOSE = 0.02;
/** So many times the columns outweigh the order. */
const MANY_MORE = 3;
/** Tried only when none of the others separates anything. */
const WEAK_DELIMITERS = [' ', ':'];
/** Records looked at to choose a delimiter. */
const TRIED = 500;

interface Trial {
  readonly dialect: Dialect;
  readonly records: readonly TextRecord[];
  readonly fields: readonly (readonly string[])[];
  readonly ends: LineEnds;
  /** Fields of most records. */
  readonly columns: number;
  /** Share of records with that many fields and well-formed quotes. */
  readonly agreement: number;
  readonly malformed: number;
}

/** Looks at the beginning of a file; `complete` says that it is all of it. At most `limit` records are sampled. */
export function detectDialect(
  head: string,
  complete: boolean,
  limit: number,
  options: DialectOptions = {},
): DelimitedText {
  checkOptions(options);
  const best = choose(head, complete, options);
  const { dialect } = best;
  const all = records(head, complete, dialect, limit + 1 + 100);
  const firstRecord = all.list.findIndex((record) => record.text.trim() !== '');
  const skip = Math.max(0, firstRecord);
  const rows = all.list.slice(skip).filter((record) => record.text !== '');
  const fields = rows.map((record) => splitRecord(record.text, dialect).fields);
  const columns = best.columns;
  const body = fields.slice(1).filter((row) => row.length === columns);
  const header = options.header ?? (options.names === undefined && isHeader(fields[0], body, options.known));
  const notes: string[] = [];
  const named = columnNames(fields[0], header, columns, body, options, notes);
  const sample = (header ? body : fields.filter((row) => row.length === columns)).slice(0, limit);
  return { dialect, newline: newlineOf(all.ends), header, skip, names: named, sample, notes };
}

function checkOptions({ delimiter, quote }: DialectOptions): void {
  if (
    delimiter !== undefined &&
    (delimiter.length === 0 || Buffer.byteLength(delimiter) > 4 || /[\r\n]/.test(delimiter))
  ) {
    throw new SoraError(
      'bad-option',
      `Delimiter ${JSON.stringify(delimiter)} is not 1 to 4 bytes without a line end.`,
    );
  }
  if (quote !== undefined && quote !== '' && Buffer.byteLength(quote) !== 1) {
    throw new SoraError(
      'bad-option',
      `Quote ${JSON.stringify(quote)} is not one ASCII character, or empty for none.`,
    );
  }
}

function choose(head: string, complete: boolean, options: DialectOptions): Trial {
  const quotes = options.quote === undefined ? ['"', ''] : [options.quote];
  const tryAll = (delimiters: readonly string[]) =>
    delimiters.map((delimiter) =>
      bestQuote(quotes.flatMap((quote) => trials(head, complete, delimiter, quote))),
    );
  if (options.delimiter !== undefined) return tryAll([options.delimiter])[0];
  const strong = tryAll(DELIMITERS);
  const separating = strong.filter((trial) => trial.columns > 1 && trial.agreement >= 0.6);
  const pool =
    separating.length > 0
      ? separating
      : tryAll(WEAK_DELIMITERS).filter((trial) => trial.columns > 1 && trial.agreement >= 0.95);
  return pool.length === 0
    ? trialOf(strong, ',')
    : pool.reduce((best, other) => (beats(other, best) ? other : best));
}

function trialOf(all: readonly Trial[], delimiter: string): Trial {
  return all.find((each) => each.dialect.delimiter === delimiter) ?? all[0];
}

/** Agreement decides; where it is equal, many more columns do; else the one tried first. */
function beats(other: Trial, best: Trial): boolean {
  const difference = other.agreement - best.agreement;
  if (Math.abs(difference) > CLOSE) return difference > 0;
  return other.columns >= MANY_MORE * best.columns;
}

function trials(head: string, complete: boolean, delimiter: string, quote: string): Trial[] {
  const escapes = quote === '' ? [''] : head.includes(`\\${quote}`) ? [quote, '\\'] : [quote];
  return escapes.map((escaping) => trial(head, complete, { delimiter, quote, escape: escaping }));
}

/** Quotes are quotes unless the file is better formed without them. */
function bestQuote(candidates: readonly Trial[]): Trial {
  return candidates.reduce((best, trial) =>
    trial.malformed < best.malformed && trial.agreement >= best.agreement ? trial : best,
  );
}

function trial(head: string, complete: boolean, dialect: Dialect): Trial {
  const { list, ends, open } = records(head, complete, dialect, TRIED);
  const counts = new Map<number, number>();
  const fields: string[][] = [];
  let malformed = open ? 1 : 0;
  for (const record of list) {
    if (record.text === '') continue;
    const split = splitRecord(record.text, dialect);
    fields.push(split.fields);
    if (!split.wellFormed) malformed++;
    else counts.set(split.fields.length, (counts.get(split.fields.length) ?? 0) + 1);
  }
  let columns = fields[0]?.length ?? 1;
  for (const [count, often] of counts) {
    const most = counts.get(columns) ?? 0;
    if (often > most || (often === most && count > columns)) columns = count;
  }
  const agreement = (counts.get(columns) ?? 0) / Math.max(1, fields.length);
  return { dialect, records: list, fields, ends, columns, agreement, malformed };
}

function records(
  head: string,
  complete: boolean,
  dialect: Dialect,
  limit: number,
): { list: readonly TextRecord[]; ends: LineEnds; open: boolean } {
  const splitter = new RecordSplitter(dialect);
  const list: TextRecord[] = [];
  // Pieces double, so that a record of any length is looked at in linear time.
  for (let at = 0, size = 1 << 16; at < head.length && list.length < limit; at += size, size = at) {
    for (const record of splitter.push(head.slice(at, at + size), complete && at + size >= head.length)) {
      list.push(record);
    }
  }
  const open = complete && list.length < limit && quoteOpen(list, dialect);
  // A file that is one record longer than the sample still is a table.
  if (list.length === 0 && head.length > 0) list.push(...splitter.push('', true));
  return { list: list.slice(0, limit), ends: splitter.ends, open };
}

function quoteOpen(list: readonly TextRecord[], dialect: Dialect): boolean {
  const last = list.at(-1);
  return last !== undefined && !splitRecord(last.text, dialect).wellFormed;
}

function newlineOf({ lf, cr, crlf }: LineEnds): DelimitedText['newline'] {
  const kinds = [lf, cr, crlf].filter((count) => count > 0).length;
  if (kinds > 1) return cr > 0 ? 'mixed' : '\n';
  return cr > 0 ? '\r' : crlf > 0 ? '\r\n' : '\n';
}

function isHeader(
  first: readonly string[] | undefined,
  body: readonly (readonly string[])[],
  known: readonly string[] | undefined,
): boolean {
  if (known !== undefined && first?.some((cell) => known.includes(cell.trim()))) return true;
  return looksLikeHeader(first, body);
}

/**
 * Whether the first record names the columns. It does if some column holds numbers, dates or booleans and its first
 * cell does not; if all columns are strings, when its cells are different, short, and no value repeats them.
 */
export function looksLikeHeader(
  first: readonly string[] | undefined,
  body: readonly (readonly string[])[],
): boolean {
  if (first === undefined) return false;
  const cells = first.map((cell) => cell.trim());
  if (body.length === 0) return cells.every((cell) => cell !== '' && guessTexts([cell]).type === 'category');
  const rows = body.slice(0, TRIED);
  let typed = 0;
  for (let column = 0; column < cells.length; column++) {
    const values = rows.map((row) => row[column] ?? '');
    const guess = guessTexts(values);
    if (guess.present === 0 || guess.type === 'category' || guess.type === 'text') continue;
    typed++;
    const cell = cells[column];
    if (MISSING_MARKERS.includes(cell) && cell !== '') continue;
    if (cell !== '' && guessTexts([cell]).type !== guess.type) return true;
  }
  if (typed > 0) return false;
  const distinct = new Set(cells.filter((cell) => cell !== ''));
  if (distinct.size < cells.length - 1 || cells.some((cell) => cell.length > 64 || /^[+-]?\d/.test(cell)))
    return false;
  return cells.every(
    (cell, column) => cell === '' || !rows.some((row) => (row[column] ?? '').trim() === cell),
  );
}

function columnNames(
  first: readonly string[] | undefined,
  header: boolean,
  columns: number,
  body: readonly (readonly string[])[],
  options: DialectOptions,
  notes: string[],
): readonly string[] {
  if (options.names !== undefined) {
    if (first !== undefined && options.names.length !== columns) {
      throw new SoraError(
        'bad-option',
        `${options.names.length} names were given for ${columns} columns; the first row is: ${first.slice(0, 10).join(' | ')}`,
        { details: { names: options.names.length, columns } },
      );
    }
    return uniqueNames(options.names).names;
  }
  if (!header || first === undefined) {
    if (first === undefined) return [];
    notes.push(
      'the first line is data, not names (--header says otherwise); columns are called column1, column2, …',
    );
    return Array.from({ length: columns }, (_, index) => `column${index + 1}`);
  }
  const { names, notes: renamed } = uniqueNames(aligned(first, columns, body, notes));
  notes.push(...renamed);
  return names;
}

/** A header with one name too few belongs to the later columns (as R writes row names), or lacks the last, empty one. */
function aligned(
  first: readonly string[],
  columns: number,
  body: readonly (readonly string[])[],
  notes: string[],
): readonly string[] {
  if (first.length === columns) return first;
  if (first.length === columns - 1) {
    const trailing = body.every((row) => (row[columns - 1] ?? '').trim() === '');
    notes.push(
      trailing
        ? 'every line ends with a delimiter: the last column is empty'
        : 'the header has one name less than there are columns; the first column is called "row"',
    );
    return trailing ? [...first, 'empty'] : ['row', ...first];
  }
  return Array.from({ length: columns }, (_, index) => first[index] ?? '');
}
