/**
 * What linear online learners with a loss share: weights by coordinate and output, margins, slopes and means of a row.
 * Weight of coordinate i and output k: `weights[i · outputs + k]`.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import type { Loss } from '../../loss/loss.ts';
import { type LossSpec, lossOf } from '../../loss/registry.ts';
import type { Shape } from './learner.ts';
import type { Row } from './row.ts';
import { Slope } from './slope.ts';

/** Losses that need one row alone. */
const lossNames = [
  'squared',
  'huber',
  'logistic',
  'softmax',
  'poisson',
  'gamma',
  'tweedie',
  'quantile',
] as const;

/** A loss by name, or with its parameter. */
export const lossShape = z.union([
  z.enum(lossNames),
  z.strictObject({
    name: z.enum(lossNames),
    delta: z.number().positive().optional(),
    quantile: z.number().gt(0).lt(1).optional(),
    power: z.number().gt(1).lt(2).optional(),
  }),
]);

/** The loss that was asked for, or the usual one: logistic for two classes, softmax for more, squared for numbers. */
export function lossFor(asked: LossSpec | string | undefined, { classes }: Shape): Loss {
  const loss = lossOf(asked ?? (classes === 0 ? 'squared' : classes === 2 ? 'logistic' : 'softmax'));
  const wanted = loss.perClass ? classes > 0 : loss.name === 'logistic' ? classes === 2 : classes === 0;
  if (wanted) return loss;
  throw new SoraError(
    'bad-option',
    `Loss ${loss.id} does not suit ${classes === 0 ? 'numbers' : `${classes} classes`}; ` +
      'use logistic for two classes, softmax for several, another for numbers.',
  );
}

/** Number of margins of a row. */
export function outputsOf(loss: Loss, shape: Shape): number {
  return loss.perClass ? shape.classes : 1;
}

/** Weights, and what follows from them for a row. */
export class LinearMargins {
  readonly weights: Float64Array;
  readonly outputs: number;
  readonly loss: Loss;
  readonly #slope: Slope;
  readonly #classes: number;

  constructor(loss: Loss, outputs: number, shape: Shape) {
    this.loss = loss;
    this.outputs = outputs;
    this.weights = new Float64Array(shape.width * outputs);
    this.#slope = new Slope(loss, outputs);
    this.#classes = shape.classes;
  }

  margin(row: Row, output: number): number {
    const { weights, outputs } = this;
    const { count, indices, values } = row;
    let sum = 0;
    for (let e = 0; e < count; e++) sum += weights[indices[e] * outputs + output] * values[e];
    return sum;
  }

  /** Slopes of the loss at the row; slope of output k at `slopes[2 · k]`. */
  slopes(row: Row, label: number, weight: number): Slope {
    for (let k = 0; k < this.outputs; k++) this.#slope.margins[2 * k] = this.margin(row, k);
    this.#slope.evaluate(label, weight);
    return this.#slope;
  }

  predict(row: Row, out: Float64Array): void {
    for (let k = 0; k < this.outputs; k++) out[k] = this.margin(row, k);
    this.toAnswer(out);
  }

  /** Margins to the shares of classes, or the mean, in place. */
  toAnswer(out: Float64Array): void {
    toAnswer(this.loss, this.outputs, this.#classes, out);
  }
}

/** Margins to the shares of classes, or the mean, in place; one margin of two classes becomes both shares. */
export function toAnswer(loss: Loss, outputs: number, classes: number, out: Float64Array): void {
  if (outputs === 1 && classes === 2) {
    const share = out.subarray(0, 1);
    loss.toMeans(share, 1);
    out[1] = share[0];
    out[0] = 1 - share[0];
  } else loss.toMeans(out, outputs);
}
