/**
 * Online bagging: a row counts for each member as often as a Poisson number says (Oza & Russell, AISTATS 2001).
 * The number is a function of (seed, member, row), by inversion of the distribution function.
 */
import { exp } from '../../../kernel/elementary.ts';
import { randomUniform } from '../../../random.ts';

/** Purpose of these numbers among others of the same seed. */
const RESAMPLE = 0x0b45;

/** Poisson numbers of mean `rate`. */
export class Resampler {
  /** P(number ≤ k). */
  readonly #below: Float64Array;
  readonly #seed: number;

  constructor(rate: number, seed: number) {
    const places = Math.ceil(rate + 12 * Math.sqrt(rate) + 12);
    this.#seed = seed;
    this.#below = new Float64Array(places);
    let share = exp(-rate);
    let total = 0;
    for (let k = 0; k < places; k++) {
      total += share;
      this.#below[k] = total;
      share *= rate / (k + 1);
    }
  }

  /** How often row number `row` counts for a member. */
  times(member: number, row: number): number {
    const u = randomUniform(this.#seed, RESAMPLE + member, row);
    let k = 0;
    while (k < this.#below.length - 1 && u >= this.#below[k]) k++;
    return k;
  }
}
