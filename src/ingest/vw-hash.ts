/**
 * Slots of features as Vowpal Wabbit has them, so that its models' numbers and ours are of the same coordinates.
 * A name of digits alone is that number plus the hash of its namespace; other names are MurmurHash3 (x86, 32 bits; Appleby
 * 2011) of their bytes, seeded with the hash of the namespace, which is that of its own name with seed 0, or 0 without one.
 * Parity is tested against `--invert_hash` of version 9.11.9.
 */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** A prime of the FNV hash, by which a pair of features gets its slot. */
const PAIR_PRIME = 16_777_619;

/** MurmurHash3_x86_32 of bytes [start, end). O(bytes). */
function murmur3(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let h = seed | 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    h ^= scrambled(word);
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = end - 1; i >= at; i--) tail = (tail << 8) | bytes[i];
  if (at < end) h ^= scrambled(tail);
  h ^= end - start;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function scrambled(word: number): number {
  const k = Math.imul(word, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

/** Hash of a name, bytes [start, end), under a seed: the hash of its namespace, 0 for that of a namespace itself. */
export function hashName(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - 48;
    if (!(digit >= 0 && digit <= 9)) return murmur3(bytes, start, end, seed);
    number = (Math.imul(number, 10) + digit) | 0;
  }
  return (number + seed) >>> 0;
}

/** Slot of a pair of features by their slots, before it is masked. */
export function hashPair(first: number, second: number): number {
  return (Math.imul(first, PAIR_PRIME) ^ second) >>> 0;
}
