/**
 * The step of least objective in the span of a few directions, as a sample of rows sees it: Newton's method on the
 * coefficients of the directions. The slope at the start is that of all rows; the sample tells how it changes,
 *
 *     φ(a) = loss(m + U a) − loss(m) − (∇loss(m) − slopes) · a + a' Q a / 2,
 *
 * with U the products of rows and directions, Q what the penalty adds. φ is convex and its slope at 0 is exact, so a
 * step that lowers φ descends. O(rows × directions²) an iteration, no pass over data.
 */
import type { Loss } from '../../loss/loss.ts';
import { cholesky, solveCholesky } from './cholesky.ts';
import { dot } from './objective.ts';
import { ROW_HEAD } from './sample-products.ts';

/** Rows of a sample and what is known of all rows. */
export interface Subspace {
  readonly loss: Loss;
  /** As {@link sampleProducts} reads: row-major, label, weight, margin, then the products. */
  readonly rows: Float64Array;
  readonly width: number;
  /** Which products of a row are directions, by index. */
  readonly directions: readonly number[];
  /** Slope of the objective along each direction. */
  readonly slopes: Float64Array;
  /** Second derivative of the penalty by each pair of directions, row-major. */
  readonly penalty: Float64Array;
}

/** The step found, and the mean curvature of the loss by the margin where it starts and ends. */
export interface SubspaceStep {
  /** One a direction; undefined when none lowers the objective. */
  readonly coefficients: Float64Array | undefined;
  readonly curvatures: readonly [number, number];
}

const MOST_STEPS = 20;
/** A Newton step that adds less than this to the fall is the last. */
const ENOUGH = 1e-3;
const SUFFICIENT_DECREASE = 1e-4;
const LEAST_LENGTH = 1e-6;

/** Minimises φ. */
export function minimiseInSubspace(space: Subspace): SubspaceStep {
  const sample = sampleOf(space);
  const order = space.directions.length;
  let at = new Float64Array(order);
  let here = sample.look(at);
  const first = here;
  for (let step = 0; step < MOST_STEPS; step++) {
    const newton = scaledSolve(here.hessian, here.gradient);
    const slope = dot(here.gradient, newton);
    if (!(slope < 0)) break;
    const from = here;
    let length = 1;
    for (; length > LEAST_LENGTH; length /= 2) {
      const next = at.map((a, i) => a + length * newton[i]);
      const there = sample.look(next);
      if (!(there.value <= from.value + SUFFICIENT_DECREASE * length * slope)) continue;
      [at, here] = [next, there];
      break;
    }
    if (here === from || from.value - here.value < ENOUGH * (first.value - here.value)) break;
  }
  const curvatures: [number, number] = [first.curvature, here.curvature];
  return { coefficients: here.value < first.value ? at : undefined, curvatures };
}

interface Look {
  readonly value: number;
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
  readonly curvature: number;
}

function sampleOf({ loss, rows, width, directions, slopes, penalty }: Subspace) {
  const order = directions.length;
  const count = rows.length / width;
  const room = count + (count & 1);
  const labels = new Float64Array(room);
  const weights = new Float64Array(room);
  let weight = 0;
  for (let r = 0; r < count; r++) {
    labels[r] = rows[r * width];
    weights[r] = rows[r * width + 1];
    weight += weights[r];
  }
  const margins = new Float64Array(room);
  const residuals = new Float64Array(room);
  const curvatures = new Float64Array(room);
  const block = { rows: room, outputs: 1, stride: room, margins, labels, weights, residuals, curvatures };
  /** What turns the sample's slope at the start into that of all rows. */
  let correction: Float64Array | undefined;
  const look = (at: Float64Array): Look => {
    for (let r = 0; r < count; r++) {
      const from = r * width + ROW_HEAD;
      let margin = rows[from - 1];
      for (let i = 0; i < order; i++) margin += at[i] * rows[from + directions[i]];
      margins[r] = margin;
    }
    let value = loss.block(block) / weight;
    const gradient = new Float64Array(order);
    const hessian = new Float64Array(order * order);
    let curvature = 0;
    for (let r = 0; r < count; r++) {
      const from = r * width + ROW_HEAD;
      curvature += curvatures[r] / weight;
      for (let i = 0; i < order; i++) {
        const u = rows[from + directions[i]] / weight;
        gradient[i] += u * residuals[r];
        for (let j = 0; j <= i; j++) hessian[i * order + j] += u * curvatures[r] * rows[from + directions[j]];
      }
    }
    correction ??= slopes.map((slope, i) => slope - gradient[i]);
    for (let i = 0; i < order; i++) {
      let pull = 0;
      for (let j = 0; j < order; j++) {
        const low = i > j ? i * order + j : j * order + i;
        pull += penalty[low] * at[j];
        if (j > i) continue;
        hessian[low] += penalty[low];
        hessian[j * order + i] = hessian[low];
      }
      gradient[i] += correction[i] + pull;
      value += at[i] * (correction[i] + pull / 2);
    }
    return { value, gradient, hessian, curvature };
  };
  return { look };
}

/** −hessian⁻¹·gradient, directions scaled to curvature 1 first: their lengths differ by orders of magnitude. */
function scaledSolve(hessian: Float64Array, gradient: Float64Array): Float64Array {
  const order = gradient.length;
  const scales = gradient.map((_, i) => {
    const own = hessian[i * order + i];
    return own > 0 ? 1 / Math.sqrt(own) : 0;
  });
  const scaled = hessian.map((value, at) => value * scales[Math.floor(at / order)] * scales[at % order]);
  const step = gradient.map((value, i) => -value * scales[i]);
  solveCholesky(cholesky(scaled, order, RIDGE), step);
  return step.map((value, i) => value * scales[i]);
}

/** Relative ridge: directions may lie in the span of the others. */
const RIDGE = 1e-9;
