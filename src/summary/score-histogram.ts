/**
 * Histogram of scores with a few sums a bin: what ranking metrics, calibration and quantiles are read from.
 * Scores are rounded to f32 and mapped to 32-bit keys that sort as they do; a bin is one key while there are at
 * most `capacity` of them, and beyond that one key without its `shift` low bits, the least shift that fits.
 * Law: which keys are in which bin depends on the set of scores alone, not on how it was cut or merged, because a
 * part never needs a greater shift than the whole. Counts are exact; sums of weights are f64.
 */
import type { ByteReader, ByteWriter } from './codec.ts';

/** Most bins kept when nothing else is said: rankings of up to 131,072 distinct f32 scores are exact. */
export const DEFAULT_CAPACITY = 1 << 17;

/** Bins in ascending order of score; `sums[c][b]` is the sum of channel c in bin b. */
export interface ScoreHistogram {
  readonly capacity: number;
  shift: number;
  keys: Uint32Array;
  sums: Float64Array[];
}

const single = new Float32Array(1);
const word = new Uint32Array(single.buffer);

/** Order-preserving key of a score: f32 bits, flipped so that unsigned order is numeric order. */
export function keyOf(score: number): number {
  single[0] = score + 0;
  const bits = word[0];
  return (bits >>> 31 === 0 ? bits | 0x80000000 : ~bits) >>> 0;
}

/** The score of a key (its f32 value). */
export function scoreOf(key: number): number {
  word[0] = key >>> 31 === 1 ? key & 0x7fffffff : ~key;
  return single[0];
}

/** Score that stands for a bin: the value itself, or the middle of the range once bins are coarse. */
export function binScore(histogram: ScoreHistogram, bin: number): number {
  const { shift } = histogram;
  const low = (histogram.keys[bin] << shift) >>> 0;
  if (shift === 0) return scoreOf(low);
  return (scoreOf(low) + scoreOf((low | (2 ** shift - 1)) >>> 0)) / 2;
}

export function emptyHistogram(channels: number, capacity = DEFAULT_CAPACITY): ScoreHistogram {
  const sums = Array.from({ length: channels }, () => new Float64Array(0));
  return { capacity, shift: 0, keys: new Uint32Array(0), sums };
}

const ROW_BITS = 2 ** 21;

/**
 * Adds rows: `amounts[c][row]` goes to channel c of the bin of `scores[row]`; NaN scores are a defect of the caller.
 * O(rows log rows); at most 2^21 rows are sorted at a time.
 */
export function addScores(
  histogram: ScoreHistogram,
  scores: Float64Array,
  amounts: readonly Float64Array[],
  rows: number,
): void {
  for (let start = 0; start < rows; start += ROW_BITS) {
    mergeHistogram(
      histogram,
      histogramOf(histogram, scores, amounts, start, Math.min(rows, start + ROW_BITS)),
    );
  }
}

function histogramOf(
  like: ScoreHistogram,
  scores: Float64Array,
  amounts: readonly Float64Array[],
  start: number,
  end: number,
): ScoreHistogram {
  const order = new Float64Array(end - start);
  for (let row = start; row < end; row++) order[row - start] = keyOf(scores[row]) * ROW_BITS + (row - start);
  order.sort();
  const keys = new Uint32Array(order.length);
  const sums = amounts.map(() => new Float64Array(order.length));
  let bins = 0;
  for (let i = 0; i < order.length; i++) {
    const key = Math.floor(order[i] / ROW_BITS);
    const row = start + (order[i] - key * ROW_BITS);
    if (bins === 0 || keys[bins - 1] !== key) keys[bins++] = key;
    for (let c = 0; c < sums.length; c++) sums[c][bins - 1] += amounts[c][row];
  }
  const { capacity } = like;
  const out = { capacity, shift: 0, keys: keys.slice(0, bins), sums: sums.map((sum) => sum.slice(0, bins)) };
  keepCapacity(out);
  return out;
}

/** Drops low bits of the keys until there are at most `capacity` bins. */
function keepCapacity(histogram: ScoreHistogram): void {
  while (histogram.keys.length > histogram.capacity) coarsen(histogram, histogram.shift + 1);
}

/** Joins bins whose keys agree without their `shift` low bits. */
function coarsen(histogram: ScoreHistogram, shift: number): void {
  const by = shift - histogram.shift;
  if (by === 0) return;
  const { keys, sums } = histogram;
  let bins = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = by >= 32 ? 0 : keys[i] >>> by;
    if (bins > 0 && keys[bins - 1] === key) {
      for (const sum of sums) sum[bins - 1] += sum[i];
    } else {
      keys[bins] = key;
      for (const sum of sums) sum[bins] = sum[i];
      bins++;
    }
  }
  histogram.shift = shift;
  histogram.keys = keys.slice(0, bins);
  histogram.sums = sums.map((sum) => sum.slice(0, bins));
}

/** Adds `from` to `into`, bin by bin; `from` may be changed. O(bins). */
export function mergeHistogram(into: ScoreHistogram, from: ScoreHistogram): void {
  const shift = Math.max(into.shift, from.shift);
  coarsen(into, shift);
  coarsen(from, shift);
  const size = into.keys.length + from.keys.length;
  const keys = new Uint32Array(size);
  const sums = into.sums.map(() => new Float64Array(size));
  let bins = 0;
  let a = 0;
  let b = 0;
  while (a < into.keys.length || b < from.keys.length) {
    const keyA = a < into.keys.length ? into.keys[a] : Number.POSITIVE_INFINITY;
    const keyB = b < from.keys.length ? from.keys[b] : Number.POSITIVE_INFINITY;
    keys[bins] = Math.min(keyA, keyB);
    for (let c = 0; c < sums.length; c++) {
      sums[c][bins] = (keyA <= keyB ? into.sums[c][a] : 0) + (keyB <= keyA ? from.sums[c][b] : 0);
    }
    if (keyA <= keyB) a++;
    if (keyB <= keyA) b++;
    bins++;
  }
  into.keys = keys.slice(0, bins);
  into.sums = sums.map((sum) => sum.slice(0, bins));
  keepCapacity(into);
}

/** The least score below which a share `q` of channel 0 lies: a weighted quantile (lower). Undefined when empty. */
export function histogramQuantile(histogram: ScoreHistogram, q: number): number | undefined {
  const [amounts] = histogram.sums;
  let total = 0;
  for (const amount of amounts) total += amount;
  let below = 0;
  for (let bin = 0; bin < amounts.length; bin++) {
    below += amounts[bin];
    if (below >= q * total) return binScore(histogram, bin);
  }
  return undefined;
}

export function writeHistogram(writer: ByteWriter, histogram: ScoreHistogram): void {
  writer.u32(histogram.capacity);
  writer.u8(histogram.shift);
  writer.u8(histogram.sums.length);
  writer.u32s(histogram.keys);
  for (const sum of histogram.sums) writer.f64s(sum);
}

export function readHistogram(reader: ByteReader): ScoreHistogram {
  const capacity = reader.u32();
  const shift = reader.u8();
  const channels = reader.u8();
  const keys = reader.u32s();
  const sums = Array.from({ length: channels }, () => reader.f64s());
  return { capacity, shift, keys, sums };
}
