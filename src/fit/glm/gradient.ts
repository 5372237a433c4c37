/**
 * Value and gradient of a generalised linear model at given parameters, as a summary over learner views:
 * Σ weight · loss and its derivative by every parameter, unregularised and not divided by the weight.
 * Sums are f64 in blocks of rows; cost about 0.7 ns per dense value, 2 ns per sparse entry (bench/kernels).
 */
import type { Json } from '../../json.ts';
import { runKernels } from '../../kernel/mode.ts';
import type { Reference } from '../../run/reference.ts';
import type { Summary } from '../../summary/summary.ts';
import { parameterCount, roundParameters } from './parameters.ts';
import {
  type GlmOptions,
  type GlmShape,
  glmPass,
  glmShape,
  type LearnerView,
  type PassTotals,
} from './pass.ts';
import { addVector, decodeSums, encodeSums } from './sum-bytes.ts';

/** Sums over rows: divide `loss` and `gradient` by `weight` for the mean. */
export interface GradientSums extends PassTotals {
  /** Output-major as the parameters: outputs × (features + 1). */
  gradient: Float64Array;
}

/** Names the summary for a round; the round's parameters are where the gradient is taken. */
export function gradientReference(options: GlmOptions): Reference {
  return { module: import.meta.url, name: 'gradient', options: options as unknown as Json };
}

/** Summary of loss and gradient; its value is its state. */
export function gradient(
  options: Json,
  parameters?: Uint8Array,
): Summary<GradientSums, GradientSums, LearnerView> {
  const shape = glmShape(options);
  const { loss, features, outputs } = shape;
  const at = roundParameters(parameters, features, outputs);
  const length = parameterCount(features, outputs);
  return {
    id: `gradient/1 ${loss.id} ${outputs}×${features}`,
    empty: () => ({ loss: 0, weight: 0, rows: 0, gradient: new Float64Array(length) }),
    observe: (state, view) => addGradient(state, view, shape, at),
    merge(into, from) {
      addTotals(into, from);
      addVector(into.gradient, from.gradient);
    },
    read: (state) => state,
    codec: {
      encode: (state) => encodeSums([state.loss, state.weight, state.rows], [state.gradient]),
      decode(bytes) {
        const { numbers, vectors } = decodeSums(bytes, 3, [length]);
        return { loss: numbers[0], weight: numbers[1], rows: numbers[2], gradient: vectors[0] };
      },
    },
  };
}

/** Adds totals of rows. */
export function addTotals(into: PassTotals, from: PassTotals): void {
  into.loss += from.loss;
  into.weight += from.weight;
  into.rows += from.rows;
}

function addGradient(state: GradientSums, view: LearnerView, shape: GlmShape, at: Float64Array): void {
  if (view.rows === 0) return;
  const width = shape.features + 1;
  runKernels((run) => {
    const pass = glmPass(run, view, shape, at, false);
    const sums = run.zeros(Float64Array, at.length);
    const totals = pass.each(({ blocks, residuals, stride }) => {
      for (let k = 0; k < shape.outputs; k++) blocks.addGradient(residuals, k * stride, sums, k * width);
    });
    addTotals(state, totals);
    addVector(state.gradient, sums);
  });
}
