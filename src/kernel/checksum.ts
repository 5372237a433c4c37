/**
 * Checksum of a block of bytes, for caches that are read as fast as memory copies: 128 bits, not cryptographic.
 * 32 lanes of 32 bits, lane l taking words l, l + 32, l + 64 …: h = (h ^ word) · P; h ^= h >>> 15. The last stripe
 * is padded with zeros; the lanes are folded to four words the same way, eight deep. Every step is a bijection
 * of each operand, so damage within one word is always found, and other damage but for one in 2^128 by chance.
 * The hot loop is kernels/checksum.ts (about 20 GB/s on bytes in cache), its twin here (3 GB/s).
 */
import { runKernels } from './mode.ts';

const LANES = 32;
const STRIPE = LANES * 4;
const PRIME = 0x9e3779b1 | 0;

/** Bytes of a checksum. */
export const CHECKSUM_BYTES = 16;

const INITIAL = Int32Array.from({ length: LANES }, (_, lane) => Math.imul(lane + 1, PRIME));
/** Bytes of one kernel call: what must be copied to where kernels can read it stays in the processor's cache. */
const PIECE = 256 << 10;

/** Takes whole stripes into the lanes: eight lanes at a time, so that they stay in registers. */
function plainStripes(words: Int32Array, lanes: Int32Array): void {
  const end = words.length - (words.length % LANES);
  for (let lane = 0; lane < LANES; lane += 8) {
    let [a, b, c, d, e, f, g, h] = lanes.subarray(lane, lane + 8);
    for (let i = lane; i < end; i += LANES) {
      a = Math.imul(a ^ words[i], PRIME);
      b = Math.imul(b ^ words[i + 1], PRIME);
      c = Math.imul(c ^ words[i + 2], PRIME);
      d = Math.imul(d ^ words[i + 3], PRIME);
      e = Math.imul(e ^ words[i + 4], PRIME);
      f = Math.imul(f ^ words[i + 5], PRIME);
      g = Math.imul(g ^ words[i + 6], PRIME);
      h = Math.imul(h ^ words[i + 7], PRIME);
      a ^= a >>> 15;
      b ^= b >>> 15;
      c ^= c >>> 15;
      d ^= d >>> 15;
      e ^= e >>> 15;
      f ^= f >>> 15;
      g ^= g >>> 15;
      h ^= h >>> 15;
    }
    lanes.set([a, b, c, d, e, f, g, h], lane);
  }
}

/** Bytes as words: in place where aligned, else copied. */
function asWords(bytes: Uint8Array): Int32Array {
  return bytes.byteOffset % 4 === 0
    ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    : new Int32Array(new Uint8Array(bytes).buffer);
}

/** Takes `bytes`, whole stripes of them, into the lanes. */
function takeStripes(bytes: Uint8Array, lanes: Int32Array): void {
  runKernels((run) => {
    if (run.wasm === undefined) return plainStripes(asWords(bytes), lanes);
    const block = run.place(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    const state = run.place(lanes);
    run.wasm.checksumStripes(block.byteOffset, bytes.length / STRIPE, state.byteOffset);
    lanes.set(state);
  });
}

function takeTail(bytes: Uint8Array, lanes: Int32Array): void {
  const rest = bytes.length % STRIPE;
  if (rest === 0) return;
  const stripe = new Uint8Array(STRIPE);
  stripe.set(bytes.subarray(bytes.length - rest));
  plainStripes(new Int32Array(stripe.buffer), lanes);
}

function fold(lanes: Int32Array): Uint32Array {
  const words = new Uint32Array(4);
  for (let lane = 0; lane < LANES; lane++) {
    const h = Math.imul(words[lane & 3] ^ lanes[lane], PRIME);
    words[lane & 3] = h ^ (h >>> 15);
  }
  return words;
}

/** Checksum of the bytes: four words. */
export function checksum(bytes: Uint8Array): Uint32Array {
  const lanes = INITIAL.slice();
  const whole = bytes.length - (bytes.length % STRIPE);
  for (let start = 0; start < whole; start += PIECE) {
    takeStripes(bytes.subarray(start, Math.min(whole, start + PIECE)), lanes);
  }
  takeTail(bytes, lanes);
  return fold(lanes);
}

/**
 * Checksums of blocks of `blockBytes`, the last one shorter, four words each. Where the bytes lie in kernel memory
 * and blocks are whole stripes, all of them are one kernel call.
 */
export function checksums(bytes: Uint8Array, blockBytes: number): Uint32Array {
  const count = Math.ceil(bytes.length / blockBytes);
  const sums = new Uint32Array(4 * count);
  const done = blockBytes % STRIPE === 0 ? takeBlocks(bytes, blockBytes, sums) : 0;
  for (let block = done; block < count; block++) {
    sums.set(checksum(bytes.subarray(block * blockBytes, (block + 1) * blockBytes)), 4 * block);
  }
  return sums;
}

/** Checksums of the whole blocks among resident bytes; returns how many that were. */
function takeBlocks(bytes: Uint8Array, blockBytes: number, sums: Uint32Array): number {
  return runKernels((run) => {
    if (run.wasm === undefined || !run.inPlace(bytes)) return 0;
    const count = Math.floor(bytes.length / blockBytes);
    const [initial, state] = [run.place(INITIAL), run.zeros(Int32Array, LANES)];
    const found = run.zeros(Uint32Array, 4 * count);
    run.wasm.checksumBlocks(
      bytes.byteOffset,
      count,
      blockBytes / STRIPE,
      initial.byteOffset,
      state.byteOffset,
      found.byteOffset,
    );
    sums.set(found);
    return count;
  });
}
