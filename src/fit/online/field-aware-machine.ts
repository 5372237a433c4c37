/**
 * Field-aware factorization machines: an entry has factors of its own for each field that it meets.
 * Juan, Zhuang, Chin & Lin, "Field-aware Factorization Machines for CTR Prediction", RecSys 2016:
 *     Σ w_i x_i + Σ_{i<j} <v_{i, field(j)}, v_{j, field(i)}> x_i x_j
 * A pair takes its step on both vectors at once (their algorithm 1), one AdaGrad sum a vector, so a vector that several
 * pairs of a row share takes several. Prior and first factors are those of factorization-machine.ts. A record:
 *
 *     | weight | Σ g² | visits |  field 0: Σ mean g², v_0 … v_{k−1}  |  field 1: …  |
 */
import { z } from 'zod';
import { restoreRecords, saveRecords } from './factor-state.ts';
import {
  firstFactor,
  type Machine,
  machineLearner,
  machineOptions,
  recordRoom,
} from './factorization-machine.ts';
import type { OnlineLearner, Shape } from './learner.ts';
import type { Row } from './row.ts';

export const fieldAwareMachineOptions = z.strictObject({
  name: z.literal('field-aware-machine'),
  factors: z.int().positive().max(256).default(4),
  ...machineOptions,
});

/** Numbers of a record before its fields. */
const HEAD = 3;
const VISITS = 2;

/** O(entries² × factors × outputs) a row; 24 + 8 × fields × (1 + factors) bytes a coordinate and output. */
export function fieldAwareMachine(
  options: z.infer<typeof fieldAwareMachineOptions>,
  shape: Shape,
): OnlineLearner {
  const { factors, rate, factorRate = rate, prior, factorPrior, spread } = options;
  const { fields, seed, width } = shape;
  const part = 1 + factors;
  const stride = HEAD + fields * part;
  return machineLearner(options.loss, rate, shape, (outputs): Machine => {
    const records = recordRoom(options.name, width * outputs, stride);

    function start(at: number): void {
      for (let field = 0; field < fields; field++) {
        const from = at * stride + HEAD + field * part + 1;
        for (let f = 0; f < factors; f++) {
          records[from + f] = firstFactor(seed, at, field * factors + f, spread);
        }
      }
    }

    /** Where the vector of entry `a` for the field of entry `b` starts, its sum of squares first. */
    function vectorAt({ indices, fields: of }: Row, a: number, b: number, k: number): number {
      return (indices[a] * outputs + k) * stride + HEAD + of[b] * part;
    }

    function stepWeights({ count, indices, values }: Row, k: number, slope: number): void {
      for (let e = 0; e < count; e++) {
        const at = (indices[e] * outputs + k) * stride;
        const g = slope * values[e];
        records[at + 1] += g * g;
        const step = rate / Math.sqrt(1 + records[at + 1]);
        records[at] = (records[at] - step * g) / (1 + (step * prior) / records[at + VISITS]);
      }
    }

    /** Steps of both vectors of a pair, `g` the slope times both values; visits those of each entry. */
    function stepPair(a: number, b: number, g: number, visitsA: number, visitsB: number): void {
      let [squaresA, squaresB] = [0, 0];
      for (let f = 1; f <= factors; f++) {
        squaresA += g * records[b + f] * (g * records[b + f]);
        squaresB += g * records[a + f] * (g * records[a + f]);
      }
      records[a] += squaresA / factors;
      if (b !== a) records[b] += squaresB / factors;
      const stepA = factorRate / Math.sqrt(1 + records[a]);
      const stepB = factorRate / Math.sqrt(1 + records[b]);
      const keepA = 1 / (1 + (stepA * factorPrior) / visitsA);
      const keepB = 1 / (1 + (stepB * factorPrior) / visitsB);
      for (let f = 1; f <= factors; f++) {
        const [va, vb] = [records[a + f], records[b + f]];
        records[a + f] = (va - stepA * g * vb) * keepA;
        records[b + f] = (vb - stepB * g * va) * keepB;
      }
    }

    return {
      margin(row, k) {
        const { count, indices, values } = row;
        let sum = 0;
        for (let a = 0; a < count; a++) {
          sum += records[(indices[a] * outputs + k) * stride] * values[a];
          for (let b = a + 1; b < count; b++) {
            const [va, vb] = [vectorAt(row, a, b, k), vectorAt(row, b, a, k)];
            let dot = 0;
            for (let f = 1; f <= factors; f++) dot += records[va + f] * records[vb + f];
            sum += dot * values[a] * values[b];
          }
        }
        return sum;
      },
      meet({ count, indices }) {
        for (let e = 0; e < count; e++) {
          for (let at = indices[e] * outputs; at < (indices[e] + 1) * outputs; at++) {
            if (records[at * stride + VISITS] === 0) start(at);
            records[at * stride + VISITS]++;
          }
        }
      },
      step(row, k, slope) {
        const { count, indices, values } = row;
        const visits = (e: number) => records[(indices[e] * outputs + k) * stride + VISITS];
        stepWeights(row, k, slope);
        for (let a = 0; a < count; a++) {
          for (let b = a + 1; b < count; b++) {
            const g = slope * values[a] * values[b];
            stepPair(vectorAt(row, a, b, k), vectorAt(row, b, a, k), g, visits(a), visits(b));
          }
        }
      },
      save: () => saveRecords(records, stride, VISITS),
      restore: (arrays) => restoreRecords(records, stride, arrays),
    };
  });
}
