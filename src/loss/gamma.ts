/**
 * Gamma loss y e^(-z) + z of positive amounts, log link: the negative log likelihood of a gamma distribution of any
 * shape, up to a factor and what no margin changes (McCullagh & Nelder 1989, chapter 8). Errors count relative to the
 * mean. Below z = -100 the exponential goes on as its tangent, so that a step too long costs a large but finite loss.
 */
import { exp, log } from '../kernel/elementary.ts';
import { finiteMargin, type Loss, SMALLEST_SHARE } from './loss.ts';

/** Smallest margin of the exponential. */
const LIMIT = -100;

/** Gamma deviance of a row: 2·((y − mean) / mean − log(y / mean)). */
export function gammaDeviance(label: number, mean: number): number {
  return 2 * ((label - mean) / mean - log(label / mean));
}

export function gamma(): Loss {
  return {
    id: 'gamma',
    name: 'gamma',
    perClass: false,
    parameter: 0,
    kernel: 'gammaBlock',
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      let even = 0;
      let odd = 0;
      for (let r = 0; r < rows; r++) {
        const z = finiteMargin(margins[r]);
        const w = weights[r];
        const clamped = z < LIMIT ? LIMIT : z;
        const ratio = labels[r] * exp(-clamped);
        residuals[r] = w * (1 - ratio);
        if (curvatures) curvatures[r] = w * ratio;
        const value = w * (ratio * (1 + (clamped - z)) + z);
        if (r & 1) odd += value;
        else even += value;
      }
      return even + odd;
    },
    labelProblem: (label) =>
      label > 0 && Number.isFinite(label)
        ? undefined
        : 'amounts must be finite and above 0; use tweedie where some are 0.',
    toMeans(margins) {
      for (let i = 0; i < margins.length; i++) margins[i] = exp(margins[i]);
    },
    toMargins(means) {
      for (let i = 0; i < means.length; i++) means[i] = log(means[i]);
    },
    /** Log of the mean a unit of exposure. */
    bestConstant({ sum, exposure }) {
      if (!(exposure > 0)) return Float64Array.of(0);
      return Float64Array.of(log(Math.max(sum, SMALLEST_SHARE * exposure)) - log(exposure));
    },
  };
}
