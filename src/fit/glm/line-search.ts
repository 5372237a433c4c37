/**
 * Line search for the strong Wolfe conditions, as a step machine: bracket, then zoom with safeguarded cubic
 * interpolation (Nocedal & Wright, Numerical Optimization, 2nd ed., algorithms 3.5 and 3.6).
 * Near the minimum, where differences of the objective are rounding noise, the approximate Wolfe conditions on
 * the slope alone decide (Hager & Zhang 2005, section 2). A value that is not finite counts as too high.
 */
import type { StepMachine } from '../loop.ts';
import { combine, dot, type Evaluation, type Point } from './objective.ts';

const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;
const NOISE = 1e-13;
const MAX_PROBES = 25;

/** What was seen at x + step·direction. */
interface Probe {
  readonly step: number;
  readonly value: number;
  readonly slope: number;
  readonly point: Point;
}

/** Outcome: an accepted point, or undefined when no lower point was found; and the evaluations spent. */
export interface LineSearchResult {
  readonly point: Point | undefined;
  readonly probes: number;
}

export type LineSearch = StepMachine<Float64Array, Evaluation, LineSearchResult>;

/**
 * Searches from `start` along the descent direction `direction`, trying `firstStep` first.
 * Spends at most `budget` evaluations.
 */
export function* strongWolfe(
  start: Point,
  direction: Float64Array,
  firstStep: number,
  budget: number,
): LineSearch {
  const slope0 = dot(start.gradient, direction);
  const limit = Math.min(budget, MAX_PROBES);
  const origin: Probe = { step: 0, value: start.value, slope: slope0, point: start };
  let low = origin;
  let high: Probe | undefined;
  let step = firstStep;
  let probes = 0;
  while (probes < limit) {
    probes++;
    const probe = yield* probeAt(start, direction, step);
    if (isAcceptable(origin, probe)) return { point: probe.point, probes };
    if (isTooHigh(origin, low, probe)) {
      high = probe;
    } else {
      const beyond = probe.slope >= 0;
      if (high === undefined ? beyond : probe.slope * (high.step - low.step) >= 0) high = low;
      low = probe;
    }
    if (high === undefined) step *= 4;
    else if (Math.abs(high.step - low.step) <= 1e-12 * Math.abs(low.step)) break;
    else step = interpolate(low, high);
  }
  return { point: low.step > 0 ? low.point : undefined, probes };
}

function* probeAt(
  start: Point,
  direction: Float64Array,
  step: number,
): StepMachine<Float64Array, Evaluation, Probe> {
  const parameters = combine(start.parameters, step, direction);
  const { value, gradient } = yield parameters;
  const slope = dot(gradient, direction);
  const finite = Number.isFinite(value) && Number.isFinite(slope);
  return {
    step,
    value: finite ? value : Number.POSITIVE_INFINITY,
    slope,
    point: { parameters, value, gradient },
  };
}

function isAcceptable(origin: Probe, probe: Probe): boolean {
  if (probe.value === Number.POSITIVE_INFINITY) return false;
  const falls = probe.value <= origin.value + SUFFICIENT_DECREASE * probe.step * origin.slope;
  if (falls && Math.abs(probe.slope) <= -CURVATURE * origin.slope) return true;
  const level = probe.value <= origin.value + NOISE * Math.abs(origin.value);
  return level && Math.abs(probe.slope) <= -CURVATURE * origin.slope;
}

function isTooHigh(origin: Probe, low: Probe, probe: Probe): boolean {
  const ceiling = origin.value + SUFFICIENT_DECREASE * probe.step * origin.slope;
  return probe.value > ceiling || (low.step > 0 && probe.value >= low.value);
}

/** Minimiser of the cubic through two probes, kept off the ends; a fifth of the way where `high` is not finite. */
function interpolate(low: Probe, high: Probe): number {
  const width = high.step - low.step;
  if (high.value === Number.POSITIVE_INFINITY) return low.step + 0.2 * width;
  const d1 = low.slope + high.slope - (3 * (low.value - high.value)) / (low.step - high.step);
  const inside = d1 * d1 - low.slope * high.slope;
  let fraction = 0.5;
  if (inside >= 0) {
    const d2 = (width > 0 ? 1 : -1) * Math.sqrt(inside);
    fraction = 1 - (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
  }
  if (!(fraction > 0.1)) fraction = 0.1;
  else if (fraction > 0.9) fraction = 0.9;
  return low.step + fraction * width;
}
