/** What linear online learners with a loss share: records by coordinate and output, margins, slopes and means of a row. */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { ONLINE_RECORD, type OnlineLoss, type OnlineMemory, onlineMemory } from '../../kernel/online.ts';
import type { Loss } from '../../loss/loss.ts';
import { type LossSpec, lossOf } from '../../loss/registry.ts';
import { spread, widened } from './grown.ts';
import type { Arrays, BlockLearner, Shape } from './learner.ts';
import type { Row } from './row.ts';
import { Slope } from './slope.ts';
import { fill } from './state.ts';

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

/**
 * Records of coordinates and outputs, weight first, and what follows from the weights for a row. Numbers of coordinate i
 * and output k: `records[(i · outputs + k) · ONLINE_RECORD …]`, side by side since one row needs them all.
 */
export class LinearRecords {
  records: Float64Array;
  readonly outputs: number;
  readonly loss: Loss;
  readonly #slope: Slope;
  readonly #classes: number;

  constructor(loss: Loss, outputs: number, shape: Shape) {
    this.loss = loss;
    this.outputs = outputs;
    this.records = new Float64Array(shape.width * outputs * ONLINE_RECORD);
    this.#slope = new Slope(loss, outputs);
    this.#classes = shape.classes;
  }

  /** Where the record of a coordinate and output begins. */
  at(coordinate: number, output: number): number {
    return (coordinate * this.outputs + output) * ONLINE_RECORD;
  }

  /** Σ weight · value: entry j into lane j mod 4, (0 + 2) + (1 + 3). */
  margin({ count, indices, values }: Row, output: number): number {
    const { records } = this;
    const stride = this.outputs * ONLINE_RECORD;
    const first = output * ONLINE_RECORD;
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    let e = 0;
    for (; e + 4 <= count; e += 4) {
      s0 += records[indices[e] * stride + first] * values[e];
      s1 += records[indices[e + 1] * stride + first] * values[e + 1];
      s2 += records[indices[e + 2] * stride + first] * values[e + 2];
      s3 += records[indices[e + 3] * stride + first] * values[e + 3];
    }
    if (e < count) s0 += records[indices[e] * stride + first] * values[e];
    if (e + 1 < count) s1 += records[indices[e + 1] * stride + first] * values[e + 1];
    if (e + 2 < count) s2 += records[indices[e + 2] * stride + first] * values[e + 2];
    return s0 + s2 + (s1 + s3);
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

  /** Answers of rows of which `margins` (overwritten) has `outputs` each. */
  toAnswers(margins: Float64Array, answers: Float64Array): void {
    this.loss.toMeans(margins, this.outputs);
    if (this.#classes !== 2 || this.outputs > 1) answers.set(margins);
    else {
      for (let r = 0; r < margins.length; r++) {
        answers[2 * r] = 1 - margins[r];
        answers[2 * r + 1] = margins[r];
      }
    }
  }

  /** Number `field` of every record, coordinate by coordinate, as it is saved. */
  column(field: number): Float64Array {
    const { records } = this;
    const result = new Float64Array(records.length / ONLINE_RECORD);
    for (let at = 0; at < result.length; at++) result[at] = records[at * ONLINE_RECORD + field];
    return result;
  }

  /** Takes back what {@link column} gave. Throws `corrupt` where it is of another length. */
  restoreColumn(field: number, arrays: Arrays, name: string): void {
    const { records } = this;
    const saved = new Float64Array(records.length / ONLINE_RECORD);
    fill(saved, arrays, name);
    for (let at = 0; at < saved.length; at++) records[at * ONLINE_RECORD + field] = saved[at];
  }

  /**
   * Saved columns with one class more, of zeros. One margin of two classes becomes two, as far apart and as far from that of
   * the new class: `signed` columns are halved, the others stand for both.
   */
  grown(signed: Arrays, others: Arrays): Arrays {
    const grow = (columns: Arrays, factors: readonly number[]) =>
      Object.entries(columns).map(([name, column]) => [
        name,
        this.loss.perClass ? widened(column, this.outputs) : spread(column, factors),
      ]);
    return Object.fromEntries([...grow(signed, [-0.5, 0.5, 0]), ...grow(others, [1, 1, 0])]);
  }

  /** The kernel path of a learner, whose `rows` learns the rows of the block; undefined for losses without a kernel. */
  blocks(rows: (memory: OnlineMemory, count: number, loss: OnlineLoss) => void): BlockLearner | undefined {
    const { kernel, parameter } = this.loss;
    if (kernel === undefined) return undefined;
    const loss = { outputs: this.outputs, kernel, parameter };
    return {
      open: () => {
        const memory = onlineMemory(this.records, this.outputs);
        if (memory !== undefined) this.records = memory.records;
        return memory;
      },
      learn: (memory, count) => rows(memory, count, loss),
      answers: ({ margins }, count, out) => this.toAnswers(margins.subarray(0, count * this.outputs), out),
    };
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
