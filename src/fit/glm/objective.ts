/**
 * What the optimisers of generalised linear models speak of: points, evaluations, and why they stopped.
 * Vectors are Float64Array of one length; nothing here knows of data. Plain arithmetic and square roots only.
 */
import type { StepMachine } from '../loop.ts';

/** Value and gradient of the objective at the parameters that were asked for. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Float64Array;
}

/** A place that has been evaluated. */
export interface Point extends Evaluation {
  readonly parameters: Float64Array;
}

/**
 * Why an optimiser stopped. The first three mean converged:
 * `gradient` is small, `objective` no longer falls, `precision` of numbers is exhausted;
 * `max-rounds` were spent; `line-search` found no lower point; `not-finite`: the start has no finite objective.
 */
export type StopReason = 'gradient' | 'objective' | 'precision' | 'max-rounds' | 'line-search' | 'not-finite';

/** One accepted iterate. */
export interface FitStep {
  readonly objective: number;
  /** Largest absolute component of the (pseudo-)gradient. */
  readonly gradientNorm: number;
}

/** Where an optimiser ended. `rounds` counts evaluations of the objective: passes over the data. */
export interface Optimum {
  readonly point: Point;
  readonly converged: boolean;
  readonly reason: StopReason;
  readonly rounds: number;
  readonly gradientNorm: number;
  readonly history: readonly FitStep[];
}

/** An optimiser: asks for the objective at parameters, is told value and gradient. */
export type Optimiser = StepMachine<Float64Array, Evaluation, Optimum>;

/** When to stop. */
export interface StopRule {
  /** Converged when the largest absolute component of the gradient is at most this. */
  readonly tolerance: number;
  /** At most this many evaluations. */
  readonly maxRounds: number;
  /** Converged when the objective fell by less than this over the last {@link STALL_STEPS} steps; default 0. */
  readonly leastFall?: number;
}

/** Steps over which progress is judged. */
export const STALL_STEPS = 10;

/** Whether the last steps, taken together, were not worth their rounds. */
export function isStalled(history: readonly FitStep[], { leastFall = 0 }: StopRule): boolean {
  if (history.length <= STALL_STEPS) return false;
  const before = history[history.length - 1 - STALL_STEPS].objective;
  return before - history[history.length - 1].objective < leastFall;
}

/** A relative fall of the objective below this is noise of summation. */
export const OBJECTIVE_NOISE = 1e-14;

/** Σ a_i b_i. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** y + a·x as a new vector. */
export function combine(y: Float64Array, a: number, x: Float64Array): Float64Array {
  const out = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) out[i] = y[i] + a * x[i];
  return out;
}

/** Largest absolute component; NaN if any is. */
export function maxNorm(x: Float64Array): number {
  let max = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]);
    if (!(size <= max)) max = size;
  }
  return max;
}
