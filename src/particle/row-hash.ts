/**
 * A 32-bit hash of each row's content, for deterministic splits of rows.
 * It depends on values alone: not on the cut into particles, physical number types, dictionary order,
 * column names or roles. Where a `key` column exists, the hash is of the key alone.
 */
import { combine32, hashText, mix32 } from '../random.ts';
import { forEachAbsent } from './bits.ts';
import type { Column, NumberArray, SparseColumn } from './column.ts';
import type { Particle } from './particle.ts';
import { roleIndex } from './schema.ts';

/** Stands for a missing value of any type. */
const MISSING = 0x9d2c5680;

/** Rows converted at once. */
const BLOCK = 1024;

const doubles = new Float64Array(BLOCK);
const words = new Uint32Array(doubles.buffer);

/** Hash a row, uniform over 32 bits. O(values), about 3 ns a number. */
export function rowHashes(particle: Particle, seed: number): Uint32Array {
  const hashes = new Uint32Array(particle.rows).fill(mix32(seed));
  const key = roleIndex(particle.schema, 'key');
  const columns = key < 0 ? particle.columns : [particle.columns[key]];
  for (const column of columns) hashColumn(hashes, column);
  return hashes;
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
        hashes[row] = combine32(hashes[row], entries[column.codes[row]]);
      }
      break;
    }
    case 'text':
      for (let row = 0; row < hashes.length; row++) {
        hashes[row] = combine32(hashes[row], hashText(column.values[row]));
      }
      break;
    case 'binary':
      for (let row = 0; row < hashes.length; row++) {
        hashes[row] = combine32(hashes[row], hashBytes(column.values[row]));
      }
      break;
    case 'sparse':
      foldSparse(hashes, column);
      break;
  }
  if (before === undefined) return;
  forEachAbsent(column.validity, hashes.length, (row) => {
    hashes[row] = combine32(before[row], MISSING);
  });
}

/** Folds the float64 value of each number; -0 counts as 0. */
function foldNumbers(hashes: Uint32Array, values: NumberArray | Uint8Array): void {
  for (let from = 0; from < hashes.length; from += BLOCK) {
    const count = Math.min(BLOCK, hashes.length - from);
    doubles.set(values.subarray(from, from + count));
    for (let i = 0; i < count; i++) {
      const low = words[2 * i];
      const high = words[2 * i + 1];
      const word = high === 0x80000000 && low === 0 ? 0 : numberWord(low, high);
      hashes[from + i] = combine32(hashes[from + i], word);
    }
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
  const oneWords = new Uint32Array(one.buffer);
  for (let row = 0; row < hashes.length; row++) {
    let word = 0;
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      if (values[at] === 0) continue;
      one[0] = values[at];
      word = combine32(combine32(word, indices[at]), numberWord(oneWords[0], oneWords[1]));
    }
    hashes[row] = combine32(hashes[row], word);
  }
}
