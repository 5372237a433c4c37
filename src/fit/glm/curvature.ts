/**
 * Gradient and curvature of a generalised linear model at given parameters, as a summary over learner views.
 * `full`: the Hessian Σ weight · ∂²loss/∂margin_j ∂margin_k · x x', for Newton's method on few parameters;
 * `diagonal`: its diagonal alone, to scale steps when there are many. Cost O(rows × features²) and O(rows × features).
 * The state keeps upper triangles: for outputs j ≤ k a block of (features + 1)(features + 2) / 2 numbers.
 */
import type { Json } from '../../json.ts';
import { paddedRows } from '../../kernel/features.ts';
import { runKernels } from '../../kernel/mode.ts';
import type { Reference } from '../../run/reference.ts';
import type { Summary } from '../../summary/summary.ts';
import { addTotals, type GradientSums } from './gradient.ts';
import { parameterCount, roundParameters } from './parameters.ts';
import {
  type EvaluatedBlock,
  type GlmOptions,
  type GlmShape,
  glmPass,
  glmShape,
  type LearnerView,
} from './pass.ts';
import { addVector, decodeSums, encodeSums } from './sum-bytes.ts';

/** Options of the summary; `curvature` defaults to `full`. */
export interface CurvatureOptions extends GlmOptions {
  readonly curvature?: 'full' | 'diagonal';
}

/** Sums over rows; `curvature` is packed triangles (full) or outputs × (features + 1) numbers (diagonal). */
export interface CurvatureSums extends GradientSums {
  curvature: Float64Array;
}

/** Sums over rows: divide by `weight` for the mean. */
export interface CurvatureValue extends GradientSums {
  /** Diagonal of the Hessian, in the order of the parameters. */
  readonly diagonal: Float64Array;
  /** Row-major, parameters × parameters, symmetric; absent when only the diagonal was asked for. */
  readonly hessian?: Float64Array;
}

/** Names the summary for a round. */
export function curvatureReference(options: CurvatureOptions): Reference {
  return { module: import.meta.url, name: 'curvature', options: options as unknown as Json };
}

/** Numbers of the upper triangle of one pair of outputs. */
function triangleSize(features: number): number {
  return ((features + 1) * (features + 2)) / 2;
}

/** Summary of loss, gradient and curvature. */
export function curvature(
  options: Json,
  parameters?: Uint8Array,
): Summary<CurvatureSums, CurvatureValue, LearnerView> {
  const shape = glmShape(options);
  const { loss, features, outputs } = shape;
  const full = (options as unknown as CurvatureOptions).curvature !== 'diagonal';
  const at = roundParameters(parameters, features, outputs);
  const length = parameterCount(features, outputs);
  const pairs = (outputs * (outputs + 1)) / 2;
  const size = full ? pairs * triangleSize(features) : length;
  return {
    id: `curvature/1 ${full ? 'full' : 'diagonal'} ${loss.id} ${outputs}×${features}`,
    empty: () => ({
      loss: 0,
      weight: 0,
      rows: 0,
      gradient: new Float64Array(length),
      curvature: new Float64Array(size),
    }),
    observe: (state, view) => addCurvature(state, view, shape, at, full),
    merge(into, from) {
      addTotals(into, from);
      addVector(into.gradient, from.gradient);
      addVector(into.curvature, from.curvature);
    },
    read: (state) => (full ? unpack(state, shape) : { ...state, diagonal: state.curvature }),
    codec: {
      encode: (state) =>
        encodeSums([state.loss, state.weight, state.rows], [state.gradient, state.curvature]),
      decode(bytes) {
        const { numbers, vectors } = decodeSums(bytes, 3, [length, size]);
        const [gradient, sums] = vectors;
        return { loss: numbers[0], weight: numbers[1], rows: numbers[2], gradient, curvature: sums };
      },
    },
  };
}

function addCurvature(
  state: CurvatureSums,
  view: LearnerView,
  shape: GlmShape,
  at: Float64Array,
  full: boolean,
): void {
  if (view.rows === 0) return;
  const width = shape.features + 1;
  runKernels((run) => {
    const pass = glmPass(run, view, shape, at, true);
    const gradientSums = run.zeros(Float64Array, at.length);
    const curvatureSums = run.zeros(Float64Array, state.curvature.length);
    const plane = run.zeros(Float64Array, paddedRows(Math.min(view.rows, 1024)));
    const totals = pass.each((block) => {
      const { blocks, residuals, stride } = block;
      for (let k = 0; k < shape.outputs; k++)
        blocks.addGradient(residuals, k * stride, gradientSums, k * width);
      if (full) addPairs(block, shape, plane, curvatureSums);
      else addDiagonals(block, width, plane, curvatureSums);
    });
    addTotals(state, totals);
    addVector(state.gradient, gradientSums);
    addVector(state.curvature, curvatureSums);
  });
}

function planeOf(block: EvaluatedBlock, k: number, plane: Float64Array): Float64Array {
  const from = k * block.stride;
  plane.set(block.curvatures!.subarray(from, from + block.rows));
  return plane;
}

function addDiagonals(block: EvaluatedBlock, width: number, plane: Float64Array, sums: Float64Array): void {
  for (let k = 0; k < block.outputs; k++) block.blocks.addDiagonal(planeOf(block, k, plane), sums, k * width);
}

/** Triangles of the pairs (0, 0), (0, 1) … (1, 1) … one after another. */
function addPairs(block: EvaluatedBlock, shape: GlmShape, plane: Float64Array, sums: Float64Array): void {
  const size = triangleSize(shape.features);
  let next = 0;
  for (let j = 0; j < block.outputs; j++) {
    for (let k = j; k < block.outputs; k++, next += size) {
      if (j === k) planeOf(block, j, plane);
      else if (shape.loss.cross === undefined) continue;
      else shape.loss.cross(block, j, k, plane);
      block.blocks.addCurvature(plane, sums, next);
    }
  }
}

/** The full symmetric Hessian from the packed triangles. */
function unpack(state: CurvatureSums, { features, outputs }: GlmShape): CurvatureValue {
  const width = features + 1;
  const count = outputs * width;
  const hessian = new Float64Array(count * count);
  let next = 0;
  for (let j = 0; j < outputs; j++) {
    for (let k = j; k < outputs; k++) {
      for (let a = 0; a < width; a++) {
        for (let b = a; b < width; b++) {
          const value = state.curvature[next++];
          const [rowA, rowB] = [j * width + a, j * width + b];
          const [columnA, columnB] = [k * width + a, k * width + b];
          hessian[rowA * count + columnB] = value;
          hessian[rowB * count + columnA] = value;
          hessian[columnB * count + rowA] = value;
          hessian[columnA * count + rowB] = value;
        }
      }
    }
  }
  const diagonal = new Float64Array(count);
  for (let i = 0; i < count; i++) diagonal[i] = hessian[i * count + i];
  return { ...state, diagonal, hessian };
}
