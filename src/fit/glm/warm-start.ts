/**
 * Where a narrow fit starts and what curvature it steps with, both from a sample of the rows: the objective of the
 * sample is minimised by preconditioned steps, then the sample's Hessian is taken at its minimum.
 * With a share of 1 the sample is everything, and the Hessian that comes back is exact.
 */
import type { Session } from '../../run/session.ts';
import { fitLoop } from '../loop.ts';
import type { BlockCurvature } from './block-curvature.ts';
import { cholesky, solveCholesky } from './cholesky.ts';
import { lbfgs, type Preconditioner } from './lbfgs.ts';
import type { Evaluation, Optimiser } from './objective.ts';
import { l1Strengths, type Problem, sampledBlocks, sampledCurved, sampledObjective } from './problem.ts';
import { proximalNewton } from './proximal-newton.ts';

/** A start and the Hessian (row-major) near it. */
export interface WarmStart {
  readonly parameters: Float64Array;
  readonly hessian: Float64Array;
}

/** Most evaluations of a sample. */
const SAMPLE_ROUNDS = 50;

/**
 * Share of rows to sample for a Hessian of this order. A Hessian of all rows costs order / 4 full passes; a sample
 * costs ten of them where that is enough rows (20 to 65,536 an order), and never fewer than ten rows an order.
 */
export function sampleShare(order: number, rows: number): number {
  const wanted = Math.max(20 * order, Math.min((40 * rows) / order, 65_536));
  const share = Math.max(10 * order, Math.min(wanted, (64 * rows) / order)) / rows;
  return share > 0.5 ? 1 : share;
}

/** Ridge relative to the mean diagonal: what a sample of this many rows cannot tell from zero curvature. */
export function sampleRidge(share: number, rows: number): number {
  return share === 1 ? 0 : Math.min(1e-2, 10 / (share * rows));
}

/** The problem of the sample: its penalty is as much stronger as its rows are fewer, as it would be alone. */
function sampleProblem(problem: Problem, share: number): Problem {
  return { ...problem, l2: problem.l2 / share };
}

/** Minimises over a sample from `start`, loosely: its minimum is only as good as the sample. */
export async function warmStart(
  session: Session,
  whole: Problem,
  share: number,
  rows: number,
  start: Float64Array,
  tolerance: number,
): Promise<WarmStart> {
  const problem = sampleProblem(whole, share);
  const first = await sampledCurved(session, problem, share, start);
  const evaluate = async (at: Float64Array): Promise<Evaluation> =>
    at === start ? first : sampledObjective(session, problem, share, at);
  const rule = { tolerance, maxRounds: SAMPLE_ROUNDS };
  const machine =
    problem.l1 > 0
      ? proximalNewton(start, { ...rule, strengths: l1Strengths(problem), hessian: first.hessian })
      : lbfgs(start, {
          ...rule,
          precondition: wholeStep(first.hessian, start.length, sampleRidge(share, rows)),
        });
  const { parameters } = (await fitLoop(machine as Optimiser, evaluate)).point;
  const { hessian } = await sampledCurved(session, whole, share, parameters);
  return { parameters, hessian };
}

/** A start, and the steps to go on with. */
export interface ScaledStart {
  readonly parameters: Float64Array;
  readonly precondition: Preconditioner;
}

/** The same for many outputs, each scaled by its own block of the Hessian. */
export async function blockStart(
  session: Session,
  whole: Problem,
  share: number,
  rows: number,
  start: Float64Array,
  tolerance: number,
): Promise<ScaledStart> {
  const problem = sampleProblem(whole, share);
  const ridge = sampleRidge(share, rows);
  const precondition = blockSteps(await sampledBlocks(session, problem, share, start), ridge);
  const machine = lbfgs(start, { tolerance, maxRounds: SAMPLE_ROUNDS, precondition, rescale: true });
  const { point } = await fitLoop(machine, (at) => sampledObjective(session, problem, share, at));
  const blocks = await sampledBlocks(session, whole, share, point.parameters);
  return { parameters: point.parameters, precondition: blockSteps(blocks, ridge) };
}

/** Multiplies by the inverse of a Hessian. */
export function wholeStep(hessian: Float64Array, order: number, ridge: number): Preconditioner {
  const factor = cholesky(hessian, order, ridge);
  return (vector) => solveCholesky(factor, vector);
}

/** Multiplies by the inverse of each diagonal block. */
export function blockSteps(blocks: BlockCurvature, ridge: number): Preconditioner {
  const width = Math.sqrt(blocks[0].length);
  const factors = blocks.map((block) => cholesky(block, width, ridge));
  return (vector) => {
    factors.forEach((factor, k) => {
      solveCholesky(factor, vector.subarray(k * width, (k + 1) * width));
    });
  };
}
