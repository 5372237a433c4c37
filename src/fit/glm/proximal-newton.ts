/**
 * Proximal Newton for narrow problems with an L1 penalty: each step minimises the quadratic model of the smooth
 * part plus the penalty by cyclic coordinate descent, then backtracks on the full objective.
 * Lee, Sun & Saunders, "Proximal Newton-type methods", SIAM J. Optim. 2014; the inner loop as Friedman, Hastie &
 * Tibshirani, "Regularization paths for generalized linear models via coordinate descent", JSS 2010.
 * Cost besides evaluations: O(sweeps × n²) a step.
 */
import type { StepMachine } from '../loop.ts';
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
import { penalise, pseudoGradient } from './owlqn.ts';

/** Value and gradient of the smooth part; the Hessian where the round read one, else the last one is kept. */
export interface MaybeCurved extends Evaluation {
  readonly hessian?: Float64Array;
}

export interface ProximalNewtonOptions extends StopRule {
  /** L1 strength of each parameter; 0 where it is free. */
  readonly strengths: Float64Array;
  /** Hessian (row-major) to start with, or to keep when rounds read none. */
  readonly hessian?: Float64Array;
}

const MAX_SWEEPS = 1000;

/** Minimises smooth(x) + Σ strengths_j·|x_j| from `start`. */
export function* proximalNewton(
  start: Float64Array,
  options: ProximalNewtonOptions,
): StepMachine<Float64Array, MaybeCurved, Optimum & { readonly hessian: Float64Array }> {
  const { strengths } = options;
  const history: FitStep[] = [];
  const first = yield start;
  let rounds = 1;
  let hessian = first.hessian ?? options.hessian ?? new Float64Array(0);
  let point = penalise({ parameters: start, value: first.value, gradient: first.gradient }, strengths);
  let pseudo = pseudoGradient(point, strengths);
  const end = (reason: StopReason) => ({
    ...finish(point, reason, rounds, history, maxNorm(pseudo)),
    hessian,
  });
  if (!Number.isFinite(point.value)) return end('not-finite');
  history.push({ objective: point.value, gradientNorm: maxNorm(pseudo) });
  while (maxNorm(pseudo) > options.tolerance) {
    const target = minimiseModel(point, hessian, strengths, options.tolerance);
    const direction = combine(target, -1, point.parameters);
    const promised = promisedFall(point, target, strengths);
    let next: Point | undefined;
    for (let step = 1; next === undefined; step *= 0.5) {
      if (rounds >= options.maxRounds) return end('max-rounds');
      if (step < 1e-9)
        return end(promised <= 1e-11 * Math.max(1, Math.abs(point.value)) ? 'precision' : 'line-search');
      const parameters = step === 1 ? target : combine(point.parameters, step, direction);
      rounds++;
      const evaluation = yield parameters;
      const candidate = penalise(
        { parameters, value: evaluation.value, gradient: evaluation.gradient },
        strengths,
      );
      if (candidate.value > point.value - 1e-4 * step * promised + noise(point)) continue;
      next = candidate;
      hessian = evaluation.hessian ?? hessian;
    }
    const fall = point.value - next.value;
    const before = maxNorm(pseudo);
    point = next;
    pseudo = pseudoGradient(point, strengths);
    history.push({ objective: point.value, gradientNorm: maxNorm(pseudo) });
    if (fall <= OBJECTIVE_NOISE * Math.max(1, Math.abs(point.value)) && maxNorm(pseudo) > 0.5 * before) {
      return end(maxNorm(pseudo) <= options.tolerance ? 'gradient' : 'objective');
    }
  }
  return end('gradient');
}

function noise(point: Point): number {
  return 1e-14 * Math.max(1, Math.abs(point.value));
}

/** Fall of the linear model plus penalty from the point to `target`; positive for a descent step. */
function promisedFall(point: Point, target: Float64Array, strengths: Float64Array): number {
  let penalty = 0;
  for (let j = 0; j < target.length; j++) {
    penalty += strengths[j] * (Math.abs(target[j]) - Math.abs(point.parameters[j]));
  }
  return -(dot(point.gradient, combine(target, -1, point.parameters)) + penalty);
}

/** Minimiser of g·(z − x) + ½ (z − x)ᵀH(z − x) + Σ strengths·|z| by cyclic coordinate descent. */
function minimiseModel(
  point: Point,
  hessian: Float64Array,
  strengths: Float64Array,
  tolerance: number,
): Float64Array {
  const n = point.parameters.length;
  const z = point.parameters.slice();
  const slope = point.gradient.slice();
  let mean = 0;
  for (let j = 0; j < n; j++) mean += hessian[j * n + j] / n;
  const lift = 1e-10 * (mean > 0 ? mean : 1);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let largest = 0;
    for (let j = 0; j < n; j++) {
      const curvature = hessian[j * n + j] + lift;
      const moved = shrink(z[j] - slope[j] / curvature, strengths[j] / curvature);
      const change = moved - z[j];
      if (change === 0) continue;
      z[j] = moved;
      const row = j * n;
      for (let i = 0; i < n; i++) slope[i] += change * hessian[row + i];
      largest = Math.max(largest, curvature * Math.abs(change));
    }
    if (largest <= 0.01 * tolerance) break;
  }
  return z;
}

/** Soft threshold: x moved towards zero by `by`. */
function shrink(x: number, by: number): number {
  if (x > by) return x - by;
  return x < -by ? x + by : 0;
}
