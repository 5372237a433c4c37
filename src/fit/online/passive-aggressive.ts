/**
 * Passive-aggressive learning: the smallest change of the weights that gives the row its margin.
 * Crammer et al., JMLR 7 (2006): sections 3 (two classes, hinge loss) and 5 (numbers, loss max(0, |y − w·x| − ε)).
 *   PA: τ = loss / ‖x‖²;  PA-I: min(C, ·);  PA-II: loss / (‖x‖² + 1 / (2 C));  w += τ · sign · x
 * With labels that come in runs this follows the last label as much as the features: see docs/online.md.
 */
import { z } from 'zod';
import { sigmoid } from '../../kernel/elementary.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { negated, oneVsRest } from './one-vs-rest.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export const passiveAggressiveOptions = z.strictObject({
  name: z.literal('passive-aggressive'),
  /** PA, PA-I or PA-II: no bound on the step, a hard one, a soft one. */
  variant: z.enum(['pa', 'pa-1', 'pa-2']).default('pa-1'),
  /** Aggressiveness C of PA-I and PA-II. */
  aggressiveness: z.number().positive().default(1),
  /** Numbers: errors up to ε count as none. */
  epsilon: z.number().nonnegative().default(0.1),
});

type Options = z.infer<typeof passiveAggressiveOptions>;

/** A linear model of classes, one against the rest, or of numbers. O(entries) a row and class; 8 bytes a coordinate. */
export function passiveAggressive(options: Options, shape: Shape): OnlineLearner {
  if (shape.classes === 0) return ofTwoOrNumbers(options, shape);
  return oneVsRest(
    (two) => ofTwoOrNumbers(options, two),
    ({ weights }) => ({ weights: negated(weights) }),
    shape,
  );
}

/** The learner of two classes or of numbers. */
function ofTwoOrNumbers(options: Options, shape: Shape): OnlineLearner {
  const { variant, aggressiveness, epsilon } = options;
  const binary = shape.classes === 2;
  const weights = new Float64Array(shape.width);

  function stepSize(loss: number, row: Row): number {
    const norm = squaredNorm(row);
    if (variant === 'pa-2') return loss / (norm + 0.5 / aggressiveness);
    if (norm === 0) return 0;
    return variant === 'pa' ? loss / norm : Math.min(aggressiveness, loss / norm);
  }

  return {
    learn(row, label, weight) {
      const margin = dot(weights, row);
      const sign = binary ? 2 * label - 1 : Math.sign(label - margin);
      const loss = binary ? 1 - sign * margin : Math.abs(label - margin) - epsilon;
      if (loss > 0) addScaled(weights, row, weight * stepSize(loss, row) * sign);
    },
    forget(keep) {
      for (let at = 0; at < weights.length; at++) weights[at] *= keep;
    },
    predict(row, out) {
      const margin = dot(weights, row);
      if (binary) fromMargin(margin, out);
      else out[0] = margin;
    },
    save: (): Arrays => ({ weights }),
    restore: (arrays) => fill(weights, arrays, 'weights'),
  };
}

/** w · x. */
export function dot(weights: Float64Array, { count, indices, values }: Row): number {
  let sum = 0;
  for (let e = 0; e < count; e++) sum += weights[indices[e]] * values[e];
  return sum;
}

/** ‖x‖². */
export function squaredNorm({ count, values }: Row): number {
  let sum = 0;
  for (let e = 0; e < count; e++) sum += values[e] * values[e];
  return sum;
}

/** w += scale · x. */
function addScaled(weights: Float64Array, { count, indices, values }: Row, scale: number): void {
  for (let e = 0; e < count; e++) weights[indices[e]] += scale * values[e];
}

/** Shares of two classes from a margin: its sigmoid, an order more than a probability. */
export function fromMargin(margin: number, out: Float64Array): void {
  const share = sigmoid(margin);
  out[0] = 1 - share;
  out[1] = share;
}
