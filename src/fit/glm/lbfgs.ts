/**
 * L-BFGS: limited-memory quasi-Newton minimisation of a smooth function, one evaluation a round.
 * Two-loop recursion (Nocedal & Wright, algorithm 7.4) with an optional fixed initial inverse Hessian, which for
 * generalised linear models comes from the curvature of some rows (Byrd, Chin, Neveitt & Nocedal 2011).
 * Cost: O(memory × parameters) a round besides the evaluation.
 */
import type { StepMachine } from '../loop.ts';
import { strongWolfe } from './line-search.ts';
import {
  combine,
  dot,
  type Evaluation,
  type FitStep,
  isStalled,
  maxNorm,
  OBJECTIVE_NOISE,
  type Optimum,
  type Point,
  type StopReason,
  type StopRule,
} from './objective.ts';

/** Multiplies a vector by an approximate inverse Hessian, in place; symmetric positive definite. */
export type Preconditioner = (vector: Float64Array) => void;

export interface LbfgsOptions extends StopRule {
  /** Pairs kept; by default 40, or as many as {@link PAIR_BYTES} hold, but at least 10. */
  readonly memory?: number;
  readonly precondition?: Preconditioner;
  /**
   * Whether the initial inverse Hessian takes its length from the last pair (Nocedal & Wright, equation 7.20): right
   * for a rough preconditioner and for none, wrong for one that is nearly exact. Default: when there is none.
   */
  readonly rescale?: boolean;
}

/** What else an optimiser may ask for before it steps along a direction; its machine returns the step to take. */
export interface Improved<Ask, Tell> {
  readonly improve?: (point: Point, direction: Float64Array) => StepMachine<Ask, Tell, Float64Array>;
}

/**
 * Pairs cost memory and next to no time, and where classes overlap little they save passes: to the same objective, 40
 * pairs take two thirds of the passes that 10 do on the KDD cup of 1999 (23 classes).
 */
const MOST_PAIRS = 40;
const LEAST_PAIRS = 10;
/** Room for pairs of many parameters. */
const PAIR_BYTES = 2 ** 24;

/** Pairs to keep of so many parameters. */
function pairsOf(parameters: number): number {
  const fitting = Math.floor(PAIR_BYTES / (16 * Math.max(1, parameters)));
  return Math.max(LEAST_PAIRS, Math.min(MOST_PAIRS, fitting));
}

/** Minimises from `start`. */
export function* lbfgs<Ask = never, Tell = Evaluation>(
  start: Float64Array,
  options: LbfgsOptions & Improved<Ask, Evaluation | Tell>,
): StepMachine<Float64Array | Ask, Evaluation, Optimum> {
  const pairs = new CurvaturePairs(options);
  const history: FitStep[] = [];
  let rounds = 1;
  let point: Point = { parameters: start, ...(yield start) };
  history.push(stepOf(point));
  const end = (reason: StopReason): Optimum => finish(point, reason, rounds, history);
  if (!Number.isFinite(point.value)) return end('not-finite');
  while (maxNorm(point.gradient) > options.tolerance) {
    if (rounds >= options.maxRounds) return end('max-rounds');
    const plain = pairs.direction(point.gradient);
    const direction = options.improve === undefined ? plain : yield* options.improve(point, plain);
    const search = yield* strongWolfe(
      point,
      direction,
      pairs.firstStep(direction),
      options.maxRounds - rounds,
    );
    rounds += search.probes;
    if (search.point === undefined) {
      if (isNoise(point, direction)) return end('precision');
      if (pairs.isEmpty()) return end(rounds >= options.maxRounds ? 'max-rounds' : 'line-search');
      pairs.clear();
      continue;
    }
    const fall = point.value - search.point.value;
    pairs.add(point, search.point);
    point = search.point;
    history.push(stepOf(point));
    if (fall <= OBJECTIVE_NOISE * Math.max(1, Math.abs(point.value)) || isStalled(history, options)) {
      return end(maxNorm(point.gradient) <= options.tolerance ? 'gradient' : 'objective');
    }
  }
  return end('gradient');
}

function stepOf(point: Point): FitStep {
  return { objective: point.value, gradientNorm: maxNorm(point.gradient) };
}

/** Whether the fall that the direction promises is below the rounding of the objective. */
function isNoise(point: Point, direction: Float64Array): boolean {
  return -dot(point.gradient, direction) <= 1e-11 * Math.max(1, Math.abs(point.value));
}

/** The result of a stop; the first three reasons count as converged. */
export function finish(
  point: Point,
  reason: StopReason,
  rounds: number,
  history: readonly FitStep[],
  gradientNorm = maxNorm(point.gradient),
): Optimum {
  const converged = reason === 'gradient' || reason === 'objective' || reason === 'precision';
  return { point, converged, reason, rounds, gradientNorm, history };
}

/** The last pairs of (change of parameters, change of gradient), oldest first, and the direction they imply. */
export class CurvaturePairs {
  readonly #memory: number | undefined;
  readonly #precondition: Preconditioner | undefined;
  readonly #rescale: boolean;
  /** Length of the initial inverse Hessian. */
  #scale = 1;
  readonly #pairs: { s: Float64Array; y: Float64Array; inverse: number }[] = [];

  constructor({ memory, precondition, rescale }: Omit<LbfgsOptions, keyof StopRule>) {
    this.#memory = memory;
    this.#precondition = precondition;
    this.#rescale = rescale ?? precondition === undefined;
  }

  isEmpty(): boolean {
    return this.#pairs.length === 0;
  }

  clear(): void {
    this.#pairs.length = 0;
    this.#scale = 1;
  }

  /** Keeps the pair unless its curvature is not safely positive. */
  add(from: Point, to: Point): void {
    const s = combine(to.parameters, -1, from.parameters);
    const y = combine(to.gradient, -1, from.gradient);
    const curvature = dot(s, y);
    if (!(curvature > 1e-12 * Math.sqrt(dot(s, s) * dot(y, y)))) return;
    const most = this.#memory ?? pairsOf(s.length);
    if (this.#pairs.length >= most) this.#pairs.shift();
    this.#pairs.push({ s, y, inverse: 1 / curvature });
    if (!this.#rescale) return;
    const scaled = y.slice();
    this.#precondition?.(scaled);
    this.#scale = curvature / dot(y, scaled);
  }

  /** −H·gradient by the two-loop recursion. */
  direction(gradient: Float64Array): Float64Array {
    const q = gradient.slice();
    const alphas: number[] = [];
    for (let i = this.#pairs.length - 1; i >= 0; i--) {
      const { s, y, inverse } = this.#pairs[i];
      alphas[i] = inverse * dot(s, q);
      for (let j = 0; j < q.length; j++) q[j] -= alphas[i] * y[j];
    }
    this.#initial(q);
    for (let i = 0; i < this.#pairs.length; i++) {
      const { s, y, inverse } = this.#pairs[i];
      const correction = alphas[i] - inverse * dot(y, q);
      for (let j = 0; j < q.length; j++) q[j] += correction * s[j];
    }
    for (let j = 0; j < q.length; j++) q[j] = -q[j];
    return q;
  }

  /** 1 when the length is known from curvature; before that, no parameter moves by more than 1. */
  firstStep(direction: Float64Array): number {
    if (this.#precondition !== undefined || this.#pairs.length > 0) return 1;
    return Math.min(1, 1 / maxNorm(direction));
  }

  #initial(q: Float64Array): void {
    this.#precondition?.(q);
    for (let j = 0; j < q.length; j++) q[j] *= this.#scale;
  }
}
