/**
 * The step of least objective in the span of a few directions, as a sample of rows sees it: Newton's method on the
 * coefficients of the directions. The slope at the start is that of all rows; the sample tells how it changes,
 *
 *     φ(a) = loss(m + U a) − loss(m) − (∇loss(m) − slopes) · a + a' Q a / 2,
 *
 * with U the products of rows and directions, Q what the penalty adds. φ is convex and its slope at 0 is exact, so a
 * step that lowers φ descends. O(rows × directions²) an iteration, no pass over data.
 */
import type { Loss, LossBlock } from '../../loss/loss.ts';
import { cholesky, solveCholesky } from './cholesky.ts';
import { combine, dot } from './objective.ts';
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
/**
 * Where curvature along the next step is this small a part of what it was at the start, the sample has been fitted
 * and its model of the objective may fall for ever: the step ends there.
 */
const LEAST_CURVATURE = 1 / 16;

/** Minimises φ. */
export function minimiseInSubspace(space: Subspace): SubspaceStep {
  const sample = new Sample(space);
  const first = sample.look(new Float64Array(space.directions.length));
  let here = first;
  for (let step = 0; step < MOST_STEPS; step++) {
    const newton = scaledSolve(here.hessian, here.gradient);
    if (curvatureAlong(newton, here.hessian) < LEAST_CURVATURE * curvatureAlong(newton, first.hessian)) break;
    const next = backtrack(sample, here, newton);
    if (next === undefined) break;
    const fall = here.value - next.value;
    here = next;
    if (fall < ENOUGH * (first.value - here.value)) break;
  }
  const curvatures = [first.curvature, here.curvature] as const;
  return { coefficients: here.value < first.value ? here.at : undefined, curvatures };
}

/** The first of ever shorter steps that lowers φ enough. */
function backtrack(sample: Sample, from: Look, direction: Float64Array): Look | undefined {
  const slope = dot(from.gradient, direction);
  for (let length = 1; slope < 0 && length > LEAST_LENGTH; length /= 2) {
    const look = sample.look(combine(from.at, length, direction));
    if (look.value <= from.value + SUFFICIENT_DECREASE * length * slope) return look;
  }
  return undefined;
}

/** φ and its derivatives. */
interface Look {
  readonly at: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
  /** Mean curvature of the loss by the margin. */
  readonly curvature: number;
}

/** φ on the rows of a sample. */
class Sample {
  readonly #space: Subspace;
  readonly #block: Required<Omit<LossBlock, 'unitWeights'>>;
  readonly #weight: number;
  readonly #start: Float64Array;
  /** Row-major, rows × directions. */
  readonly #products: Float64Array;
  /** What turns the sample's slope at the start into that of all rows. */
  #correction: Float64Array | undefined;

  constructor(space: Subspace) {
    const { rows, width, directions } = space;
    const count = rows.length / width;
    const room = count + (count & 1);
    const vector = () => new Float64Array(room);
    this.#space = space;
    this.#block = {
      rows: room,
      outputs: 1,
      stride: room,
      margins: vector(),
      labels: vector(),
      weights: vector(),
      residuals: vector(),
      curvatures: vector(),
    };
    this.#start = vector();
    this.#products = new Float64Array(room * directions.length);
    let [weight, to] = [0, 0];
    for (let r = 0, from = 0; r < count; r++, from += width) {
      this.#block.labels[r] = rows[from];
      this.#block.weights[r] = rows[from + 1];
      this.#start[r] = rows[from + 2];
      weight += rows[from + 1];
      for (const direction of directions) this.#products[to++] = rows[from + ROW_HEAD + direction];
    }
    this.#weight = weight;
  }

  look(at: Float64Array): Look {
    const { loss, slopes, penalty } = this.#space;
    const order = at.length;
    this.#moveTo(at);
    let value = loss.block(this.#block) / this.#weight;
    const gradient = new Float64Array(order);
    const hessian = new Float64Array(order * order);
    const curvature = this.#addRows(gradient, hessian);
    this.#correction ??= slopes.map((slope, i) => slope - gradient[i]);
    for (let i = 0; i < order; i++) {
      let pull = 0;
      for (let j = 0; j < order; j++) pull += penalty[i * order + j] * at[j];
      gradient[i] += this.#correction[i] + pull;
      value += at[i] * (this.#correction[i] + pull / 2);
    }
    for (let i = 0; i < hessian.length; i++) hessian[i] += penalty[i];
    return { at, value, gradient, hessian, curvature };
  }

  #moveTo(at: Float64Array): void {
    const { margins } = this.#block;
    const products = this.#products;
    for (let r = 0, from = 0; r < margins.length; r++) {
      let margin = this.#start[r];
      for (let i = 0; i < at.length; i++) margin += at[i] * products[from++];
      margins[r] = margin;
    }
  }

  /** Adds the means of what rows add; returns their mean curvature. */
  #addRows(gradient: Float64Array, hessian: Float64Array): number {
    const { residuals, curvatures } = this.#block;
    const products = this.#products;
    const order = gradient.length;
    let sum = 0;
    for (let r = 0, from = 0; r < residuals.length; r++, from += order) {
      const residual = residuals[r] / this.#weight;
      const curvature = curvatures[r] / this.#weight;
      sum += curvature;
      for (let i = 0; i < order; i++) {
        const product = products[from + i];
        gradient[i] += residual * product;
        const scaled = curvature * product;
        for (let j = 0; j <= i; j++) hessian[i * order + j] += scaled * products[from + j];
      }
    }
    for (let i = 0; i < order; i++)
      for (let j = 0; j < i; j++) hessian[j * order + i] = hessian[i * order + j];
    return sum;
  }
}

/** direction' hessian direction. */
function curvatureAlong(direction: Float64Array, hessian: Float64Array): number {
  const order = direction.length;
  let sum = 0;
  for (let i = 0; i < order; i++) {
    const row = hessian.subarray(i * order, (i + 1) * order);
    sum += direction[i] * dot(row, direction);
  }
  return sum;
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
