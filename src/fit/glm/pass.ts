/**
 * The pass that every sum over rows of a generalised linear model makes: block by block, margins from parameters,
 * then the loss. What to add up from a block's residuals and curvatures is the caller's.
 */
import type { Json } from '../../json.ts';
import { type FeatureBlocks, featureBlocks, paddedRows, planeStride } from '../../kernel/features.ts';
import { blockMargins, checkParameters } from '../../kernel/glm.ts';
import type { KernelRun } from '../../kernel/mode.ts';
import { type Loss, type LossBlock, lossBlock } from '../../loss/loss.ts';
import { type LossSpec, lossOf } from '../../loss/registry.ts';
import type { CsrView, DenseView } from '../../particle/view.ts';

/** The views that learners get. */
export type LearnerView = DenseView | CsrView;

/** Options of the summaries of a generalised linear model; JSON. */
export interface GlmOptions {
  readonly loss: LossSpec | string;
  readonly features: number;
  /** Margins a row: the number of classes for softmax, else 1. Default 1. */
  readonly outputs?: number;
}

/** What the options say, checked. */
export interface GlmShape {
  readonly loss: Loss;
  readonly features: number;
  readonly outputs: number;
}

/** The shape that options describe. */
export function glmShape(options: Json): GlmShape {
  const { loss, features, outputs = 1 } = options as unknown as GlmOptions;
  return { loss: lossOf(loss), features, outputs };
}

/** Σ weight · loss, Σ weight and rows of a pass. */
export interface PassTotals {
  loss: number;
  weight: number;
  rows: number;
}

/** A block after its loss: the arrays are the run's and are reused by the next block. */
export interface EvaluatedBlock extends LossBlock {
  readonly blocks: FeatureBlocks;
}

/** A pass whose scratch is allocated; `each` runs it. */
export interface Pass {
  each(visit: (block: EvaluatedBlock) => void): PassTotals;
}

/** Prepares a pass of `parameters` over a view; curvatures on request. O(rows × features × outputs). */
export function glmPass(
  run: KernelRun,
  view: LearnerView,
  shape: GlmShape,
  parameters: Float64Array,
  withCurvatures: boolean,
): Pass {
  const { loss, outputs } = shape;
  checkParameters(view, parameters, outputs);
  const blocks = featureBlocks(run, view);
  const room = blocks.blockRows;
  const stride = planeStride(room);
  const placed = run.place(parameters);
  const block = {
    blocks,
    rows: 0,
    outputs,
    stride,
    margins: run.zeros(Float64Array, outputs * stride),
    labels: run.zeros(Float64Array, room),
    weights: run.zeros(Float64Array, room).fill(1),
    unitWeights: view.weights === undefined,
    residuals: run.zeros(Float64Array, outputs * stride),
    curvatures: withCurvatures ? run.zeros(Float64Array, outputs * stride) : undefined,
  };
  const sums = run.zeros(Float64Array, 1);
  return {
    each(visit) {
      const totals = { loss: 0, weight: 0, rows: view.rows };
      for (let start = 0; start < view.rows; start += room) {
        const rows = Math.min(room, view.rows - start);
        blocks.move(start, rows);
        block.rows = paddedRows(rows);
        loadRows(block, view, start, rows);
        blockMargins(blocks, view, start, rows, placed, outputs, block.margins);
        totals.loss += lossBlock(loss, run.wasm, block);
        totals.weight += view.weights ? weightOf(block, sums) : rows;
        visit(block);
      }
      return totals;
    },
  };
}

function weightOf(
  { blocks, weights }: { blocks: FeatureBlocks; weights: Float64Array },
  sums: Float64Array,
): number {
  sums[0] = 0;
  blocks.addSum(weights, sums);
  return sums[0];
}

/** Labels and weights of the block; padding has label 0 and weight 0. */
function loadRows(
  block: { rows: number; labels: Float64Array; weights: Float64Array },
  view: LearnerView,
  start: number,
  rows: number,
): void {
  block.labels.set(view.labels.subarray(start, start + rows));
  if (view.weights) block.weights.set(view.weights.subarray(start, start + rows));
  if (rows === block.rows) return;
  block.labels.fill(0, rows, block.rows);
  block.weights.fill(0, rows, block.rows);
}
