/**
 * ALMA_p: approximately the largest margin, in the p-norm. Gentile, JMLR 2 (2001), figure 1, labels ±1:
 *   if y w·x < (1 − α) γ_k, γ_k = B √(p − 1) / √k:  w ← f⁻¹(f(w) + η_k y x), η_k = C / √((p − 1) k);  w ← w / max(1, ‖w‖_q)
 * f is the gradient of ½ ‖w‖²_q, q = p / (p − 1). It is homogeneous and keeps norms (‖w‖_q = ‖f(w)‖_p), so θ = f(w) is kept
 * instead, as a scale times a sum of rows: only the coordinates of a row are touched, though all are scaled.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { exp, log } from '../../kernel/elementary.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { negated, oneVsRest } from './one-vs-rest.ts';
import { fromMargin } from './passive-aggressive.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export const almaOptions = z.strictObject({
  name: z.literal('alma'),
  /** The norm that margins are measured in; 2 for dense truth, 2 log(width) for sparse truth. */
  p: z.number().min(2).default(2),
  /** 1 − α is the share of the largest margin that is given up; 0 < α ≤ 1. */
  alpha: z.number().gt(0).max(1).default(0.9),
  /** B and C of the paper; by default 1 / α and √2. */
  b: z.number().positive().optional(),
  c: z.number().positive().default(Math.SQRT2),
});

type Options = z.infer<typeof almaOptions>;

/** A linear model of classes, one against the rest. O(entries) a row and class; 8 bytes a coordinate. Row weights multiply steps. */
export function alma(options: Options, shape: Shape): OnlineLearner {
  if (shape.classes === 0) {
    throw new SoraError(
      'bad-option',
      'The learner alma learns classes; give `classes`, or use ftrl for numbers.',
    );
  }
  return oneVsRest(
    (two) => ofTwo(options, two),
    ({ sums, counters }) => ({ sums: negated(sums), counters }),
    shape,
  );
}

/** The learner of two classes. */
function ofTwo(options: Options, shape: Shape): OnlineLearner {
  const { p, alpha, c, b = 1 / alpha } = options;
  const sums = new Float64Array(shape.width);
  /** Updates so far plus 1, the scale of `sums`, and Σ |sums|^p. */
  const counters = Float64Array.of(1, 1, 0);

  /** w · x, where w_i = scale · sign(s_i) |s_i|^(p−1) / ‖s‖_p^(p−2). */
  function margin({ count, indices, values }: Row): number {
    let sum = 0;
    if (p === 2) for (let e = 0; e < count; e++) sum += sums[indices[e]] * values[e];
    else for (let e = 0; e < count; e++) sum += signedPower(sums[indices[e]], p - 1) * values[e];
    if (p === 2 || sum === 0) return counters[1] * sum;
    return counters[1] * (sum / power(counters[2], (p - 2) / p));
  }

  function update({ count, indices, values }: Row, step: number): void {
    const unscaled = step / counters[1];
    let total = counters[2];
    for (let e = 0; e < count; e++) {
      const before = sums[indices[e]];
      const after = before + unscaled * values[e];
      total +=
        p === 2 ? after * after - before * before : power(Math.abs(after), p) - power(Math.abs(before), p);
      sums[indices[e]] = after;
    }
    counters[2] = total > 0 ? total : 0;
    const norm = counters[1] * (p === 2 ? Math.sqrt(counters[2]) : power(counters[2], 1 / p));
    if (norm > 1) counters[1] /= norm;
    if (counters[1] < 1e-100) rescale();
  }

  /** Folds the scale into the sums before it underflows. */
  function rescale(): void {
    let total = 0;
    for (let i = 0; i < sums.length; i++) {
      sums[i] *= counters[1];
      total += power(Math.abs(sums[i]), p);
    }
    counters[1] = 1;
    counters[2] = total;
  }

  return {
    learn(row, label, weight) {
      const y = 2 * label - 1;
      const k = counters[0];
      if (y * margin(row) >= ((1 - alpha) * b * Math.sqrt(p - 1)) / Math.sqrt(k)) return;
      update(row, ((weight * c) / (Math.sqrt(p - 1) * Math.sqrt(k))) * y);
      counters[0] = k + 1;
    },
    raiseStep(keep) {
      counters[0] = 1 + keep * (counters[0] - 1);
    },
    forget(keep) {
      counters[0] = 1 + keep * (counters[0] - 1);
      counters[1] *= keep;
      if (counters[1] < 1e-100) rescale();
    },
    predict: (row, out) => fromMargin(margin(row), out),
    save: (): Arrays => ({ sums, counters }),
    restore(arrays) {
      fill(sums, arrays, 'sums');
      fill(counters, arrays, 'counters');
    },
  };
}

/** x^y of x ≥ 0, in portable arithmetic; exact for y = 1 and 2. */
function power(x: number, y: number): number {
  if (y === 2) return x * x;
  if (y === 1 || x === 0) return x;
  return exp(y * log(x));
}

function signedPower(x: number, y: number): number {
  return x < 0 ? -power(-x, y) : power(x, y);
}
