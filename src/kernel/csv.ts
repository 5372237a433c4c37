/**
 * Rows of delimited text without quotes, as far as they are plain: every line has as many fields as there are columns,
 * and every field of a number column is `-?(d+.?d*|.d+)([eE][+-]?d+)?`, spaces around it, or a marker of a missing
 * value. Anything else is not read here. Numbers are rounded correctly, as `Number(text)` does: up to 2^53 with a
 * power of ten up to 22 one exact operation gives that (Clinger, "How to read floating point numbers accurately",
 * 1990), up to 19 digits the product with 128 bits of that power (Eisel and Lemire; kernels/csv.ts); others are left to
 * `Number`. The hot loops are kernels/csv.ts; the twins here give the same bits.
 */
import { type KernelRun, runKernels } from './mode.ts';
import { powersOfTen } from './powers-of-ten.ts';

/** What a column becomes. */
export type LineColumnKind = 'skip' | 'number' | 'string';

/** How lines are written. */
export interface LineForm {
  readonly delimiter: string;
  /** Quote character, which no line may hold; '' for none. */
  readonly quote: string;
  readonly newline: '\n' | '\r' | '\r\n';
  /** At least two. */
  readonly columns: readonly LineColumnKind[];
  /** Fields that mean a missing number, of up to 255 bytes. */
  readonly markers: readonly string[];
}

/** Values of a column of the lines last parsed; the next ones overwrite them. */
export interface LineColumn {
  /** One a row; NaN is missing. */
  readonly numbers: Float64Array;
  /** 16 bytes a row: length, then the bytes themselves (up to 12), or 4 of them and where all lie in the buffer. */
  readonly packed: Uint8Array;
  /** Two words a row: equal strings have equal ones. */
  readonly hashes: Uint32Array;
}

export interface LineParser {
  /** Room for text. */
  readonly text: Uint8Array;
  readonly columns: readonly LineColumn[];
  /**
   * Parses the whole lines at [0, length) of the text; `use` is told how many rows the columns hold now. False: not plain, or
   * `use` said so.
   */
  parse(length: number, use: (rows: number) => boolean): boolean;
}

const KINDS: readonly LineColumnKind[] = ['skip', 'number', 'string'];
/** Bytes of the room for text. */
export const TEXT_BYTES = 1 << 18;
/** Bytes that kernels may read beyond the text. */
const BEYOND = 64;
const MOST_ROWS = 1024;
/** Values of all columns together, about, so that they stay in the processor's cache. */
const VALUES = 1 << 15;
const HARD_BYTES = 16;
const LF = 10;
const CR = 13;

/** Where everything lies behind the start of one block of memory. */
interface Layout {
  readonly rows: number;
  readonly entries: number;
  readonly markers: number;
  readonly powers: number;
  readonly hard: number;
  readonly hardLimit: number;
  readonly state: number;
  readonly values: readonly number[];
  readonly hashes: readonly number[];
  readonly bytes: number;
}

function layoutOf(form: LineForm, markerBytes: number): Layout {
  const { columns } = form;
  const rows = Math.max(16, Math.min(MOST_ROWS, Math.floor(VALUES / columns.length)));
  const hardLimit = 4 * columns.length + MOST_ROWS;
  let at = TEXT_BYTES + BEYOND;
  const take = (bytes: number) => {
    const start = at;
    at += Math.ceil(bytes / 16) * 16;
    return start;
  };
  const entries = take(16 * columns.length);
  const markers = take(markerBytes);
  const powers = take(powersOfTen().byteLength);
  const hard = take(HARD_BYTES * hardLimit);
  const state = take(8);
  const values = columns.map((kind) => take(kind === 'skip' ? 0 : rows * (kind === 'number' ? 8 : 16)));
  const hashes = columns.map((kind) => take(kind === 'string' ? 8 * rows : 0));
  return { rows, entries, markers, powers, hard, hardLimit, state, values, hashes, bytes: at };
}

/** A parser of such lines, valid during `use`. */
export function withLineParser<T>(form: LineForm, use: (parser: LineParser) => T): T {
  const markers = markerBytes(form.markers);
  const layout = layoutOf(form, markers.length);
  return runKernels((run) => use(parserIn(run, form, layout, markers)));
}

/** Each a length in one byte, then its bytes. */
function markerBytes(markers: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  return Uint8Array.from(
    markers
      .map((marker) => encoder.encode(marker))
      .filter((marker) => marker.length < 256)
      .flatMap((marker) => [marker.length, ...marker]),
  );
}

function parserIn(run: KernelRun, form: LineForm, layout: Layout, markers: Uint8Array): LineParser {
  const room = run.zeros(Uint8Array, layout.bytes);
  const { buffer, byteOffset: base } = room;
  room.set(markers, layout.markers);
  new BigUint64Array(buffer, base + layout.powers, powersOfTen().length).set(powersOfTen());
  const entries = new Uint32Array(buffer, base + layout.entries, 4 * form.columns.length);
  form.columns.forEach((kind, column) => {
    entries.set(
      [KINDS.indexOf(kind), base + layout.values[column], base + layout.hashes[column], 0],
      4 * column,
    );
  });
  const columns = form.columns.map((kind, column): LineColumn => {
    const at = base + layout.values[column];
    return {
      numbers: new Float64Array(buffer, at, kind === 'number' ? layout.rows : 0),
      packed: new Uint8Array(buffer, at, kind === 'string' ? 16 * layout.rows : 0),
      hashes: new Uint32Array(buffer, base + layout.hashes[column], kind === 'string' ? 2 * layout.rows : 0),
    };
  });
  const memory = new DataView(buffer);
  const rows = run.wasm?.csvRows ?? plainRows(memory);
  const codes = [
    byteOf(form.delimiter),
    byteOf(form.quote),
    form.newline === '\r\n' ? 2 : byteOf(form.newline),
  ];
  const places = [base + layout.entries, form.columns.length, layout.rows, base + layout.markers];
  const rest = [
    base + layout.markers + markers.length,
    base + layout.powers,
    base + layout.hard,
    layout.hardLimit,
    base + layout.state,
  ];
  return {
    text: new Uint8Array(buffer, base, TEXT_BYTES),
    columns,
    parse(length, useRows) {
      for (let at = base; at < base + length; ) {
        const count = rows(at, base + length, ...codes, ...places, ...rest);
        if (count < 0) return false;
        at = memory.getUint32(base + layout.state, true);
        readHard(memory, base + layout.hard, memory.getUint32(base + layout.state + 4, true));
        if (count > 0 && !useRows(count)) return false;
      }
      return true;
    },
  };
}

/** The byte of an ASCII character; 0, which no line holds, for none. */
function byteOf(character: string): number {
  return character === '' ? 0 : character.charCodeAt(0);
}

/** Numbers that one exact operation does not give. */
function readHard(memory: DataView, hard: number, count: number): void {
  for (let entry = hard; entry < hard + count * HARD_BYTES; entry += HARD_BYTES) {
    const [value, start, end] = [0, 4, 8].map((at) => memory.getUint32(entry + at, true));
    memory.setFloat64(value, Number(textIn(memory, start, end)), true);
  }
}

/** Bytes [start, end) as characters of Latin-1. */
function textIn(memory: DataView, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(memory.getUint8(at));
  return text;
}

const NUMBER = /^ *(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) *$/;

/** Twin of `csvRows`. */
function plainRows(memory: DataView): (...pointersAndCounts: number[]) => number {
  const markersIn = (start: number, end: number): Set<string> => {
    const markers = new Set<string>();
    for (let at = start; at < end; at += 1 + memory.getUint8(at)) {
      markers.add(textIn(memory, at + 1, at + 1 + memory.getUint8(at)));
    }
    return markers;
  };
  const field = (at: number, delimiter: number, quote: number): number => {
    const ends = [delimiter, quote, LF, CR, 0];
    while (!ends.includes(memory.getUint8(at))) at++;
    return at;
  };
  return (start, end, delimiter, quote, newline, entries, columns, limit, markersAt, markersEnd, ...rest) => {
    const state = rest[rest.length - 1];
    const two = newline === 2;
    const lineByte = two ? CR : newline;
    const markers = markersIn(markersAt, markersEnd);
    let row = 0;
    let at = start;
    /** Steps over a line end; false if it is none. */
    const lineEnd = () => {
      if (two && memory.getUint8(at + 1) !== LF) return false;
      at += two ? 2 : 1;
      return true;
    };
    while (at < end && row < limit) {
      if (memory.getUint8(at) === lineByte) {
        if (!lineEnd()) return -1;
        continue;
      }
      for (let column = 0; column < columns; column++) {
        const stop = field(at, delimiter, quote);
        const last = column === columns - 1;
        if (memory.getUint8(stop) !== (last ? lineByte : delimiter)) return -1;
        const [kind, values, hashes] = [0, 4, 8].map((word) =>
          memory.getUint32(entries + 16 * column + word, true),
        );
        if (KINDS[kind] === 'number') {
          const text = textIn(memory, at, stop);
          const number = NUMBER.exec(text)?.[1];
          if (number === undefined && !markers.has(text)) return -1;
          memory.setFloat64(values + 8 * row, number === undefined ? Number.NaN : Number(number), true);
        } else if (KINDS[kind] === 'string')
          packString(memory, at, stop, values + 16 * row, hashes + 8 * row);
        at = last ? stop : stop + 1;
      }
      if (!lineEnd()) return -1;
      row++;
    }
    memory.setUint32(state, at, true);
    memory.setUint32(state + 4, 0, true);
    return row;
  };
}

function packString(memory: DataView, start: number, end: number, packed: number, hashes: number): void {
  const length = end - start;
  const byte = (at: number) => (at < length ? memory.getUint8(start + at) : 0);
  const word = (at: number) => byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
  memory.setUint32(packed, length, true);
  memory.setInt32(packed + 4, word(0), true);
  memory.setInt32(packed + 8, length <= 12 ? word(4) : start, true);
  memory.setInt32(packed + 12, length <= 12 ? word(8) : 0, true);
  for (const [lane, prime] of [0x9e3779b1, 0x85ebca6b].entries()) {
    let h = length ^ prime;
    for (let at = 0; at < Math.max(12, length) && (at < length || length <= 12); at += 4) {
      h = Math.imul(h ^ word(at), prime);
      h ^= h >>> 15;
    }
    memory.setInt32(hashes + 4 * lane, h, true);
  }
}
