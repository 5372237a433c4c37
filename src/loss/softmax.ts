/** Softmax loss log Σ_k exp(z_k) - z_y of class indices 0 … K - 1, a margin a class: the means are probabilities. */
import { exp, expUnit, log } from '../kernel/elementary.ts';
import { finiteMargin, type Loss, type LossBlock, SMALLEST_SHARE } from './loss.ts';

/** Loss of one row; leaves probabilities in place of its margins. */
function rowLoss({ margins, labels, outputs, stride }: LossBlock, r: number): number {
  let max = finiteMargin(margins[r]);
  for (let k = 1; k < outputs; k++) {
    const z = finiteMargin(margins[k * stride + r]);
    if (z > max) max = z;
  }
  let total = 0;
  let own = 0;
  for (let k = 0; k < outputs; k++) {
    const below = finiteMargin(margins[k * stride + r]) - max;
    if (labels[r] === k) own = below;
    const e = expUnit(below);
    total += e;
    margins[k * stride + r] = e;
  }
  const inverse = 1 / total;
  for (let k = 0; k < outputs; k++) margins[k * stride + r] *= inverse;
  return log(total) - own;
}

function block(block: LossBlock): number {
  const { rows, outputs, stride, margins, labels, weights, residuals, curvatures } = block;
  let even = 0;
  let odd = 0;
  for (let r = 0; r < rows; r++) {
    const w = weights[r];
    const value = w * rowLoss(block, r);
    if (r & 1) odd += value;
    else even += value;
    for (let k = 0; k < outputs; k++) {
      const at = k * stride + r;
      const p = margins[at];
      residuals[at] = w * (p - (labels[r] === k ? 1 : 0));
      if (curvatures) curvatures[at] = w * (p * (1 - p));
    }
  }
  return even + odd;
}

function toMeans(margins: Float64Array, outputs: number): void {
  for (let at = 0; at < margins.length; at += outputs) {
    let max = margins[at];
    for (let k = 1; k < outputs; k++) max = Math.max(max, margins[at + k]);
    let total = 0;
    for (let k = 0; k < outputs; k++) {
      margins[at + k] = exp(margins[at + k] - max);
      total += margins[at + k];
    }
    for (let k = 0; k < outputs; k++) margins[at + k] /= total;
  }
}

export function softmax(): Loss {
  return {
    id: 'softmax',
    name: 'softmax',
    perClass: true,
    parameter: 0,
    kernel: 'softmaxBlock',
    block,
    labelProblem: (label, outputs) =>
      Number.isInteger(label) && label >= 0 && label < outputs
        ? undefined
        : `it must be a class index, a whole number from 0 to ${outputs - 1}.`,
    toMeans,
    toMargins(means) {
      for (let i = 0; i < means.length; i++) means[i] = log(means[i]);
    },
    /** Log shares, centred so that they sum to 0. */
    bestConstant({ classes, weight }, outputs) {
      const margins = new Float64Array(outputs);
      if (!(weight > 0)) return margins;
      let sum = 0;
      for (let k = 0; k < outputs; k++) {
        margins[k] = log(Math.max(classes[k], SMALLEST_SHARE * weight) / weight);
        sum += margins[k];
      }
      for (let k = 0; k < outputs; k++) margins[k] -= sum / outputs;
      return margins;
    },
    cross({ rows, stride, margins, weights }, j, k, out) {
      for (let r = 0; r < rows; r++)
        out[r] = -(weights[r] * margins[j * stride + r] * margins[k * stride + r]);
    },
  };
}
