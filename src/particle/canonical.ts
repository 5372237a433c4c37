/**
 * The one form of a column that bytes and hashes are taken of, whatever stands at missing rows in memory:
 * zeros under missing numbers, -1 under missing codes, dictionaries in order of first appearance.
 * Each function returns its argument itself where it already has that form, so a canonical column costs one scan.
 */
import { SoraError } from '../errors.ts';
import { forEachAbsent } from './bits.ts';
import type { NumberArray } from './column.ts';

/** Largest magnitude of a timestamp, in microseconds: ±2^53, the years -283,457 to 287,396. */
export const MAX_MICROSECONDS = 2 ** 53;

/** Values with `filler` under every missing row; a copy only if something else stood there. O(rows / 8 + missing). */
export function maskMissing<T extends NumberArray | Uint8Array>(
  values: T,
  validity: Uint8Array | undefined,
  filler: number,
): T {
  let masked: T | undefined;
  forEachAbsent(validity, values.length, (row) => {
    if (Object.is(values[row], filler)) return;
    masked ??= values.slice() as T;
    masked[row] = filler;
  });
  return masked ?? values;
}

/** Codes and dictionary of a category column; the entries of a dictionary differ. */
export interface Categories {
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
}

/**
 * Codes renumbered by first appearance, entries that no row has left out; -1 under missing rows. O(rows + dictionary).
 */
export function canonicalCategories(categories: Categories, validity: Uint8Array | undefined): Categories {
  const codes = maskMissing(categories.codes, validity, -1);
  const { dictionary } = categories;
  if (inFirstAppearanceOrder(codes, dictionary.length)) return { codes, dictionary };
  const renumbered = new Int32Array(dictionary.length).fill(-1);
  const kept: string[] = [];
  const result = new Int32Array(codes.length);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row];
    if (code < 0) {
      result[row] = -1;
      continue;
    }
    if (renumbered[code] < 0) renumbered[code] = kept.push(dictionary[code]) - 1;
    result[row] = renumbered[code];
  }
  return { codes: result, dictionary: kept };
}

function inFirstAppearanceOrder(codes: Int32Array, entries: number): boolean {
  let next = 0;
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row];
    if (code < next) continue;
    if (code > next) return false;
    next++;
  }
  return next === entries;
}

/** Code of an entry, added to the end of the dictionary if it is new. */
export function intern(known: Map<string, number>, dictionary: string[], entry: string): number {
  let code = known.get(entry);
  if (code === undefined) {
    code = dictionary.length;
    dictionary.push(entry);
    known.set(entry, code);
  }
  return code;
}

/**
 * Timestamps as 64-bit counts of microseconds, two little-endian words a row, rounded to the nearest;
 * 0 under missing rows. Throws `bad-data` beyond {@link MAX_MICROSECONDS}. O(rows).
 */
export function microseconds(
  milliseconds: Float64Array,
  validity: Uint8Array | undefined,
  name: string,
): Int32Array {
  const values = maskMissing(milliseconds, validity, 0);
  const words = new Int32Array(values.length * 2);
  for (let row = 0; row < values.length; row++) {
    const micros = Math.round(values[row] * 1000);
    if (!(Math.abs(micros) <= MAX_MICROSECONDS)) throw badTimestamp(name, row, values[row]);
    const high = Math.floor(micros / 0x1_0000_0000);
    words[2 * row] = micros - high * 0x1_0000_0000;
    words[2 * row + 1] = high;
  }
  return words;
}

function badTimestamp(name: string, row: number, value: number): SoraError {
  return new SoraError(
    'bad-data',
    `Column "${name}", row ${row}: ${value} milliseconds is not a time that microseconds can hold ` +
      `(limit ±${MAX_MICROSECONDS / 1000}); mark the row missing or correct it.`,
    { details: { column: name, row, value } },
  );
}

/** Milliseconds of 64-bit counts of microseconds; the inverse of {@link microseconds}. O(rows). */
export function milliseconds(words: Int32Array): Float64Array {
  const values = new Float64Array(words.length >> 1);
  for (let row = 0; row < values.length; row++) {
    values[row] = (words[2 * row + 1] * 0x1_0000_0000 + (words[2 * row] >>> 0)) / 1000;
  }
  return values;
}
