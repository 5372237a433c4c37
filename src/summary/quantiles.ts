/**
 * Quantiles of numeric columns: the KLL sketch (Karnin, Lang, Liberty, FOCS 2016, arXiv:1603.05346).
 * Level h holds items of weight 2^h in ascending order; a level that overflows passes every other item up.
 * Exact up to k values; from there the error in rank is that of {@link rankError}, whatever the data.
 * Coins are hashes of (column, n, content), so a state is a pure function of what was merged and in which order.
 */
import { combine32, mix32 } from '../random.ts';
import { BLOCK } from './blocks.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { corrupt } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, checkCount, recordPerColumn } from './columns.ts';
import { eachNumber, NUMERIC_TYPES } from './moments.ts';
import { sortFloats } from './sort.ts';

/** Default size parameter: a sketch keeps at most about 3k items. */
export const SKETCH_K = 512;
/** Particles with more values are sampled: one random item of every 2^s consecutive, at most this many. */
export const SAMPLE_SIZE = 16_384;

/**
 * Greatest error of any quantile, as a share of the number of values: 0.4 % at the default k for particles of up to
 * 16,384 rows. Larger ones are sampled, which adds up to 1.3 % for one of them (the Kolmogorov–Smirnov bound at 99 %)
 * and 1.3 % / √particles for many. Measured: 0.2 % and 1.0 %.
 */
export function rankError(k: number = SKETCH_K, sampled = true): number {
  return 2 / k + (sampled ? 1.63 / Math.sqrt(SAMPLE_SIZE) : 0);
}

/** Share of capacity that a level has of the one above (section 3 of the paper). */
const DECAY = 2 / 3;
const LEAST_CAPACITY = 8;

/** `levels[h]`: ascending items of weight 2^h; weights sum to n. `min` and `max` are exact. */
export interface SketchState {
  n: number;
  min: number;
  max: number;
  levels: Float64Array[];
}

/** Ascending distinct values, and how many values are ≤ each: `ends` last is n. Plain JSON. */
export interface QuantileTable {
  readonly values: readonly number[];
  readonly ends: readonly number[];
}

export function emptySketch(): SketchState {
  return { n: 0, min: Infinity, max: -Infinity, levels: [] };
}

/** Takes the values of one column of one particle; `finish` merges them into the state. */
export class SketchRun {
  private readonly shift: number;
  private readonly key: number;
  /** Sampled items by level: the full groups at `shift`, what is left over below it. */
  private readonly items: number[][] = [];
  private readonly sampled: Float64Array;
  private count = 0;
  private n = 0;
  private min = Infinity;
  private max = -Infinity;

  /** @param rows upper bound of the number of values to come; @param key seed of the coins */
  constructor(rows: number, key: number) {
    let shift = 0;
    while (rows / 2 ** shift > SAMPLE_SIZE && 2 ** shift < BLOCK) shift++;
    this.shift = shift;
    this.key = key;
    this.sampled = new Float64Array(Math.ceil(rows / 2 ** shift));
  }

  /** Adds a block; each but the last must be of {@link BLOCK} values. About 2 ns a value. */
  add(values: Float64Array, count: number): void {
    this.updateRange(values, count);
    const { shift, sampled } = this;
    const key = blockKey(this.key, values, count, this.n);
    const size = 1 << shift;
    const groups = count >> shift;
    let at = this.count;
    for (let group = 0; group < groups; group++) {
      const offset = mix32(key + group) & (size - 1);
      sampled[at++] = values[(group << shift) + offset] + 0;
    }
    this.count = at;
    this.n += count;
    this.addRemainder(values, groups << shift, count, key);
  }

  private updateRange(values: Float64Array, count: number): void {
    let { min, max } = this;
    for (let i = 0; i < count; i++) {
      const value = values[i];
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.min = min + 0;
    this.max = max + 0;
  }

  /** Fewer than 2^shift values: one random item for each set bit of their number, at that bit's level. */
  private addRemainder(values: Float64Array, from: number, to: number, key: number): void {
    let at = from;
    for (let level = this.shift - 1; level >= 0; level--) {
      if (((to - from) & (1 << level)) === 0) continue;
      const offset = combine32(key, level) & ((1 << level) - 1);
      this.items[level] ??= [];
      this.items[level].push(values[at + offset] + 0);
      at += 1 << level;
    }
  }

  finish(state: SketchState, k: number): void {
    if (this.n === 0) return;
    const levels: Float64Array[] = [];
    for (let level = 0; level < this.shift; level++) {
      levels.push(sortFloats(Float64Array.from(this.items[level] ?? [])));
    }
    levels.push(sortFloats(this.sampled.subarray(0, this.count)));
    mergeSketch(state, { n: this.n, min: this.min, max: this.max, levels }, k, this.key);
  }
}

/** Seed of a block's coins: position, size and a few of its values, so that equal places differ by content. */
function blockKey(key: number, values: Float64Array, count: number, n: number): number {
  let hash = combine32(combine32(key, n), count);
  const step = Math.max(1, count >> 3);
  for (let i = 0; i < count; i += step) hash = combine32(hash, bitsOf(values[i]));
  return hash;
}

const oneFloat = new Float64Array(1);
const twoWords = new Uint32Array(oneFloat.buffer);

/** The 64 bits of a float folded to 32. */
function bitsOf(value: number): number {
  oneFloat[0] = value + 0;
  return twoWords[0] ^ mix32(twoWords[1]);
}

/** Merges level by level, then compacts until the items fit. O(items). */
export function mergeSketch(into: SketchState, from: SketchState, k: number, key: number): void {
  if (from.n === 0) return;
  into.n += from.n;
  if (from.min < into.min) into.min = from.min;
  if (from.max > into.max) into.max = from.max;
  for (const [level, items] of from.levels.entries()) {
    into.levels[level] = mergeAscending(into.levels[level], items);
  }
  compress(into, k, key);
}

/** A new ascending array of both. */
function mergeAscending(a: Float64Array | undefined, b: Float64Array): Float64Array {
  if (a === undefined || a.length === 0) return b.slice();
  if (b.length === 0) return a;
  const out = new Float64Array(a.length + b.length);
  let i = 0;
  let j = 0;
  let at = 0;
  while (i < a.length && j < b.length) out[at++] = a[i] <= b[j] ? a[i++] : b[j++];
  while (i < a.length) out[at++] = a[i++];
  while (j < b.length) out[at++] = b[j++];
  return out;
}

/** Compacts the lowest level that is over its capacity, until the whole is within capacity. */
function compress(state: SketchState, k: number, key: number): void {
  const { levels } = state;
  let capacities = capacitiesOf(levels.length, k);
  let total = sum(levels.map((items) => items.length));
  while (total > sum(capacities)) {
    const level = levels.findIndex((items, h) => items.length > capacities[h]);
    total -= compactLevel(state, level, key);
    if (levels.length !== capacities.length) capacities = capacitiesOf(levels.length, k);
  }
}

/** k at the top, two thirds of it a level lower, and so on down to a few. */
function capacitiesOf(levels: number, k: number): number[] {
  const capacities = new Array<number>(levels);
  let capacity = k;
  for (let level = levels - 1; level >= 0; level--) {
    capacities[level] = Math.max(LEAST_CAPACITY, Math.ceil(capacity));
    capacity *= DECAY;
  }
  return capacities;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Every other item of an even number goes up, odd or even ones by a coin; returns how many items vanish. */
function compactLevel(state: SketchState, level: number, key: number): number {
  const items = state.levels[level];
  const middle = items[items.length >> 1];
  const coins = combine32(combine32(combine32(key, level), state.n), bitsOf(middle) ^ items.length);
  const odd = items.length & 1;
  // An odd one stays behind: the least or the greatest, by the second coin.
  const keepFirst = odd === 1 && (coins & 2) !== 0;
  const first = keepFirst ? 1 : 0;
  const half = items.length >> 1;
  const up = new Float64Array(half);
  for (let i = 0; i < half; i++) up[i] = items[first + 2 * i + (coins & 1)];
  const stay = keepFirst ? items.slice(0, 1) : items.slice(items.length - odd);
  state.levels[level] = stay;
  state.levels[level + 1] = mergeAscending(state.levels[level + 1], up);
  return half;
}

/** The table of a sketch: its items in order with cumulative weights; the least and greatest value are exact. */
export function tableOf(state: SketchState): QuantileTable {
  if (state.n === 0) return { values: [], ends: [] };
  const weights = new Map<number, number>();
  for (const [level, items] of state.levels.entries()) {
    for (const item of items) weights.set(item, (weights.get(item) ?? 0) + 2 ** level);
  }
  const values = [...weights.keys()].sort((a, b) => a - b);
  const ends: number[] = [];
  let end = 0;
  for (const value of values) {
    end += weights.get(value)!;
    ends.push(end);
  }
  includeRange(values, ends, state);
  return { values, ends };
}

/** Lets the first and last value of a table be the least and greatest, with a weight of 1 each. */
function includeRange(values: number[], ends: number[], { n, min, max }: SketchState): void {
  if (min < values[0]) {
    if (ends[0] === 1) {
      values[0] = min;
    } else {
      values.unshift(min);
      ends.unshift(1);
    }
  }
  const last = values.length - 1;
  if (max > values[last]) {
    if (ends[last] - (ends[last - 1] ?? 0) === 1) {
      values[last] = max;
    } else {
      ends[last]--;
      values.push(max);
      ends.push(n);
    }
  }
}

/**
 * The q-quantile, 0 ≤ q ≤ 1, interpolated linearly between neighbours at rank q·(n − 1)
 * (as NumPy's default; exact while the sketch is). Null when there are no values. O(log size).
 */
export function quantile(
  of: QuantileTable | { readonly quantiles: QuantileTable },
  q: number,
): number | null {
  const table = 'quantiles' in of ? of.quantiles : of;
  const n = table.ends.at(-1) ?? 0;
  if (n === 0) return null;
  const rank = Math.min(1, Math.max(0, q)) * (n - 1);
  const below = Math.floor(rank);
  const low = valueAt(table, below);
  const share = rank - below;
  if (share === 0) return low;
  const high = valueAt(table, below + 1);
  return low + (high - low) * share;
}

/** The value at a whole rank: the first whose end is beyond it. */
function valueAt({ values, ends }: QuantileTable, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > rank) high = middle;
    else low = middle + 1;
  }
  return values[low];
}

export function writeSketch(writer: ByteWriter, state: SketchState): void {
  writer.f64(state.n);
  writer.f64(state.min);
  writer.f64(state.max);
  writer.u8(state.levels.length);
  for (const items of state.levels) writer.f64s(items);
}

export function parseSketch(reader: ByteReader): SketchState {
  const state: SketchState = { n: reader.count(), min: reader.f64(), max: reader.f64(), levels: [] };
  const levels = reader.u8();
  let weight = 0;
  for (let level = 0; level < levels; level++) {
    const items = reader.f64s();
    for (let i = 1; i < items.length; i++) {
      if (!(items[i] >= items[i - 1])) throw corrupt('items of a quantile sketch do not ascend');
    }
    weight += items.length * 2 ** level;
    state.levels.push(items);
  }
  if (weight !== state.n) throw corrupt(`weights of a quantile sketch sum to ${weight}, not to ${state.n}`);
  return state;
}

/** Size of the sketch: error and bytes follow from it. */
export type QuantilesOptions = ColumnsOptions & { readonly k?: number };

function statisticOf(k: number): ColumnStatistic<SketchState, QuantileTable> {
  return {
    tag: 'quantiles/1',
    types: NUMERIC_TYPES,
    empty: emptySketch,
    observe(state, column, rows, key) {
      if (column.type !== 'number' && column.type !== 'timestamp' && column.type !== 'boolean') return;
      const run = new SketchRun(rows?.length ?? column.values.length, key);
      eachNumber(column, rows, (values, count) => run.add(values, count));
      run.finish(state, k);
    },
    merge: (into, from, key) => mergeSketch(into, from, k, key),
    read: tableOf,
    write: writeSketch,
    parse: parseSketch,
  };
}

/**
 * Summary of the quantiles of every numeric column, or of `columns`; read one with {@link quantile}.
 * @example
 * const { age } = summary.read(state);
 * const median = quantile(age, 0.5);
 */
export function quantiles(options?: QuantilesOptions | null) {
  const chosen = options ?? {};
  return recordPerColumn(statisticOf(checkCount('k', chosen.k ?? SKETCH_K, 8, 65_536)), chosen);
}
