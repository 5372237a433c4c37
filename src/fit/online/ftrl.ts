/**
 * FTRL-Proximal: follow the regularised leader, a step size per coordinate, exact zeros by L1.
 * McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, algorithm 1. A weight is a function of its own
 * z and n alone, so only coordinates that occur are touched, and the penalties cost nothing for those that do not.
 *   σ = (√(n + g²) − √n) / α,  z += g − σ w,  n += g²
 *   w = 0 if |z| ≤ λ₁, else −(z − sign(z) λ₁) / ((β + √n) / α + λ₂)
 */
import { z } from 'zod';
import { ftrlRows, ONLINE_RECORD } from '../../kernel/online.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { LinearRecords, lossFor, lossShape, outputsOf } from './linear.ts';
import type { Row } from './row.ts';

export const ftrlOptions = z.strictObject({
  name: z.literal('ftrl'),
  loss: lossShape.optional(),
  /** Step size: the rate of a coordinate is α / (β + √Σ g²). */
  alpha: z.number().positive().default(0.1),
  beta: z.number().nonnegative().default(1),
  l1: z.number().nonnegative().default(0),
  l2: z.number().nonnegative().default(0),
});

/** Numbers of a record after the weight. */
const SUM = 1;
const SQUARES = 2;
/** √squares, kept beside them. */
const ROOT = 3;

/** What the weight of a coordinate follows from beside its two sums. */
export interface FtrlSteps {
  readonly inverseAlpha: number;
  readonly beta: number;
  readonly l1: number;
  readonly l2: number;
}

/** The weight that follows from z and √n. */
export function ftrlWeight(sum: number, root: number, { inverseAlpha, beta, l1, l2 }: FtrlSteps): number {
  const beyond = sum > 0 ? sum - l1 : sum + l1;
  return Math.abs(sum) <= l1 ? 0 : -beyond / ((beta + root) * inverseAlpha + l2);
}

/** The sum that gives a weight. */
export function ftrlSum(weight: number, root: number, { inverseAlpha, beta, l1, l2 }: FtrlSteps): number {
  if (weight === 0) return 0;
  const beyond = -weight * ((beta + root) * inverseAlpha + l2);
  return beyond > 0 ? beyond + l1 : beyond - l1;
}

/** A linear model fitted by FTRL-Proximal. O(entries × outputs) a row; 32 bytes a coordinate and output. */
export function ftrl(options: z.infer<typeof ftrlOptions>, shape: Shape): OnlineLearner {
  const { alpha, beta, l1, l2 } = options;
  const inverseAlpha = 1 / alpha;
  const steps = { inverseAlpha, beta, l1, l2 };
  const loss = lossFor(options.loss, shape);
  const outputs = outputsOf(loss, shape);
  const linear = new LinearRecords(loss, outputs, shape);

  /** λ₁ with the sign of a sum that is beyond it, else 0. */
  function beyondOf(sum: number): number {
    return Math.abs(sum) <= l1 ? 0 : Math.sign(sum) * l1;
  }

  /** One coordinate; twin of `ftrlStep` in kernels/online.ts. */
  function step(records: Float64Array, at: number, g: number): void {
    const squares = records[at + SQUARES] + g * g;
    const root = Math.sqrt(squares);
    const sum = records[at + SUM] + g - (root - records[at + ROOT]) * inverseAlpha * records[at];
    records[at] = ftrlWeight(sum, root, steps);
    records[at + SUM] = sum;
    records[at + SQUARES] = squares;
    records[at + ROOT] = root;
  }

  return {
    labelProblem: (label) => loss.labelProblem(label, outputs),
    learn(row: Row, label: number, weight: number): void {
      const { slopes } = linear.slopes(row, label, weight);
      const { count, indices, values } = row;
      const { records } = linear;
      for (let k = 0; k < outputs; k++) {
        const slope = slopes[2 * k];
        for (let e = 0; e < count; e++) step(records, linear.at(indices[e], k), slope * values[e]);
      }
    },
    raiseStep(keep) {
      const { records } = linear;
      for (let at = 0; at < records.length; at += ONLINE_RECORD) {
        records[at + SQUARES] *= keep;
        records[at + ROOT] = Math.sqrt(records[at + SQUARES]);
        if (records[at] === 0) continue;
        records[at + SUM] = ftrlSum(records[at], records[at + ROOT], steps);
      }
    },
    forget(keep) {
      const { records } = linear;
      for (let at = 0; at < records.length; at += ONLINE_RECORD) {
        records[at + SQUARES] *= keep;
        records[at + ROOT] = Math.sqrt(records[at + SQUARES]);
        records[at + SUM] *= keep;
        records[at] = ftrlWeight(records[at + SUM], records[at + ROOT], steps);
      }
    },
    predict: (row, out) => linear.predict(row, out),
    blocks: linear.blocks((memory, count, of) => ftrlRows(memory, count, of, steps)),
    save: (): Arrays => ({
      weights: linear.column(0),
      sums: linear.column(SUM),
      squares: linear.column(SQUARES),
    }),
    grown() {
      const sums = linear.column(SUM);
      // What half of it is to be beyond λ₁, of weights that are halved.
      if (!loss.perClass) for (let at = 0; at < sums.length; at++) sums[at] += beyondOf(sums[at]);
      return linear.grown({ weights: linear.column(0), sums }, { squares: linear.column(SQUARES) });
    },
    restore(arrays) {
      linear.restoreColumn(0, arrays, 'weights');
      linear.restoreColumn(SUM, arrays, 'sums');
      linear.restoreColumn(SQUARES, arrays, 'squares');
      const { records } = linear;
      for (let at = 0; at < records.length; at += ONLINE_RECORD) {
        records[at + ROOT] = Math.sqrt(records[at + SQUARES]);
      }
    },
  };
}
