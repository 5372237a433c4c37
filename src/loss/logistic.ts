/** Logistic loss log(1 + eᶻ) - y z of labels 0 and 1: the margin is the log odds, the mean the probability of 1. */
import { expUnit, log, log1pUnit, sigmoid } from '../kernel/elementary.ts';
import { finiteMargin, type Loss, SMALLEST_SHARE } from './loss.ts';

export function logistic(): Loss {
  return {
    id: 'logistic',
    name: 'logistic',
    perClass: false,
    parameter: 0,
    kernel: 'logisticBlock',
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      let even = 0;
      let odd = 0;
      for (let r = 0; r < rows; r++) {
        const z = finiteMargin(margins[r]);
        const y = labels[r];
        const w = weights[r];
        const e = expUnit(-Math.abs(z));
        const inverse = 1 / (1 + e);
        residuals[r] = w * ((z >= 0 ? inverse : e * inverse) - y);
        if (curvatures) curvatures[r] = w * (e * inverse * inverse);
        const value = w * (log1pUnit(e) + ((z >= 0 ? z : 0) - y * z));
        if (r & 1) odd += value;
        else even += value;
      }
      return even + odd;
    },
    labelProblem: (label) =>
      label === 0 || label === 1 ? undefined : 'it must be 0 or 1; use softmax for more classes.',
    toMeans(margins) {
      for (let i = 0; i < margins.length; i++) margins[i] = sigmoid(margins[i]);
    },
    toMargins(means) {
      for (let i = 0; i < means.length; i++) means[i] = log(means[i]) - log(1 - means[i]);
    },
    bestConstant({ sum, weight }) {
      if (!(weight > 0)) return Float64Array.of(0);
      const least = SMALLEST_SHARE * weight;
      return Float64Array.of(log(Math.max(sum, least)) - log(Math.max(weight - sum, least)));
    },
  };
}
