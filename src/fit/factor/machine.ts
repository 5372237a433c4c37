/**
 * The state of a machine while it is fitted, one vector of f64: of each output an intercept and its Σ g², then the
 * records of kernel/factor.ts, output fastest. What never changes in a fit (centres, scale, steps) are options, JSON.
 */
import { SoraError } from '../../errors.ts';
import { FACTOR_HEAD, type FactorSteps, factorRecord } from '../../kernel/factor.ts';
import type { LossSpec } from '../../loss/registry.ts';
import type { FactorModel } from '../../model/factor.ts';
import type { CsrView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import type { LearnerView } from '../labels.ts';

/** Options of the summaries of a fit; JSON. */
export interface MachineOptions extends FactorSteps {
  readonly loss: LossSpec | string;
  readonly features: number;
  readonly outputs: number;
  readonly factors: number;
  /** Margins of a row of which nothing is known, by output. */
  readonly centres: readonly number[];
  /** Margin that a unit of the machine stands for. */
  readonly scale: number;
  /** What slopes are divided by to be slopes in that unit. */
  readonly slopeScale: number;
}

/** Numbers of the state. */
export function stateLength({ features, outputs, factors }: MachineOptions): number {
  return 2 * outputs + features * outputs * factorRecord(factors);
}

/** The view of sparse rows; throws `internal` on a dense one. */
export function sparse(view: LearnerView): CsrView {
  if (view.kind === 'csr') return view;
  throw new SoraError('internal', 'Factorization machines read sparse rows, and the view is dense.');
}

/** The state before the first pass: weights 0, factors small numbers that are a function of (seed, record, factor). */
export function startState(
  options: MachineOptions,
  visits: Float64Array,
  seed: number,
  spread: number,
): Float64Array {
  const { outputs, factors } = options;
  const stride = factorRecord(factors);
  const state = new Float64Array(stateLength(options));
  for (let at = 0; at < visits.length * outputs; at++) {
    const count = visits[Math.floor(at / outputs)];
    if (count === 0) continue;
    const record = 2 * outputs + at * stride;
    state[record + 3] = count;
    for (let f = 0; f < factors; f++) {
      state[record + FACTOR_HEAD + f] = (2 * randomUniform(seed, at, f) - 1) * spread * Math.sqrt(3);
    }
  }
  return state;
}

/** The model that a state is: centre and scale folded into intercepts, weights and vectors. */
export function modelOf(options: MachineOptions, state: Float64Array): FactorModel {
  const { outputs, features, factors, centres, scale } = options;
  const stride = factorRecord(factors);
  const root = Math.sqrt(scale);
  const weights = new Float64Array(features * outputs);
  const vectors = new Float64Array(weights.length * factors);
  for (let at = 0; at < weights.length; at++) {
    const record = 2 * outputs + at * stride;
    weights[at] = scale * state[record];
    for (let f = 0; f < factors; f++) vectors[at * factors + f] = root * state[record + FACTOR_HEAD + f];
  }
  const intercepts = Float64Array.from(centres, (centre, k) => centre + scale * state[2 * k]);
  return { kind: 'factor', factors, intercepts, weights, vectors };
}
