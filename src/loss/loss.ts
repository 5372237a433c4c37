/**
 * What a loss is, for every learner: a convex function of margins and a label, with its derivatives by the margins.
 * A margin is a learner's raw score, offset included; the link takes a mean to its margin. Learners meet losses only
 * through {@link Loss}; a new loss is one file with a plain block, and one line in registry.ts.
 */
import { SoraError } from '../errors.ts';
import type { KernelExports, LossKernelName } from '../kernel/load.ts';

/** A block of rows in, derivatives out. Plane k of margins, residuals and curvatures starts at k · stride. */
export interface LossBlock {
  /** Even; rows of padding have weight 0, label 0 and a finite margin. */
  readonly rows: number;
  readonly outputs: number;
  readonly stride: number;
  /** May be overwritten. */
  readonly margins: Float64Array;
  readonly labels: Float64Array;
  readonly weights: Float64Array;
  /** Whether every weight is 1, but for padding; allows a shorter way. */
  readonly unitWeights?: boolean;
  /** Out: weight · ∂loss/∂margin. */
  readonly residuals: Float64Array;
  /** Out, where given: weight · ∂²loss/∂margin², the diagonal when there are several outputs. */
  readonly curvatures?: Float64Array;
}

/** Totals of labels from which the best constant margin is read; each merges by adding. */
export interface LabelSums {
  /** Σ weight. */
  readonly weight: number;
  /** Σ weight · label. */
  readonly sum: number;
  /** Σ weight · e^offset; the weight where there are no offsets. Used by losses with a log link. */
  readonly exposure: number;
  /** Weight of each class; used by softmax alone. */
  readonly classes: ArrayLike<number>;
  /** The quantile of the labels less offsets that `startQuantile` asks for, where the learner has found it. */
  readonly quantile?: number;
}

/** One loss, its parameter fixed. */
export interface Loss {
  /** Name with parameter, e.g. `huber(1.35)`: part of the identity of what was computed with it. */
  readonly id: string;
  readonly name: string;
  /** Whether there is a margin for every class, or one for all. */
  readonly perClass: boolean;
  /** Fixed number of the formula (Huber's δ, the quantile, Tweedie's power); 0 where there is none. */
  readonly parameter: number;
  /** Whether the curvature is 0 over whole stretches: trees then take the weight instead (gradient boosting). */
  readonly flat?: boolean;
  /** Share of the labels below the best start, where that is a quantile: `bestConstant` is told it. */
  readonly startQuantile?: number;
  /** Trees: leaves take this quantile of the residuals label - margin in them, instead of a Newton step. */
  readonly leafQuantile?: number;
  /** Whether derivatives of a row depend on the others of its query: trees evaluate whole groups then. */
  readonly perQuery?: boolean;
  /** Of a loss of the user's own: how margins become means. */
  readonly link?: 'identity' | 'log';
  /** The WebAssembly kernel with the same bits as `block`; a loss without one runs `block` alone. */
  readonly kernel?: LossKernelName;
  /** Residuals, curvatures and Σ weight · loss of a block: even rows add to one lane, odd rows to another. */
  block(block: LossBlock): number;
  /** Why a label cannot be learned from, or undefined if it can. */
  labelProblem(label: number, outputs: number): string | undefined;
  /** Margins to means in place: probabilities, expected numbers or counts. Row-major, `outputs` a row. */
  toMeans(margins: Float64Array, outputs: number): void;
  /** Means to margins in place: the inverse of `toMeans` (softmax: up to a constant a row). */
  toMargins(means: Float64Array, outputs: number): void;
  /** The constant margins of least loss. For losses other than Poisson, exact without offsets. */
  bestConstant(sums: LabelSums, outputs: number): Float64Array;
  /** Several outputs: weight · ∂²loss/∂margin_j ∂margin_k of the block just evaluated, j ≠ k, into `out`. */
  cross?(block: LossBlock, j: number, k: number, out: Float64Array): void;
}

/** Evaluates a block on the WebAssembly path where there is one (arrays resident), else plainly. */
export function lossBlock(loss: Loss, wasm: KernelExports | undefined, block: LossBlock): number {
  if (wasm === undefined || loss.kernel === undefined) return loss.block(block);
  return wasm[loss.kernel](
    block.margins.byteOffset,
    block.labels.byteOffset,
    block.weights.byteOffset,
    block.residuals.byteOffset,
    block.curvatures?.byteOffset ?? 0,
    block.rows,
    block.outputs,
    block.stride * 8,
    loss.parameter,
    block.unitWeights ? 1 : 0,
  );
}

/** Throws `bad-data` naming the first label that the loss cannot learn from. O(rows). */
export function checkLabels(loss: Loss, labels: Float64Array, outputs: number): void {
  for (let row = 0; row < labels.length; row++) {
    const problem = loss.labelProblem(labels[row], outputs);
    if (problem !== undefined) {
      throw new SoraError(
        'bad-data',
        `Row ${row}: label ${labels[row]} cannot be learned with loss ${loss.id}: ${problem}`,
        {
          details: { row, label: labels[row], loss: loss.id },
        },
      );
    }
  }
}

/** Σ weight · loss over rows, and Σ weight; margins row-major, as predicted. O(rows × outputs). */
export function sumLoss(
  loss: Loss,
  margins: Float64Array,
  outputs: number,
  labels: Float64Array,
  weights?: Float64Array,
): { loss: number; weight: number } {
  const room = Math.min(1024, labels.length + (labels.length & 1));
  const block = plainBlock(room, outputs);
  const total = { loss: 0, weight: 0 };
  for (let start = 0; start < labels.length; start += room) {
    const count = Math.min(room, labels.length - start);
    block.weights.fill(0);
    for (let r = 0; r < count; r++) {
      block.labels[r] = labels[start + r];
      block.weights[r] = weights === undefined ? 1 : weights[start + r];
      total.weight += block.weights[r];
      for (let k = 0; k < outputs; k++) block.margins[k * room + r] = margins[(start + r) * outputs + k];
    }
    total.loss += loss.block(block);
  }
  return total;
}

function plainBlock(rows: number, outputs: number): LossBlock & { margins: Float64Array } {
  return {
    rows,
    outputs,
    stride: rows,
    margins: new Float64Array(rows * outputs),
    labels: new Float64Array(rows),
    weights: new Float64Array(rows),
    residuals: new Float64Array(rows * outputs),
  };
}

/** Margins beyond ±1e300, infinities too, count as ±1e300: no 0 · ∞ arises. */
export function finiteMargin(margin: number): number {
  const below = margin > 1e300 ? 1e300 : margin;
  return below < -1e300 ? -1e300 : below;
}

/** A mean or share kept off 0 by a billionth, so that its logarithm is finite. */
export const SMALLEST_SHARE = 1e-9;
