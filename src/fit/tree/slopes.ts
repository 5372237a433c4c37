/**
 * Slopes of a loss at the margins of a view: gradient and Hessian of every row as f32 pairs, from which quants are made
 * and which the largest of are read. Rows that are held out have slopes of 0.
 */
import { planeStride } from '../../kernel/features.ts';
import { type KernelRun, runKernels } from '../../kernel/mode.ts';
import { packSlopes } from '../../kernel/tree.ts';
import { type Loss, type LossBlock, lossBlock } from '../../loss/loss.ts';
import { lossOf } from '../../loss/registry.ts';
import { queryEvaluator } from './query.ts';
import type { TreeProblem } from './round.ts';
import type { BinnedView, EvaluatedRows } from './view.ts';

/** Rows of a block: what it takes stays in the first-level cache. */
export const BLOCK_ROWS = 1024;
/** Evaluates a loss over blocks of rows. */
interface Evaluator {
  /** Evaluates rows [start, start + count), {@link BLOCK_ROWS} at most, those held out at weight 0; returns Σ weight · loss. */
  evaluate(start: number, count: number): number;
  /** The same for the rows of a list, at their own weights. */
  evaluateList(rows: Uint32Array): number;
  /** Planes of `stride` numbers by output; valid until the next call. */
  readonly residuals: Float64Array;
  readonly curvatures: Float64Array;
  readonly weights: Float64Array;
  readonly stride: number;
}

/** An evaluator of the loss at the margins of the view. */
export function evaluator(run: KernelRun, view: EvaluatedRows, loss: Loss, outputs: number): Evaluator {
  const stride = planeStride(BLOCK_ROWS);
  if (loss.perQuery) return queryEvaluator(run, view, loss, stride);
  const { rows, margins, labels, weights, kept } = view;
  const block = {
    rows: 0,
    outputs,
    stride,
    margins: run.zeros(Float64Array, outputs * stride),
    labels: run.zeros(Float64Array, stride),
    weights: run.zeros(Float64Array, stride),
    residuals: run.zeros(Float64Array, outputs * stride),
    curvatures: run.zeros(Float64Array, outputs * stride),
  };
  /** Rows are evaluated in pairs: one more, of weight 0, where they are odd. */
  const finish = (count: number): number => {
    block.rows = count + (count & 1);
    if (count & 1) {
      for (let k = 0; k < outputs; k++) block.margins[k * stride + count] = 0;
      block.labels[count] = 0;
      block.weights[count] = 0;
    }
    const sum = lossBlock(loss, run.wasm, block as LossBlock);
    if (loss.flat) block.curvatures.set(block.weights);
    return sum;
  };
  return {
    stride,
    residuals: block.residuals,
    curvatures: block.curvatures,
    weights: block.weights,
    evaluate(start, count) {
      for (let k = 0; k < outputs; k++) {
        block.margins.set(margins.subarray(k * rows + start, k * rows + start + count), k * stride);
      }
      block.labels.set(labels.subarray(start, start + count));
      if (weights) block.weights.set(weights.subarray(start, start + count));
      else block.weights.fill(1, 0, count);
      if (kept) for (let r = 0; r < count; r++) if (kept[start + r] === 0) block.weights[r] = 0;
      return finish(count);
    },
    evaluateList(list) {
      for (let i = 0; i < list.length; i++) {
        const row = list[i];
        for (let k = 0; k < outputs; k++) block.margins[k * stride + i] = margins[k * rows + row];
        block.labels[i] = labels[row];
        block.weights[i] = weights ? weights[row] : 1;
      }
      return finish(list.length);
    },
  };
}

/** What a fit watches: losses on rows learned from and held out, and the largest gradient and Hessian by output. */
export interface MarginStatistics {
  loss: number;
  weight: number;
  heldLoss: number;
  heldWeight: number;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  /** Rows by the size of their gradients, for gradient-based sampling: see {@link countSizes}. */
  readonly sizes?: Float64Array;
}

/** Takes the slopes of all rows at the margins as they are; returns what they show. O(rows × outputs): about 8 ns each. */
export function takeSlopes(view: BinnedView, { loss: spec, outputs }: TreeProblem): MarginStatistics {
  const loss = lossOf(spec);
  const { rows, slopes, kept } = view;
  return runKernels((run) => {
    const told = noStatistics(outputs);
    const { evaluate, evaluateList, residuals, curvatures, weights, stride } = evaluator(
      run,
      view,
      loss,
      outputs,
    );
    const most = Array.from({ length: outputs }, () => new Float64Array(2));
    for (let start = 0; start < rows; start += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - start);
      told.loss += evaluate(start, count);
      told.weight += sumOf(weights, count);
      for (let k = 0; k < outputs; k++) {
        packSlopes(
          run,
          residuals.subarray(k * stride, k * stride + count),
          curvatures.subarray(k * stride, k * stride + count),
          slopes.subarray(2 * (k * rows + start), 2 * (k * rows + start + count)),
          most[k],
        );
      }
    }
    most.forEach(([gradient, hessian], k) => {
      told.gradients[k] = gradient;
      told.hessians[k] = hessian;
    });
    for (const list of kept ? heldRows(kept, BLOCK_ROWS) : []) {
      told.heldLoss += evaluateList(list);
      told.heldWeight += sumOf(weights, list.length);
    }
    return told;
  });
}

function noStatistics(outputs: number): MarginStatistics {
  const [gradients, hessians] = [new Float64Array(outputs), new Float64Array(outputs)];
  return { loss: 0, weight: 0, heldLoss: 0, heldWeight: 0, gradients, hessians };
}

/** Rows that are held out, at most `size` at a time. */
function* heldRows(kept: Uint8Array, size: number): Generator<Uint32Array> {
  const list = new Uint32Array(size);
  let count = 0;
  for (let row = 0; row < kept.length; row++) {
    if (kept[row] === 1) continue;
    list[count++] = row;
    if (count < size) continue;
    yield list;
    count = 0;
  }
  if (count > 0) yield list.subarray(0, count);
}

function sumOf(numbers: Float64Array, count: number): number {
  let sum = 0;
  for (let r = 0; r < count; r++) sum += numbers[r];
  return sum;
}

/** Σ |gradient| over outputs of every row, as f32; 0 for rows held out. O(rows × outputs). */
export function gradientSizes({ rows, slopes }: BinnedView, outputs: number): Float32Array {
  const sizes = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let k = 0; k < outputs; k++) sum += Math.abs(slopes[2 * (k * rows + row)]);
    sizes[row] = sum;
  }
  return sizes;
}

/** Size classes: exponent and upper four bits of the fraction of an f32, in ascending order. */
export const SIZE_CLASSES = 4096;
const SIZE_SHIFT = 19;

/** Adds the rows of a view that are learned from to the counts of their size classes. */
export function countSizes(view: BinnedView, outputs: number, into: Float64Array): void {
  const sizes = gradientSizes(view, outputs);
  const words = new Uint32Array(sizes.buffer);
  const { kept } = view;
  for (let row = 0; row < words.length; row++) {
    if (kept === undefined || kept[row] === 1) into[words[row] >>> SIZE_SHIFT]++;
  }
}

/** The smallest size of a class. */
export function leastOfClass(sizeClass: number): number {
  return new Float32Array(Uint32Array.of(sizeClass << SIZE_SHIFT).buffer)[0];
}
