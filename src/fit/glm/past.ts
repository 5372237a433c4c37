/**
 * What is kept of rows that are not looked at again: the sum of their losses as a quadratic about the parameters that
 * were fitted to them, so that a fit goes on from new rows alone. It is the Gaussian approximation of a posterior at its
 * mode, carried from batch to batch (Opper, "A Bayesian approach to on-line learning", 1998). Exact for squared loss,
 * which is a quadratic; otherwise as good as the step is small.
 * Curvature is whole for narrow problems, a block an output for many classes, a diagonal for wide ones, and may come
 * from a sample of the rows: it says how far to go, while the gradient says where.
 */
import type { Session } from '../../run/session.ts';
import { dot, type Evaluation } from './objective.ts';
import {
  diagonalCurved,
  isCoefficient,
  type Problem,
  parametersOf,
  sampledBlocks,
  sampledCurved,
} from './problem.ts';
import { sampleShare } from './warm-start.ts';

/** Curvature of a sum of losses without penalties. Blocks have the order of a full matrix divided by their number. */
export interface PastCurvature {
  readonly kind: 'full' | 'blocks' | 'diagonal';
  /** Row-major matrices one after another, or a diagonal. */
  readonly values: Float64Array;
}

/** Σ weight · loss ≈ loss + gradient·(w − at) + (w − at)' curvature (w − at) / 2. */
export interface Past {
  readonly rows: number;
  readonly weight: number;
  readonly at: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
  readonly curvature: PastCurvature;
}

/** Up to this many parameters all curvature is kept: 3.3 MB. */
const MOST_FULL = 640;
/** Most numbers of blocks: 32 MiB. */
const MOST_BLOCKS = 1 << 22;

/** What is kept of the curvature of a problem. */
export function curvatureKind({
  outputs,
  features,
}: Pick<Problem, 'outputs' | 'features'>): PastCurvature['kind'] {
  const order = features + 1;
  if (outputs * order <= MOST_FULL) return 'full';
  return outputs > 1 && order <= MOST_FULL && outputs * order * order <= MOST_BLOCKS ? 'blocks' : 'diagonal';
}

/**
 * Sums over the rows of a session at given parameters. The gradient is of all rows, and found in the cache of the fit
 * that ended there; the curvature of a share of them.
 */
export async function observePast(
  session: Session,
  problem: Problem,
  { rows, weight }: { readonly rows: number; readonly weight: number },
  at: Float64Array,
): Promise<Past> {
  const bare: Problem = { ...problem, l2: 0 };
  const kind = curvatureKind(problem);
  const order = kind === 'full' ? parametersOf(problem) : problem.features + 1;
  const share = kind === 'diagonal' ? 0 : sampleShare(order, rows);
  const sums = ({ value, gradient }: Evaluation, values: Float64Array): Past => ({
    ...{ rows, weight, at, loss: value * weight },
    gradient: gradient.map((value) => value * weight),
    curvature: { kind, values: values.map((value) => value * weight) },
  });
  if (kind === 'full' && share === 1) {
    const whole = await sampledCurved(session, bare, 1, at);
    return sums(whole, whole.hessian);
  }
  const whole = await diagonalCurved(session, bare, at);
  const { diagonal } = whole;
  if (kind === 'diagonal') return sums(whole, diagonal);
  const blocks =
    kind === 'full'
      ? [(await sampledCurved(session, bare, share, at)).hessian]
      : await sampledBlocks(session, bare, share, at);
  const values = new Float64Array(blocks.length * order * order);
  blocks.forEach((block, k) => {
    const from = k * order;
    values.set(withDiagonal(block, diagonal.subarray(from, from + order)), from * order);
  });
  return sums(whole, values);
}

/** A matrix scaled to a diagonal: what a sample says of pairs, and all rows of each. Rare features have no pairs. */
function withDiagonal(matrix: Float64Array, diagonal: Float64Array): Float64Array {
  const order = diagonal.length;
  const factors = diagonal.map((value, i) => {
    const own = matrix[i * order + i];
    return own > 0 && value > 0 ? Math.sqrt(value / own) : 0;
  });
  const scaled = matrix.map((value, at) => value * factors[Math.floor(at / order)] * factors[at % order]);
  for (let i = 0; i < order; i++) scaled[i * order + i] = diagonal[i];
  return scaled;
}

/**
 * The same past with the gradient that a minimum has, where the penalties hold it: for rows that were fitted by other
 * features than they show now (target statistics out of fold), whose gradient is not that of the fit.
 */
export function stationaryPast(past: Past, problem: Problem): Past {
  const { l1, l2 } = problem;
  const gradient = past.at.map((value, i) =>
    isCoefficient(problem, i) ? -past.weight * (l2 * value + l1 * Math.sign(value)) : 0,
  );
  return { ...past, gradient };
}

/** The quadratic at other parameters: its value, up to its constant, and its gradient. O(numbers of the curvature). */
export function pastAt(past: Past, at: Float64Array): Evaluation {
  const step = at.map((value, i) => value - past.at[i]);
  const bend = timesCurvature(past.curvature, step);
  const value = past.loss + dot(past.gradient, step) + dot(bend, step) / 2;
  return { value, gradient: bend.map((own, i) => own + past.gradient[i]) };
}

/** The past of both, expanded where the second one is. Throws nothing: shapes are those of one problem. */
export function joinPasts(before: Past, now: Past): Past {
  const { value, gradient } = pastAt(before, now.at);
  return {
    rows: before.rows + now.rows,
    weight: before.weight + now.weight,
    at: now.at,
    loss: value + now.loss,
    gradient: gradient.map((value, i) => value + now.gradient[i]),
    curvature: {
      kind: before.curvature.kind,
      values: before.curvature.values.map((value, i) => value + now.curvature.values[i]),
    },
  };
}

function timesCurvature({ kind, values }: PastCurvature, vector: Float64Array): Float64Array {
  const count = vector.length;
  if (kind === 'diagonal') return vector.map((value, i) => value * values[i]);
  const order = kind === 'full' ? count : values.length / count;
  const out = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    const from = row - (row % order);
    const own = values.subarray(row * order, (row + 1) * order);
    let sum = 0;
    for (let i = 0; i < order; i++) sum += own[i] * vector[from + i];
    out[row] = sum;
  }
  return out;
}

/** The numbers of symmetric matrices that differ: upper triangles, row by row, of each in turn; a diagonal as it is. */
export function packCurvature({ kind, values }: PastCurvature, parameters: number): Float64Array {
  if (kind === 'diagonal') return values;
  const order = kind === 'full' ? parameters : values.length / parameters;
  const out = new Float64Array(((values.length / order) * (order + 1)) / 2);
  let next = 0;
  for (let row = 0; row < parameters; row++) {
    for (let i = row % order; i < order; i++) out[next++] = values[row * order + i];
  }
  return out;
}

/** The inverse of {@link packCurvature}; undefined where the numbers are not as many as the problem asks for. */
export function unpackCurvature(packed: Float64Array, problem: Problem): PastCurvature | undefined {
  const kind = curvatureKind(problem);
  const parameters = parametersOf(problem);
  const order = kind === 'full' ? parameters : kind === 'blocks' ? problem.features + 1 : 1;
  if (packed.length !== (parameters * (order + 1)) / 2) return undefined;
  if (kind === 'diagonal') return { kind, values: packed };
  const values = new Float64Array(parameters * order);
  let next = 0;
  for (let row = 0; row < parameters; row++) {
    const first = row - (row % order);
    for (let i = row % order; i < order; i++) {
      values[row * order + i] = packed[next];
      values[(first + i) * order + (row % order)] = packed[next++];
    }
  }
  return { kind, values };
}
