/**
 * A fit as rounds: the objective (1/W)·Σ weight·loss + l2/2·‖coefficients‖² and its derivatives, each one reduce over
 * the session's particles. Intercepts are not penalised. Everything the optimisers see goes through here.
 */
import { throwIfAborted } from '../../errors.ts';
import type { Reference } from '../../run/reference.ts';
import type { Session } from '../../run/session.ts';
import { type BlockCurvature, blockCurvatureReference } from './block-curvature.ts';
import { type CurvatureValue, curvatureReference } from './curvature.ts';
import { type GradientSums, gradientReference } from './gradient.ts';
import type { CurvedEvaluation } from './newton.ts';
import type { Evaluation } from './objective.ts';
import type { GlmOptions } from './pass.ts';
import { residualsReference } from './residuals.ts';
import { sampleProductsReference } from './sample-products.ts';
import { sampledReference } from './sampled.ts';
import type { SgdValue } from './sgd.ts';

/** What is minimised, over which rows. */
export interface Problem extends GlmOptions {
  readonly outputs: number;
  readonly view: Reference;
  readonly l2: number;
  readonly l1: number;
  /** Where the L2 penalty pulls to; absent: to 0. */
  readonly centre?: Float64Array;
  readonly signal?: AbortSignal;
}

/** Number of parameters. */
export function parametersOf({ outputs, features }: Problem): number {
  return outputs * (features + 1);
}

/** Value and gradient of the smooth part over all rows. */
export async function fullObjective(
  session: Session,
  problem: Problem,
  at: Float64Array,
): Promise<Evaluation> {
  const summary = gradientReference(glmOptions(problem));
  return evaluation(await play<GradientSums>(session, problem, summary, at, 'gradient'), problem, at);
}

/** The same over a share of the rows. */
export async function sampledObjective(
  session: Session,
  problem: Problem,
  share: number,
  at: Float64Array,
): Promise<Evaluation> {
  const summary =
    share === 1
      ? gradientReference(glmOptions(problem))
      : sampledReference('sampledGradient', { ...glmOptions(problem), share });
  return evaluation(await play<GradientSums>(session, problem, summary, at, 'warm start'), problem, at);
}

/** Value, gradient and Hessian over a share of the rows. */
export async function sampledCurved(
  session: Session,
  problem: Problem,
  share: number,
  at: Float64Array,
): Promise<CurvedEvaluation> {
  const options = glmOptions(problem);
  const summary =
    share === 1 ? curvatureReference(options) : sampledReference('sampledCurvature', { ...options, share });
  const sums = await play<CurvatureValue>(session, problem, summary, at, 'curvature');
  const count = at.length;
  const hessian = (sums.hessian as Float64Array).map((value) => value / sums.weight);
  for (let i = 0; i < count; i++) if (isCoefficient(problem, i)) hessian[i * count + i] += problem.l2;
  return { ...evaluation(sums, problem, at), hessian };
}

/** Diagonal blocks of the Hessian, one an output, over a share of the rows, penalty included. */
export async function sampledBlocks(
  session: Session,
  problem: Problem,
  share: number,
  at: Float64Array,
): Promise<BlockCurvature> {
  const summary = blockCurvatureReference({ ...glmOptions(problem), share });
  const blocks = await play<BlockCurvature>(session, problem, summary, at, 'curvature');
  const width = problem.features + 1;
  for (const block of blocks) for (let f = 0; f < problem.features; f++) block[f * width + f] += problem.l2;
  return blocks;
}

/** Value, gradient and diagonal of the Hessian over all rows, penalty included. */
export async function diagonalCurved(
  session: Session,
  problem: Problem,
  at: Float64Array,
): Promise<Evaluation & { readonly diagonal: Float64Array }> {
  const summary = curvatureReference({ ...glmOptions(problem), curvature: 'diagonal' });
  const sums = await play<CurvatureValue>(session, problem, summary, at, 'gradient');
  const diagonal = sums.diagonal.map(
    (value, i) => value / sums.weight + (isCoefficient(problem, i) ? problem.l2 : 0),
  );
  return { ...evaluation(sums, problem, at), diagonal };
}

/** Products of a share of the rows with the directions of a table; see sample-products.ts. */
export function sampledProducts(
  session: Session,
  problem: Problem,
  share: number,
  bands: number,
  table: Float32Array,
): Promise<Float64Array> {
  const summary = sampleProductsReference({ features: problem.features, bands, share });
  return play<Float64Array>(session, problem, summary, table, 'direction');
}

/** Parameters after an averaged stochastic pass from `start` over a share of the rows of every particle. */
export async function averagedStart(
  session: Session,
  problem: Problem,
  share: number,
  start: Float64Array,
): Promise<Float64Array> {
  const summary = sampledReference('sampledPass', { ...glmOptions(problem), share });
  return (await play<SgdValue>(session, problem, summary, start, 'warm start')).parameters;
}

/** Huber's δ from the residuals at given parameters. */
export function residualScale(session: Session, problem: Problem, at: Float64Array): Promise<number> {
  return play<number>(session, problem, residualsReference(problem.features), at, 'residuals');
}

/** L1 strength of every parameter. */
export function l1Strengths(problem: Problem): Float64Array {
  return Float64Array.from({ length: parametersOf(problem) }, (_, i) =>
    isCoefficient(problem, i) ? problem.l1 : 0,
  );
}

/** L1 penalty at given parameters. */
export function l1Penalty(problem: Problem, at: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < at.length; i++) if (isCoefficient(problem, i)) sum += Math.abs(at[i]);
  return problem.l1 * sum;
}

/** Whether parameter i is a coefficient, not an intercept. */
export function isCoefficient({ features }: Problem, i: number): boolean {
  return i % (features + 1) !== features;
}

function glmOptions({ loss, outputs, features }: Problem): GlmOptions {
  return { loss, outputs, features };
}

async function play<Value>(
  session: Session,
  { view, signal }: Problem,
  summary: Reference,
  at: Float64Array | Float32Array,
  label: string,
): Promise<Value> {
  throwIfAborted(signal);
  const parameters = new Uint8Array(at.slice().buffer);
  const { value } = await session.reduce<unknown, Value>({ summary, view, parameters, keep: 'root', label });
  return value;
}

function evaluation(sums: GradientSums, problem: Problem, at: Float64Array): Evaluation {
  const { l2, centre } = problem;
  const gradient = new Float64Array(at.length);
  let squares = 0;
  for (let i = 0; i < at.length; i++) {
    const pulled = isCoefficient(problem, i) ? at[i] - (centre === undefined ? 0 : centre[i]) : 0;
    gradient[i] = sums.gradient[i] / sums.weight + l2 * pulled;
    squares += l2 * pulled * pulled;
  }
  return { value: sums.loss / sums.weight + squares / 2, gradient };
}
