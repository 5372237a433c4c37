/**
 * HDDM-A: the mean of all values against the mean up to a cut point, by Hoeffding's bound for averages.
 * Frías-Blanco et al., "Online and Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds", IEEE TKDE 27, 2015.
 *   cut: the prefix of least mean + √(ln(1 / δ) / 2 n);  drift where mean − mean of cut ≥ √(m / 2 · ln(2 / δ)),
 *   m = (n − n_cut) / (n n_cut). False alarms: at most δ a test for values from 0 to 1, whatever their distribution. O(1).
 */
import { z } from 'zod';
import { log } from '../../../kernel/elementary.ts';
import type { Arrays } from '../learner.ts';
import { fill } from '../state.ts';
import type { DriftDetector, DriftEvidence, DriftLevel } from './detector.ts';

export const hddmOptions = z.strictObject({
  name: z.literal('hddm-a'),
  /** δ of a drift, and of a warning. */
  drift: z.number().gt(0).lt(1).default(0.001),
  warning: z.number().gt(0).lt(1).default(0.005),
  /** Whether falls of the mean are found too. */
  twoSided: z.boolean().default(false),
});

/** Places in the state: values and mean of all, of the cut for rises, of the cut for falls. */
const ALL = 0;
const RISE = 2;
const FALL = 4;
const ENDED = 6;
const MEAN = 1;

export class Hddm implements DriftDetector {
  readonly #options: z.infer<typeof hddmOptions>;
  readonly #state = new Float64Array(7);
  /** ln(1 / δ) of the drift, and ln(2 / δ) of both. */
  readonly #cutLog: number;
  readonly #driftLog: number;
  readonly #warningLog: number;

  constructor(options: z.infer<typeof hddmOptions>) {
    this.#options = options;
    this.#cutLog = log(1 / options.drift);
    this.#driftLog = log(2 / options.drift);
    this.#warningLog = log(2 / options.warning);
  }

  add(value: number): DriftLevel {
    const state = this.#state;
    if (state[ENDED] === 1) this.reset();
    state[ALL] += 1;
    state[ALL + MEAN] += (value - state[ALL + MEAN]) / state[ALL];
    const bound = this.#cutBound(ALL);
    for (const cut of [RISE, FALL]) {
      const sign = cut === RISE ? 1 : -1;
      const isNew = state[cut] === 0;
      if (isNew || sign * state[cut + MEAN] + this.#cutBound(cut) >= sign * state[ALL + MEAN] + bound) {
        state[cut] = state[ALL];
        state[cut + MEAN] = state[ALL + MEAN];
      }
    }
    if (this.#isBeyond(this.#driftLog)) {
      state[ENDED] = 1;
      return 'drift';
    }
    return this.#isBeyond(this.#warningLog) ? 'warning' : 'none';
  }

  #cutBound(of: number): number {
    return Math.sqrt((1 / (2 * this.#state[of])) * this.#cutLog);
  }

  #isBeyond(log: number): boolean {
    return this.#excess(RISE, log) >= 0 || (this.#options.twoSided && this.#excess(FALL, log) >= 0);
  }

  /** How far the distance of the means lies above the bound; below 0 where there is nothing after the cut. */
  #excess(cut: number, log: number): number {
    if (this.#state[cut] === this.#state[ALL]) return -1;
    return this.#distance(cut) - this.#bound(cut, log);
  }

  #distance(cut: number): number {
    const distance = this.#state[ALL + MEAN] - this.#state[cut + MEAN];
    return cut === RISE ? distance : -distance;
  }

  #bound(cut: number, log: number): number {
    const all = this.#state[ALL];
    const before = this.#state[cut];
    return Math.sqrt(((((all - before) / before) * (1 / all)) / 2) * log);
  }

  evidence(): DriftEvidence {
    const state = this.#state;
    const { twoSided } = this.#options;
    const falls = twoSided && this.#excess(FALL, this.#driftLog) > this.#excess(RISE, this.#driftLog);
    const cut = falls ? FALL : RISE;
    const since = Math.max(1, state[ALL] - state[cut]);
    return {
      statistic: this.#distance(cut),
      threshold: this.#bound(cut, this.#driftLog),
      before: state[cut + MEAN],
      after: (state[ALL + MEAN] * state[ALL] - state[cut + MEAN] * state[cut]) / since,
      delay: since,
    };
  }

  reset(): void {
    this.#state.fill(0);
  }

  save(): Arrays {
    return { state: this.#state };
  }

  restore(arrays: Arrays): void {
    fill(this.#state, arrays, 'state');
  }
}
