/**
 * FTRL-Proximal: follow the regularised leader, a step size per coordinate, exact zeros by L1.
 * McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, algorithm 1. A weight is a function of its own
 * z and n alone, so only coordinates that occur are touched, and the penalties cost nothing for those that do not.
 *   σ = (√(n + g²) − √n) / α,  z += g − σ w,  n += g²
 *   w = 0 if |z| ≤ λ₁, else −(z − sign(z) λ₁) / ((β + √n) / α + λ₂)
 */
import { z } from 'zod';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { LinearMargins, lossFor, lossShape, outputsOf } from './linear.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export const ftrlOptions = z.strictObject({
  name: z.literal('ftrl'),
  loss: lossShape.optional(),
  /** Step size: the rate of a coordinate is α / (β + √Σ g²). */
  alpha: z.number().positive().default(0.1),
  beta: z.number().nonnegative().default(1),
  l1: z.number().nonnegative().default(0),
  l2: z.number().nonnegative().default(0),
});

/** A linear model fitted by FTRL-Proximal. O(entries × outputs) a row; 24 bytes a coordinate and output. */
export function ftrl(options: z.infer<typeof ftrlOptions>, shape: Shape): OnlineLearner {
  const { alpha, beta, l1, l2 } = options;
  const loss = lossFor(options.loss, shape);
  const outputs = outputsOf(loss, shape);
  const linear = new LinearMargins(loss, outputs, shape);
  const { weights } = linear;
  const sums = new Float64Array(weights.length);
  /** The weight that follows from z and √n. */
  const weightOf = (sum: number, root: number) => {
    const beyond = sum > 0 ? sum - l1 : sum + l1;
    return Math.abs(sum) <= l1 ? 0 : -beyond / ((beta + root) / alpha + l2);
  };
  const squares = new Float64Array(weights.length);
  return {
    labelProblem: (label) => loss.labelProblem(label, outputs),
    learn(row: Row, label: number, weight: number): void {
      const { slopes } = linear.slopes(row, label, weight);
      const { count, indices, values } = row;
      for (let k = 0; k < outputs; k++) {
        const slope = slopes[2 * k];
        for (let e = 0; e < count; e++) {
          const at = indices[e] * outputs + k;
          const g = slope * values[e];
          const before = squares[at];
          const after = before + g * g;
          const root = Math.sqrt(after);
          const sum = sums[at] + g - ((root - Math.sqrt(before)) / alpha) * weights[at];
          sums[at] = sum;
          squares[at] = after;
          weights[at] = weightOf(sum, root);
        }
      }
    },
    raiseStep(keep) {
      for (let at = 0; at < squares.length; at++) {
        squares[at] *= keep;
        if (weights[at] === 0) continue;
        // The sum that gives the same weight.
        const beyond = -weights[at] * ((beta + Math.sqrt(squares[at])) / alpha + l2);
        sums[at] = beyond > 0 ? beyond + l1 : beyond - l1;
      }
    },
    forget(keep) {
      for (let at = 0; at < squares.length; at++) {
        squares[at] *= keep;
        sums[at] *= keep;
        weights[at] = weightOf(sums[at], Math.sqrt(squares[at]));
      }
    },
    predict: (row, out) => linear.predict(row, out),
    save: (): Arrays => ({ weights, sums, squares }),
    restore(arrays) {
      fill(weights, arrays, 'weights');
      fill(sums, arrays, 'sums');
      fill(squares, arrays, 'squares');
    },
  };
}
