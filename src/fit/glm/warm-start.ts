/**
 * Where a narrow fit starts and what curvature it steps with, both from a sample of the rows: the objective of the
 * sample is minimised by preconditioned steps, then the sample's Hessian is taken at its minimum.
 * With a share of 1 the sample is everything, and the Hessian that comes back is exact.
 */
import type { Session } from '../../run/session.ts';
import { fitLoop } from '../loop.ts';
import { cholesky, solveCholesky } from './cholesky.ts';
import { lbfgs } from './lbfgs.ts';
import type { Evaluation } from './objective.ts';
import { l1Strengths, type Problem, parametersOf, sampledCurved, sampledObjective } from './problem.ts';
import { proximalNewton } from './proximal-newton.ts';

/** A start and the Hessian (row-major) near it. */
export interface WarmStart {
  readonly parameters: Float64Array;
  readonly hessian: Float64Array;
  /** Evaluations of the sample's objective. */
  readonly evaluations: number;
}

/** Rows to sample: enough for the Hessian to be near the whole one, few enough to cost a few full passes at most. */
export function sampleShare(problem: Problem, rows: number): number {
  const count = parametersOf(problem);
  const affordable = (64 * rows) / count;
  const wanted = Math.max(20 * count, Math.min(rows / 8, 65_536));
  const share = Math.max(10 * count, Math.min(wanted, affordable)) / rows;
  return share > 0.6 ? 1 : share;
}

/** Ridge relative to the mean diagonal: what a sample of this many rows cannot tell from zero curvature. */
export function sampleRidge(share: number, rows: number): number {
  return share === 1 ? 0 : Math.min(1e-2, 10 / (share * rows));
}

/** Minimises over a sample from `start`, loosely: its minimum is only as good as the sample. */
export async function warmStart(
  session: Session,
  problem: Problem,
  share: number,
  rows: number,
  start: Float64Array,
  tolerance: number,
): Promise<WarmStart> {
  const first = await sampledCurved(session, problem, share, start);
  const rule = { tolerance, maxRounds: 50 };
  let evaluations = 0;
  const evaluate = async (at: Float64Array): Promise<Evaluation> => {
    if (at === start) return first;
    evaluations++;
    return sampledObjective(session, problem, share, at);
  };
  let parameters: Float64Array;
  if (problem.l1 > 0) {
    const options = { ...rule, strengths: l1Strengths(problem), hessian: first.hessian };
    parameters = (await fitLoop(proximalNewton(start, options), evaluate)).point.parameters;
  } else {
    const factor = cholesky(first.hessian, start.length, sampleRidge(share, rows));
    const precondition = (vector: Float64Array) => solveCholesky(factor, vector);
    parameters = (await fitLoop(lbfgs(start, { ...rule, precondition }), evaluate)).point.parameters;
  }
  const last = await sampledCurved(session, problem, share, parameters);
  return { parameters, hessian: last.hessian, evaluations };
}
