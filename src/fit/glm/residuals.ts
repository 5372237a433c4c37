/**
 * Spread of residuals, for Huber's δ (see robust.ts): the weighted median of |label − margin|, by a histogram of them.
 * O(rows × features + rows log rows).
 */
import type { Json } from '../../json.ts';
import { predictMargins } from '../../kernel/glm.ts';
import type { Reference } from '../../run/reference.ts';
import { taggedCodec } from '../../summary/codec.ts';
import {
  addScores,
  emptyHistogram,
  histogramQuantile,
  mergeHistogram,
  readHistogram,
  type ScoreHistogram,
  writeHistogram,
} from '../../summary/score-histogram.ts';
import type { Summary } from '../../summary/summary.ts';
import { huberDelta } from '../robust.ts';
import { roundParameters } from './parameters.ts';
import type { LearnerView } from './pass.ts';

const CAPACITY = 1 << 14;

/** Names the summary for a round at the parameters of a model of one output. */
export function residualsReference(features: number): Reference {
  return { module: import.meta.url, name: 'residuals', options: { features } };
}

/**
 * Summary that reads as δ; 0 when more than half of the rows are met exactly.
 * @byReference
 */
export function residuals(
  options: Json,
  parameters?: Uint8Array,
): Summary<ScoreHistogram, number, LearnerView> {
  const { features } = options as { features: number };
  const at = roundParameters(parameters, features, 1);
  return {
    id: `residuals/1 ${features}`,
    empty: () => emptyHistogram(1, CAPACITY),
    observe(state, view) {
      const sizes = predictMargins(view, at, 1);
      for (let row = 0; row < view.rows; row++) sizes[row] = Math.abs(view.labels[row] - sizes[row]);
      addScores(state, sizes, [view.weights ?? new Float64Array(view.rows).fill(1)], view.rows);
    },
    merge: mergeHistogram,
    read: (state) => huberDelta(histogramQuantile(state, 0.5) ?? 0),
    codec: taggedCodec('residuals/1', writeHistogram, readHistogram),
  };
}
