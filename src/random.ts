/**
 * The one source of random numbers: counter-based, so any number can be had without those before it.
 * A number is a pure function of (seed, stream, index): no state, no order, the same on every worker.
 * Mixing is the 32-bit finaliser of MurmurHash3 (Appleby, 2011), applied per word.
 */

/** MurmurHash3 finaliser: a bijection on 32-bit words with full avalanche. */
export function mix32(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Folds one 32-bit word into a running hash; order matters. */
export function combine32(hash: number, word: number): number {
  return mix32((Math.imul(hash, 0x9e3779b1) + 0x7f4a7c15) ^ mix32(word));
}

/** Unsigned 32-bit random word of (seed, stream, index). */
export function randomWord(seed: number, stream: number, index: number): number {
  return combine32(combine32(mix32(seed), stream), index);
}

/** Uniform number in [0, 1) with 32 random bits, of (seed, stream, index). */
export function randomUniform(seed: number, stream: number, index: number): number {
  return randomWord(seed, stream, index) / 0x1_0000_0000;
}

/** 32-bit hash of a string (FNV-1a over UTF-16 units, finalised), for hashing categories, words and rows. */
export function hashText(text: string, seed = 0): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  return mix32(h);
}
