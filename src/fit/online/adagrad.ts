/**
 * AdaGrad: proximal steps with a rate per coordinate, η / √(Σ g² + ε). Duchi, Hazan & Singer, JMLR 12 (2011), section 5.
 *   w ← max(0, |w − s g| − s λ₁) sign(w − s g) / (1 + s λ₂),  s = η / √(Σ g² + ε)
 * The penalties act on every coordinate in every row. A coordinate that does not occur has no gradient, so its s stands
 * still and its steps have a closed form: they are made up for when it is read next, and only then (law: lazy = eager).
 */
import { z } from 'zod';
import { adagradRows, ONLINE_RECORD } from '../../kernel/online.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { LinearRecords, lossFor, lossShape, outputsOf } from './linear.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export const adagradOptions = z.strictObject({
  name: z.literal('adagrad'),
  loss: lossShape.optional(),
  rate: z.number().positive().default(0.1),
  epsilon: z.number().positive().default(1e-8),
  l1: z.number().nonnegative().default(0),
  l2: z.number().nonnegative().default(0),
});

/** |w| after `rows` penalty steps of size s without a gradient: |w| aⁿ − s λ₁ (a + … + aⁿ), a = 1 / (1 + s λ₂). */
export function shrink(weight: number, rows: number, step: number, l1: number, l2: number): number {
  const size = Math.abs(weight);
  const a = 1 / (1 + step * l2);
  const power = wholePower(a, rows);
  const sum = a < 1 ? (a * (1 - power)) / (1 - a) : rows;
  const left = size * power - step * l1 * sum;
  return left <= 0 ? 0 : weight > 0 ? left : -left;
}

/** xⁿ by squaring, n a whole number from 0: the same bits everywhere. */
function wholePower(x: number, n: number): number {
  let result = 1;
  let square = x;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

/** Numbers of a record after the weight: Σ g², and the rows whose penalty the weight has paid. */
const SQUARES = 1;
const PAID = 2;

/** A linear model fitted by AdaGrad. O(entries × outputs) a row; 32 bytes a coordinate and output. */
export function adagrad(options: z.infer<typeof adagradOptions>, shape: Shape): OnlineLearner {
  const { rate, epsilon, l1, l2 } = options;
  const penalised = l1 > 0 || l2 > 0;
  const loss = lossFor(options.loss, shape);
  const outputs = outputsOf(loss, shape);
  const linear = new LinearRecords(loss, outputs, shape);
  const rows = new Float64Array(1);

  function current(records: Float64Array, at: number): number {
    const missed = rows[0] - records[at + PAID];
    const weight = records[at];
    if (missed === 0 || weight === 0) return weight;
    return shrink(weight, missed, rate / Math.sqrt(records[at + SQUARES] + epsilon), l1, l2);
  }

  function catchUp({ count, indices }: Row): void {
    const { records } = linear;
    for (let e = 0; e < count; e++) {
      for (let k = 0; k < outputs; k++) {
        const at = linear.at(indices[e], k);
        records[at] = current(records, at);
        records[at + PAID] = rows[0];
      }
    }
  }

  /** Margin of weights that are caught up with: the sums of `LinearRecords.margin`. */
  function currentMargin({ count, indices, values }: Row, k: number): number {
    const lanes = [0, 0, 0, 0];
    for (let e = 0; e < count; e++) {
      lanes[e & 3] += current(linear.records, linear.at(indices[e], k)) * values[e];
    }
    return lanes[0] + lanes[2] + (lanes[1] + lanes[3]);
  }

  function step({ count, indices, values }: Row, k: number, slope: number): void {
    const { records } = linear;
    for (let e = 0; e < count; e++) {
      const at = linear.at(indices[e], k);
      const g = slope * values[e];
      records[at + SQUARES] += g * g;
      records[at] -= (rate / Math.sqrt(records[at + SQUARES] + epsilon)) * g;
    }
  }

  /** Lets every coordinate pay what it owes, at the rates of now. */
  function settle(records: Float64Array): void {
    if (!penalised) return;
    for (let at = 0; at < records.length; at += ONLINE_RECORD) {
      records[at] = current(records, at);
      records[at + PAID] = rows[0];
    }
  }

  return {
    raiseStep(keep) {
      const { records } = linear;
      settle(records);
      for (let at = 0; at < records.length; at += ONLINE_RECORD) records[at + SQUARES] *= keep;
    },
    forget(keep) {
      const { records } = linear;
      settle(records);
      for (let at = 0; at < records.length; at += ONLINE_RECORD) {
        records[at] *= keep;
        records[at + SQUARES] *= keep;
      }
    },
    labelProblem: (label) => loss.labelProblem(label, outputs),
    learn(row, label, weight) {
      if (penalised) catchUp(row);
      const { slopes } = linear.slopes(row, label, weight);
      for (let k = 0; k < outputs; k++) step(row, k, slopes[2 * k]);
      rows[0] += 1;
    },
    predict(row, out) {
      if (penalised) {
        for (let k = 0; k < outputs; k++) out[k] = currentMargin(row, k);
        linear.toAnswer(out);
      } else linear.predict(row, out);
    },
    blocks: linear.blocks((memory, count, of) => {
      adagradRows(memory, count, of, { rate, epsilon, l1, l2, before: rows[0] });
      rows[0] += count;
    }),
    save: (): Arrays => ({
      weights: linear.column(0),
      squares: linear.column(SQUARES),
      paid: penalised ? linear.column(PAID) : new Float64Array(0),
      rows,
    }),
    grown() {
      settle(linear.records);
      const paid = penalised ? linear.column(PAID) : new Float64Array(0);
      return {
        ...linear.grown({ weights: linear.column(0) }, { squares: linear.column(SQUARES), paid }),
        rows,
      };
    },
    restore(arrays) {
      linear.restoreColumn(0, arrays, 'weights');
      linear.restoreColumn(SQUARES, arrays, 'squares');
      if (penalised) linear.restoreColumn(PAID, arrays, 'paid');
      else fill(new Float64Array(0), arrays, 'paid');
      fill(rows, arrays, 'rows');
    },
  };
}
