/**
 * AdaGrad: proximal steps with a rate per coordinate, η / √(Σ g² + ε). Duchi, Hazan & Singer, JMLR 12 (2011), section 5.
 *   w ← max(0, |w − s g| − s λ₁) sign(w − s g) / (1 + s λ₂),  s = η / √(Σ g² + ε)
 * The penalties act on every coordinate in every row. A coordinate that does not occur has no gradient, so its s stands
 * still and its steps have a closed form: they are made up for when it is read next, and only then (law: lazy = eager).
 */
import { z } from 'zod';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { LinearMargins, lossFor, lossShape, outputsOf } from './linear.ts';
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

/** A linear model fitted by AdaGrad. O(entries × outputs) a row; 24 bytes a coordinate and output, 8 a coordinate. */
export function adagrad(options: z.infer<typeof adagradOptions>, shape: Shape): OnlineLearner {
  const { rate, epsilon, l1, l2 } = options;
  const penalised = l1 > 0 || l2 > 0;
  const loss = lossFor(options.loss, shape);
  const outputs = outputsOf(loss, shape);
  const linear = new LinearMargins(loss, outputs, shape);
  const { weights } = linear;
  const squares = new Float64Array(weights.length);
  /** Rows whose penalty a coordinate has paid. */
  const paid = new Float64Array(penalised ? shape.width : 0);
  const rows = new Float64Array(1);

  function current(at: number, coordinate: number): number {
    const missed = rows[0] - paid[coordinate];
    const weight = weights[at];
    if (missed === 0 || weight === 0) return weight;
    return shrink(weight, missed, rate / Math.sqrt(squares[at] + epsilon), l1, l2);
  }

  function catchUp({ count, indices }: Row): void {
    for (let e = 0; e < count; e++) {
      const coordinate = indices[e];
      for (let k = 0; k < outputs; k++) {
        const at = coordinate * outputs + k;
        weights[at] = current(at, coordinate);
      }
      paid[coordinate] = rows[0];
    }
  }

  function step(row: Row, k: number, slope: number): void {
    const { count, indices, values } = row;
    for (let e = 0; e < count; e++) {
      const at = indices[e] * outputs + k;
      const g = slope * values[e];
      squares[at] += g * g;
      weights[at] -= (rate / Math.sqrt(squares[at] + epsilon)) * g;
    }
  }

  /** Lets every coordinate pay what it owes, at the rates of now. */
  function settle(): void {
    if (!penalised) return;
    for (let at = 0; at < weights.length; at++) weights[at] = current(at, Math.floor(at / outputs));
    paid.fill(rows[0]);
  }

  return {
    raiseStep(keep) {
      settle();
      for (let at = 0; at < squares.length; at++) squares[at] *= keep;
    },
    forget(keep) {
      settle();
      for (let at = 0; at < squares.length; at++) {
        squares[at] *= keep;
        weights[at] *= keep;
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
      if (!penalised) {
        linear.predict(row, out);
        return;
      }
      const { count, indices, values } = row;
      for (let k = 0; k < outputs; k++) {
        let sum = 0;
        for (let e = 0; e < count; e++) sum += current(indices[e] * outputs + k, indices[e]) * values[e];
        out[k] = sum;
      }
      linear.toAnswer(out);
    },
    save: (): Arrays => ({ weights, squares, paid, rows }),
    restore(arrays) {
      fill(weights, arrays, 'weights');
      fill(squares, arrays, 'squares');
      fill(paid, arrays, 'paid');
      fill(rows, arrays, 'rows');
    },
  };
}
