/**
 * Numbers as shares of their range so far: 0 at the least value, 1 at the greatest, beyond them where a row that is only
 * predicted lies outside. Codes of categories stay as they are.
 */
import type { Arrays } from './learner.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export class RangeScaler {
  readonly #nominal: readonly boolean[];
  readonly #least: Float64Array;
  readonly #greatest: Float64Array;

  /** Whether each position holds codes of categories. */
  constructor(nominal: readonly boolean[]) {
    this.#nominal = nominal;
    this.#least = new Float64Array(nominal.length).fill(Number.POSITIVE_INFINITY);
    this.#greatest = new Float64Array(nominal.length).fill(Number.NEGATIVE_INFINITY);
  }

  /** Widens the ranges to a row; missing values (NaN) do not. */
  learn({ values }: Row): void {
    for (let at = 0; at < this.#least.length; at++) {
      if (values[at] < this.#least[at]) this.#least[at] = values[at];
      if (values[at] > this.#greatest[at]) this.#greatest[at] = values[at];
    }
  }

  /** A row's values as shares into `out`; 0 where all were the same, NaN where one is missing. */
  scale({ values }: Row, out: Float64Array): void {
    for (let at = 0; at < this.#least.length; at++) {
      const [least, greatest] = [this.#least[at], this.#greatest[at]];
      if (this.#nominal[at]) out[at] = values[at];
      else if (greatest > least) out[at] = (values[at] - least) / (greatest - least);
      else out[at] = Math.sign(values[at] - least);
    }
  }

  save(): Arrays {
    return { least: this.#least, greatest: this.#greatest };
  }

  restore(arrays: Arrays): void {
    fill(this.#least, arrays, 'least');
    fill(this.#greatest, arrays, 'greatest');
  }
}
