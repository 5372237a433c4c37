/**
 * Logistic loss log(1 + eᶻ) - y z of labels 0 and 1: the margin is the log odds, the mean the probability of 1.
 * With unit weights the logarithms of a block are one logarithm of a product (kernels/loss.ts).
 */
import { expUnit, log, log1pUnit, sigmoid } from '../kernel/elementary.ts';
import { finiteMargin, type Loss, SMALLEST_SHARE } from './loss.ts';

export function logistic(): Loss {
  return {
    id: 'logistic',
    name: 'logistic',
    perClass: false,
    parameter: 0,
    kernel: 'logisticBlock',
    block({ rows, margins, labels, weights, unitWeights, residuals, curvatures }) {
      const sums = [0, 0];
      const products = [1, 1];
      for (let r = 0; r < rows; r++) {
        const z = finiteMargin(margins[r]);
        const y = labels[r];
        const w = weights[r];
        const e = expUnit(-Math.abs(z));
        const inverse = 1 / (1 + e);
        residuals[r] = w * ((z >= 0 ? inverse : e * inverse) - y);
        if (curvatures) curvatures[r] = w * (e * inverse * inverse);
        const linear = (z >= 0 ? z : 0) - y * z;
        if (unitWeights) {
          products[r & 1] *= 1 + w * e;
          sums[r & 1] += w * linear;
          if ((r & 1023) >= 1022) {
            sums[r & 1] += log(products[r & 1]);
            products[r & 1] = 1;
          }
        } else sums[r & 1] += w * (log1pUnit(e) + linear);
      }
      return sums[0] + log(products[0]) + (sums[1] + log(products[1]));
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
