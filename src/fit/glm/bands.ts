/**
 * Steps for wide problems. A diagonal of the Hessian misjudges how much rare and frequent features pull on the same
 * rows: each would be right alone, together they overshoot, and by how much depends on how frequent they are. So the
 * diagonally scaled gradient is cut into bands of like curvature, and the step is the best combination of these and
 * of the quasi-Newton direction, found on a sample of the rows: minimisation over a subspace in every step (Conn,
 * Gould, Sartenaer & Toint, "On iterated-subspace minimization methods for nonlinear optimization", 1996; Narkiss &
 * Zibulevsky, "Sequential subspace optimization method for large-scale unconstrained problems", 2005); see subspace.ts.
 */
import type { Loss } from '../../loss/loss.ts';
import type { StepMachine } from '../loop.ts';
import type { Preconditioner } from './lbfgs.ts';
import { dot, type Evaluation, type Point } from './objective.ts';
import { ROW_HEAD, TABLE_WIDTH } from './sample-products.ts';
import { minimiseInSubspace, type Subspace } from './subspace.ts';

/** Asks for the products of a sample of rows with the directions of a table. */
export interface ProductsAsk {
  readonly table: Float32Array;
}

/** Bands of coefficients by curvature, each a quarter of the one before at least; the intercept has the last. */
const COEFFICIENT_BANDS = 8;
export const BANDS = COEFFICIENT_BANDS + 1;
const BAND_RATIO = 4;
/** Least curvature of a parameter, of the greatest: of a feature that no row has there is none. */
const LEAST_CURVATURE = 1e-12;

/** Scaling by the diagonal, and the step that improves on a direction. */
export interface BandedSteps {
  readonly precondition: Preconditioner;
  readonly improve: (
    point: Point,
    direction: Float64Array,
  ) => StepMachine<ProductsAsk, Evaluation | Float64Array, Float64Array>;
}

/**
 * Steps for a problem of one output whose Hessian at the start has this diagonal, `l2` included but for the
 * intercept, the last. As curvature falls or rises along the way, the diagonal of the loss follows the sample's mean.
 */
export function bandedSteps(loss: Loss, diagonal: Float64Array, l2: number): BandedSteps {
  const last = diagonal.length - 1;
  const bands = bandsOf(diagonal);
  const penaltyAt = (i: number) => (i === last ? 0 : l2);
  const least = leastCurvature(diagonal);
  let [start, ratio] = [0, 1];
  const scale = (value: number, i: number) =>
    value / Math.max(least, (diagonal[i] - penaltyAt(i)) * ratio + penaltyAt(i));
  return {
    precondition(vector) {
      for (let i = 0; i < vector.length; i++) vector[i] = scale(vector[i], i);
    },
    *improve(point, direction) {
      const steps = point.gradient.map((value, i) => -scale(value, i));
      const rows = (yield { table: tableOf(point.parameters, direction, steps, bands) }) as Float64Array;
      const space = spaceOf(loss, rows, point, direction, steps, bands, l2);
      const { coefficients, curvatures } = minimiseInSubspace(space);
      if (start === 0) start = curvatures[0];
      if (start > 0 && curvatures[1] > 0) ratio = curvatures[1] / start;
      if (coefficients === undefined) return direction;
      const parts = new Float64Array(1 + BANDS);
      space.directions.forEach((part, i) => {
        parts[part] = coefficients[i];
      });
      return direction.map((value, i) => parts[0] * value + parts[1 + bands[i]] * steps[i]);
    },
  };
}

/** What to take for the curvature of parameters that have less, or none. */
export function leastCurvature(diagonal: Float64Array): number {
  return LEAST_CURVATURE * diagonal.reduce((most, value) => Math.max(most, value), 0);
}

/** Band of every parameter. */
export function bandsOf(diagonal: Float64Array): Uint8Array {
  const last = diagonal.length - 1;
  const bands = new Uint8Array(diagonal.length).fill(COEFFICIENT_BANDS);
  let most = 0;
  for (let i = 0; i < last; i++) most = Math.max(most, diagonal[i]);
  for (let i = 0; i < last; i++) {
    let band = 0;
    for (let edge = most / BAND_RATIO; band < COEFFICIENT_BANDS - 1 && diagonal[i] < edge; edge /= BAND_RATIO)
      band++;
    bands[i] = band;
  }
  return bands;
}

function tableOf(
  parameters: Float64Array,
  direction: Float64Array,
  steps: Float64Array,
  bands: Uint8Array,
): Float32Array {
  const table = new Float32Array(TABLE_WIDTH * parameters.length);
  for (let i = 0, at = 0; i < parameters.length; i++, at += TABLE_WIDTH) {
    table[at] = parameters[i];
    table[at + 1] = direction[i];
    table[at + 2] = steps[i];
    table[at + 3] = bands[i];
  }
  return table;
}

/** The span of the bands that are not empty and of the direction, unless that is their sum. */
function spaceOf(
  loss: Loss,
  rows: Float64Array,
  { gradient }: Point,
  direction: Float64Array,
  steps: Float64Array,
  bands: Uint8Array,
  l2: number,
): Subspace {
  const parts = 1 + BANDS;
  const slopes = new Float64Array(parts);
  const lengths = new Float64Array(parts);
  const penalty = new Float64Array(parts * parts);
  const last = steps.length - 1;
  slopes[0] = dot(gradient, direction);
  let differs = false;
  for (let i = 0; i <= last; i++) {
    const band = 1 + bands[i];
    slopes[band] += gradient[i] * steps[i];
    lengths[band] += Math.abs(steps[i]);
    differs ||= direction[i] !== steps[i];
    if (i === last) continue;
    penalty[0] += l2 * direction[i] * direction[i];
    penalty[band] += l2 * direction[i] * steps[i];
    penalty[band * parts] += l2 * direction[i] * steps[i];
    penalty[band * parts + band] += l2 * steps[i] * steps[i];
  }
  lengths[0] = differs ? 1 : 0;
  const directions = Array.from(lengths.keys()).filter((part) => lengths[part] > 0);
  return {
    loss,
    rows,
    width: ROW_HEAD + parts,
    directions,
    slopes: Float64Array.from(directions, (part) => slopes[part]),
    penalty: Float64Array.from(directions.flatMap((a) => directions.map((b) => penalty[a * parts + b]))),
  };
}
