/**
 * Fitting a generalised linear model over the particles of a session, by rounds of gradient and curvature sums.
 * Small problems: Newton's method. Narrow ones: a start and a Hessian from a sample of rows, then L-BFGS (proximal
 * Newton with an L1 penalty) preconditioned by that Hessian, a handful of full passes; with many classes, by the block
 * of each class. Wide ones: L-BFGS scaled by the diagonal, its steps chosen on a sample of rows; with L1 OWL-QN.
 * The result is a pure function of particles, view and options: rounds that a cache holds are not played again.
 */
import { SoraError } from '../../errors.ts';
import { type LossName, type LossSpec, lossOf } from '../../loss/registry.ts';
import type { Reference } from '../../run/reference.ts';
import type { Session } from '../../run/session.ts';
import { type LabelTotals, learnableTotals, requireSmooth } from '../labels.ts';
import { fitLoop, type StepMachine } from '../loop.ts';
import { BANDS, bandedSteps, leastCurvature } from './bands.ts';
import { type ClassWeight, classFactors, classWeightedReference, weightedTotals } from './class-weights.ts';
import { lbfgs } from './lbfgs.ts';
import { newton } from './newton.ts';
import {
  type Evaluation,
  type FitStep,
  type Optimiser,
  type Optimum,
  STALL_STEPS,
  type StopReason,
  type StopRule,
} from './objective.ts';
import { owlqn } from './owlqn.ts';
import {
  averagedStart,
  diagonalCurved,
  fullObjective,
  l1Penalty,
  l1Strengths,
  type Problem,
  parametersOf,
  residualScale,
  sampledBlocks,
  sampledCurved,
  sampledObjective,
  sampledProducts,
} from './problem.ts';
import { proximalNewton } from './proximal-newton.ts';
import { blockStart, blockSteps, sampleRidge, sampleShare, warmStart, wholeStep } from './warm-start.ts';

/** What to fit, and how. */
export interface FitGlmOptions {
  readonly loss: LossName | LossSpec;
  /** Classes for softmax, else 1. */
  readonly outputs: number;
  readonly features: number;
  /** Reference of a {@link ViewKind} of learner views: the training rows. */
  readonly view: Reference;
  /** Strength of the L1 penalty on coefficients; 0 by default. */
  readonly l1?: number;
  /** Strength of the L2 penalty on coefficients; by default 1 / Σ weights, scikit-learn's C = 1. */
  readonly l2?: number;
  /** Huber: where the loss turns linear, in units of the label; by default from the spread of residuals. */
  readonly delta?: number;
  readonly classWeight?: ClassWeight;
  /** Most full passes; 200 by default. */
  readonly maxRounds?: number;
  /**
   * Converged when the largest gradient entry is at most this times the spread of the labels, or when steps have come
   * to lower the objective by less than this (below 1e-5: 1e5 times its square) times its natural size each; 1e-4 by
   * default.
   */
  readonly tolerance?: number;
  /** Parameters to start from, e.g. of a model to refresh. */
  readonly warmStart?: Float64Array;
  /** Where the L2 penalty pulls to, e.g. a model of other data; absent: to 0. */
  readonly centre?: Float64Array;
  readonly signal?: AbortSignal;
  /** Called after every full pass. */
  readonly onRound?: (round: FitRound) => void;
}

/** One full pass. */
export interface FitRound {
  readonly round: number;
  readonly objective: number;
}

/** What was fitted. Non-convergence is a field, not an error. */
export interface GlmResult {
  /** Output-major: coefficients of output k, then its intercept. */
  readonly parameters: Float64Array;
  readonly converged: boolean;
  readonly reason: StopReason;
  /** Full passes over the training rows. */
  readonly rounds: number;
  /** Mean loss plus penalties. */
  readonly objective: number;
  readonly gradientNorm: number;
  readonly history: readonly FitStep[];
  readonly l1: number;
  readonly l2: number;
  readonly delta?: number;
  /** Training rows and their total weight, class weights included. */
  readonly rows: number;
  readonly weight: number;
}

/** Up to this many parameters the Hessian is factored. */
const NARROW = 640;
/** Up to this many parameters a Hessian of all rows costs few enough passes to have one in each round. */
const EXACT = 48;
/** Most numbers of a Hessian in blocks: 32 MiB. */
const MOST_CURVATURE = 1 << 22;

/**
 * Fits the model. Throws `bad-data` when there is nothing to learn from: no rows, or one class.
 * @example
 * const { parameters, converged } = await fitGlm(session, { loss: 'logistic', outputs: 1, features: 28, view });
 */
export async function fitGlm(session: Session, options: FitGlmOptions): Promise<GlmResult> {
  checkOptions(options);
  requireSmooth(lossOf(options.loss as LossSpec));
  const { totals, view } = await describe(session, options);
  const { loss, outputs, features, l1 = 0, l2 = 1 / totals.weight, centre, signal } = options;
  const { name } = lossOf(loss as LossSpec);
  const spread = labelSpread(name, totals);
  const { tolerance = 1e-4, maxRounds = 200 } = options;
  const leastFall = STALL_STEPS * Math.min(tolerance, 1e5 * tolerance * tolerance) * lossSpread(name, totals);
  const rule = { tolerance: tolerance * spread, maxRounds, leastFall };
  const plan: Plan = { rule, totals, spread, given: options.warmStart, onRound: options.onRound };
  const problem: Problem = { loss, outputs, features, view, l1, l2, centre, signal };
  const [whole, start] =
    name === 'huber' ? await robust(session, problem, plan, options.delta) : [problem, undefined];
  const optimum = await planFor(whole)(session, whole, {
    ...plan,
    given: start ?? plan.given,
  });
  const { point, converged, reason, rounds, gradientNorm, history } = optimum;
  return {
    parameters: point.parameters,
    converged,
    reason,
    rounds,
    objective: point.value,
    gradientNorm,
    history,
    l1,
    l2,
    ...(typeof whole.loss === 'object' && whole.loss.delta ? { delta: whole.loss.delta } : {}),
    rows: totals.rows,
    weight: totals.weight,
  };
}

interface Plan {
  readonly rule: StopRule;
  readonly totals: LabelTotals;
  /** Natural size of a gradient entry. */
  readonly spread: number;
  /** Where to start, if that is known already. */
  readonly given?: Float64Array;
  readonly onRound?: (round: FitRound) => void;
}

/** How the problem is best solved. */
function planFor(problem: Problem): typeof fitNarrow {
  if (parametersOf(problem) <= NARROW) return fitNarrow;
  const blocks = problem.outputs * (problem.features + 1) * (problem.features + 1);
  const blocky =
    problem.outputs > 1 && problem.features < NARROW && blocks <= MOST_CURVATURE && problem.l1 === 0;
  if (blocky) return fitBlocks;
  return problem.outputs === 1 && problem.l1 === 0 ? fitBanded : fitWide;
}

/** How loosely a start is sought, in spreads. */
const LOOSE = 1e-3;

/** Sample, then full passes with the sample's curvature. */
async function fitNarrow(session: Session, problem: Problem, plan: Plan): Promise<Optimum> {
  const { rows } = plan.totals;
  const share = sampleShare(parametersOf(problem), rows);
  if (share === 1 && parametersOf(problem) <= EXACT && problem.l1 === 0)
    return fitExactly(session, problem, plan);
  const loose = Math.max(plan.rule.tolerance, LOOSE * plan.spread);
  const warm =
    plan.given === undefined
      ? await warmStart(session, problem, share, rows, constantStart(problem, plan.totals), loose)
      : {
          parameters: plan.given,
          hessian: (await sampledCurved(session, problem, share, plan.given)).hessian,
        };
  const { parameters, hessian } = warm;
  if (problem.l1 > 0) {
    const options = { ...plan.rule, strengths: l1Strengths(problem), hessian };
    return run(plan, proximalNewton(parameters, options) as Optimiser, allRows(session, problem));
  }
  const precondition = wholeStep(hessian, parameters.length, sampleRidge(share, rows));
  const rescale = share < 1 && problem.outputs > 1;
  return run(plan, lbfgs(parameters, { ...plan.rule, precondition, rescale }), allRows(session, problem));
}

/** Newton's method, the Hessian of all rows in every pass. */
async function fitExactly(session: Session, problem: Problem, plan: Plan): Promise<Optimum> {
  const start = plan.given ?? constantStart(problem, plan.totals);
  return run(plan, newton(start, plan.rule), (at) => sampledCurved(session, problem, 1, at));
}

/** Sample, then full passes with the sample's curvature of each output. */
async function fitBlocks(session: Session, problem: Problem, plan: Plan): Promise<Optimum> {
  const { rows } = plan.totals;
  const share = sampleShare(problem.features + 1, rows);
  const loose = Math.max(plan.rule.tolerance, LOOSE * plan.spread);
  const start = plan.given ?? constantStart(problem, plan.totals);
  const warm =
    plan.given === undefined
      ? await blockStart(session, problem, share, rows, start, loose)
      : {
          parameters: start,
          precondition: blockSteps(
            await sampledBlocks(session, problem, share, start),
            sampleRidge(share, rows),
          ),
        };
  const { parameters, precondition } = warm;
  return run(
    plan,
    lbfgs(parameters, { ...plan.rule, precondition, rescale: true }),
    allRows(session, problem),
  );
}

/** One output, no L1: full passes by the diagonal of the Hessian, steps chosen on a sample of the rows. */
async function fitBanded(session: Session, problem: Problem, plan: Plan): Promise<Optimum> {
  const start = plan.given ?? constantStart(problem, plan.totals);
  const first = await diagonalCurved(session, problem, start);
  const steps = bandedSteps(lossOf(problem.loss as LossSpec), first.diagonal, problem.l2);
  const share = Math.min(1, DIRECTION_ROWS / plan.totals.rows);
  return run(
    plan,
    lbfgs(start, { ...plan.rule, ...steps }),
    startingWith(start, first, allRows(session, problem)),
    ({ table }) => sampledProducts(session, problem, share, BANDS, table),
  );
}

/** Rows that steps are chosen on: enough for the ten coefficients of a step. */
const DIRECTION_ROWS = 4096;

/** A start from a stochastic pass where it is lower, then full passes scaled by the diagonal of the Hessian. */
async function fitWide(session: Session, problem: Problem, plan: Plan): Promise<Optimum> {
  const start = plan.given ?? (await wideStart(session, problem, plan));
  const first = await diagonalCurved(session, problem, start);
  const least = leastCurvature(first.diagonal);
  const precondition = (vector: Float64Array) => {
    for (let i = 0; i < vector.length; i++) vector[i] /= Math.max(least, first.diagonal[i]);
  };
  const options = { ...plan.rule, precondition, rescale: problem.outputs > 1 };
  const machine =
    problem.l1 > 0 ? owlqn(start, { ...options, strengths: l1Strengths(problem) }) : lbfgs(start, options);
  return run(plan, machine, startingWith(start, first, allRows(session, problem)));
}

/** An objective that is known at the start. */
function startingWith(
  start: Float64Array,
  first: Evaluation,
  evaluate: (at: Float64Array) => Promise<Evaluation>,
): (at: Float64Array) => Promise<Evaluation> {
  return async (at) => (at === start ? first : evaluate(at));
}

/** Rows a feature from which a stochastic pass finds a better start than a constant does. */
const ROWS_A_FEATURE = 20;

/** The lower of the best constant and an averaged stochastic pass over some of the rows, where there are enough. */
async function wideStart(session: Session, problem: Problem, { totals }: Plan): Promise<Float64Array> {
  const constant = constantStart(problem, totals);
  const needed = ROWS_A_FEATURE * problem.features;
  if (totals.rows < needed) return constant;
  const share = Math.min(1, Math.max(0.1, needed / totals.rows));
  const averaged = await averagedStart(session, problem, share, constant);
  const [low, high] = [
    await sampledObjective(session, problem, share, averaged),
    await sampledObjective(session, problem, share, constant),
  ];
  return low.value + l1Penalty(problem, averaged) < high.value ? averaged : constant;
}

/**
 * Huber's loss starts from least squares on a sample, and its δ, unless given, is the robust spread of the residuals
 * there.
 */
async function robust(
  session: Session,
  problem: Problem,
  plan: Plan,
  delta: number | undefined,
): Promise<[Problem, Float64Array]> {
  const squares: Problem = { ...problem, loss: 'squared' };
  const rule = { ...plan.rule, tolerance: Math.max(plan.rule.tolerance, LOOSE * plan.spread) };
  const found = plan.given ?? (await planFor(squares)(session, squares, { ...plan, rule })).point.parameters;
  const scale = delta ?? (await residualScale(session, problem, found));
  return [{ ...problem, loss: { name: 'huber', delta: scale > 0 ? scale : plan.spread } }, found];
}

/** Plays the rounds that an optimiser asks for; what else it asks for, over some of the rows, is not a full pass. */
function run<Tell extends Evaluation, Ask = never>(
  plan: Plan,
  machine: StepMachine<Float64Array | Ask, Tell, Optimum>,
  evaluate: (at: Float64Array) => Promise<Tell>,
  lookUp?: (ask: Ask) => Promise<unknown>,
): Promise<Optimum> {
  let round = 0;
  return fitLoop(machine, async (ask: Float64Array | Ask): Promise<Tell> => {
    if (!(ask instanceof Float64Array)) return (await lookUp?.(ask)) as Tell;
    const evaluation = await evaluate(ask);
    round++;
    plan.onRound?.({ round, objective: evaluation.value });
    return evaluation;
  });
}

/** Value and gradient over all rows, as an optimiser asks for them. */
function allRows(session: Session, problem: Problem): (at: Float64Array) => Promise<Evaluation> {
  return (at) => fullObjective(session, problem, at);
}

/** Totals of the labels and the view to fit on, class weights applied. */
async function describe(
  session: Session,
  { loss, outputs, view, classWeight = 'none' }: FitGlmOptions,
): Promise<{ totals: LabelTotals; view: Reference }> {
  const totals = await learnableTotals(session, lossOf(loss as LossSpec), outputs, view);
  const factors = classFactors(classWeight, totals);
  if (factors === undefined) return { totals, view };
  return { totals: weightedTotals(totals, factors), view: classWeightedReference(view, factors) };
}

function constantStart({ loss, outputs, features }: Problem, totals: LabelTotals): Float64Array {
  const start = new Float64Array(outputs * (features + 1));
  lossOf(loss as LossSpec | string)
    .bestConstant(totals, outputs)
    .forEach((intercept, k) => {
      start[k * (features + 1) + features] = intercept;
    });
  return start;
}

/** Natural size of a gradient entry of a standardised feature: the standard deviation of the labels. */
export function labelSpread(loss: string, totals: LabelTotals): number {
  if (loss === 'softmax') return 0.5;
  const spread = Math.sqrt(totals.m2 / totals.weight);
  const mean = totals.sum / totals.weight;
  // Residuals of these are divided by the mean, or about its root.
  const unit = loss === 'gamma' ? mean : loss === 'tweedie' ? Math.sqrt(mean) : 1;
  return spread > 0 && unit > 0 ? spread / unit : 1;
}

/** Natural size of a change of the objective. */
function lossSpread(loss: string, totals: LabelTotals): number {
  if (loss === 'poisson') return totals.sum > 0 ? totals.sum / totals.weight : 1;
  const spread = labelSpread(loss, totals);
  return spread * spread;
}

function checkOptions({
  l1 = 0,
  l2 = 0,
  tolerance = 1,
  maxRounds = 1,
  outputs,
  features,
  warmStart: at,
}: FitGlmOptions) {
  const bad = (name: string, value: unknown, limit: string) =>
    new SoraError('bad-option', `Option ${name} is ${String(value)}; it must be ${limit}.`, {
      details: { option: name },
    });
  if (!(l1 >= 0 && Number.isFinite(l1))) throw bad('l1', l1, 'a number of at least 0');
  if (!(l2 >= 0 && Number.isFinite(l2))) throw bad('l2', l2, 'a number of at least 0');
  if (!(tolerance > 0)) throw bad('tolerance', tolerance, 'a positive number');
  if (!(Number.isInteger(maxRounds) && maxRounds > 0))
    throw bad('maxRounds', maxRounds, 'a positive whole number');
  const expected = outputs * (features + 1);
  if (at !== undefined && at.length !== expected)
    throw bad('warmStart', `${at.length} numbers`, `${expected} numbers`);
}
