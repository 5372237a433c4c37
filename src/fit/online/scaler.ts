/**
 * Numbers to mean 0 and variance 1 as they come: running mean and population variance of each position by Welford's
 * recurrence (Technometrics 4, 1962). A row is counted before it is scaled for learning, never for predicting.
 */
import type { Arrays } from './learner.ts';
import { fill } from './state.ts';

export class OnlineScaler {
  readonly #counts: Float64Array;
  readonly #means: Float64Array;
  readonly #variances: Float64Array;

  constructor(width: number) {
    this.#counts = new Float64Array(width);
    this.#means = new Float64Array(width);
    this.#variances = new Float64Array(width);
  }

  /** Counts a value of position `at`. */
  learn(at: number, x: number): void {
    this.#counts[at] += 1;
    const count = this.#counts[at];
    const before = x - this.#means[at];
    this.#means[at] += before / count;
    this.#variances[at] += (before * (x - this.#means[at]) - this.#variances[at]) / count;
  }

  /** The value in standard deviations from the mean; 0 while all values were the same. */
  scale(at: number, x: number): number {
    const variance = this.#variances[at];
    return variance > 0 ? (x - this.#means[at]) / Math.sqrt(variance) : 0;
  }

  /** Population variance of what was counted; 0 before. */
  variance(at: number): number {
    return this.#variances[at];
  }

  /** Counts for the share `keep`: mean and variance stay, and move faster. */
  forget(keep: number): void {
    for (let at = 0; at < this.#counts.length; at++) this.#counts[at] *= keep;
  }

  save(): Arrays {
    return { counts: this.#counts, means: this.#means, variances: this.#variances };
  }

  restore(arrays: Arrays): void {
    fill(this.#counts, arrays, 'counts');
    fill(this.#means, arrays, 'means');
    fill(this.#variances, arrays, 'variances');
  }
}
