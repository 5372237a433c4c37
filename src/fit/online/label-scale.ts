/**
 * Where margins of factorization machines start and what a unit of them is, from the labels as they come. Numbers are
 * learned in running standard deviations from their running mean, so that steps mean the same for prices and for ratings;
 * other losses start from the margin of the running mean (shares of classes), half a row of each kind added.
 */
import type { Loss } from '../../loss/loss.ts';
import type { Arrays } from './learner.ts';
import { fill } from './state.ts';

/** Losses whose margin is the number itself. */
const NUMBERS: readonly string[] = ['squared', 'huber', 'quantile'];

export class LabelScale {
  /** Margins of a row of which nothing is known, by output. */
  readonly centres: Float64Array;
  /** Margin that a learner's unit stands for. */
  scale = 1;
  readonly #loss: Loss;
  readonly #isNumber: boolean;
  /** Σ weight, then the mean and Σ w (y − mean)² of numbers, or Σ w y, or the weight of each class. */
  readonly #sums: Float64Array;

  constructor(loss: Loss, outputs: number) {
    this.#loss = loss;
    this.#isNumber = NUMBERS.includes(loss.name);
    this.#sums = new Float64Array(1 + Math.max(2, outputs));
    this.centres = new Float64Array(outputs);
    this.#update();
  }

  /** Counts the label of a row. */
  learn(label: number, weight: number): void {
    const sums = this.#sums;
    sums[0] += weight;
    if (this.#isNumber) {
      const off = label - sums[1];
      sums[1] += (weight * off) / sums[0];
      sums[2] += weight * off * (label - sums[1]);
    } else if (this.#loss.perClass) sums[1 + label] += weight;
    else sums[1] += weight * label;
    this.#update();
  }

  /** A derivative by the margin as one by the learner's own number, both in the learner's unit. */
  slope(byMargin: number): number {
    return this.#loss.name === 'quantile' ? byMargin : byMargin / this.scale;
  }

  #update(): void {
    const [weight, first, second] = this.#sums;
    const { centres } = this;
    if (this.#isNumber) {
      centres[0] = first;
      this.scale = second > 0 ? Math.sqrt(second / weight) : 1;
      return;
    }
    for (let k = 0; k < centres.length; k++) {
      centres[k] = (this.#sums[1 + k] + 0.5) / (weight + 0.5 * Math.max(2, centres.length));
    }
    this.#loss.toMargins(centres, centres.length);
  }

  save(): Arrays {
    return { labels: this.#sums };
  }

  /** The same with a class more that has not come. */
  grown(): Arrays {
    const [weight, first] = this.#sums;
    return {
      labels: Float64Array.of(...(this.#loss.perClass ? this.#sums : [weight, weight - first, first]), 0),
    };
  }

  restore(arrays: Arrays): void {
    fill(this.#sums, arrays, 'labels');
    this.#update();
  }
}
