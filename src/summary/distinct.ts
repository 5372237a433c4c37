/**
 * How many distinct values: the k smallest 32-bit hashes (bottom-k sketch; Bar-Yossef et al. 2002, Beyer et al. 2007).
 * Exact below k values (but for hash collisions, n²/2^33 of them expected); from there the relative standard
 * error is 1/√(k − 2): 6.3 % at k = 256. Above 10^8 values, collisions lower it by more than 1 %.
 * Law: exact; merge is a set union cut to k: associative, commutative and idempotent.
 */
import { hashText, mix32 } from '../random.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { corrupt } from './codec.ts';

/** Hashes kept. */
export const DISTINCT_K = 256;

/** The k smallest hashes, ascending and unique. */
export interface DistinctState {
  hashes: Uint32Array;
}

/** Number of distinct values; `exact` while fewer than k were seen. */
export interface Distinct {
  readonly estimate: number;
  readonly exact: boolean;
}

export function emptyDistinct(): DistinctState {
  return { hashes: new Uint32Array(0) };
}

const PENDING = 2048;
const RECENT = 1024;

/** Collects the values of one column of one particle into a state; `finish` ends the run. */
export class DistinctRun {
  private readonly state: DistinctState;
  private readonly pending = new Uint32Array(PENDING);
  /** Hashes seen lately, each at its low bits, so that a repeat costs a look instead of a sort; first, none that fits. */
  private readonly recent = Uint32Array.from({ length: RECENT }, (_, place) => place ^ 1);
  private count = 0;
  /** Hashes above it cannot be among the k smallest. */
  private limit: number;
  private block: Float64Array | undefined;
  /** The block as pairs of 32-bit words. */
  private words: Uint32Array = new Uint32Array(0);

  constructor(state: DistinctState) {
    this.state = state;
    this.limit = limitOf(state);
  }

  /** Hashes `count` floats by their bits; -0 counts as 0. */
  addNumbers(values: Float64Array, count: number): void {
    if (values !== this.block) {
      this.block = values;
      this.words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
    }
    const { pending, recent } = this;
    const words = this.words;
    for (let i = 0; i < count; i++) {
      const low = words[2 * i];
      const high = words[2 * i + 1];
      const top = low === 0 && high === 0x80000000 ? 0 : high;
      const hash = mix32((mix32(top) ^ low) + 0x9e3779b9);
      if (hash > this.limit || recent[hash & (RECENT - 1)] === hash) continue;
      recent[hash & (RECENT - 1)] = hash;
      pending[this.count++] = hash;
      if (this.count === PENDING) this.finish();
    }
  }

  addText(text: string): void {
    this.addHash(hashText(text));
  }

  addBytes(bytes: Uint8Array): void {
    let hash = 0x811c9dc5;
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    this.addHash(mix32(hash));
  }

  private addHash(hash: number): void {
    if (hash > this.limit || this.recent[hash & (RECENT - 1)] === hash) return;
    this.recent[hash & (RECENT - 1)] = hash;
    this.pending[this.count++] = hash;
    if (this.count === PENDING) this.finish();
  }

  /** Brings the state up to date. */
  finish(): void {
    if (this.count === 0) return;
    this.state.hashes = unionSmallest(this.state.hashes, this.pending.subarray(0, this.count).sort());
    this.limit = limitOf(this.state);
    this.count = 0;
  }
}

function limitOf({ hashes }: DistinctState): number {
  return hashes.length < DISTINCT_K ? 0xffffffff : hashes[DISTINCT_K - 1];
}

/** The k smallest of two ascending lists, without repeats. */
function unionSmallest(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(Math.min(DISTINCT_K, a.length + b.length));
  let i = 0;
  let j = 0;
  let count = 0;
  while (count < out.length && (i < a.length || j < b.length)) {
    const takeA = j >= b.length || (i < a.length && a[i] <= b[j]);
    const hash = takeA ? a[i++] : b[j++];
    if (count === 0 || out[count - 1] !== hash) out[count++] = hash;
  }
  return out.slice(0, count);
}

export function mergeDistinct(into: DistinctState, from: DistinctState): void {
  into.hashes = unionSmallest(into.hashes, from.hashes);
}

/** Below k: the count itself. From k on: (k − 1) / (k-th smallest hash as a share of the range). */
export function readDistinct({ hashes }: DistinctState): Distinct {
  if (hashes.length < DISTINCT_K) return { estimate: hashes.length, exact: true };
  const share = (hashes[DISTINCT_K - 1] + 1) / 0x1_0000_0000;
  return { estimate: Math.round((DISTINCT_K - 1) / share), exact: false };
}

export function writeDistinct(writer: ByteWriter, state: DistinctState): void {
  writer.u32s(state.hashes);
}

export function parseDistinct(reader: ByteReader): DistinctState {
  const hashes = reader.u32s();
  if (hashes.length > DISTINCT_K) throw corrupt(`${hashes.length} hashes where at most ${DISTINCT_K} can be`);
  for (let i = 1; i < hashes.length; i++) {
    if (hashes[i] <= hashes[i - 1]) throw corrupt('hashes do not ascend');
  }
  return { hashes };
}
