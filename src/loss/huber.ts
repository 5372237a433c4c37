/**
 * Huber's loss: ½ d² for |d| ≤ δ, δ (|d| - ½ δ) beyond, d = z - y (Huber, Annals of Mathematical Statistics 35, 1964).
 * A mean that outliers pull with bounded force. Identity link; δ is in units of the label. The curvature is 0 beyond δ.
 */
import { SoraError } from '../errors.ts';
import type { Loss } from './loss.ts';
import { finiteProblem } from './squared.ts';

/** δ of 95 % efficiency on normal errors of unit variance. */
const DEFAULT_DELTA = 1.345;

export function huber(delta: number = DEFAULT_DELTA): Loss {
  if (!(delta > 0 && Number.isFinite(delta))) {
    throw new SoraError(
      'bad-option',
      `Huber's delta is ${delta}; it must be a positive number, in units of the label.`,
    );
  }
  return {
    id: `huber(${delta})`,
    name: 'huber',
    perClass: false,
    parameter: delta,
    kernel: 'huberBlock',
    flat: true,
    startQuantile: 0.5,
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      const half = 0.5 * delta;
      let even = 0;
      let odd = 0;
      for (let r = 0; r < rows; r++) {
        const w = weights[r];
        const d = margins[r] - labels[r];
        const size = Math.abs(d);
        const below = d > delta ? delta : d;
        residuals[r] = w * (below < -delta ? -delta : below);
        if (curvatures) curvatures[r] = size <= delta ? w : 0;
        const value = w * (size <= delta ? 0.5 * (d * d) : delta * (size - half));
        if (r & 1) odd += value;
        else even += value;
      }
      return even + odd;
    },
    labelProblem: finiteProblem,
    toMeans() {},
    toMargins() {},
    /** The median where it is told, else the mean: not Huber's own centre, which no totals give, but near it. */
    bestConstant: ({ sum, weight, quantile }) => Float64Array.of(quantile ?? (weight > 0 ? sum / weight : 0)),
  };
}
