/**
 * A factorization machine as it is saved and scored: an intercept an output, a weight and a short vector a feature.
 * margin = intercept + Σ w_i x_i + Σ_{i<j} <v_i, v_j> x_i x_j + offset, over the entries of a sparse row.
 * Weights of feature i and output k at i · outputs + k, its vector at (i · outputs + k) · factors. No files, no threads.
 */
import { SoraError } from '../errors.ts';
import {
  FACTOR_HEAD,
  type FactorBatch,
  factorMargins,
  factorRecord,
  factorSettings,
} from '../kernel/factor.ts';
import { runKernels } from '../kernel/mode.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { decodeTensors, encodeTensors, type Tensors } from './safetensors.ts';

/** The parameters of a factorization machine. */
export interface FactorModel {
  readonly kind: 'factor';
  /** Numbers of a vector; even. */
  readonly factors: number;
  readonly intercepts: Float64Array;
  readonly weights: Float64Array;
  readonly vectors: Float64Array;
}

interface Shape {
  readonly outputs: number;
  readonly features: number;
}

/** The model as tensors; the arrays are not copied. */
export function factorTensors(model: FactorModel, { outputs, features }: Shape): Tensors {
  return {
    intercepts: { shape: [outputs], values: model.intercepts },
    weights: { shape: [features, outputs], values: model.weights },
    vectors: { shape: [features, outputs, model.factors], values: model.vectors },
  };
}

/** The model in tensors; throws `corrupt`, naming `where`, unless shapes are those of the learner. */
export function factorFromTensors(
  tensors: Tensors,
  { outputs, features }: Shape,
  where: string,
): FactorModel {
  const { intercepts, weights, vectors } = tensors;
  const factors = vectors?.shape[2] ?? 0;
  const whole =
    intercepts?.values instanceof Float64Array &&
    weights?.values instanceof Float64Array &&
    vectors?.values instanceof Float64Array &&
    String(intercepts.shape) === String([outputs]) &&
    String(weights.shape) === String([features, outputs]) &&
    String(vectors.shape) === String([features, outputs, factors]) &&
    factors > 0 &&
    factors % 2 === 0;
  if (!whole) {
    throw new SoraError(
      'corrupt',
      `The parameters of ${where} are not intercepts [${outputs}], weights [${features}, ${outputs}] and vectors [${features}, ${outputs}, an even number].`,
    );
  }
  return {
    kind: 'factor',
    factors,
    intercepts: intercepts.values as Float64Array,
    weights: weights.values as Float64Array,
    vectors: vectors.values as Float64Array,
  };
}

/** The model as bytes, as references carry it. */
export function encodeFactors(model: FactorModel): Uint8Array {
  const outputs = model.intercepts.length;
  return encodeTensors(factorTensors(model, { outputs, features: model.weights.length / outputs }));
}

/** The model of {@link encodeFactors}. */
export function decodeFactors(bytes: Uint8Array, shape: Shape): FactorModel {
  return factorFromTensors(decodeTensors(bytes), shape, 'a round');
}

/** Margins of the rows of sparse views, offsets included. O(entries × factors × outputs). */
export function factorScorer(
  model: FactorModel,
  outputs: number,
): (view: DenseView | CsrView) => Float64Array {
  const batch = batchOf(model, outputs);
  const still = { rate: 0, factorRate: 0, prior: 0, factorPrior: 0 };
  return (view) => {
    if (view.kind !== 'csr') {
      throw new SoraError(
        'schema-mismatch',
        'The view is dense, and factorization machines read sparse rows.',
      );
    }
    const margins = new Float64Array(view.rows * outputs);
    runKernels((run) => {
      const out = run.zeros(Float64Array, margins.length);
      const { wasm } = run;
      if (wasm === undefined) factorMargins(batch, view, out);
      else {
        const pointers = [view.starts, view.indices, view.values].map((array) => run.place(array).byteOffset);
        const [intercepts, records, sums, settings] = [
          batch.intercepts,
          batch.records,
          batch.sums,
          factorSettings(batch, still, 1),
        ].map((array) => run.place(array).byteOffset);
        const machine = [intercepts, records, sums, outputs, batch.factors, settings];
        wasm.factorMargins(...pointers, view.rows, ...machine, out.byteOffset);
      }
      margins.set(out);
    });
    const { offsets } = view;
    if (offsets) for (let i = 0; i < margins.length; i++) margins[i] += offsets[Math.floor(i / outputs)];
    return margins;
  };
}

/** The model as kernels read it. */
function batchOf({ factors, intercepts, weights, vectors }: FactorModel, outputs: number): FactorBatch {
  const stride = factorRecord(factors);
  const records = new Float64Array(weights.length * stride);
  for (let at = 0; at < weights.length; at++) {
    records[at * stride] = weights[at];
    records.set(vectors.subarray(at * factors, (at + 1) * factors), at * stride + FACTOR_HEAD);
  }
  return {
    factors,
    outputs,
    records,
    sums: new Float64Array(outputs * factors),
    intercepts: Float64Array.from({ length: 2 * outputs }, (_, i) => (i % 2 === 0 ? intercepts[i / 2] : 0)),
    scale: 1,
    centres: new Float64Array(outputs),
  };
}
