/** Rows in which each feature stands: what a prior is divided by. A summary over sparse views; O(entries). */
import type { Json } from '../../json.ts';
import { taggedCodec } from '../../summary/codec.ts';
import type { Summary } from '../../summary/summary.ts';
import { addVector } from '../glm/sum-bytes.ts';
import type { LearnerView } from '../labels.ts';
import { sparse } from './machine.ts';

/** Rows by feature of so many features. */
export function visits(options: Json): Summary<Float64Array, Float64Array, LearnerView> {
  const { features } = options as { features: number };
  return {
    id: `visits/1 ${features}`,
    empty: () => new Float64Array(features),
    observe(state, view) {
      const { starts, indices, rows } = sparse(view);
      for (let j = starts[0]; j < starts[rows]; j++) state[indices[j]]++;
    },
    merge: addVector,
    read: (state) => state,
    codec: taggedCodec(
      'visits/1',
      (writer, state) => writer.f64s(state),
      (reader) => reader.f64s(),
    ),
  };
}
