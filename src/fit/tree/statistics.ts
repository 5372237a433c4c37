/**
 * What a fit watches after each iteration, as a summary over binned views: losses on the rows learned from and held
 * out, and the largest gradient and Hessian of each output, which scale the next quantization. Sums are f64, one
 * partial a particle.
 */
import type { Json } from '../../json.ts';
import type { Reference } from '../../run/reference.ts';
import { taggedCodec } from '../../summary/codec.ts';
import type { Summary } from '../../summary/summary.ts';
import { addStatistics } from './desk.ts';
import { decodeRound, type MarginsAt } from './round.ts';
import { type MarginStatistics, SIZE_CLASSES } from './slopes.ts';
import type { BinnedView } from './view.ts';

/** The statistics of all rows. */
export type Watched = MarginStatistics;

/** Names {@link watch} for so many outputs; with `sizes` rows are counted by the size of their gradients as well. */
export function watchReference(outputs: number, sizes = false): Reference {
  return { module: import.meta.url, name: 'watch', options: { outputs, sizes } };
}

/**
 * Summary of the margins of a round.
 * @byReference
 */
export function watch(options: Json, parameters?: Uint8Array): Summary<Watched, Watched, BinnedView> {
  const { outputs, sizes } = options as { outputs: number; sizes: boolean };
  let known: MarginsAt | undefined;
  const round = () => (known ??= decodeRound<MarginsAt>(parameters as Uint8Array));
  return {
    id: 'tree-watch/1',
    empty: () => ({
      loss: 0,
      weight: 0,
      heldLoss: 0,
      heldWeight: 0,
      gradients: new Float64Array(outputs),
      hessians: new Float64Array(outputs),
      ...(sizes ? { sizes: new Float64Array(SIZE_CLASSES) } : {}),
    }),
    observe: (state, view, notes) => addStatistics(view, round(), state, notes),
    merge(into, from) {
      into.loss += from.loss;
      into.weight += from.weight;
      into.heldLoss += from.heldLoss;
      into.heldWeight += from.heldWeight;
      for (let k = 0; k < into.gradients.length; k++) {
        into.gradients[k] = Math.max(into.gradients[k], from.gradients[k]);
        into.hessians[k] = Math.max(into.hessians[k], from.hessians[k]);
      }
      from.sizes?.forEach((count, i) => {
        (into.sizes as Float64Array)[i] += count;
      });
    },
    read: (state) => state,
    codec: taggedCodec(
      'tree-watch/1',
      (writer, { loss, weight, heldLoss, heldWeight, gradients, hessians, sizes: counts }) => {
        for (const value of [loss, weight, heldLoss, heldWeight]) writer.f64(value);
        writer.f64s(gradients);
        writer.f64s(hessians);
        if (counts !== undefined) writer.f64s(counts);
      },
      (reader) => ({
        loss: reader.f64(),
        weight: reader.f64(),
        heldLoss: reader.f64(),
        heldWeight: reader.f64(),
        gradients: reader.f64s(),
        hessians: reader.f64s(),
        ...(sizes ? { sizes: reader.f64s() } : {}),
      }),
    ),
  };
}
