/**
 * Page-Hinkley: a cumulated sum of distances from the running mean, against its own extreme.
 * Page, "Continuous Inspection Schemes", Biometrika 41, 1954; Hinkley, Biometrika 58, 1971; with forgetting as in River.
 *   u ← α u + (x − mean) − δ,  l ← α l + (x − mean) + δ;  drift where u − min u > λ (up) or max l − l > λ (down)
 * The change is estimated to lie at the extreme. Delay: about λ / (shift − δ). O(1) a value.
 */
import { z } from 'zod';
import type { Arrays } from '../learner.ts';
import { fill } from '../state.ts';
import type { DriftDetector, DriftEvidence, DriftLevel } from './detector.ts';

export const pageHinkleyOptions = z.strictObject({
  name: z.literal('page-hinkley'),
  /** Values before the first test. */
  least: z.int().min(1).default(30),
  /** Changes of the mean up to this are let pass. */
  delta: z.number().nonnegative().default(0.005),
  threshold: z.number().positive().default(50),
  /** A warning from this on; default: half the threshold. */
  warning: z.number().positive().optional(),
  /** Share of the sum that a value leaves of it. */
  alpha: z
    .number()
    .gt(0)
    .max(1)
    .default(1 - 0.0001),
  mode: z.enum(['up', 'down', 'both']).default('both'),
});

type Options = z.infer<typeof pageHinkleyOptions>;

/** Places in the state. */
const COUNT = 0;
const MEAN = 1;
const TOTAL = 2;
/** Of each direction: sum, its extreme, and values and their total when that was reached. */
const UP = 3;
const DOWN = 7;
const EXTREME = 1;
const COUNT_THEN = 2;
const TOTAL_THEN = 3;
/** Whether the last value was a drift. */
const ENDED = 11;

export class PageHinkley implements DriftDetector {
  readonly #options: Options;
  readonly #state = new Float64Array(12);

  constructor(options: Options) {
    this.#options = options;
    this.reset();
  }

  add(value: number): DriftLevel {
    const state = this.#state;
    const { alpha, delta, least } = this.#options;
    if (state[ENDED] === 1) this.reset();
    state[COUNT] += 1;
    state[TOTAL] += value;
    state[MEAN] += (value - state[MEAN]) / state[COUNT];
    const distance = value - state[MEAN];
    state[UP] = alpha * state[UP] + distance - delta;
    state[DOWN] = alpha * state[DOWN] + distance + delta;
    if (state[UP] < state[UP + EXTREME]) this.#mark(UP);
    if (state[DOWN] > state[DOWN + EXTREME]) this.#mark(DOWN);
    return state[COUNT] < least ? 'none' : this.#level();
  }

  #mark(direction: number): void {
    const state = this.#state;
    state[direction + EXTREME] = state[direction];
    state[direction + COUNT_THEN] = state[COUNT];
    state[direction + TOTAL_THEN] = state[TOTAL];
  }

  #level(): DriftLevel {
    const { threshold, warning = threshold / 2 } = this.#options;
    const statistic = this.#statistic(this.#direction());
    if (statistic > threshold) this.#state[ENDED] = 1;
    return statistic > threshold ? 'drift' : statistic > warning ? 'warning' : 'none';
  }

  #statistic(direction: number): number {
    const distance = this.#state[direction] - this.#state[direction + EXTREME];
    return direction === UP ? distance : -distance;
  }

  /** The direction that is looked at, or the one that speaks more. */
  #direction(): number {
    const { mode } = this.#options;
    if (mode !== 'both') return mode === 'up' ? UP : DOWN;
    return this.#statistic(UP) >= this.#statistic(DOWN) ? UP : DOWN;
  }

  evidence(): DriftEvidence {
    const state = this.#state;
    const direction = this.#direction();
    const before = state[direction + COUNT_THEN];
    const since = state[COUNT] - before;
    return {
      statistic: this.#statistic(direction),
      threshold: this.#options.threshold,
      before: state[direction + TOTAL_THEN] / before,
      after: since > 0 ? (state[TOTAL] - state[direction + TOTAL_THEN]) / since : state[MEAN],
      delay: Math.max(1, since),
    };
  }

  reset(): void {
    this.#state.fill(0);
    this.#state[UP + EXTREME] = Number.POSITIVE_INFINITY;
    this.#state[DOWN + EXTREME] = Number.NEGATIVE_INFINITY;
  }

  save(): Arrays {
    return { state: this.#state };
  }

  restore(arrays: Arrays): void {
    fill(this.#state, arrays, 'state');
  }
}
