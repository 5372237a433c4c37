/** Exact weights: laws of the sums, and weights that meet the mixed model equations after a fit, whatever the cut. */
import { describe, expect, it } from 'vitest';
import { csrView, sliceView } from '../../../test/learner-views.ts';
import { encodeFactors, type FactorModel } from '../../model/factor.ts';
import type { CsrView } from '../../particle/view.ts';
import { nearly } from '../../summary/equal.ts';
import { checkLaws } from '../../summary/laws.ts';
import { partial } from '../../summary/summary.ts';
import { polish } from './polish.ts';

const FEATURES = 5;
const model: FactorModel = {
  kind: 'factor',
  factors: 2,
  intercepts: Float64Array.of(0.5),
  weights: Float64Array.of(1, -1, 0, 2, 0.5),
  vectors: new Float64Array(2 * FEATURES).fill(0.1),
};
const summaryOf = (loss: string, from: number, to: number) =>
  polish({ loss, factors: 2, outputs: 1, features: FEATURES, from, to }, encodeFactors(model));

describe.each([
  ['squared', 'numbers'],
  ['logistic', 2],
] as const)('exact weights of %s', (loss, labels) => {
  it.each([
    [0, 0],
    [1, 4],
  ])('have sums that keep the laws, of features %i to %i', (from, to) => {
    const inputs = [7, 3, 1].map((rows) => csrView({ rows, features: FEATURES, labels, weights: true }, 0.5));
    const check = { inputs: inputs as CsrView[], slice: sliceView, close: nearly(1e-9) };
    expect(() => checkLaws(summaryOf(loss, from, to), check)).not.toThrow();
  });
});

it('is the best weight of a level given the others, in one step', () => {
  // Rows of level 1 alone: margin 0.5 + w, labels 2 and 4, held as if by one row: w = Σ (y − 0.5) / 3 = 5 / 3.
  const view: CsrView = {
    kind: 'csr',
    rows: 2,
    features: FEATURES,
    starts: Uint32Array.of(0, 1, 2),
    indices: Uint32Array.of(1, 1),
    values: Float32Array.of(1, 1),
    labels: Float64Array.of(2, 4),
  };
  const { slopes, curvatures } = partial(summaryOf('squared', 1, 4), view);
  const [held, weight] = [1, model.weights[1]];
  expect(weight - (slopes[1] + held * weight) / (curvatures[1] + held)).toBeCloseTo(5 / 3, 12);
});
