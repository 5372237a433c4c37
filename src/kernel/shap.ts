/**
 * The inner loops of SHAP values of trees: kernels/shap.ts, or the twins here, which add and multiply in the same order
 * and so give the same bits. Layouts stand in the kernel's file. Every array of a call lies in kernel memory where
 * `run.wasm` is there. Knows nothing of forests.
 */
import type { KernelRun } from './mode.ts';

/** Most features of a path that a pattern has bits for. */
export const PATTERN_BITS = 32;

/** A question of a node: a number (≤ threshold) or a category (in the set) goes left, a missing value by flag. */
export interface Question {
  /** An f32. */
  readonly threshold: number;
  /** First of the 8 words of a set of categories. */
  readonly set?: number;
  readonly missingLeft: boolean;
  /** Place of the feature on its path. */
  readonly bit: number;
}

/** Whether a value goes left; a category that no set can hold, such as 256, -1 or 0.5, goes right. */
export function goesLeft({ threshold, set, missingLeft }: Question, sets: Uint32Array, x: number): boolean {
  if (Number.isNaN(x)) return missingLeft;
  if (set === undefined) return x <= threshold;
  const code = x & 255;
  return code === x && ((sets[set + (code >> 5)] >>> (code & 31)) & 1) === 1;
}

/**
 * Patterns of both children from those of their parent; `left` or `right` may be the parent's array. `values` holds the
 * feature of each row. O(rows): 0.2 ns a row for numbers.
 */
export function splitPatterns(
  { wasm }: KernelRun,
  values: Float32Array,
  question: Question,
  sets: Uint32Array,
  patterns: Uint32Array,
  left: Uint32Array,
  right: Uint32Array,
): void {
  const { threshold, set, missingLeft, bit } = question;
  const rows = patterns.length;
  if (wasm) {
    const asks = set === undefined ? threshold : sets.byteOffset + 4 * set;
    const split = set === undefined ? wasm.shapSplit : wasm.shapSplitSet;
    const places = [patterns.byteOffset, left.byteOffset, right.byteOffset];
    split(values.byteOffset, rows, asks, missingLeft ? -1 : 0, bit, ...places);
    return;
  }
  const flag = 1 << bit;
  for (let r = 0; r < rows; r++) {
    const isLeft = goesLeft(question, sets, values[r]);
    const pattern = patterns[r];
    left[r] = isLeft ? pattern : pattern & ~flag;
    right[r] = isLeft ? pattern & ~flag : pattern;
  }
}

/**
 * A leaf as its terms need it. From `at` in `constants` stand the shares of the cover that the path takes of each feature
 * (one more if they are odd), the factor of feature i with bit b at point q of the quadrature at (2 i + b) · points + q,
 * and the weights of the points.
 */
export interface LeafTerms {
  /** Features of the path, each once. */
  readonly depth: number;
  readonly value: number;
  /** An even number. */
  readonly points: number;
  readonly constants: Float64Array;
  readonly at: number;
}

/** Where the factors and the weights of a leaf begin. */
export function leafLayout({ depth, points, at }: Omit<LeafTerms, 'value' | 'constants'>) {
  const factors = at + depth + (depth % 2);
  return { factors, weights: factors + 2 * depth * points };
}

/** Room that the terms of a leaf of so many features need, in f64. */
export function workSize(depth: number): number {
  return 10 * depth;
}

/**
 * What pattern k gives to feature i of the path, at out[i · stride + k]: value · (bit − ratio) · ∫ Π factors of the
 * others. O(patterns × depth × points).
 */
export function leafTerms(run: KernelRun, ...given: Terms): void {
  patternTerms(run, 'shapTerms', bitTerms, ...given);
}

type Terms = [patterns: Uint32Array, leaf: LeafTerms, work: Float64Array, out: Float64Array, stride: number];

/** Terms of patterns by the kernel, or by its twin pattern by pattern. */
function patternTerms(
  { wasm }: KernelRun,
  kernel: 'shapTerms' | 'shapPairTerms',
  twin: typeof bitTerms,
  ...[patterns, leaf, work, out, stride]: Terms
): void {
  const { depth, value, points, constants, at } = leaf;
  if (wasm) {
    const { factors, weights } = leafLayout(leaf);
    wasm[kernel](
      patterns.byteOffset,
      patterns.length,
      depth,
      constants.byteOffset + 8 * at,
      constants.byteOffset + 8 * factors,
      constants.byteOffset + 8 * weights,
      points / 2,
      value,
      work.byteOffset,
      out.byteOffset,
      stride,
    );
    return;
  }
  const bits = new Uint8Array(depth);
  for (let k = 0; k < patterns.length; k++) {
    for (let i = 0; i < depth; i++) bits[i] = (patterns[k] >>> i) & 1;
    twin(bits, leaf, work, out, k, stride);
  }
}

/** {@link leafTerms} of one pattern of any length, a byte a feature, to out[i · stride + at]. */
export function bitTerms(
  bits: Uint8Array,
  leaf: LeafTerms,
  work: Float64Array,
  out: Float64Array,
  at: number,
  stride: number,
): void {
  const { depth, value, points, constants } = leaf;
  const { factors, weights } = leafLayout(leaf);
  const [prefixes, even, odd] = [0, depth, 2 * depth];
  work.fill(0, even, odd + depth);
  for (let q = 0; q < points; q++) {
    const sums = q % 2 === 0 ? even : odd;
    let product = constants[weights + q];
    for (let i = 0; i < depth; i++) {
      work[prefixes + i] = product;
      product *= constants[factors + (2 * i + bits[i]) * points + q];
    }
    let suffix = 1;
    for (let i = depth - 1; i >= 0; i--) {
      work[sums + i] += work[prefixes + i] * suffix;
      suffix *= constants[factors + (2 * i + bits[i]) * points + q];
    }
  }
  for (let i = 0; i < depth; i++) {
    out[i * stride + at] = value * (bits[i] - constants[leaf.at + i]) * (work[even + i] + work[odd + i]);
  }
}

/** As {@link leafTerms} for the pairs (0,1), (0,2) …, (1,2) … of features: half of what both give together. */
export function leafPairTerms(run: KernelRun, ...given: Terms): void {
  patternTerms(run, 'shapPairTerms', bitPairTerms, ...given);
}

/** {@link leafPairTerms} of one pattern of any length. */
export function bitPairTerms(
  bits: Uint8Array,
  leaf: LeafTerms,
  work: Float64Array,
  out: Float64Array,
  at: number,
  stride: number,
): void {
  const { depth, value, points, constants } = leaf;
  const { factors, weights } = leafLayout(leaf);
  const slots = (depth * (depth - 1)) / 2;
  for (let slot = 0; slot < slots; slot++) out[slot * stride + at] = 0;
  // Lanes of the kernel: two points at a time.
  for (let q = 0; q < points; q += 2) {
    const factor = (i: number, lane: number): number =>
      constants[factors + (2 * i + bits[i]) * points + q + lane];
    const suffix = [1, 1];
    for (let i = depth - 1; i >= 0; i--) {
      for (let lane = 0; lane < 2; lane++) {
        work[2 * i + lane] = suffix[lane];
        suffix[lane] *= factor(i, lane);
      }
    }
    const prefix = [constants[weights + q], constants[weights + q + 1]];
    for (let i = 0, slot = at; i < depth; i++) {
      let [a, b] = prefix;
      for (let j = i + 1; j < depth; j++, slot += stride) {
        out[slot] += a * work[2 * j] + b * work[2 * j + 1];
        a *= factor(j, 0);
        b *= factor(j, 1);
      }
      for (let lane = 0; lane < 2; lane++) prefix[lane] *= factor(i, lane);
    }
  }
  for (let i = 0, slot = at; i < depth; i++) {
    const left = bits[i] - constants[leaf.at + i];
    for (let j = i + 1; j < depth; j++, slot += stride) {
      out[slot] = 0.5 * value * left * (bits[j] - constants[leaf.at + j]) * out[slot];
    }
  }
}

/** Words that {@link distinctPatterns} needs for so many rows: at most half of its places are taken. */
export function hashSize(rows: number): number {
  return 2 * 2 ** hashBits(rows);
}

function hashBits(rows: number): number {
  return Math.max(4, 33 - Math.clz32(Math.max(1, rows)));
}

/**
 * Replaces patterns by the number of the first one like it, counted in order of appearance; returns how many there are
 * and leaves them in `distinct`. O(rows): about 3 ns each.
 */
export function distinctPatterns(
  { wasm }: KernelRun,
  patterns: Uint32Array,
  hash: Uint32Array,
  distinct: Uint32Array,
): number {
  const rows = patterns.length;
  if (wasm) {
    const bits = hashBits(rows);
    return wasm.shapDistinct(patterns.byteOffset, rows, hash.byteOffset, bits, distinct.byteOffset);
  }
  const numbers = new Map<number, number>();
  for (let r = 0; r < rows; r++) {
    const pattern = patterns[r];
    let number = numbers.get(pattern);
    if (number === undefined) {
      number = numbers.size;
      distinct[number] = pattern;
      numbers.set(pattern, number);
    }
    patterns[r] = number;
  }
  return numbers.size;
}

/** Terms by pattern: slot s of pattern p at s · width + p, added to column targets[s]. */
export interface TermTable {
  readonly terms: Float64Array;
  readonly width: number;
  /** Bits of a pattern that count. */
  readonly mask: number;
  readonly targets: Uint32Array;
}

/**
 * Adds the terms of each row's pattern to its columns; column c of row r is out[c · stride + r]. `places` has room for a
 * word a row. O(rows × slots): about 0.6 ns each.
 */
export function addTerms(
  { wasm }: KernelRun,
  patterns: Uint32Array,
  { terms, width, mask, targets }: TermTable,
  out: Float64Array,
  stride: number,
  places: Uint32Array,
): void {
  if (wasm) {
    wasm.shapAdd(
      patterns.byteOffset,
      patterns.length,
      mask,
      terms.byteOffset,
      width,
      targets.length,
      targets.byteOffset,
      out.byteOffset,
      stride,
      places.byteOffset,
    );
    return;
  }
  for (let s = 0; s < targets.length; s++) {
    const column = targets[s] * stride;
    for (let r = 0; r < patterns.length; r++) {
      out[column + r] += terms[s * width + ((patterns[r] & mask) >>> 0)];
    }
  }
}
