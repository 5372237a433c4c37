/**
 * Normalised adaptive gradient descent: a linear model that does not care in which units its features come.
 * Ross, Mineiro & Langford, "Normalized Online Learning", UAI 2013, algorithm 2. With sᵢ the largest |xᵢ| so far, row by row:
 *   where |xᵢ| > sᵢ:  wᵢ ← wᵢ sᵢ / |xᵢ|, sᵢ ← |xᵢ|
 *   N ← N + Σ xᵢ² / sᵢ²;  Gᵢ ← Gᵢ + gᵢ²;  wᵢ ← wᵢ − η √(t / N) gᵢ / (sᵢ √Gᵢ)
 * Law: a feature multiplied by a constant changes no prediction (to the byte for powers of two).
 */
import { z } from 'zod';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { LinearRecords, lossFor, lossShape, outputsOf } from './linear.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export const nagOptions = z.strictObject({
  name: z.literal('nag'),
  loss: lossShape.optional(),
  rate: z.number().positive().default(2),
});

/** Number of a record after the weight. */
const SQUARES = 1;

/** A linear model fitted by NAG. O(entries × outputs) a row; 32 bytes a coordinate and output, 8 a coordinate. */
export function nag({ rate, loss: asked }: z.infer<typeof nagOptions>, shape: Shape): OnlineLearner {
  const loss = lossFor(asked, shape);
  const outputs = outputsOf(loss, shape);
  const linear = new LinearRecords(loss, outputs, shape);
  /** Largest size of each coordinate. */
  const scales = new Float64Array(shape.width);
  /** Rows, and the sum of their squared norms in units of the scales. */
  const totals = new Float64Array(2);

  function rescale({ count, indices, values }: Row): void {
    for (let e = 0; e < count; e++) {
      const size = Math.abs(values[e]);
      const coordinate = indices[e];
      if (size <= scales[coordinate]) continue;
      for (let k = 0; k < outputs; k++) linear.records[linear.at(coordinate, k)] *= scales[coordinate] / size;
      scales[coordinate] = size;
    }
  }

  function norm({ count, indices, values }: Row): number {
    let sum = 0;
    for (let e = 0; e < count; e++) {
      if (values[e] === 0) continue;
      const part = values[e] / scales[indices[e]];
      sum += part * part;
    }
    return sum;
  }

  function step({ count, indices, values }: Row, k: number, slope: number, common: number): void {
    const { records } = linear;
    for (let e = 0; e < count; e++) {
      const g = slope * values[e];
      if (g === 0) continue;
      const at = linear.at(indices[e], k);
      records[at + SQUARES] += g * g;
      const root = Math.sqrt(records[at + SQUARES]);
      // A square of a tiny slope may be none.
      if (root > 0) records[at] -= (common * g) / (scales[indices[e]] * root);
    }
  }

  return {
    labelProblem: (label) => loss.labelProblem(label, outputs),
    learn(row, label, weight) {
      rescale(row);
      const { slopes } = linear.slopes(row, label, weight);
      totals[0] += 1;
      totals[1] += norm(row);
      if (totals[1] === 0) return;
      const common = rate * Math.sqrt(totals[0] / totals[1]);
      for (let k = 0; k < outputs; k++) step(row, k, slopes[2 * k], common);
    },
    predict({ count, indices, values }, out) {
      for (let k = 0; k < outputs; k++) {
        let sum = 0;
        for (let e = 0; e < count; e++) {
          const weight = linear.records[linear.at(indices[e], k)];
          const scale = scales[indices[e]];
          const size = Math.abs(values[e]);
          // As the row would be seen if it were learned.
          sum += (size > scale ? weight * (scale / size) : weight) * values[e];
        }
        out[k] = sum;
      }
      linear.toAnswer(out);
    },
    save: (): Arrays => ({ weights: linear.column(0), squares: linear.column(SQUARES), scales, totals }),
    grown: () => ({
      ...linear.grown({ weights: linear.column(0) }, { squares: linear.column(SQUARES) }),
      scales,
      totals,
    }),
    restore(arrays) {
      linear.restoreColumn(0, arrays, 'weights');
      linear.restoreColumn(SQUARES, arrays, 'squares');
      fill(scales, arrays, 'scales');
      fill(totals, arrays, 'totals');
    },
  };
}
