/**
 * How the values of a feature become small integers. Numbers: bin i holds those above edge i − 1 and up to edge i, the
 * last one the rest; a bin of their own follows for missing values. Categories: code c is bin c.
 * Edges come from a sample of values: every distinct value has a bin where there are few, else bins are of about equal
 * weight, as in LightGBM's greedy binning (Ke et al. 2017, section 3). They are f32, midway between values, so that a
 * model asks `x ≤ edge` of the same numbers and gets the same answer.
 */

import type { Distinct } from '../../kernel/sort.ts';
import { binValues } from '../../kernel/tree.ts';

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

/** Bins of numbers from the distinct ones of a sample. O(values). */
export function numberBins({ values, times }: Distinct, most = MOST_BINS): FeatureBins {
  const edges = values.length <= most ? allEdges(values) : evenEdges(values, times, most);
  return { edges: Float32Array.from(edges), count: edges.length + 1, categorical: false };
}

function allEdges(values: Float32Array): number[] {
  return Array.from(values.subarray(1), (value, i) => midway(values[i], value));
}

/** Values with more than an even share have bins of their own; the others fill bins to an even share of what is left. */
function evenEdges(values: Float32Array, counts: Uint32Array, most: number): number[] {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
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
