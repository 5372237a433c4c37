/**
 * Guesses the type of a column from a sample of its values. The sample is a prefix of the source, so the same source
 * always gives the same types; what the guess rests on is said in notes.
 */
import type { ColumnType } from '../particle/schema.ts';
import { MISSING_MARKERS, NUMBER_MARKERS } from './missing.ts';
import { type DateFormat, dateFormatOf } from './time.ts';

/** What a sample says of a column. */
export interface Guess {
  readonly type: ColumnType;
  /** How dates are written, unless in ISO 8601. */
  readonly format?: DateFormat;
  /** Further strings that mean missing in this column. */
  readonly markers?: readonly string[];
  /** Mean bytes of a value in memory. */
  readonly width: number;
  /** Values are integers, each larger than the one before. */
  readonly counts: boolean;
  /** Every present value of the sample is a different one. */
  readonly unique: boolean;
  /** Some integer is beyond 2^53. */
  readonly large: boolean;
  /** Present values of the sample. */
  readonly present: number;
  readonly notes: readonly string[];
}

/** What a format says of a column by itself: its type, mean bytes of a value, and rows. */
export function declared(type: ColumnType, width: number, rows: number): Guess {
  return { type, width, counts: false, unique: false, large: false, present: rows, notes: [] };
}

/** Fewest values from which a high share of different ones means anything. */
const ENOUGH = 20;
/** A text has at least this many words on average, and mostly different values. */
const TEXT_WORDS = 2.5;
const TEXT_DISTINCT = 0.5;
/** Strings longer than this on average are texts if mostly different, however few their words. */
const TEXT_LENGTH = 60;

/** Values among numbers that are none are mistakes up to this share, if there are that many different numbers. */
const SLIP_SHARE = 0.005;
const SLIP_DISTINCT = 20;

const NUMBER = /^[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;

/** Whether a string is a number, as DuckDB and {@link parseNumber} read it. */
export function isNumberText(text: string): boolean {
  return NUMBER.test(text) || INFINITE.test(text);
}

/** The number in a string that {@link isNumberText}, else undefined. */
export function parseNumber(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text.replaceAll('_', ''));
  if (!INFINITE.test(text)) return undefined;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const BOOLEAN = /^(?:true|false)$/i;

/** Guess from strings, as CSV has them. `markers` are strings that mean missing. */
export function guessTexts(
  values: readonly (string | null)[],
  markers: readonly string[] = MISSING_MARKERS,
): Guess {
  const missing = new Set(markers);
  const longest = Math.max(0, ...markers.map((marker) => marker.length));
  const texts: string[] = [];
  for (const value of values) {
    const text = value?.trim() ?? '';
    if (text !== '' && (text.length > longest || !missing.has(text))) texts.push(text);
  }
  if (texts.length === 0) return { ...facts([], false), type: 'category', width: 4, notes: [] };
  if (texts.every((text) => BOOLEAN.test(text))) {
    return { ...facts(texts, false), type: 'boolean', width: 1, notes: [] };
  }
  return guessNumbers(texts) ?? guessDates(texts) ?? guessStrings(texts);
}

function guessNumbers(texts: readonly string[]): Guess | undefined {
  const strange = texts.filter((text) => !isNumberText(text));
  if (strange.length > texts.length / 2) return undefined;
  const others = [...new Set(strange)];
  const numbers = others.length === 0 ? texts : texts.filter(isNumberText);
  const markers = others.filter((text) => NUMBER_MARKERS.includes(text));
  const slips = strange.filter((text) => !NUMBER_MARKERS.includes(text));
  if (slips.length > 0 && !areSlips(slips.length, numbers)) return undefined;
  const code = numbers.find((text) => /^0\d/.test(text));
  if (code !== undefined && numbers.every((text) => text.length === code.length && /^\d+$/.test(text))) {
    const notes = [`digits of one length with leading zeros (${code}) are kept as categories`];
    return { ...facts(texts, false), type: 'category', width: 4, notes };
  }
  const notes = [
    ...(markers.length > 0 ? [`${markers.map((text) => `"${text}"`).join(', ')} means missing here`] : []),
    ...(slips.length > 0
      ? [
          `taken as numbers although "${slips[0]}" is none (${slips.length} of ${texts.length} sampled values)`,
        ]
      : []),
  ];
  return { ...facts(numbers, true), type: 'number', width: 4, markers, notes };
}

/** Few enough among many different numbers to be mistakes, not codes. */
function areSlips(count: number, numbers: readonly string[]): boolean {
  return count <= numbers.length * SLIP_SHARE && new Set(numbers).size >= SLIP_DISTINCT;
}

function guessDates(texts: readonly string[]): Guess | undefined {
  const found = dateFormatOf(texts);
  if (found === undefined) return undefined;
  const base = { ...facts(texts, false), type: 'timestamp' as const, width: 8 };
  if (found === 'iso') return { ...base, notes: [] };
  const { format, sure } = found;
  const order = format.order.split('').join(format.separator);
  const notes = sure ? [] : [`dates like ${texts[0]} fit several orders; read as ${order}`];
  return { ...base, format, notes };
}

function guessStrings(texts: readonly string[]): Guess {
  const common = facts(texts, false);
  const distinct = new Set(texts).size / texts.length;
  let words = 0;
  let length = 0;
  for (const text of texts) {
    length += text.length;
    words += 1 + (text.match(/\s+/g)?.length ?? 0);
  }
  const wordy = words / texts.length >= TEXT_WORDS || length / texts.length >= TEXT_LENGTH;
  if (texts.length >= ENOUGH && distinct > TEXT_DISTINCT && wordy) {
    return { ...common, type: 'text', width: 16 + (2 * length) / texts.length, notes: [] };
  }
  return { ...common, type: 'category', width: 4, notes: [] };
}

type Facts = Pick<Guess, 'counts' | 'unique' | 'large' | 'present'>;

function facts(values: readonly (string | number)[], numeric: boolean): Facts {
  const enough = values.length >= ENOUGH;
  const counts = numeric && enough && isRising(values);
  const unique = counts || (enough && allDifferent(values));
  return { counts, unique, large: numeric && values.some(isLarge), present: values.length };
}

/** Integers, each larger than the one before. */
function isRising(values: readonly (string | number)[]): boolean {
  let last = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    const number = Number(value);
    if (!Number.isInteger(number) || number <= last) return false;
    last = number;
  }
  return true;
}

function allDifferent(values: readonly (string | number)[]): boolean {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (seen.has(value)) return false;
    seen.add(value);
  }
  return true;
}

function isLarge(value: string | number): boolean {
  if (typeof value === 'string' && value.length < 16) return false;
  return Number.isInteger(Number(value)) && Math.abs(Number(value)) > Number.MAX_SAFE_INTEGER;
}

/** Guess from values of JavaScript objects: each its own type, strings as in CSV. */
export function guessValues(values: readonly unknown[], markers?: readonly string[]): Guess {
  const given = values.filter(
    (value) => value !== null && value !== undefined && !(typeof value === 'number' && Number.isNaN(value)),
  );
  const all = (test: (value: unknown) => boolean) => given.length > 0 && given.every(test);
  if (all((value) => typeof value === 'number' || typeof value === 'bigint')) {
    return { ...facts(given.map(Number), true), type: 'number', width: 4, notes: [] };
  }
  if (all((value) => typeof value === 'boolean')) {
    return { ...facts([], false), present: given.length, type: 'boolean', width: 1, notes: [] };
  }
  if (all((value) => value instanceof Date)) {
    return { ...facts([], false), present: given.length, type: 'timestamp', width: 8, notes: [] };
  }
  if (all((value) => value instanceof Uint8Array)) {
    const bytes = given.reduce<number>((sum, value) => sum + (value as Uint8Array).length, 0);
    const width = 16 + bytes / given.length;
    return { ...facts([], false), present: given.length, type: 'binary', width, notes: [] };
  }
  return guessTexts(given.map(textOf), markers);
}

/** A value as a category or text keeps it. Whole numbers have no fraction, however they were stored. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}
