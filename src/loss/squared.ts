/** Squared loss ½ (z - y)²: the mean of numbers. Identity link; every finite label is valid. */
import type { Loss } from './loss.ts';

/** Why a label is not a finite number. */
export function finiteProblem(label: number): string | undefined {
  return Number.isFinite(label) ? undefined : 'labels must be finite numbers.';
}

export function squared(): Loss {
  return {
    id: 'squared',
    name: 'squared',
    perClass: false,
    parameter: 0,
    kernel: 'squaredBlock',
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      let even = 0;
      let odd = 0;
      for (let r = 0; r < rows; r++) {
        const d = margins[r] - labels[r];
        const residual = weights[r] * d;
        residuals[r] = residual;
        if (curvatures) curvatures[r] = weights[r];
        const value = residual * (d * 0.5);
        if (r & 1) odd += value;
        else even += value;
      }
      return even + odd;
    },
    labelProblem: finiteProblem,
    toMeans() {},
    toMargins() {},
    bestConstant: ({ sum, weight }) => Float64Array.of(weight > 0 ? sum / weight : 0),
  };
}
