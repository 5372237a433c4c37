/** Mean loss of a machine over views: what tells when to stop. A summary of Σ weight · loss; O(entries × factors). */
import type { Json } from '../../json.ts';
import { sumLoss } from '../../loss/loss.ts';
import { lossOf } from '../../loss/registry.ts';
import { decodeFactors, factorScorer } from '../../model/factor.ts';
import { taggedCodec } from '../../summary/codec.ts';
import type { Summary } from '../../summary/summary.ts';
import type { LearnerView } from '../labels.ts';
import type { MachineOptions } from './machine.ts';

/** Σ weight · loss and Σ weight. */
interface Held {
  loss: number;
  weight: number;
}

/**
 * Loss of the machine that the parameters are.
 * @byReference
 */
export function heldLoss(options: Json, parameters: Uint8Array): Summary<Held, number, LearnerView> {
  const machine = options as unknown as MachineOptions;
  const { outputs } = machine;
  const loss = lossOf(machine.loss);
  const score = factorScorer(decodeFactors(parameters, machine), outputs);
  return {
    id: `factor-held/1 ${loss.id} ${outputs}×${machine.features}×${machine.factors}`,
    empty: () => ({ loss: 0, weight: 0 }),
    observe(state, view) {
      if (view.rows === 0) return;
      const sums = sumLoss(loss, score(view), outputs, view.labels, view.weights);
      state.loss += sums.loss;
      state.weight += sums.weight;
    },
    merge(into, from) {
      into.loss += from.loss;
      into.weight += from.weight;
    },
    read: ({ loss: sum, weight }) => sum / weight,
    codec: taggedCodec(
      'factor-held/1',
      (writer, state) => {
        writer.f64(state.loss);
        writer.f64(state.weight);
      },
      (reader) => ({ loss: reader.f64(), weight: reader.f64() }),
    ),
  };
}
