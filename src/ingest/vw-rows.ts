/**
 * Lines of Vowpal Wabbit's text as rows of hashed slots:
 *
 *     [label [importance [base]]] ['tag]|[namespace[:scale]] feature[:value] … |namespace …
 *
 * A value that is no number is a name within the name: `color:red` is neither `color` nor `red`.
 * Works on bytes, as most of a line is features. Entries of a row that share a slot are added up; those of value 0 are nothing.
 */
import { hashName, hashPair } from './vw-hash.ts';

const [TAB, SPACE, QUOTE, COLON, BAR] = [9, 32, 39, 58, 124];

/** What is wrong with a line: where, counted in bytes from 1, and what. */
export interface VwProblem {
  readonly column: string;
  readonly value: string;
  readonly at: number;
  readonly expected?: string;
  readonly reason: string;
}

/** What stands before the first bar of a line. NaN where a number is not given. */
export interface VwHead {
  label: number;
  importance: number;
  base: number;
  tag: string | undefined;
}

const isSpace = (byte: number) => byte === SPACE || byte === TAB;

/** Rows of hashed features, in arrays that grow. */
export class VwRows {
  readonly starts: number[] = [0];
  slots = new Uint32Array(1 << 16);
  values = new Float64Array(1 << 16);
  entries = 0;
  readonly #mask: number;
  /** Pairs of first letters of namespaces. */
  readonly #pairs: readonly (readonly [number, number])[];
  /** First byte of the namespace of each entry of the row at hand. */
  #letters = new Uint8Array(1 << 10);
  #problem: VwProblem | undefined;

  constructor(bits: number, interactions: readonly string[]) {
    this.#mask = 2 ** bits - 1;
    this.#pairs = interactions.map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]);
  }

  /** Takes the features of a line, [start, end) from its first bar on; gives what is wrong, then taking nothing. O(bytes). */
  add(bytes: Uint8Array, lineStart: number, start: number, end: number): VwProblem | undefined {
    const first = this.entries;
    this.#problem = undefined;
    let at = start;
    while (at < end && this.#problem === undefined)
      at = this.#namespace(bytes, lineStart, at + 1, end, first);
    if (this.#problem !== undefined) {
      this.entries = first;
      return this.#problem;
    }
    if (this.#pairs.length > 0) this.#cross(first);
    this.#settle(first);
    this.starts.push(this.entries);
    return undefined;
  }

  /** Empties it, but for its room. */
  clear(): void {
    this.starts.length = 1;
    this.entries = 0;
  }

  /** A namespace from behind its bar; gives where the next bar is, or the end. */
  #namespace(bytes: Uint8Array, line: number, start: number, end: number, first: number): number {
    let at = start;
    let seed = 0;
    let scale = 1;
    const letter = at < end && !isSpace(bytes[at]) && bytes[at] !== BAR ? bytes[at] : SPACE;
    if (letter !== SPACE) {
      while (at < end && !isSpace(bytes[at]) && bytes[at] !== COLON && bytes[at] !== BAR) at++;
      seed = hashName(bytes, start, at, 0);
      if (bytes[at] === COLON && at < end) {
        const from = at + 1;
        at = wordEnd(bytes, from, end);
        scale = numberOf(bytes, from, at);
        if (Number.isNaN(scale))
          return this.#fail(bytes, line, start, at, 'a number as scale of a namespace', end);
      }
    }
    for (;;) {
      while (at < end && isSpace(bytes[at])) at++;
      if (at >= end || bytes[at] === BAR) return at;
      const word = at;
      while (at < end && !isSpace(bytes[at]) && bytes[at] !== COLON && bytes[at] !== BAR) at++;
      let hash = hashName(bytes, word, at, seed);
      let value = scale;
      if (at < end && bytes[at] === COLON) {
        const from = at + 1;
        at = wordEnd(bytes, from, end);
        const number = numberOf(bytes, from, at);
        // A value that is no number is part of the name.
        if (Number.isNaN(number) && isName(bytes, from, at)) hash = hashName(bytes, from, at, hash);
        else value = number * scale;
        if (!Number.isFinite(value)) return this.#fail(bytes, line, word, at, 'name:number', end);
      }
      if (value !== 0) this.#push(hash & this.#mask, value, letter, first);
    }
  }

  #fail(bytes: Uint8Array, line: number, from: number, to: number, expected: string, end: number): number {
    this.#problem = {
      column: 'features',
      value: textOf(bytes, from, to),
      at: from - line + 1,
      expected,
      reason: `not ${expected}`,
    };
    return end;
  }

  #push(slot: number, value: number, letter: number, first: number): void {
    const at = this.entries++;
    if (at >= this.slots.length) {
      this.slots = grown(this.slots, new Uint32Array(2 * at));
      this.values = grown(this.values, new Float64Array(2 * at));
    }
    if (at - first >= this.#letters.length) {
      this.#letters = grown(this.#letters, new Uint8Array(2 * (at - first)));
    }
    this.slots[at] = slot >>> 0;
    this.values[at] = value;
    this.#letters[at - first] = letter;
  }

  /** Products of entries of two namespaces; within one, each pair once, a feature with itself included. */
  #cross(first: number): void {
    const last = this.entries;
    for (const [a, b] of this.#pairs) {
      for (let i = first; i < last; i++) {
        if (this.#letters[i - first] !== a) continue;
        for (let j = a === b ? i : first; j < last; j++) {
          if (this.#letters[j - first] !== b) continue;
          const slot = hashPair(this.slots[i], this.slots[j]) & this.#mask;
          this.#push(slot, this.values[i] * this.values[j], 0, first);
        }
      }
    }
  }

  /** Sorts the row's entries by slot, adding up those of one slot in the order they stand. */
  #settle(first: number): void {
    const { slots, values } = this;
    const last = this.entries;
    let ascending = true;
    for (let at = first + 1; at < last && ascending; at++) ascending = slots[at - 1] < slots[at];
    if (ascending) return;
    const keys = new Float64Array(last - first);
    for (let i = 0; i < keys.length; i++) keys[i] = slots[first + i] * 2 ** 21 + i;
    keys.sort();
    const old = values.slice(first, last);
    let to = first - 1;
    let before = -1;
    for (const key of keys) {
      const slot = Math.floor(key / 2 ** 21);
      const value = old[key % 2 ** 21];
      if (slot === before) values[to] += value;
      else {
        slots[++to] = slot;
        values[to] = value;
        before = slot;
      }
    }
    this.entries = to + 1;
  }
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}

function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && !isSpace(bytes[at]) && bytes[at] !== BAR) at++;
  return at;
}

/** Whether a value that is no number is a name: it does not look like a number, finite or not, and is something. */
function isName(bytes: Uint8Array, start: number, end: number): boolean {
  return end > start && !/^(?:[+-]|\.?\d|nan$|inf$|infinity$)/i.test(textOf(bytes, start, end));
}

/** Powers of ten that doubles hold exactly. */
const TENS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/**
 * The number that bytes [start, end) spell, NaN if they spell none. Up to 15 digits and a power of ten up to 22 are one exact
 * product or quotient (Clinger, PLDI 1990); the rest goes through `Number`.
 */
export function numberOf(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === 45;
  if (negative || bytes[at] === 43) at++;
  let mantissa = 0;
  let digits = 0;
  let power = 0;
  for (let point = false; at < end; at++) {
    const digit = bytes[at] - 48;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits++;
      if (point) power--;
    } else if (bytes[at] === 46 && !point) point = true;
    else break;
  }
  if (at < end || digits === 0 || digits > 15 || power < -22) return longNumber(bytes, start, end);
  const size = power < 0 ? mantissa / TENS[-power] : mantissa;
  return negative ? -size : size;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function longNumber(bytes: Uint8Array, start: number, end: number): number {
  const text = textOf(bytes, start, end);
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** Reads what stands before the first bar, [start, bar), into `head`; gives what is wrong with it. */
export function readHead(bytes: Uint8Array, start: number, bar: number, head: VwHead): VwProblem | undefined {
  head.label = head.importance = head.base = Number.NaN;
  head.tag = undefined;
  const fields = ['label', 'importance', 'base'] as const;
  let given = 0;
  let at = start;
  for (;;) {
    while (at < bar && isSpace(bytes[at])) at++;
    if (at >= bar) return undefined;
    const end = wordEnd(bytes, at, bar);
    const quoted = bytes[at] === QUOTE;
    if (quoted || end === bar) {
      // The tag is the word that begins with a quote, or touches the bar.
      head.tag = textOf(bytes, quoted ? at + 1 : at, end);
      if (end < bar && textOf(bytes, end, bar).trim() !== '')
        return headProblem(bytes, start, end + 1, bar, 'tag');
      return undefined;
    }
    const value = given < 3 ? numberOf(bytes, at, end) : Number.NaN;
    if (Number.isNaN(value)) return headProblem(bytes, start, at, end, fields[given] ?? 'tag');
    head[fields[given++]] = value;
    at = end;
  }
}

function headProblem(bytes: Uint8Array, line: number, from: number, to: number, field: string): VwProblem {
  const expected = field === 'tag' ? "label, importance, base, 'tag at most" : 'a number';
  return {
    column: field === 'importance' ? 'weight' : field,
    value: textOf(bytes, from, to).trim(),
    at: from - line + 1,
    expected,
    reason: `not ${expected}`,
  };
}
