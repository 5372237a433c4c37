/**
 * Weights made exact: what steps have left them short of, or over, is made up by Newton steps over all rows, one group of features after the
 * other with vectors held still, as alternating least squares do (Rendle, "Factorization machines with libFM", ACM TIST 3, 2012, section 3.3). A
 * group is a column's levels, of which a row has one, so each step is that weight's best given the others: backfitting,
 * whose fixed point for numbers is the best linear unbiased prediction. It does not depend on how rows are cut.
 * For losses of a bounded curvature with one output: where a row has several entries of a group, the bound is of their sum.
 */
import type { Json } from '../../json.ts';
import { sigmoid } from '../../kernel/elementary.ts';
import { decodeFactors, factorScorer } from '../../model/factor.ts';
import type { Summary } from '../../summary/summary.ts';
import { addVector, decodeSums, encodeSums } from '../glm/sum-bytes.ts';
import type { LearnerView } from '../labels.ts';
import { sparse } from './machine.ts';

/** Most curvature of a row by the loss; weights of other losses are left as steps left them. */
export const CURVATURES: Readonly<Record<string, number>> = { squared: 1, logistic: 0.25 };

/** Options of the summary; JSON. */
export interface PolishOptions {
  readonly loss: string;
  readonly factors: number;
  readonly outputs: number;
  readonly features: number;
  /** The group is features [from, to); where they are none, the intercept, in place of feature 0. */
  readonly from: number;
  readonly to: number;
}

/** Σ slope · x and Σ curvature · |x| · Σ|x| of the row's group, by feature. */
export interface PolishSums {
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
}

/** Slopes and curvatures of the weights of a group; the parameters are the model. O(entries × factors). */
export function polish(options: Json, parameters: Uint8Array): Summary<PolishSums, PolishSums, LearnerView> {
  const problem = options as unknown as PolishOptions;
  const { loss, outputs, features, from, to } = problem;
  const score = factorScorer(decodeFactors(parameters, problem), outputs);
  const most = CURVATURES[loss];
  const isIn = (feature: number) => feature >= from && feature < to;
  return {
    id: `factor-polish/1 ${loss} ${features} ${from}–${to}`,
    empty: () => ({ slopes: new Float64Array(features), curvatures: new Float64Array(features) }),
    observe({ slopes, curvatures }, seen) {
      const view = sparse(seen);
      const { starts, indices, values, rows, labels, weights } = view;
      if (rows === 0) return;
      const margins = score(view);
      for (let row = 0; row < rows; row++) {
        const weight = weights === undefined ? 1 : weights[row];
        const mean = loss === 'logistic' ? sigmoid(margins[row]) : margins[row];
        const slope = weight * (mean - labels[row]);
        const curvature = weight * most;
        if (from === to) {
          slopes[0] += slope;
          curvatures[0] += curvature;
          continue;
        }
        let length = 0;
        for (let j = starts[row]; j < starts[row + 1]; j++) {
          if (isIn(indices[j])) length += Math.abs(values[j]);
        }
        for (let j = starts[row]; length > 0 && j < starts[row + 1]; j++) {
          if (!isIn(indices[j])) continue;
          slopes[indices[j]] += slope * values[j];
          curvatures[indices[j]] += curvature * Math.abs(values[j]) * length;
        }
      }
    },
    merge(into, from) {
      addVector(into.slopes, from.slopes);
      addVector(into.curvatures, from.curvatures);
    },
    read: (state) => state,
    codec: {
      encode: ({ slopes, curvatures }) => encodeSums([], [slopes, curvatures]),
      decode(bytes) {
        const [slopes, curvatures] = decodeSums(bytes, 0, [features, features]).vectors;
        return { slopes, curvatures };
      },
    },
  };
}
