/**
 * OWL-QN: L-BFGS for a smooth function plus l1·Σ strength_j·|x_j|, which sets weak parameters to exactly zero.
 * Andrew & Gao, "Scalable training of L1-regularized log-linear models", ICML 2007: directions from the smooth
 * part's curvature, steps kept inside the orthant that the pseudo-gradient chooses, backtracking on the full
 * objective. Every point yielded is evaluated on the smooth part only. O(memory × parameters) a round.
 */
import { CurvaturePairs, finish, type Preconditioner } from './lbfgs.ts';
import {
  combine,
  dot,
  type FitStep,
  isStalled,
  maxNorm,
  OBJECTIVE_NOISE,
  type Optimiser,
  type Optimum,
  type Point,
  type StopReason,
  type StopRule,
} from './objective.ts';

export interface OwlqnOptions extends StopRule {
  /** L1 strength of each parameter; 0 where it is free (intercepts). */
  readonly strengths: Float64Array;
  readonly memory?: number;
  /** Diagonal inverse Hessian: a full one would leave the orthant. */
  readonly precondition?: Preconditioner;
  /** As for L-BFGS. */
  readonly rescale?: boolean;
}

/** Minimises smooth(x) + Σ strengths_j·|x_j| from `start`; the point's value is the full objective. */
export function* owlqn(start: Float64Array, options: OwlqnOptions): Optimiser {
  const { strengths } = options;
  const pairs = new CurvaturePairs(options);
  const history: FitStep[] = [];
  let rounds = 1;
  let point = penalise({ parameters: start, ...(yield start) }, strengths);
  let pseudo = pseudoGradient(point, strengths);
  history.push({ objective: point.value, gradientNorm: maxNorm(pseudo) });
  const end = (reason: StopReason): Optimum => finish(point, reason, rounds, history, maxNorm(pseudo));
  if (!Number.isFinite(point.value)) return end('not-finite');
  while (maxNorm(pseudo) > options.tolerance) {
    const direction = align(pairs.direction(pseudo), pseudo);
    const orthant = orthantOf(point.parameters, pseudo, strengths);
    let step = pairs.firstStep(direction);
    let next: Point | undefined;
    for (let probe = 0; probe < 30 && next === undefined; probe++, step *= 0.5) {
      if (rounds >= options.maxRounds) return end('max-rounds');
      const parameters = project(combine(point.parameters, step, direction), orthant);
      rounds++;
      const candidate = penalise({ parameters, ...(yield parameters) }, strengths);
      const promised = dot(pseudo, combine(parameters, -1, point.parameters));
      if (candidate.value <= point.value + 1e-4 * promised) next = candidate;
      else if (-promised <= OBJECTIVE_NOISE * Math.max(1, Math.abs(point.value))) break;
    }
    if (next === undefined) {
      if (pairs.isEmpty()) return end(isNoise(point, pseudo, direction) ? 'precision' : 'line-search');
      pairs.clear();
      continue;
    }
    const fall = point.value - next.value;
    pairs.add(point, next);
    point = next;
    pseudo = pseudoGradient(point, strengths);
    history.push({ objective: point.value, gradientNorm: maxNorm(pseudo) });
    if (fall <= OBJECTIVE_NOISE * Math.max(1, Math.abs(point.value)) || isStalled(history, options)) {
      return end(maxNorm(pseudo) <= options.tolerance ? 'gradient' : 'objective');
    }
  }
  return end('gradient');
}

function isNoise(point: Point, pseudo: Float64Array, direction: Float64Array): boolean {
  return -dot(pseudo, direction) <= 1e-11 * Math.max(1, Math.abs(point.value));
}

/** The point with its L1 penalty in the value; the gradient stays that of the smooth part. */
export function penalise(point: Point, strengths: Float64Array): Point {
  let penalty = 0;
  for (let j = 0; j < strengths.length; j++) penalty += strengths[j] * Math.abs(point.parameters[j]);
  return { ...point, value: point.value + penalty };
}

/** The subgradient of least size: 0 where neither direction lowers the objective. */
export function pseudoGradient(point: Point, strengths: Float64Array): Float64Array {
  const out = new Float64Array(strengths.length);
  for (let j = 0; j < out.length; j++) {
    const g = point.gradient[j];
    const c = strengths[j];
    const x = point.parameters[j];
    if (x > 0) out[j] = g + c;
    else if (x < 0) out[j] = g - c;
    else if (g + c < 0) out[j] = g + c;
    else if (g - c > 0) out[j] = g - c;
  }
  return out;
}

/** Zeroes the components of a direction that climb; falls back to steepest descent if none is left. */
function align(direction: Float64Array, pseudo: Float64Array): Float64Array {
  let left = 0;
  for (let j = 0; j < direction.length; j++) {
    if (direction[j] * pseudo[j] >= 0) direction[j] = 0;
    else left++;
  }
  if (left === 0) for (let j = 0; j < direction.length; j++) direction[j] = -pseudo[j];
  return direction;
}

/** The sign each parameter may have during this step; NaN where it is free. */
function orthantOf(parameters: Float64Array, pseudo: Float64Array, strengths: Float64Array): Float64Array {
  const out = new Float64Array(parameters.length);
  for (let j = 0; j < out.length; j++) {
    if (strengths[j] === 0) out[j] = Number.NaN;
    else out[j] = parameters[j] !== 0 ? Math.sign(parameters[j]) : -Math.sign(pseudo[j]);
  }
  return out;
}

function project(parameters: Float64Array, orthant: Float64Array): Float64Array {
  for (let j = 0; j < parameters.length; j++) {
    if (parameters[j] * orthant[j] <= 0) parameters[j] = 0;
  }
  return parameters;
}
