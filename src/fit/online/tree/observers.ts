/**
 * What a leaf of a Hoeffding tree remembers of its rows: for each class the distribution of every watched feature.
 * Numbers: weight, mean, sum of squares (Welford), least and largest — a normal distribution. Categories: a weight a code
 * — codes from the last place on share it —, the weight of all, and how many codes any class has seen (kept with the first).
 *
 *   record of a leaf = features × classes × (5, or places + 2 where there are categories) doubles
 */
import { exp, log } from '../../../kernel/elementary.ts';
import type { Shape } from '../learner.ts';
import { Pool } from './pool.ts';

/** Categories of a feature that are told apart. */
export const PLACES = 32;

const WEIGHT = 0;
const MEAN = 1;
const SQUARES = 2;
const LEAST = 3;
const MOST = 4;

/** Of categories, after the places. */
const ALL = PLACES;
const SEEN = PLACES + 1;

const HALF_LOG_TAU = 0.5 * log(2 * Math.PI);

/** Distributions of features by leaf and class. */
export class Observers {
  readonly records: Pool<Float64Array>;
  readonly #classes: number;
  readonly #nominal: readonly boolean[];
  /** Doubles of a feature and class. */
  readonly size: number;

  /** `watched` is the number of features of a record. */
  constructor({ classes, nominal }: Shape, watched: number) {
    this.#classes = classes;
    this.#nominal = nominal;
    this.size = nominal.includes(true) ? PLACES + 2 : 5;
    this.records = new Pool(Float64Array, watched * classes * this.size);
  }

  /** Where the distribution of the record's feature number `place` in a class lies. */
  #at(record: number, place: number, label: number): number {
    return record * this.records.stride + (place * this.#classes + label) * this.size;
  }

  /** Adds a value of `feature`, the record's feature number `place`. NaN is left out. */
  add(record: number, place: number, feature: number, x: number, label: number, weight: number): void {
    if (Number.isNaN(x)) return;
    const { values } = this.records;
    const at = this.#at(record, place, label);
    if (this.#nominal[feature]) {
      const first = this.#at(record, place, 0);
      if (this.#isNew(first, placeOf(x))) values[first + SEEN] += 1;
      values[at + placeOf(x)] += weight;
      values[at + ALL] += weight;
      return;
    }
    if (values[at + WEIGHT] === 0) values[at + LEAST] = values[at + MOST] = x;
    else if (x < values[at + LEAST]) values[at + LEAST] = x;
    else if (x > values[at + MOST]) values[at + MOST] = x;
    values[at + WEIGHT] += weight;
    const d = x - values[at + MEAN];
    values[at + MEAN] += (weight / values[at + WEIGHT]) * d;
    values[at + SQUARES] += weight * d * (x - values[at + MEAN]);
  }

  /** log density (numbers) or log share (categories, one added to each) of a value in a class; 0 where it says nothing. */
  logLikelihood(record: number, place: number, feature: number, x: number, label: number): number {
    if (Number.isNaN(x)) return 0;
    const { values } = this.records;
    const at = this.#at(record, place, label);
    if (this.#nominal[feature]) return this.#logShare(record, place, label, x);
    const n = values[at + WEIGHT];
    const variance = n > 1 ? values[at + SQUARES] / (n - 1) : 0;
    if (!(variance > 0)) return 0;
    const d = x - values[at + MEAN];
    return (d * d) / (-2 * variance) - HALF_LOG_TAU - 0.5 * log(variance);
  }

  /** Whether no class has seen the code; `first` is where the first class lies. */
  #isNew(first: number, code: number): boolean {
    for (let c = 0; c < this.#classes; c++) {
      if (this.records.values[first + c * this.size + code] > 0) return false;
    }
    return true;
  }

  /** log((weight of the code + 1) / (weight of all + codes seen in any class)). */
  #logShare(record: number, place: number, label: number, x: number): number {
    const { values } = this.records;
    const at = this.#at(record, place, label);
    const total = values[at + ALL];
    if (total === 0) return 0;
    return log((values[at + placeOf(x)] + 1) / (total + values[this.#at(record, place, 0) + SEEN]));
  }

  /** Least and largest value over the classes, into `range`; false if there are not two. */
  range(record: number, place: number, range: Float64Array): boolean {
    range[0] = Number.POSITIVE_INFINITY;
    range[1] = Number.NEGATIVE_INFINITY;
    for (let label = 0; label < this.#classes; label++) {
      const at = this.#at(record, place, label);
      if (this.records.values[at + WEIGHT] === 0) continue;
      range[0] = Math.min(range[0], this.records.values[at + LEAST]);
      range[1] = Math.max(range[1], this.records.values[at + MOST]);
    }
    return range[0] < range[1];
  }

  /** Weight of each class on the left of "value ≤ threshold" and on its right, into `parts`: left classes, right classes. */
  divide(record: number, place: number, threshold: number, parts: Float64Array): void {
    const { values } = this.records;
    const classes = this.#classes;
    for (let label = 0; label < classes; label++) {
      const at = this.#at(record, place, label);
      const n = values[at + WEIGHT];
      let share = 0;
      if (n === 0 || threshold < values[at + LEAST]) share = 0;
      else if (threshold >= values[at + MOST]) share = 1;
      else {
        const variance = n > 1 ? values[at + SQUARES] / (n - 1) : 0;
        share = variance > 0 ? normalBelow((threshold - values[at + MEAN]) / Math.sqrt(variance)) : 0;
      }
      parts[label] = share * n;
      parts[classes + label] = n - share * n;
    }
  }

  /** The same of "code = `code`". */
  divideByCode(record: number, place: number, code: number, parts: Float64Array): void {
    const classes = this.#classes;
    for (let label = 0; label < classes; label++) {
      const at = this.#at(record, place, label);
      parts[label] = this.records.values[at + code];
      parts[classes + label] = this.records.values[at + ALL] - parts[label];
    }
  }
}

/** The place of a code. */
export function placeOf(code: number): number {
  return code < PLACES ? code : PLACES - 1;
}

/**
 * P(normal ≤ z), to 1e-7: Abramowitz & Stegun, "Handbook of Mathematical Functions", formula 26.2.17. Portable arithmetic.
 */
export function normalBelow(z: number): number {
  const size = Math.abs(z);
  const t = 1 / (1 + 0.2316419 * size);
  const tail =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))) *
    0.3989422804014327 *
    exp(-0.5 * size * size);
  return z > 0 ? 1 - tail : tail;
}
