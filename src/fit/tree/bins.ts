/**
 * How the values of a feature become small integers. Numbers: bin i holds those above edge i − 1 and up to edge i, the
 * last one the rest; a bin of their own follows for missing values. Categories: code c is bin c.
 * Edges come from a sample of values: every distinct value has a bin where there are few, else bins are of about equal
 * weight, as in LightGBM's greedy binning (Ke et al. 2017, section 3). They are f32, midway between values, so that a
 * model asks `x ≤ edge` of the same numbers and gets the same answer.
 */

import { binValues } from '../../kernel/tree.ts';
import { sortFloats } from '../../summary/sort.ts';

/** Most bins of values; one more is for missing ones. */
export const MOST_BINS = 255;

/** The bins of one feature. */
export interface FeatureBins {
  /** Ascending f32 numbers; one fewer than the bins. Empty for categories. */
  readonly edges: Float32Array;
  /** Bins of present values; the bin with this number is for missing ones. */
  readonly count: number;
  readonly categorical: boolean;
}

/** An f32 in [below, above), as near the middle as there is one. */
function midway(below: number, above: number): number {
  const middle = Math.fround(below / 2 + above / 2);
  return middle >= below && middle < above ? middle : below;
}

/** Scratch for the longest sample so far. */
let sorted = new Float64Array(0);
let counted = new Uint32Array(0);

/** Distinct values, ascending, and how many there are of each. */
interface Distinct {
  readonly values: Float64Array;
  readonly counts: Uint32Array;
}

/** Bins of numbers from values of a sample, in any order, none missing. O(n). */
export function numberBins(sample: Float32Array, most = MOST_BINS): FeatureBins {
  const { values, counts } = fewDistinct(sample) ?? sortedDistinct(sample);
  const edges = values.length <= most ? allEdges(values) : evenEdges(values, counts, sample.length, most);
  return { edges: Float32Array.from(edges), count: edges.length + 1, categorical: false };
}

/** So many values are counted faster than they are sorted. */
const FEW = 8;

/** Of a sample of few values, without sorting it; else undefined. */
function fewDistinct(sample: Float32Array): Distinct | undefined {
  const found: number[] = [];
  const counts: number[] = [];
  let last = -1;
  for (let i = 0; i < sample.length; i++) {
    const value = sample[i] + 0;
    if (last < 0 || found[last] !== value) {
      last = found.indexOf(value);
      if (last < 0) {
        if (found.length === FEW) return undefined;
        last = found.push(value) - 1;
        counts.push(0);
      }
    }
    counts[last]++;
  }
  const order = found.map((_, i) => i).sort((a, b) => found[a] - found[b]);
  return {
    values: Float64Array.from(order, (i) => found[i]),
    counts: Uint32Array.from(order, (i) => counts[i]),
  };
}

function sortedDistinct(sample: Float32Array): Distinct {
  if (sorted.length < sample.length) {
    sorted = new Float64Array(sample.length);
    counted = new Uint32Array(sample.length);
  }
  const values = sorted.subarray(0, sample.length);
  // Minus zero becomes zero: they are one value, and the sort takes only the one.
  for (let i = 0; i < values.length; i++) values[i] = sample[i] + 0;
  sortFloats(values);
  const distinct = countDistinct(values, counted);
  return { values: values.subarray(0, distinct), counts: counted };
}

/** Moves distinct values of a sorted array to its front and counts each; returns how many there are. */
function countDistinct(values: Float64Array, counts: Uint32Array): number {
  let distinct = 0;
  let last = Number.NaN;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === last) {
      count++;
      continue;
    }
    if (distinct > 0) counts[distinct - 1] = count;
    values[distinct++] = value;
    last = value;
    count = 1;
  }
  if (distinct > 0) counts[distinct - 1] = count;
  return distinct;
}

function allEdges(values: Float64Array): number[] {
  return Array.from(values.subarray(1), (value, i) => midway(values[i], value));
}

/** Values with more than an even share have bins of their own; the others fill bins to an even share of what is left. */
function evenEdges(values: Float64Array, counts: Uint32Array, total: number, most: number): number[] {
  const large = total / most;
  let left = total;
  let bins = most;
  for (let i = 0; i < values.length; i++) {
    if (counts[i] < large) continue;
    left -= counts[i];
    bins--;
  }
  const edges: number[] = [];
  let share = left / Math.max(1, bins);
  let filled = 0;
  for (let i = 0; i < values.length - 1 && edges.length < most - 1; i++) {
    const isLarge = counts[i] >= large;
    filled += counts[i];
    if (!isLarge) left -= counts[i];
    const closes = isLarge || filled >= share || (counts[i + 1] >= large && filled >= share / 2);
    if (!closes) continue;
    edges.push(midway(values[i], values[i + 1]));
    if (!isLarge) bins--;
    filled = 0;
    share = left / Math.max(1, bins);
  }
  return edges;
}

/** Bins of categories 0 … count − 1. */
export function categoryBins(count: number): FeatureBins {
  return { edges: new Float32Array(0), count: Math.min(count, MOST_BINS), categorical: true };
}

/**
 * Writes the bins of a column of values. O(rows × log bins).
 * NaN is missing; so is a category that has no bin.
 */
export function binColumn(
  { edges, count, categorical }: FeatureBins,
  values: Float32Array,
  out: Uint8Array,
): void {
  if (!categorical) {
    binValues(edges, values, count, out);
    return;
  }
  for (let r = 0; r < values.length; r++) {
    const code = values[r];
    out[r] = code >= 0 && code < count ? code : count;
  }
}
