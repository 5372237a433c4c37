/**
 * Curvature of each output by itself, over a share of the rows: Σ weight · ∂²loss/∂margin_k² · x x' for every k.
 * The diagonal blocks of the Hessian, without what couples outputs: enough to scale the steps of a fit of many
 * classes, at 1/outputs of the cost. O(rows × features² × outputs); the state keeps upper triangles.
 */
import type { Json } from '../../json.ts';
import { paddedRows } from '../../kernel/features.ts';
import { runKernels } from '../../kernel/mode.ts';
import type { Reference } from '../../run/reference.ts';
import type { Summary } from '../../summary/summary.ts';
import { roundParameters } from './parameters.ts';
import { type GlmShape, glmPass, glmShape, type LearnerView } from './pass.ts';
import { sampleBlocks } from './sample.ts';
import type { SampledOptions } from './sampled.ts';
import { addVector, decodeSums, encodeSums } from './sum-bytes.ts';

export interface BlockSums {
  weight: number;
  /** For each output an upper triangle, row by row, intercept last. */
  triangles: Float64Array;
}

/** Mean curvature of each output: row-major, (features + 1)². */
export type BlockCurvature = readonly Float64Array[];

/** Names the summary for a round. */
export function blockCurvatureReference(options: SampledOptions): Reference {
  return { module: import.meta.url, name: 'blockCurvature', options: options as unknown as Json };
}

/** Summary of the diagonal blocks of the Hessian. */
export function blockCurvature(
  options: Json,
  parameters?: Uint8Array,
): Summary<BlockSums, BlockCurvature, LearnerView> {
  const shape = glmShape(options);
  const { loss, features, outputs } = shape;
  const { share } = options as unknown as SampledOptions;
  const at = roundParameters(parameters, features, outputs);
  const size = (outputs * (features + 1) * (features + 2)) / 2;
  return {
    id: `block-curvature/2 ${share} ${loss.id} ${outputs}×${features}`,
    empty: () => ({ weight: 0, triangles: new Float64Array(size) }),
    observe(state, view) {
      for (const block of sampleBlocks(view, share)) addBlocks(state, block, shape, at);
    },
    merge(into, from) {
      into.weight += from.weight;
      addVector(into.triangles, from.triangles);
    },
    read: (state) => unpack(state, outputs, features + 1),
    codec: {
      encode: ({ weight, triangles }) => encodeSums([weight], [triangles]),
      decode(bytes) {
        const { numbers, vectors } = decodeSums(bytes, 1, [size]);
        return { weight: numbers[0], triangles: vectors[0] };
      },
    },
  };
}

function addBlocks(state: BlockSums, view: LearnerView, shape: GlmShape, at: Float64Array): void {
  if (view.rows === 0) return;
  const { outputs } = shape;
  runKernels((run) => {
    const pass = glmPass(run, view, shape, at, true);
    const sums = run.zeros(Float64Array, state.triangles.length);
    const plane = run.zeros(Float64Array, paddedRows(Math.min(view.rows, 1024)));
    const { weight } = pass.each(({ blocks, rows, stride, curvatures }) => {
      for (let k = 0; k < outputs; k++) {
        plane.set((curvatures as Float64Array).subarray(k * stride, k * stride + rows));
        blocks.addCurvature(plane, sums, (k * sums.length) / outputs);
      }
    });
    state.weight += weight;
    addVector(state.triangles, sums);
  });
}

function unpack({ weight, triangles }: BlockSums, outputs: number, width: number): Float64Array[] {
  let next = 0;
  return Array.from({ length: outputs }, () => {
    const block = new Float64Array(width * width);
    for (let a = 0; a < width; a++) {
      for (let b = a; b < width; b++) {
        const value = triangles[next++] / weight;
        block[a * width + b] = value;
        block[b * width + a] = value;
      }
    }
    return block;
  });
}
