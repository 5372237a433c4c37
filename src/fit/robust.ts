/**
 * Robust centre and spread of labels and residuals, from a histogram of them: where quantile and Huber losses start,
 * and Huber's δ. Scaled by 1.4826 the median size of residuals estimates the standard deviation of normal errors
 * whatever the outliers (Hampel 1974), and δ = 1.345 of it keeps 95 % efficiency on them (Huber 1964).
 */
import type { Json } from '../json.ts';
import type { Reference } from '../run/reference.ts';
import { taggedCodec } from '../summary/codec.ts';
import {
  addScores,
  binScore,
  emptyHistogram,
  histogramQuantile,
  mergeHistogram,
  readHistogram,
  type ScoreHistogram,
  writeHistogram,
} from '../summary/score-histogram.ts';
import type { Summary } from '../summary/summary.ts';
import type { LearnerView } from './glm/pass.ts';

const NORMAL = 1.4826;
const EFFICIENT = 1.345;

/** Huber's δ for residuals of this median size. */
export function huberDelta(medianSize: number): number {
  return EFFICIENT * NORMAL * medianSize;
}

/** A quantile of the labels, and Huber's δ for the residuals of predicting it. */
export interface LabelSpread {
  readonly quantile: number;
  /** 0 when more than half of the rows are met exactly. */
  readonly delta: number;
}

/** Names {@link labelSpread}: which quantile. */
export function labelSpreadReference(quantile: number): Reference {
  return { module: import.meta.url, name: 'labelSpread', options: { quantile } };
}

/**
 * Summary of labels less offsets that reads as a {@link LabelSpread}: the weighted lower quantile, exact up to f32
 * while there are at most 131,072 different values. O(rows log rows).
 */
export function labelSpread(options: Json): Summary<ScoreHistogram, LabelSpread, LearnerView> {
  const { quantile: share } = options as { quantile: number };
  return {
    id: `label-spread/1 ${share}`,
    empty: () => emptyHistogram(1),
    observe(state, { rows, labels, weights, offsets }) {
      const values = offsets ? labels.map((label, row) => label - offsets[row]) : labels;
      addScores(state, values, [weights ?? new Float64Array(rows).fill(1)], rows);
    },
    merge: mergeHistogram,
    read(state) {
      const quantile = histogramQuantile(state, share) ?? 0;
      return { quantile, delta: huberDelta(medianSize(state, quantile)) };
    },
    codec: taggedCodec('label-spread/1', writeHistogram, readHistogram),
  };
}

/** Weighted lower median of |score − centre|. O(bins log bins). */
function medianSize(histogram: ScoreHistogram, centre: number): number {
  const [amounts] = histogram.sums;
  const sizes = Array.from(amounts, (amount, bin) => ({
    size: Math.abs(binScore(histogram, bin) - centre),
    amount,
  }));
  sizes.sort((a, b) => a.size - b.size);
  const half = sizes.reduce((sum, { amount }) => sum + amount, 0) / 2;
  let below = 0;
  for (const { size, amount } of sizes) {
    below += amount;
    if (below >= half) return size;
  }
  return 0;
}
