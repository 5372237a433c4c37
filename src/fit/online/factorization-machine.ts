/**
 * Factorization machines: every pair of entries interacts through the product of two short vectors, so that pairs never
 * seen together are known from what each was seen with. Rendle, "Factorization Machines", ICDM 2010; formulas and
 * records in kernel/factor.ts.
 *
 * Cold start: a coordinate that was never met adds nothing, so a new user is the sum of what is known of its kind (age,
 * trade …). When it is first learned, its factors start from small numbers that are a function of (seed, coordinate),
 * and its own step size lets it move far at once. Weights and factors have a normal prior at 0: n visits pay an n-th of
 * it each, so what few rows say is shrunk hard and what many say hardly (as BLUP does), and nothing is owed for rows
 * that a coordinate was not in.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import {
  FACTOR_HEAD,
  type FactorTable,
  factorMargin,
  factorRecord,
  factorStep,
} from '../../kernel/factor.ts';
import { randomUniform } from '../../random.ts';
import { grownRecords, restoreRecords, saveRecords } from './factor-state.ts';
import { LabelScale } from './label-scale.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { lossFor, lossShape, outputsOf, toAnswer } from './linear.ts';
import type { Row } from './row.ts';
import { Slope } from './slope.ts';
import { fill } from './state.ts';

/** Options that both kinds of machines have, but for `factors`. */
export const machineOptions = {
  loss: lossShape.optional(),
  /** Step of a weight: rate / √(1 + Σ g²). */
  rate: z.number().positive().default(0.2),
  /** Step of factors; default: `rate`. */
  factorRate: z.number().positive().optional(),
  /** Precision of the prior of weights: as if so many rows had said 0. */
  prior: z.number().nonnegative().default(2),
  /** Precision of the prior of factors. */
  factorPrior: z.number().nonnegative().default(10),
  /** Standard deviation of factors before they are learned. */
  spread: z.number().positive().default(0.05),
};

export const factorizationMachineOptions = z.strictObject({
  name: z.literal('factorization-machine'),
  factors: z.int().positive().multipleOf(2).max(256).default(8),
  ...machineOptions,
});

/** Most numbers of a model: 1 GiB. */
const MOST_NUMBERS = 1 << 27;

/** Room for the records of a machine; throws `bad-option` where that is more than 1 GiB. */
export function recordRoom(name: string, records: number, stride: number): Float64Array {
  if (records * stride <= MOST_NUMBERS) return new Float64Array(records * stride);
  throw new SoraError(
    'bad-option',
    `Online learner ${name}: ${records} records of ${8 * stride} bytes are more than 1 GiB; lower hashBits or factors.`,
  );
}

/** Uniform number of standard deviation `spread`, a function of (seed, record, factor). */
export function firstFactor(seed: number, record: number, factor: number, spread: number): number {
  return (2 * randomUniform(seed, record, factor) - 1) * spread * Math.sqrt(3);
}

/** A machine as the learner of rows sees it: margins and steps of one output, in the learner's own unit. */
export interface Machine {
  margin(row: Row, k: number): number;
  /** Starts what the row meets for the first time, and counts the visit. */
  meet(row: Row): void;
  step(row: Row, k: number, slope: number): void;
  save(): Arrays;
  restore(arrays: Arrays): void;
}

/** A machine with its intercepts, labels and loss as an online learner. */
export function machineLearner(
  asked: z.infer<typeof lossShape> | undefined,
  rate: number,
  shape: Shape,
  create: (outputs: number) => Machine,
): OnlineLearner {
  const loss = lossFor(asked, shape);
  const outputs = outputsOf(loss, shape);
  const machine = create(outputs);
  const labels = new LabelScale(loss, outputs);
  const slope = new Slope(loss, outputs);
  /** Intercept of output k and its sum of squared gradients, at 2k. */
  const intercepts = new Float64Array(2 * outputs);

  function margin(row: Row, k: number): number {
    return labels.centres[k] + labels.scale * (intercepts[2 * k] + machine.margin(row, k));
  }

  return {
    labelProblem: (label) => loss.labelProblem(label, outputs),
    learn(row, label, weight) {
      labels.learn(label, weight);
      machine.meet(row);
      for (let k = 0; k < outputs; k++) slope.margins[2 * k] = margin(row, k);
      slope.evaluate(label, weight);
      for (let k = 0; k < outputs; k++) {
        const g = labels.slope(slope.slopes[2 * k]);
        intercepts[2 * k + 1] += g * g;
        intercepts[2 * k] -= (rate / Math.sqrt(1 + intercepts[2 * k + 1])) * g;
        machine.step(row, k, g);
      }
    },
    predict(row, out) {
      for (let k = 0; k < outputs; k++) out[k] = margin(row, k);
      toAnswer(loss, outputs, shape.classes, out);
    },
    save: (): Arrays => ({ intercepts, ...labels.save(), ...machine.save() }),
    grown: () => ({
      intercepts: Float64Array.of(...(loss.perClass ? [] : [0, 0]), ...intercepts, 0, 0),
      ...labels.grown(),
      ...grownRecords(machine.save(), outputs),
    }),
    restore(arrays) {
      fill(intercepts, arrays, 'intercepts');
      labels.restore(arrays);
      machine.restore(arrays);
    },
  };
}

/** O(entries × factors × outputs) a row; 32 + 8 × factors bytes a coordinate and output. */
export function factorizationMachine(
  options: z.infer<typeof factorizationMachineOptions>,
  shape: Shape,
): OnlineLearner {
  const { factors, rate, factorRate = rate, prior, factorPrior, spread } = options;
  const steps = { rate, factorRate, prior, factorPrior };
  const stride = factorRecord(factors);
  return machineLearner(options.loss, rate, shape, (outputs): Machine => {
    const records = recordRoom(options.name, shape.width * outputs, stride);
    const table: FactorTable = { factors, outputs, records, sums: new Float64Array(outputs * factors) };

    function start(at: number): void {
      for (let f = 0; f < factors; f++) {
        records[at * stride + FACTOR_HEAD + f] = firstFactor(shape.seed, at, f, spread);
      }
    }

    return {
      margin: (row, k) => factorMargin(table, k, row, 0, row.count),
      meet({ count, indices }) {
        for (let e = 0; e < count; e++) {
          for (let at = indices[e] * outputs; at < (indices[e] + 1) * outputs; at++) {
            if (records[at * stride + 3] === 0) start(at);
            records[at * stride + 3]++;
          }
        }
      },
      step: (row, k, slope) => factorStep(table, k, row, 0, row.count, slope, steps),
      save: () => saveRecords(records, stride, 3),
      restore: (arrays) => restoreRecords(records, stride, arrays),
    };
  });
}
