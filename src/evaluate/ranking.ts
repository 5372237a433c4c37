/**
 * What a score histogram with the channels (negative, positive) says of ranking: area under the ROC curve with
 * DeLong's variance, average precision, and the two curves. Rows in one bin are ties and count half.
 * Bins are exact f32 scores below the histogram's capacity; beyond it the area is off by at most `tied` / 2.
 * DeLong, DeLong & Clarke-Pearson (1988), by mid-ranks as Sun & Xu (2014). All O(bins).
 */
import { log, sigmoid } from '../kernel/elementary.ts';
import { binScore, type ScoreHistogram } from '../summary/score-histogram.ts';
import { type Interval, normalInterval, Z95 } from './mean.ts';

/** Area under the ROC curve: the chance that a positive row scores above a negative one. */
export interface Area {
  readonly value: number;
  /** Standard error by DeLong. */
  readonly error: number;
  readonly interval: Interval | undefined;
  /** Share of (positive, negative) pairs in one bin. */
  readonly tied: number;
}

/** Effective numbers of rows (Kish) of the two classes, for the spread. */
export interface ClassRows {
  readonly negative: number;
  readonly positive: number;
}

interface Totals {
  readonly negative: number;
  readonly positive: number;
}

function totalsOf([negatives, positives]: readonly Float64Array[]): Totals {
  let negative = 0;
  let positive = 0;
  for (let bin = 0; bin < negatives.length; bin++) {
    negative += negatives[bin];
    positive += positives[bin];
  }
  return { negative, positive };
}

/** Undefined unless both classes have weight. */
export function rocArea(histogram: ScoreHistogram, rows?: ClassRows): Area | undefined {
  const [negatives, positives] = histogram.sums;
  const { negative, positive } = totalsOf(histogram.sums);
  if (!(negative > 0 && positive > 0)) return undefined;
  let pairs = 0;
  let tied = 0;
  let below = 0;
  for (let bin = 0; bin < negatives.length; bin++) {
    pairs += positives[bin] * (below + negatives[bin] / 2);
    tied += positives[bin] * negatives[bin];
    below += negatives[bin];
  }
  const value = pairs / (negative * positive);
  const error = deLong(histogram, value, { negative, positive }, rows ?? { negative, positive });
  return { value, error, interval: normalInterval(value, error, 0, 1), tied: tied / (negative * positive) };
}

function deLong(
  { sums: [negatives, positives] }: ScoreHistogram,
  area: number,
  total: Totals,
  rows: ClassRows,
): number {
  let below = 0;
  let belowPositive = 0;
  let spreadPositive = 0;
  let spreadNegative = 0;
  for (let bin = 0; bin < negatives.length; bin++) {
    const ofPositive = (below + negatives[bin] / 2) / total.negative - area;
    const ofNegative = 1 - (belowPositive + positives[bin] / 2) / total.positive - area;
    spreadPositive += positives[bin] * ofPositive * ofPositive;
    spreadNegative += negatives[bin] * ofNegative * ofNegative;
    below += negatives[bin];
    belowPositive += positives[bin];
  }
  if (!(rows.positive > 1 && rows.negative > 1)) return Number.POSITIVE_INFINITY;
  const variance =
    spreadPositive / total.positive / (rows.positive - 1) +
    spreadNegative / total.negative / (rows.negative - 1);
  return Math.sqrt(variance);
}

/** A ranking metric with its interval. */
export interface Estimate {
  readonly value: number;
  readonly interval: Interval | undefined;
}

/**
 * Average precision: Σ (recall_k − recall_{k−1}) · precision_k over distinct scores from the highest down.
 * Interval on the logit scale with the number of positives (Boyd, Eng & Page, ECML 2013).
 */
export function averagePrecision(histogram: ScoreHistogram, positiveRows?: number): Estimate | undefined {
  const [negatives, positives] = histogram.sums;
  const { negative, positive } = totalsOf(histogram.sums);
  if (!(negative > 0 && positive > 0)) return undefined;
  let hits = 0;
  let misses = 0;
  let value = 0;
  for (let bin = negatives.length - 1; bin >= 0; bin--) {
    hits += positives[bin];
    misses += negatives[bin];
    if (positives[bin] > 0) value += (positives[bin] / positive) * (hits / (hits + misses));
  }
  if (!(value > 0 && value < 1)) return { value, interval: undefined };
  const centre = log(value / (1 - value));
  const reach = Z95 / Math.sqrt((positiveRows ?? positive) * value * (1 - value));
  return { value, interval: [sigmoid(centre - reach), sigmoid(centre + reach)] };
}

/** A point of the two curves: rows that score at least `score` are called positive. */
export interface CurvePoint {
  readonly score: number;
  readonly truePositive: number;
  readonly falsePositive: number;
  /** Share of positive rows among those called positive. */
  readonly precision: number;
}

/** At most about `points` points from the strictest threshold to the laxest, the ends included. */
export function rankingCurve(histogram: ScoreHistogram, points = 200): CurvePoint[] {
  const [negatives, positives] = histogram.sums;
  const { negative, positive } = totalsOf(histogram.sums);
  if (!(negative > 0 && positive > 0)) return [];
  const curve: CurvePoint[] = [];
  let hits = 0;
  let misses = 0;
  let last = -1;
  for (let bin = negatives.length - 1; bin >= 0; bin--) {
    hits += positives[bin];
    misses += negatives[bin];
    const truePositive = hits / positive;
    const falsePositive = misses / negative;
    const at = Math.floor(((truePositive + falsePositive) / 2) * points);
    if (at === last && bin > 0) continue;
    last = at;
    const precision = hits / (hits + misses);
    curve.push({ score: binScore(histogram, bin), truePositive, falsePositive, precision });
  }
  return curve;
}
