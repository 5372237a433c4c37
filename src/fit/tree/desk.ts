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
import { addToRows, packSlopes, partitionRows, quantizeRows } from '../../kernel/tree.ts';
import { type Loss, type LossBlock, lossBlock } from '../../loss/loss.ts';
import { lossOf } from '../../loss/registry.ts';
import { combine32 } from '../../random.ts';
import { type GrownTree, type HistogramRound, leftOf, type MarginsAt, rightOf, type Split } from './round.ts';
import type { BinnedView } from './view.ts';

interface Desk {
  readonly fit: string;
  /** Trees that the margins contain. */
  trees: number;
  /** Trees at which the slopes were taken; -1: not yet. */
  slopesAt: number;
  /** Tree whose quants the records have; -1: none. */
  quantized: number;
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

/** Brings margins, quants and order to where the round wants them; throws {@link notFollowed}. */
export function bringOrder(view: BinnedView, round: HistogramRound): Desk {
  const start = round.trees - round.output;
  let desk = desks.get(view);
  if (desk?.fit !== round.fit || desk.slopesAt !== start) {
    desk = bringTo(view, round, start);
    takeSlopes(view, round, desk);
  }
  desk = bringTo(view, round, round.trees);
  if (desk.quantized !== round.trees) {
    quantize(view, round);
    desk.quantized = round.trees;
  }
  applySplits(view, desk, round.splits);
  return desk;
}

/** Rows of a node; a number where they are the first so many of the view. */
export function askedRows(view: BinnedView, desk: Desk, node: number): Uint32Array | number {
  return node === 0 ? view.rows : rowsOf(view, desk, node);
}

function rowsOf(view: BinnedView, desk: Desk, node: number): Uint32Array {
  const start = desk.ranges[2 * node];
  return view.order.subarray(start, start + desk.ranges[2 * node + 1]);
}

function bringTo(view: BinnedView, round: MarginsAt, trees: number): Desk {
  let desk = desks.get(view);
  if (desk?.fit !== round.fit || desk.trees > trees) {
    if (trees > 0 && round.model === undefined) throw notFollowed();
    desk = { fit: round.fit, trees: 0, slopesAt: -1, quantized: -1, splits: -1, ranges: [] };
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
    view.order.set(ascending(view.rows));
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

let counted = new Uint32Array(0);

/** 0, 1, 2 … */
function ascending(rows: number): Uint32Array {
  if (counted.length < rows) counted = Uint32Array.from({ length: rows }, (_, row) => row);
  return counted.subarray(0, rows);
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

/** Evaluates a loss over blocks of rows. */
interface Evaluator {
  /** Evaluates rows [start, start + count), those held out at weight 0; returns Σ weight · loss. */
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
function evaluator(run: KernelRun, view: BinnedView, loss: Loss, outputs: number): Evaluator {
  const stride = BLOCK_ROWS;
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
    return lossBlock(loss, run.wasm, block as LossBlock);
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

function quantize(view: BinnedView, round: HistogramRound): void {
  const { rows, salt, slopes } = view;
  const { output, key, rowShare, scales } = round;
  const [gradientScale, hessianScale] = scales[output];
  // The rows of an iteration are the same for all of its trees.
  const drop = rowShare !== undefined && {
    key: combine32(combine32(key, 0x5a17), salt),
    limit: rowShare * 2 ** 32,
  };
  const quantization = {
    gradientScale,
    hessianScale,
    key: combine32(combine32(key, output), salt),
    ...(drop ? { drop } : {}),
  };
  const plane = slopes.subarray(2 * output * rows, 2 * (output + 1) * rows);
  runKernels((run) => quantizeRows(run, plane, quantization, view));
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

/** Adds the statistics of the view at its margins; throws {@link notFollowed}. O(rows × outputs): about 8 ns each. */
export function addStatistics(view: BinnedView, round: MarginsAt, into: MarginStatistics): void {
  const desk = bringTo(view, round, round.trees);
  const taken = takeSlopes(view, round, desk);
  into.loss += taken.loss;
  into.weight += taken.weight;
  into.heldLoss += taken.heldLoss;
  into.heldWeight += taken.heldWeight;
  for (let k = 0; k < round.outputs; k++) {
    into.gradients[k] = Math.max(into.gradients[k], taken.gradients[k]);
    into.hessians[k] = Math.max(into.hessians[k], taken.hessians[k]);
  }
}

/** Takes the slopes of all rows at the margins as they are; 0 for rows held out. */
function takeSlopes(view: BinnedView, { loss: spec, outputs }: MarginsAt, desk: Desk): MarginStatistics {
  const loss = lossOf(spec);
  const { rows, slopes, kept } = view;
  const taken = runKernels((run) => {
    const told = noStatistics(outputs);
    const { evaluate, evaluateList, residuals, curvatures, weights, stride } = evaluator(
      run,
      view,
      loss,
      outputs,
    );
    const most = Array.from({ length: outputs }, () => new Float64Array(2));
    for (let start = 0; start < rows; start += stride) {
      const count = Math.min(stride, rows - start);
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
    for (const list of kept ? heldRows(kept, stride) : []) {
      told.heldLoss += evaluateList(list);
      told.heldWeight += sumOf(weights, list.length);
    }
    return told;
  });
  desk.slopesAt = desk.trees;
  desk.quantized = -1;
  return taken;
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
