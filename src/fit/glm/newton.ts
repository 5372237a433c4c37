/**
 * Damped Newton for narrow problems: every round reads value, gradient and the full Hessian.
 * The step solves (H + ridge) d = −g by Cholesky and is halved until the objective falls enough
 * (Nocedal & Wright, algorithm 3.2). A dozen rounds settle any smooth generalised linear model.
 */
import type { StepMachine } from '../loop.ts';
import { type Cholesky, cholesky, solveCholesky } from './cholesky.ts';
import { finish } from './lbfgs.ts';
import {
  combine,
  dot,
  type Evaluation,
  type FitStep,
  maxNorm,
  OBJECTIVE_NOISE,
  type Optimum,
  type Point,
  type StopReason,
  type StopRule,
} from './objective.ts';

/** An evaluation with the Hessian: row-major, parameters × parameters. */
export interface CurvedEvaluation extends Evaluation {
  readonly hessian: Float64Array;
}

export interface NewtonOptions extends StopRule {
  /** Added to the Hessian's diagonal, relative to its mean. */
  readonly ridge?: number;
}

/** Minimises from `start`. */
export function* newton(
  start: Float64Array,
  options: NewtonOptions,
): StepMachine<Float64Array, CurvedEvaluation, Optimum> {
  const first = yield start;
  const history: FitStep[] = [];
  let rounds = 1;
  let point: Point = { parameters: start, value: first.value, gradient: first.gradient };
  const end = (reason: StopReason): Optimum => finish(point, reason, rounds, history);
  if (!Number.isFinite(point.value)) return end('not-finite');
  let factor = cholesky(first.hessian, start.length, options.ridge);
  history.push({ objective: point.value, gradientNorm: maxNorm(point.gradient) });
  while (maxNorm(point.gradient) > options.tolerance) {
    const direction = newtonDirection(factor, point.gradient);
    const slope = dot(point.gradient, direction);
    let accepted: { point: Point; hessian: Float64Array } | undefined;
    for (let step = 1; accepted === undefined; step *= 0.5) {
      if (rounds >= options.maxRounds) return end('max-rounds');
      const parameters = combine(point.parameters, step, direction);
      rounds++;
      const { value, gradient, hessian } = yield parameters;
      if (value <= point.value + 1e-4 * step * slope || isLevel(point, value, gradient)) {
        accepted = { point: { parameters, value, gradient }, hessian };
      } else if (step < 1e-9) {
        return end(-slope <= 1e-11 * Math.max(1, Math.abs(point.value)) ? 'precision' : 'line-search');
      }
    }
    const fall = point.value - accepted.point.value;
    point = accepted.point;
    factor = cholesky(accepted.hessian, start.length, options.ridge);
    history.push({ objective: point.value, gradientNorm: maxNorm(point.gradient) });
    if (fall <= OBJECTIVE_NOISE * Math.max(1, Math.abs(point.value))) {
      return end(maxNorm(point.gradient) <= options.tolerance ? 'gradient' : 'objective');
    }
  }
  return end('gradient');
}

/** −H⁻¹·gradient. */
function newtonDirection(factor: Cholesky, gradient: Float64Array): Float64Array {
  const direction = new Float64Array(gradient.length);
  for (let j = 0; j < direction.length; j++) direction[j] = -gradient[j];
  solveCholesky(factor, direction);
  return direction;
}

/** At the noise floor of the objective a smaller gradient is progress enough. */
function isLevel(point: Point, value: number, gradient: Float64Array): boolean {
  const noise = 1e-13 * Math.max(1, Math.abs(point.value));
  return Math.abs(value - point.value) <= noise && maxNorm(gradient) < maxNorm(point.gradient);
}
