/**
 * A fit that goes on from new rows: minimises the quadratic that is kept of the rows before plus the loss of the new
 * ones, each evaluation a pass over the new rows only; then, if asked, full passes over all rows from there, with the
 * curvature that is known. Penalties are those of the whole.
 */
import type { LossName, LossSpec } from '../../loss/registry.ts';
import type { Reference } from '../../run/reference.ts';
import type { Session } from '../../run/session.ts';
import { type LabelTotals, labelsReference } from '../labels.ts';
import { fitLoop } from '../loop.ts';
import { leastCurvature } from './bands.ts';
import { lbfgs, type Preconditioner } from './lbfgs.ts';
import { type Evaluation, type Optimiser, type Optimum } from './objective.ts';
import { owlqn } from './owlqn.ts';
import { joinPasts, observePast, type Past, pastAt } from './past.ts';
import { fullObjective, isCoefficient, l1Strengths, type Problem } from './problem.ts';
import { proximalNewton } from './proximal-newton.ts';
import { blockSteps, wholeStep } from './warm-start.ts';

/** What to go on from, and how. */
export interface UpdateGlmOptions {
  readonly loss: LossName | LossSpec;
  readonly outputs: number;
  readonly features: number;
  /** Reference of a view kind of learner views, class weights included. */
  readonly view: Reference;
  readonly l1: number;
  /** Strength of the L2 penalty on the mean loss of all rows. */
  readonly l2: number;
  /** What is kept of the rows before. */
  readonly past: Past;
  /** Largest gradient entry at which to stop. */
  readonly tolerance: number;
  readonly signal?: AbortSignal;
}

/** Where the update ended, and what is kept of all rows now. */
export interface UpdatedGlm {
  readonly parameters: Float64Array;
  readonly past: Past;
  readonly converged: boolean;
  readonly reason: Optimum['reason'];
  /** Passes over the new rows. */
  readonly rounds: number;
  /** Approximate mean loss of all rows plus penalties, up to a constant. */
  readonly objective: number;
  readonly gradientNorm: number;
}

/** Most passes over the new rows. */
const MOST_ROUNDS = 50;

/** Goes on from the rows of a session, all of them new. */
export async function updateGlm(session: Session, options: UpdateGlmOptions): Promise<UpdatedGlm> {
  const { past, l2, tolerance } = options;
  const problem: Problem = { ...options };
  const totals = await labelTotals(session, options);
  const start = past.at;
  const first = await observePast(session, problem, totals, start);
  const weight = past.weight + totals.weight;
  const evaluate = async (at: Float64Array): Promise<Evaluation> => {
    const own = await fullObjective(session, { ...problem, l2: 0 }, at);
    const before = pastAt(past, at);
    let value = (own.value * totals.weight + before.value) / weight;
    const gradient = new Float64Array(at.length);
    for (let i = 0; i < at.length; i++) {
      const penalty = isCoefficient(problem, i) ? l2 * at[i] : 0;
      gradient[i] = (own.gradient[i] * totals.weight + before.gradient[i]) / weight + penalty;
      value += (penalty * at[i]) / 2;
    }
    return { value, gradient };
  };
  const curvature = joinPasts({ ...past }, first).curvature;
  const machine = steps(problem, start, { tolerance, maxRounds: MOST_ROUNDS }, curvature, weight);
  const { point, converged, reason, rounds, gradientNorm } = await fitLoop(machine, evaluate, options.signal);
  const own = await fullObjective(session, { ...problem, l2: 0 }, point.parameters);
  const now: Past = {
    ...first,
    at: point.parameters,
    gradient: own.gradient.map((value) => value * totals.weight),
  };
  return {
    parameters: point.parameters,
    past: joinPasts(past, now),
    converged,
    reason,
    rounds,
    objective: point.value,
    gradientNorm,
  };
}

function steps(
  problem: Problem,
  start: Float64Array,
  rule: { tolerance: number; maxRounds: number },
  { kind, values }: Past['curvature'],
  weight: number,
): Optimiser {
  const order = kind === 'diagonal' ? 1 : kind === 'full' ? start.length : problem.features + 1;
  // Mean curvature with the penalty on the diagonal.
  const mean = values.map((value) => value / weight);
  for (let i = 0; i < start.length; i++) if (isCoefficient(problem, i)) mean[i * order + (i % order)] += problem.l2;
  const precondition = preconditioner(kind, mean, order, problem.outputs);
  if (problem.l1 > 0) {
    const strengths = l1Strengths(problem);
    return kind === 'full'
      ? (proximalNewton(start, { ...rule, strengths, hessian: mean }) as Optimiser)
      : (owlqn(start, { ...rule, strengths, precondition: diagonalStep(mean, order) }) as Optimiser);
  }
  return lbfgs(start, { ...rule, precondition }) as Optimiser;
}

function preconditioner(
  kind: Past['curvature']['kind'],
  mean: Float64Array,
  order: number,
  outputs: number,
): Preconditioner {
  if (kind === 'diagonal') return diagonalStep(mean, 1);
  if (kind === 'full') return wholeStep(mean, order, RIDGE);
  const size = order * order;
  return blockSteps(
    Array.from({ length: outputs }, (_, k) => mean.subarray(k * size, (k + 1) * size)),
    RIDGE,
  );
}

const RIDGE = 1e-9;

function diagonalStep(mean: Float64Array, order: number): Preconditioner {
  const diagonal = new Float64Array(mean.length / order);
  for (let i = 0; i < diagonal.length; i++) diagonal[i] = mean[i * order + (i % order)];
  const least = leastCurvature(diagonal);
  return (vector) => {
    for (let i = 0; i < vector.length; i++) vector[i] /= Math.max(least, diagonal[i]);
  };
}

async function labelTotals(
  session: Session,
  { loss, outputs, view }: UpdateGlmOptions,
): Promise<LabelTotals> {
  const { value } = await session.reduce<LabelTotals, LabelTotals>({
    summary: labelsReference(outputs > 1 ? outputs : loss === 'logistic' ? 2 : 0),
    view,
    keep: 'root',
    label: 'labels',
  });
  return value;
}
