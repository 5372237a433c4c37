/**
 * Dictionary of one particle while it is being filled: packed strings to codes, by hash, without making a string
 * more than once a distinct value. Two strings are one if their 64-bit hashes, lengths and first 4 bytes agree.
 */
import type { PackedTextPart } from './chunk.ts';
import { packedString } from './packed-text.ts';

/** Stands for a value that means missing. */
export const MISSING_CODE = -1;

/** Words kept an entry: hash (2), length, first bytes, code. */
const STRIDE = 5;
const FIRST_SLOTS = 256;

/** Maps values to codes in order of first appearance. `normalise` gives the value to keep, or undefined for missing. */
export class CategoryIndex {
  readonly #normalise: (text: string) => string | undefined;
  #dictionary: string[] = [];
  #codes = new Map<string, number>();
  #slots = new Int32Array(FIRST_SLOTS);
  #entries = new Int32Array((FIRST_SLOTS / 2) * STRIDE);
  #count = 0;

  constructor(normalise: (text: string) => string | undefined) {
    this.#normalise = normalise;
  }

  /** Code of a string, or {@link MISSING_CODE}. */
  code(text: string): number {
    const value = this.#normalise(text);
    if (value === undefined) return MISSING_CODE;
    const known = this.#codes.get(value);
    if (known !== undefined) return known;
    const code = this.#dictionary.length;
    this.#dictionary.push(value);
    this.#codes.set(value, code);
    return code;
  }

  /** Writes the codes of rows [from, to) to `target` at `at`; missing rows of the part are not looked at. */
  encode(part: PackedTextPart, from: number, to: number, target: Int32Array, at: number): void {
    const { words, validity } = part;
    const hashes = part.hashes as Uint32Array;
    let slots = this.#slots;
    let entries = this.#entries;
    let mask = slots.length - 1;
    for (let row = from; row < to; row++) {
      const place = at + row - from;
      if (validity !== undefined && (validity[row >> 3] & (1 << (row & 7))) === 0) {
        target[place] = MISSING_CODE;
        continue;
      }
      const low = hashes[row * 2] | 0;
      const high = hashes[row * 2 + 1] | 0;
      const length = words[row * 4] | 0;
      const first = words[row * 4 + 1] | 0;
      let slot = low & mask;
      let entry = slots[slot] - 1;
      while (entry >= 0) {
        const base = entry * STRIDE;
        if (
          entries[base] === low &&
          entries[base + 1] === high &&
          entries[base + 2] === length &&
          entries[base + 3] === first
        ) {
          break;
        }
        slot = (slot + 1) & mask;
        entry = slots[slot] - 1;
      }
      if (entry < 0) {
        entry = this.#add(slot, low, high, length, first, this.code(packedString(part, row)));
        slots = this.#slots;
        entries = this.#entries;
        mask = slots.length - 1;
      }
      target[place] = entries[entry * STRIDE + 4];
    }
  }

  /** The dictionary so far; the index starts anew. */
  take(): string[] {
    const dictionary = this.#dictionary;
    this.#dictionary = [];
    this.#codes = new Map();
    this.#slots.fill(0);
    this.#count = 0;
    return dictionary;
  }

  #add(slot: number, low: number, high: number, length: number, first: number, code: number): number {
    const entry = this.#count++;
    this.#slots[slot] = entry + 1;
    this.#entries.set([low, high, length, first, code], entry * STRIDE);
    if (this.#count * 2 >= this.#slots.length) this.#grow();
    return entry;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const entries = new Int32Array((slots.length / 2) * STRIDE);
    entries.set(this.#entries);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      let slot = entries[entry * STRIDE] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
    this.#entries = entries;
  }
}
