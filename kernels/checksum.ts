/**
 * Block checksum: 32 lanes of 32 bits, lane l taking words l, l + 32, l + 64 …; each step is
 *     h = (h ^ word) · 0x9E3779B1;   h = h ^ (h >>> 15)
 * a bijection of h for every word and of the word for every h, so one changed word always changes its lane.
 *
 *     block   | stripe 128 bytes | stripe | …      state   | lane 0 u32 | … | lane 31 |
 */

// @ts-ignore: decorator
@inline
const PRIME: i32 = 0x9e3779b1;

// @ts-ignore: decorator
@inline
function step(h: v128, ptr: usize): v128 {
  h = i32x4.mul(v128.xor(h, v128.load(ptr)), i32x4.splat(PRIME));
  return v128.xor(h, i32x4.shr_u(h, 15));
}

/** Takes `stripeCount` stripes of 128 bytes at `blockPtr` (any alignment) into the 32 lanes at `statePtr`. */
export function checksumStripes(blockPtr: usize, stripeCount: u32, statePtr: usize): void {
  let a = v128.load(statePtr);
  let b = v128.load(statePtr, 16);
  let c = v128.load(statePtr, 32);
  let d = v128.load(statePtr, 48);
  let e = v128.load(statePtr, 64);
  let f = v128.load(statePtr, 80);
  let g = v128.load(statePtr, 96);
  let h = v128.load(statePtr, 112);
  const end = blockPtr + (<usize>stripeCount << 7);
  for (let ptr = blockPtr; ptr < end; ptr += 128) {
    a = step(a, ptr);
    b = step(b, ptr + 16);
    c = step(c, ptr + 32);
    d = step(d, ptr + 48);
    e = step(e, ptr + 64);
    f = step(f, ptr + 80);
    g = step(g, ptr + 96);
    h = step(h, ptr + 112);
  }
  v128.store(statePtr, a);
  v128.store(statePtr, b, 16);
  v128.store(statePtr, c, 32);
  v128.store(statePtr, d, 48);
  v128.store(statePtr, e, 64);
  v128.store(statePtr, f, 80);
  v128.store(statePtr, g, 96);
  v128.store(statePtr, h, 112);
}

/**
 * Lanes of `blockCount` blocks of `stripeCount` stripes each that lie one behind the other at `blocksPtr`: block by
 * block from the lanes at `initialPtr`, folded (the lanes of word l mod 4, in order, by the same step) to the 16 bytes
 * at `sumsPtr + 16 · block`. `statePtr`: room for the lanes.
 */
export function checksumBlocks(
  blocksPtr: usize,
  blockCount: u32,
  stripeCount: u32,
  initialPtr: usize,
  statePtr: usize,
  sumsPtr: usize,
): void {
  for (let block: u32 = 0; block < blockCount; block++) {
    memory.copy(statePtr, initialPtr, 128);
    checksumStripes(blocksPtr, stripeCount, statePtr);
    let words = i32x4.splat(0);
    for (let at: usize = 0; at < 128; at += 16) words = step(words, statePtr + at);
    v128.store(sumsPtr, words);
    blocksPtr += <usize>stripeCount << 7;
    sumsPtr += 16;
  }
}
