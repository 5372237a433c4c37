/**
 * A 32-bit hash of each row's content, for deterministic splits of rows.
 * It depends on values alone: not on the cut into particles, physical number types, dictionary order,
 * column names or roles. Where a `key` column exists, the hash is of the key alone.
 */
import { hashText, mix32 } from '../random.ts';
import { forEachAbsent } from './bits.ts';
import type { Column, NumberArray, SparseColumn } from './column.ts';
import type { Particle } from './particle.ts';
import { roleIndex } from './schema.ts';

/** Stands for a missing value of any type. */
const MISSING = 0x9d2c5680;

/** Rows converted at once. */
const BLOCK = 1024;

const doubles = new Float64Array(BLOCK);
const words = new Int32Array(doubles.buffer);

/** High word of -0. */
const NEGATIVE_ZERO = 0x80000000 | 0;

/** Hash a row, uniform over 32 bits. O(values), about 3 ns a number. */
export function rowHashes(particle: Particle, seed: number): Uint32Array {
  const hashes = new Uint32Array(particle.rows).fill(mix32(seed));
  const key = roleIndex(particle.schema, 'key');
  const columns = key < 0 ? particle.columns : [particle.columns[key]];
  for (const column of columns) hashColumn(hashes, column);
  for (let row = 0; row < hashes.length; row++) hashes[row] = mix32(hashes[row]);
  return hashes;
}

/** One step of MurmurHash3 (Appleby, 2011): folds a word into a running hash, which {@link mix32} finishes. */
function fold(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593) ^ hash;
  return (Math.imul((k << 13) | (k >>> 19), 5) + 0xe6546b64) | 0;
}

function hashColumn(hashes: Uint32Array, column: Column): void {
  const before = column.validity === undefined ? undefined : hashes.slice();
  switch (column.type) {
    case 'number':
    case 'boolean':
    case 'timestamp':
      foldNumbers(hashes, column.values);
      break;
    case 'category': {
      const entries = Uint32Array.from(column.dictionary, (entry) => hashText(entry));
      for (let row = 0; row < hashes.length; row++) {
        hashes[row] = fold(hashes[row], entries[column.codes[row]]);
      }
      break;
    }
    case 'text':
      for (let row = 0; row < hashes.length; row++) {
        hashes[row] = fold(hashes[row], hashText(column.values[row]));
      }
      break;
    case 'binary':
      for (let row = 0; row < hashes.length; row++) {
        hashes[row] = fold(hashes[row], hashBytes(column.values[row]));
      }
      break;
    case 'sparse':
      foldSparse(hashes, column);
      break;
  }
  if (before === undefined) return;
  forEachAbsent(column.validity, hashes.length, (row) => {
    hashes[row] = fold(before[row], MISSING);
  });
}

/**
 * Folds the float64 value of each number; -0 counts as 0.
 * `fold` and `numberWord` written out over arrays of one kind: the one hot loop here.
 */
function foldNumbers(hashes: Uint32Array, values: NumberArray | Uint8Array): void {
  for (let from = 0; from < hashes.length; from += BLOCK) {
    const count = Math.min(BLOCK, hashes.length - from);
    doubles.set(values.subarray(from, from + count));
    foldBlock(hashes.subarray(from, from + count), words);
  }
}

function foldBlock(hashes: Uint32Array, pairs: Int32Array): void {
  for (let i = 0; i < hashes.length; i++) {
    const low = pairs[2 * i];
    const high = pairs[2 * i + 1];
    let word = Math.imul(high, 0x85ebca6b) ^ Math.imul(low ^ (low >>> 15), 0xc2b2ae35);
    if (low === 0 && high === NEGATIVE_ZERO) word = 0;
    word = Math.imul(word, 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593) ^ hashes[i];
    hashes[i] = Math.imul((word << 13) | (word >>> 19), 5) + 0xe6546b64;
  }
}

/** Both words of a float64 in one. */
function numberWord(low: number, high: number): number {
  return Math.imul(high, 0x85ebca6b) ^ Math.imul(low ^ (low >>> 15), 0xc2b2ae35);
}

function hashBytes(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  return mix32(h ^ bytes.length);
}

/** Folds the entries of a row in order; explicit zeros count as absent entries do: not at all. */
function foldSparse(hashes: Uint32Array, column: SparseColumn): void {
  const { starts, indices, values } = column;
  const one = new Float64Array(1);
  const oneWords = new Int32Array(one.buffer);
  for (let row = 0; row < hashes.length; row++) {
    let word = 0;
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      if (values[at] === 0) continue;
      one[0] = values[at];
      word = fold(fold(word, indices[at]), numberWord(oneWords[0], oneWords[1]));
    }
    hashes[row] = fold(hashes[row], word);
  }
}
