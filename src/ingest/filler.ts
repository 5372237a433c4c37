/**
 * Fillers: one growing column each, filled from the parts of chunks and taken as a column when a particle is full.
 * Numbers stay 8 bytes wide here; `narrow.ts` finds their final type on a worker.
 */
import { copyBits } from '../particle/bits.ts';
import { type Column, emptyValidity, setPresent } from '../particle/column.ts';
import type { Field } from '../particle/schema.ts';
import { CategoryIndex } from './category-index.ts';
import type { Bits, ChunkPart } from './chunk.ts';
import { packedBytes, packedString } from './packed-text.ts';

/** Fills one column of one particle after the other. */
export interface Filler {
  /** Appends rows [from, to) of a part. */
  append(part: ChunkPart, from: number, to: number): void;
  /** The column of the rows so far; the next particle has up to `capacity` rows. */
  take(capacity: number): Column;
}

/** What a string of the source means: the value to keep, or undefined for missing. */
export type Normalise = (text: string) => string | undefined;

/** The filler for a field; `capacity` is the number of rows of the first particle. */
export function fillerOf(field: Field, capacity: number, normalise: Normalise): Filler {
  switch (field.type) {
    case 'number':
    case 'timestamp':
      return numberFiller(field.type, capacity);
    case 'boolean':
      return booleanFiller(capacity);
    case 'category':
      return categoryFiller(capacity, normalise);
    case 'text':
      return textFiller(capacity, normalise);
    case 'binary':
      return binaryFiller(capacity);
    case 'sparse':
      return sparseFiller(field.width);
  }
}

/** Presence of the rows so far: a bitmap only once something is missing. */
class Presence {
  #bits: Uint8Array | undefined;
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Appends `count` bits from bit `from` of `source` after the first `at`. */
  append(at: number, source: Bits, from: number, count: number): void {
    if (source === undefined && this.#bits === undefined) return;
    copyBits(this.#from(at), at, source, from, count);
  }

  /** Appends one bit. */
  set(at: number, isPresent: boolean): void {
    if (isPresent && this.#bits === undefined) return;
    const bits = this.#from(at);
    if (isPresent) setPresent(bits, at);
  }

  take(rows: number, capacity: number): Uint8Array | undefined {
    const bits = this.#bits?.subarray(0, (rows + 7) >> 3);
    this.#bits = undefined;
    this.#capacity = capacity;
    return bits;
  }

  #from(at: number): Uint8Array {
    if (this.#bits === undefined) {
      this.#bits = emptyValidity(this.#capacity);
      copyBits(this.#bits, 0, undefined, 0, at);
    }
    return this.#bits;
  }
}

function mismatch(expected: string, part: ChunkPart): Error {
  return new TypeError(`A reader gave ${part.kind} for a column of ${expected}.`);
}

function numberFiller(type: 'number' | 'timestamp', capacity: number): Filler {
  let values = new Float64Array(capacity);
  let rows = 0;
  const presence = new Presence(capacity);
  return {
    append(part, from, to) {
      if (part.kind !== 'numbers') throw mismatch('numbers', part);
      values.set(part.values.subarray(from, to), rows);
      presence.append(rows, part.validity, from, to - from);
      rows += to - from;
    },
    take(next) {
      const column = { type, values: values.subarray(0, rows), validity: presence.take(rows, next) };
      values = new Float64Array(next);
      rows = 0;
      return column;
    },
  };
}

function booleanFiller(capacity: number): Filler {
  let values = new Uint8Array(capacity);
  let rows = 0;
  const presence = new Presence(capacity);
  return {
    append(part, from, to) {
      if (part.kind !== 'booleans') throw mismatch('booleans', part);
      values.set(part.values.subarray(from, to), rows);
      presence.append(rows, part.validity, from, to - from);
      rows += to - from;
    },
    take(next) {
      const column: Column = {
        type: 'boolean',
        values: values.subarray(0, rows),
        validity: presence.take(rows, next),
      };
      values = new Uint8Array(next);
      rows = 0;
      return column;
    },
  };
}

function categoryFiller(capacity: number, normalise: Normalise): Filler {
  let codes = new Int32Array(capacity);
  let rows = 0;
  const index = new CategoryIndex(normalise);
  return {
    append(part, from, to) {
      if (part.kind === 'packed') {
        if (part.hashes !== undefined) index.encode(part, from, to, codes, rows);
        else {
          for (let row = from; row < to; row++) {
            const known = part.validity === undefined || bit(part.validity, row);
            codes[rows + row - from] = known ? index.code(packedString(part, row)) : -1;
          }
        }
      } else if (part.kind === 'texts') {
        for (let row = from; row < to; row++) {
          const text = part.values[row];
          codes[rows + row - from] = text === null ? -1 : index.code(text);
        }
      } else throw mismatch('strings', part);
      rows += to - from;
    },
    take(next) {
      const filled = codes.subarray(0, rows);
      const column: Column = {
        type: 'category',
        codes: filled,
        dictionary: index.take(),
        validity: presenceOfCodes(filled),
      };
      codes = new Int32Array(next);
      rows = 0;
      return column;
    },
  };
}

function bit(validity: Uint8Array, row: number): boolean {
  return (validity[row >> 3] & (1 << (row & 7))) !== 0;
}

/** Bitmap of the rows that have a code; undefined if all have. */
export function presenceOfCodes(codes: Int32Array): Uint8Array | undefined {
  if (!codes.includes(-1)) return undefined;
  const validity = emptyValidity(codes.length);
  for (let row = 0; row < codes.length; row++) if (codes[row] >= 0) setPresent(validity, row);
  return validity;
}

function textFiller(capacity: number, normalise: Normalise): Filler {
  let values: string[] = [];
  const presence = new Presence(capacity);
  const add = (text: string | null) => {
    const value = text === null ? undefined : normalise(text);
    presence.set(values.length, value !== undefined);
    values.push(value ?? '');
  };
  return {
    append(part, from, to) {
      if (part.kind === 'packed') {
        for (let row = from; row < to; row++) {
          add(part.validity === undefined || bit(part.validity, row) ? packedString(part, row) : null);
        }
      } else if (part.kind === 'texts') for (let row = from; row < to; row++) add(part.values[row]);
      else throw mismatch('strings', part);
    },
    take(next) {
      const column: Column = { type: 'text', values, validity: presence.take(values.length, next) };
      values = [];
      return column;
    },
  };
}

function binaryFiller(capacity: number): Filler {
  let values: Uint8Array[] = [];
  const presence = new Presence(capacity);
  const add = (bytes: Uint8Array | null) => {
    presence.set(values.length, bytes !== null);
    values.push(bytes ?? new Uint8Array(0));
  };
  return {
    append(part, from, to) {
      if (part.kind === 'packed') {
        for (let row = from; row < to; row++) {
          const known = part.validity === undefined || bit(part.validity, row);
          add(known ? new Uint8Array(packedBytes(part, row)) : null);
        }
      } else if (part.kind === 'binary') for (let row = from; row < to; row++) add(part.values[row]);
      else throw mismatch('bytes', part);
    },
    take(next) {
      const column: Column = { type: 'binary', values, validity: presence.take(values.length, next) };
      values = [];
      return column;
    },
  };
}

function sparseFiller(width: number | undefined): Filler {
  let starts: number[] = [0];
  let indices = new Uint32Array(1024);
  let values = new Float32Array(1024);
  let entries = 0;
  return {
    append(part, from, to) {
      if (part.kind !== 'sparse') throw mismatch('sparse rows', part);
      const first = part.starts[from];
      const count = part.starts[to] - first;
      if (entries + count > indices.length) {
        const capacity = Math.max(indices.length * 2, entries + count);
        indices = grown(indices, new Uint32Array(capacity));
        values = grown(values, new Float32Array(capacity));
      }
      indices.set(part.indices.subarray(first, first + count), entries);
      values.set(part.values.subarray(first, first + count), entries);
      for (let row = from; row < to; row++) starts.push(entries + part.starts[row + 1] - first);
      entries += count;
    },
    take() {
      const column: Column = {
        type: 'sparse',
        starts: Uint32Array.from(starts),
        indices: indices.slice(0, entries),
        values: values.slice(0, entries),
        width: width ?? 1,
      };
      starts = [0];
      entries = 0;
      return column;
    },
  };
}

function grown<T extends Uint32Array | Float32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
