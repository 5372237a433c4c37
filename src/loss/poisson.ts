/**
 * Poisson loss eᶻ - y z of counts, log link: the negative log likelihood less log y!, which no margin changes.
 * Beyond z = 100 (a mean of 2.7e43) the exponential goes on as its tangent, so that a step too long costs a large but
 * finite loss. An exposure enters as the offset log(exposure).
 */
import { exp, log } from '../kernel/elementary.ts';
import { finiteMargin, type Loss, SMALLEST_SHARE } from './loss.ts';

/** Largest margin of the exponential. */
const LIMIT = 100;

export function poisson(): Loss {
  return {
    id: 'poisson',
    name: 'poisson',
    perClass: false,
    parameter: 0,
    kernel: 'poissonBlock',
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      let even = 0;
      let odd = 0;
      for (let r = 0; r < rows; r++) {
        const z = finiteMargin(margins[r]);
        const y = labels[r];
        const w = weights[r];
        const clamped = z > LIMIT ? LIMIT : z;
        const mean = exp(clamped);
        residuals[r] = w * (mean - y);
        if (curvatures) curvatures[r] = w * mean;
        const value = w * (mean * (1 + (z - clamped)) - y * z);
        if (r & 1) odd += value;
        else even += value;
      }
      return even + odd;
    },
    labelProblem: (label) =>
      label >= 0 && Number.isFinite(label) ? undefined : 'counts must be finite and not negative.',
    toMeans(margins) {
      for (let i = 0; i < margins.length; i++) margins[i] = exp(margins[i]);
    },
    toMargins(means) {
      for (let i = 0; i < means.length; i++) means[i] = log(means[i]);
    },
    bestConstant({ sum, exposure }) {
      if (!(exposure > 0)) return Float64Array.of(0);
      return Float64Array.of(log(Math.max(sum, SMALLEST_SHARE * exposure)) - log(exposure));
    },
  };
}
