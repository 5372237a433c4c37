/**
 * Quantile (pinball) loss α d for d ≥ 0 and (α − 1) d below, d = y - z: the α-quantile of numbers (Koenker & Bassett,
 * Econometrica 46, 1978). Identity link. It has a kink at 0, where its slope is taken as 0, and no curvature: trees
 * give their leaves the quantile of the residuals in them (`leafQuantile`).
 */
import { SoraError } from '../errors.ts';
import { finiteMargin, type Loss } from './loss.ts';
import { finiteProblem } from './squared.ts';

/** The quantile where none is given: the median. */
const MEDIAN = 0.5;

/** Pinball loss of a prediction: α (y - z) where the label lies above it, (1 - α) (z - y) below. */
export function pinballLoss(label: number, prediction: number, alpha: number): number {
  const d = label - prediction;
  return d >= 0 ? alpha * d : (alpha - 1) * d;
}

export function quantile(alpha: number = MEDIAN): Loss {
  if (!(alpha > 0 && alpha < 1)) {
    throw new SoraError('bad-option', `The quantile is ${alpha}; it must lie between 0 and 1, e.g. 0.9.`);
  }
  return {
    id: `quantile(${alpha})`,
    name: 'quantile',
    perClass: false,
    parameter: alpha,
    kernel: 'quantileBlock',
    flat: true,
    startQuantile: alpha,
    leafQuantile: alpha,
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      const beta = 1 - alpha;
      let even = 0;
      let odd = 0;
      for (let r = 0; r < rows; r++) {
        const w = weights[r];
        const d = labels[r] - finiteMargin(margins[r]);
        residuals[r] = w * (d > 0 ? -alpha : d < 0 ? beta : 0);
        if (curvatures) curvatures[r] = 0;
        const value = w * (d > 0 ? alpha * d : beta * -d);
        if (r & 1) odd += value;
        else even += value;
      }
      return even + odd;
    },
    labelProblem: finiteProblem,
    toMeans() {},
    toMargins() {},
    /** The label quantile where it is told; else the mean, a finite place to start from. */
    bestConstant: ({ sum, weight, quantile: told }) =>
      Float64Array.of(told ?? (weight > 0 ? sum / weight : 0)),
  };
}
