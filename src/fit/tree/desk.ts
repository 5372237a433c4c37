/**
 * What a worker knows of the rows of a view during a fit: their margins, quantized gradients, and which node each is in.
 * All of it is a pure function of the view and the round, so a desk is a cache: it is brought from where it stands to
 * where a round wants it, one tree or split at a time, or from nothing by replaying every tree. It lies in the arrays
 * of the view itself, where kernels reach it, and belongs to that object: a view read anew has an empty desk.
 *
 *     order      | rows of leaf a | rows of leaf b | …     ascending within each; ranges[node] = [start, count)
 */
import { SoraError } from '../../errors.ts';
import { type KernelRun, runKernels } from '../../kernel/mode.ts';
import { addToRows, partitionRows, quantizeBlock } from '../../kernel/tree.ts';
import { type Loss, type LossBlock, lossBlock } from '../../loss/loss.ts';
import { lossOf } from '../../loss/registry.ts';
import { combine32 } from '../../random.ts';
import { queryEvaluator } from './query.ts';
import { type GrownTree, type HistogramRound, leftOf, type MarginsAt, rightOf, type Split } from './round.ts';
import type { BinnedView } from './view.ts';

interface Desk {
  readonly fit: string;
  /** Trees that the margins contain. */
  trees: number;
  /** Trees at which gradients were quantized; -1: not yet. */
  quantizedAt: number;
  /** Splits of the tree in growth that the order contains; -1: the order is of an earlier tree. */
  splits: number;
  /** Start and count of the rows of each node. */
  ranges: number[];
}

const desks = new WeakMap<BinnedView, Desk>();

/** What a worker throws that was not sent the trees it needs: the round has to be played again with all of them. */
export function notFollowed(): SoraError {
  return new SoraError('internal', 'A worker has not followed this fit and was not sent its trees.', {
    details: { notFollowed: true },
  });
}

/** Whether an error is {@link notFollowed}, from whichever thread. */
export function isNotFollowed(error: unknown): boolean {
  return error instanceof SoraError && error.details.notFollowed === true;
}

/** Brings the margins of the view to where the round wants them; throws {@link notFollowed}. */
export function bringMargins(view: BinnedView, round: MarginsAt): void {
  bringTo(view, round, round.trees);
}

/** Brings margins, quantized gradients and order to where the round wants them; throws {@link notFollowed}. */
export function bringOrder(view: BinnedView, round: HistogramRound): Desk {
  const start = round.trees - round.output;
  let desk = desks.get(view);
  if (desk?.fit !== round.fit || desk.quantizedAt !== start) {
    desk = bringTo(view, round, start);
    quantize(view, round);
    desk.quantizedAt = start;
  }
  desk = bringTo(view, round, round.trees);
  applySplits(view, desk, round.splits);
  return desk;
}

/** Rows of a node. */
export function rowsOf(view: BinnedView, desk: Desk, node: number): Uint32Array {
  const start = desk.ranges[2 * node];
  return view.order.subarray(start, start + desk.ranges[2 * node + 1]);
}

function bringTo(view: BinnedView, round: MarginsAt, trees: number): Desk {
  let desk = desks.get(view);
  if (desk?.fit !== round.fit || desk.trees > trees) {
    if (trees > 0 && round.model === undefined) throw notFollowed();
    desk = { fit: round.fit, trees: 0, quantizedAt: -1, splits: -1, ranges: [] };
    desks.set(view, desk);
    resetMargins(view, round.base);
  }
  while (desk.trees < trees) {
    const next = round.model?.[desk.trees] ?? (desk.trees === round.trees - 1 ? round.last : undefined);
    if (next === undefined) throw notFollowed();
    addTree(view, desk, next);
  }
  return desk;
}

function resetMargins({ rows, margins, offsets }: BinnedView, base: readonly number[]): void {
  base.forEach((margin, k) => {
    margins.fill(margin, k * rows, (k + 1) * rows);
    if (offsets) for (let r = 0; r < rows; r++) margins[k * rows + r] += offsets[r];
  });
}

/** Adds the values of a finished tree's leaves; the order is then free for the next. */
function addTree(view: BinnedView, desk: Desk, { output, splits, leaves }: GrownTree): void {
  applySplits(view, desk, splits);
  const margins = view.margins.subarray(output * view.rows, (output + 1) * view.rows);
  runKernels((run) => {
    for (const [node, value] of leaves) addToRows(run, margins, rowsOf(view, desk, node), value);
  });
  desk.trees++;
  desk.splits = -1;
}

function applySplits(view: BinnedView, desk: Desk, splits: readonly Split[]): void {
  if (desk.splits < 0 || desk.splits > splits.length) {
    for (let r = 0; r < view.rows; r++) view.order[r] = r;
    desk.ranges = [0, view.rows];
    desk.splits = 0;
  }
  for (; desk.splits < splits.length; desk.splits++) {
    const split = splits[desk.splits];
    const rows = rowsOf(view, desk, split.node);
    const column = view.columns.subarray(split.feature * view.rows, (split.feature + 1) * view.rows);
    const left = rows.length === 0 ? 0 : partitionRows(column, rows, knownTable(split));
    const start = desk.ranges[2 * split.node];
    desk.ranges[2 * leftOf(desk.splits)] = start;
    desk.ranges[2 * leftOf(desk.splits) + 1] = left;
    desk.ranges[2 * rightOf(desk.splits)] = start + left;
    desk.ranges[2 * rightOf(desk.splits) + 1] = rows.length - left;
  }
}

/** Tables of the splits of this round, which every view asks for. */
const tables = new WeakMap<Split, Uint8Array>();

function knownTable(split: Split): Uint8Array {
  const table = tables.get(split) ?? tableOf(split);
  tables.set(split, table);
  return table;
}

/** 1 for every bin that goes left. */
export function tableOf({ bin, set, missingLeft, bins }: Split): Uint8Array {
  const table = new Uint8Array(256);
  if (set === undefined) table.fill(1, 0, bin + 1);
  else for (const member of set) table[member] = 1;
  table[bins] = missingLeft ? 1 : 0;
  return table;
}

/** Rows of a block: what it takes stays in the first-level cache. */
const BLOCK_ROWS = 1024;

/** Gradients of a block of rows. */
interface Evaluator {
  /** Evaluates rows [start, start + count); returns Σ weight · loss of those of the given side (default: all). */
  evaluate(start: number, count: number, side?: 'kept' | 'held'): number;
  /** Planes of `stride` numbers by output; valid until the next call. */
  readonly residuals: Float64Array;
  readonly curvatures: Float64Array;
  readonly weights: Float64Array;
  readonly stride: number;
}

/** An evaluator of the loss at the margins of the view. */
function evaluator(run: KernelRun, view: BinnedView, loss: Loss, outputs: number): Evaluator {
  const stride = BLOCK_ROWS;
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
  return {
    stride,
    residuals: block.residuals,
    curvatures: block.curvatures,
    weights: block.weights,
    evaluate(start, count, side) {
      block.rows = count + (count & 1);
      for (let k = 0; k < outputs; k++) {
        block.margins.set(margins.subarray(k * rows + start, k * rows + start + count), k * stride);
        if (count & 1) block.margins[k * stride + count] = 0;
      }
      block.labels.set(labels.subarray(start, start + count));
      if (weights) block.weights.set(weights.subarray(start, start + count));
      else block.weights.fill(1, 0, count);
      if (kept && side) dropOther(block.weights, kept, start, count, side === 'kept' ? 0 : 1);
      if (count & 1) {
        block.labels[count] = 0;
        block.weights[count] = 0;
      }
      const sum = lossBlock(loss, run.wasm, block as LossBlock);
      if (loss.flat) block.curvatures.set(block.weights);
      return sum;
    },
  };
}

function dropOther(weights: Float64Array, kept: Uint8Array, start: number, count: number, drop: number) {
  for (let r = 0; r < count; r++) if (kept[start + r] === drop) weights[r] = 0;
}

function quantize(view: BinnedView, round: HistogramRound): void {
  const loss = lossOf(round.loss);
  const { rows, kept, quantized } = view;
  runKernels((run) => {
    const { evaluate, residuals, curvatures, stride } = evaluator(run, view, loss, round.outputs);
    for (let start = 0; start < rows; start += stride) {
      const count = Math.min(stride, rows - start);
      evaluate(start, count);
      for (let k = 0; k < round.outputs; k++) {
        const [gradientScale, hessianScale] = round.scales[k];
        quantizeBlock(
          run,
          residuals.subarray(k * stride, k * stride + count),
          curvatures.subarray(k * stride, k * stride + count),
          start,
          { gradientScale, hessianScale, key: combine32(combine32(round.key, k), view.salt) },
          kept?.subarray(start, start + count),
          quantized.subarray(k * rows + start, k * rows + start + count),
        );
      }
      if (round.rowShare !== undefined) dropRows(view, round, start, count);
    }
  });
}

/** Leaves rows out of an iteration at random: their quantized numbers are 0 for every output. */
function dropRows(
  { rows, salt, quantized }: BinnedView,
  round: HistogramRound,
  start: number,
  count: number,
) {
  const key = combine32(combine32(round.key, 0x5a17), salt);
  const limit = (round.rowShare as number) * 0x1_0000_0000;
  for (let row = start; row < start + count; row++) {
    if (combine32(key, row) < limit) continue;
    for (let k = 0; k < round.outputs; k++) quantized[k * rows + row] = 0;
  }
}

/** What a fit watches: losses on rows learned from and held out, and the largest gradient and Hessian by output. */
export interface MarginStatistics {
  loss: number;
  weight: number;
  heldLoss: number;
  heldWeight: number;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
}

/** Adds the statistics of the view at its margins. O(rows × outputs): about 5 ns each. */
export function addStatistics(view: BinnedView, round: MarginsAt, into: MarginStatistics): void {
  const loss = lossOf(round.loss);
  const { rows, kept } = view;
  const { outputs } = round;
  const part = { loss: 0, weight: 0, heldLoss: 0, heldWeight: 0 };
  runKernels((run) => {
    Object.assign(part, { loss: 0, weight: 0, heldLoss: 0, heldWeight: 0 });
    const { evaluate, residuals, curvatures, weights, stride } = evaluator(run, view, loss, outputs);
    for (let start = 0; start < rows; start += stride) {
      const count = Math.min(stride, rows - start);
      if (kept) {
        part.heldLoss += evaluate(start, count, 'held');
        part.heldWeight += sumOf(weights, count);
      }
      part.loss += evaluate(start, count, 'kept');
      part.weight += sumOf(weights, count);
      for (let k = 0; k < outputs; k++) {
        into.gradients[k] = largest(residuals, k * stride, count, into.gradients[k]);
        into.hessians[k] = largest(curvatures, k * stride, count, into.hessians[k]);
      }
    }
  });
  into.loss += part.loss;
  into.weight += part.weight;
  into.heldLoss += part.heldLoss;
  into.heldWeight += part.heldWeight;
}

function sumOf(numbers: Float64Array, count: number): number {
  let sum = 0;
  for (let r = 0; r < count; r++) sum += numbers[r];
  return sum;
}

function largest(numbers: Float64Array, start: number, count: number, least: number): number {
  let most = least;
  for (let i = start; i < start + count; i++) {
    const size = Math.abs(numbers[i]);
    if (size > most) most = size;
  }
  return most;
}
