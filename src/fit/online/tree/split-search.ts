/**
 * The best split of a leaf by information gain, and the gain of the best of another feature. Numbers: ten thresholds, evenly
 * between the least and the largest value; categories: each against the others.
 */
import { log } from '../../../kernel/elementary.ts';
import type { Shape } from '../learner.ts';
import { type Observers, PLACES } from './observers.ts';

const THRESHOLDS = 10;
/** Of the weight on each side of a split, the least. */
const LEAST_SHARE = 0.01;

/** A split; feature -1 where none is possible. */
export interface Candidate {
  gain: number;
  feature: number;
  /** A number up to it goes left, or the category that is it. */
  threshold: number;
  /** Weights of the classes on the left, then on the right. */
  readonly parts: Float64Array;
}

export class SplitSearch {
  readonly #observers: Observers;
  readonly #nominal: readonly boolean[];
  readonly #classes: number;
  readonly #parts: Float64Array;
  readonly #best: Candidate;
  readonly #range = new Float64Array(2);

  constructor(observers: Observers, { classes, nominal }: Shape) {
    this.#observers = observers;
    this.#nominal = nominal;
    this.#classes = classes;
    this.#parts = new Float64Array(2 * classes);
    this.#best = { gain: 0, feature: -1, threshold: 0, parts: new Float64Array(2 * classes) };
  }

  /**
   * Over the features that a record watches; `weights` are those of the leaf's classes. The candidate is overwritten by the
   * next call. O(features × splits × classes).
   */
  find(record: number, watched: Uint32Array, weights: Float64Array): { best: Candidate; second: number } {
    const best = this.#best;
    best.gain = Number.NEGATIVE_INFINITY;
    best.feature = -1;
    let second = Number.NEGATIVE_INFINITY;
    const before = entropy(weights, 0, this.#classes);
    for (let place = 0; place < watched.length; place++) {
      second = Math.max(second, this.#tryFeature(record, place, watched[place], before));
    }
    return { best, second };
  }

  /** Tries the splits of a feature; one better than the best takes its place. Returns the gain that is left behind. */
  #tryFeature(record: number, place: number, feature: number, before: number): number {
    const best = this.#best;
    const nominal = this.#nominal[feature];
    if (!nominal && !this.#observers.range(record, place, this.#range)) return Number.NEGATIVE_INFINITY;
    const [least, most] = this.#range;
    const left = best.gain;
    let own = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < (nominal ? PLACES : THRESHOLDS); i++) {
      const threshold = nominal ? i : least + ((most - least) / (THRESHOLDS + 1)) * (i + 1);
      if (nominal) this.#observers.divideByCode(record, place, i, this.#parts);
      else this.#observers.divide(record, place, threshold, this.#parts);
      const gain = before - this.#entropyAfter();
      own = Math.max(own, gain);
      if (!(gain > best.gain)) continue;
      best.gain = gain;
      best.feature = feature;
      best.threshold = threshold;
      best.parts.set(this.#parts);
    }
    return best.gain > left ? left : own;
  }

  /** Entropy of both parts by weight; Infinity where one of them is too small. */
  #entropyAfter(): number {
    const classes = this.#classes;
    const left = sum(this.#parts, 0, classes);
    const right = sum(this.#parts, classes, classes);
    const total = left + right;
    if (!(left > LEAST_SHARE * total && right > LEAST_SHARE * total)) return Number.POSITIVE_INFINITY;
    return (left * entropy(this.#parts, 0, classes) + right * entropy(this.#parts, classes, classes)) / total;
  }
}

/** Sum of `count` values. */
export function sum(values: Float64Array, from: number, count: number): number {
  let total = 0;
  for (let i = from; i < from + count; i++) total += values[i];
  return total;
}

/** Entropy of weights, in bits. */
function entropy(values: Float64Array, from: number, count: number): number {
  let total = 0;
  let logs = 0;
  for (let i = from; i < from + count; i++) {
    if (!(values[i] > 0)) continue;
    total += values[i];
    logs += values[i] * log(values[i]);
  }
  return total > 0 ? (log(total) - logs / total) / Math.LN2 : 0;
}
