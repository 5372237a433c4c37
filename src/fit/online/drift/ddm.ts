/**
 * DDM: the rate of errors against the least it has been, in its own standard deviations.
 * Gama, Medas, Castillo & Rodrigues, "Learning with Drift Detection", SBIA 2004.
 *   s = √(p (1 − p) / n);  least p + s so far: p₀ + s₀;  warning where p + s > p₀ + 2 s₀, drift where > p₀ + 3 s₀
 * Finds what becomes worse only. The change is estimated to lie where the warnings began. O(1) a value.
 */
import { z } from 'zod';
import type { Arrays } from '../learner.ts';
import { fill } from '../state.ts';
import type { DriftDetector, DriftEvidence, DriftLevel } from './detector.ts';

export const ddmOptions = z.strictObject({
  name: z.literal('ddm'),
  /** Values before the first test. */
  least: z.int().min(1).default(30),
  /** Standard deviations above the least. */
  warning: z.number().positive().default(2),
  drift: z.number().positive().default(3),
});

/** Places in the state. */
const COUNT = 0;
const RATE = 1;
const LEAST_RATE = 2;
const LEAST_DEVIATION = 3;
/** Values and rate before the warnings that lead to this value began; 0 values: there are none. */
const WARNED = 4;
const RATE_THEN = 5;
const ENDED = 6;

export class Ddm implements DriftDetector {
  readonly #options: z.infer<typeof ddmOptions>;
  readonly #state = new Float64Array(7);

  constructor(options: z.infer<typeof ddmOptions>) {
    this.#options = options;
    this.reset();
  }

  add(value: number): DriftLevel {
    const state = this.#state;
    if (state[ENDED] === 1) this.reset();
    const rateBefore = state[RATE];
    state[COUNT] += 1;
    state[RATE] += (value - state[RATE]) / state[COUNT];
    if (state[COUNT] <= this.#options.least) return 'none';
    const deviation = this.#deviation();
    if (state[RATE] + deviation <= state[LEAST_RATE] + state[LEAST_DEVIATION]) {
      state[LEAST_RATE] = state[RATE];
      state[LEAST_DEVIATION] = deviation;
    }
    if (!this.#isAbove(this.#options.warning)) {
      state[WARNED] = 0;
      return this.#isAbove(this.#options.drift) ? this.#end() : 'none';
    }
    if (state[WARNED] === 0) {
      state[WARNED] = state[COUNT] - 1;
      state[RATE_THEN] = rateBefore;
    }
    return this.#isAbove(this.#options.drift) ? this.#end() : 'warning';
  }

  #end(): DriftLevel {
    this.#state[ENDED] = 1;
    return 'drift';
  }

  #deviation(): number {
    const rate = this.#state[RATE];
    return Math.sqrt(Math.max(0, rate * (1 - rate)) / this.#state[COUNT]);
  }

  #isAbove(deviations: number): boolean {
    return this.#state[RATE] + this.#deviation() > this.#bound(deviations);
  }

  #bound(deviations: number): number {
    return this.#state[LEAST_RATE] + deviations * this.#state[LEAST_DEVIATION];
  }

  evidence(): DriftEvidence {
    const state = this.#state;
    const since = state[COUNT] - state[WARNED];
    const total = state[RATE] * state[COUNT] - state[RATE_THEN] * state[WARNED];
    return {
      statistic: state[RATE] + this.#deviation(),
      threshold: this.#bound(this.#options.drift),
      before: state[LEAST_RATE],
      after: total / since,
      delay: since,
    };
  }

  reset(): void {
    this.#state.fill(0);
    this.#state[LEAST_RATE] = Number.POSITIVE_INFINITY;
  }

  save(): Arrays {
    return { state: this.#state };
  }

  restore(arrays: Arrays): void {
    fill(this.#state, arrays, 'state');
  }
}
