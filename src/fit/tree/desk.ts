/**
 * What a worker knows of the rows of a view during a fit: their margins, quantized gradients, and which node each is in.
 * All of it is a pure function of the view and the round, so a desk is a cache: it is brought from where it stands to
 * where a round wants it, one tree or split at a time, or from nothing by replaying every tree. It lies in the arrays
 * of the view itself, where kernels reach it. A view that does not stay in memory takes it along to notes (notes.ts)
 * and finds it there; without them its desk is empty each time.
 *
 *     order      | rows of leaf a | rows of leaf b | …     ascending within each; ranges[node] = [start, count)
 */
import { SoraError } from '../../errors.ts';
import { runKernels } from '../../kernel/mode.ts';
import { addToRows, partitionRows, quantizeRows } from '../../kernel/tree.ts';
import { combine32 } from '../../random.ts';
import type { InputNotes } from '../../summary/summary.ts';
import { type DeskArrays, notedArrays, residentArrays } from './notes.ts';
import { type GrownTree, type HistogramRound, leftOf, type MarginsAt, rightOf, type Split } from './round.ts';
import { countSizes, gradientSizes, type MarginStatistics, takeSlopes } from './slopes.ts';
import type { BinnedView } from './view.ts';

/** Where the desk of a view stands. */
interface Standing {
  readonly fit: string;
  /** Steps that the margins contain; -1: they are not set yet. */
  steps: number;
  /** Steps at which the slopes were taken; -1: not yet. */
  slopesAt: number;
  /** Tree whose splits the order contains, and how many of them; -1: none. */
  tree: number;
  splits: number;
  /** Start and count of the rows of each node. */
  ranges: number[];
}

/** A desk in use. */
interface Desk {
  readonly view: BinnedView;
  readonly arrays: DeskArrays;
  at: Standing;
}

/** Desks of views that stay in memory, and which tree's quants their records have. */
const residents = new WeakMap<BinnedView, Standing>();
const quantized = new WeakMap<BinnedView, number>();
/** Standings of views that do not, by input; of one fit at a time. */
const noted = new Map<string, Standing>();

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

/** What is done at a desk, which is left as it then stands. */
function atDesk<T>(view: BinnedView, fit: string, notes: InputNotes | undefined, work: (desk: Desk) => T): T {
  if (notes !== undefined) return atNotedDesk(view, fit, notes, work);
  const known = residents.get(view);
  const at = known?.fit === fit ? known : emptyStanding(fit);
  const desk = { view, arrays: residentArrays, at };
  const result = work(desk);
  residents.set(view, desk.at);
  return result;
}

/**
 * The same for a view that does not stay: a standing is known only while all that belongs to it is noted. Where notes
 * turn out to be lost, the desk is begun anew, for which the round has to have all steps in it.
 */
function atNotedDesk<T>(view: BinnedView, fit: string, notes: InputNotes, work: (desk: Desk) => T): T {
  const known = noted.get(notes.input);
  if (known !== undefined && known.fit !== fit) noted.clear();
  noted.delete(notes.input);
  const from = (at: Standing): T => {
    const arrays = notedArrays(view, notes);
    const desk = { view, arrays, at };
    const result = work(desk);
    if (arrays.save()) noted.set(notes.input, desk.at);
    return result;
  };
  if (known?.fit !== fit) return from(emptyStanding(fit));
  try {
    return from(known);
  } catch (error) {
    if (!isNotFollowed(error)) throw error;
    return from(emptyStanding(fit));
  }
}

function emptyStanding(fit: string): Standing {
  return { fit, steps: -1, slopesAt: -1, tree: -1, splits: 0, ranges: [] };
}

/**
 * Brings quants and order to where the round wants them, and margins if asked, for `use`, which is given the rows of
 * any node; a number where they are the first so many of the view. Throws {@link notFollowed}.
 */
export function withOrder<T>(
  view: BinnedView,
  round: HistogramRound,
  notes: InputNotes | undefined,
  use: (rowsOf: (node: number) => Uint32Array | number) => T,
  withMargins = false,
): T {
  return atDesk(view, round.fit, notes, (desk) => {
    if (desk.at.slopesAt !== round.slopesAt) {
      bringTo(desk, round, round.slopesAt);
      takeSlopesAt(desk, round);
    }
    bringTo(desk, round, round.steps);
    if (notes !== undefined || quantized.get(view) !== round.tree) {
      need(desk, 'slopes');
      quantize(view, round);
      quantized.set(view, round.tree);
    }
    // Only the root's rows are wanted where nothing is split, and they are all.
    if (round.splits.length > 0) applySplits(desk, round.tree, round.splits);
    if (withMargins) need(desk, 'margins');
    return use((node) => (node === 0 ? view.rows : rowsOf(desk, node)));
  });
}

/** Adds the statistics of the view at its margins; throws {@link notFollowed}. */
export function addStatistics(
  view: BinnedView,
  round: MarginsAt,
  into: MarginStatistics,
  notes: InputNotes | undefined,
): void {
  const taken = atDesk(view, round.fit, notes, (desk) => {
    bringTo(desk, round, round.steps);
    return takeSlopesAt(desk, round);
  });
  if (into.sizes !== undefined) countSizes(view, round.outputs, into.sizes);
  into.loss += taken.loss;
  into.weight += taken.weight;
  into.heldLoss += taken.heldLoss;
  into.heldWeight += taken.heldWeight;
  for (let k = 0; k < round.outputs; k++) {
    into.gradients[k] = Math.max(into.gradients[k], taken.gradients[k]);
    into.hessians[k] = Math.max(into.hessians[k], taken.hessians[k]);
  }
}

function takeSlopesAt(desk: Desk, round: MarginsAt): MarginStatistics {
  need(desk, 'margins');
  const taken = takeSlopes(desk.view, round);
  desk.arrays.changed('slopes');
  desk.at.slopesAt = desk.at.steps;
  quantized.delete(desk.view);
  return taken;
}

/** Makes sure that an array of the desk is there; one whose notes are lost has not been followed. */
function need({ arrays }: Desk, name: Parameters<DeskArrays['load']>[0]): void {
  if (!arrays.load(name)) throw notFollowed();
}

function rowsOf({ view, at }: Desk, node: number): Uint32Array {
  const start = at.ranges[2 * node];
  return view.order.subarray(start, start + at.ranges[2 * node + 1]);
}

function bringTo(desk: Desk, { fit, base, steps, news = [], model }: MarginsAt, to: number): void {
  if (desk.at.steps < 0 || desk.at.steps > to) {
    if (to > 0 && model === undefined) throw notFollowed();
    desk.at = { ...emptyStanding(fit), steps: 0 };
    resetMargins(desk.view, base);
    desk.arrays.changed('margins');
  }
  while (desk.at.steps < to) {
    const { steps: at } = desk.at;
    const next = model?.[at] ?? news[at - (steps - news.length)];
    if (next === undefined) throw notFollowed();
    addTree(desk, next);
  }
}

function resetMargins({ rows, margins, offsets, start }: BinnedView, base: readonly number[]): void {
  if (start !== undefined) {
    margins.set(start);
    return;
  }
  base.forEach((margin, k) => {
    margins.fill(margin, k * rows, (k + 1) * rows);
    if (offsets) for (let r = 0; r < rows; r++) margins[k * rows + r] += offsets[r];
  });
}

/** Adds the values of a tree's leaves. */
function addTree(desk: Desk, { tree, output, splits, leaves }: GrownTree): void {
  const { view, arrays, at } = desk;
  applySplits(desk, tree, splits);
  need(desk, 'margins');
  const margins = view.margins.subarray(output * view.rows, (output + 1) * view.rows);
  runKernels((run) => {
    for (const [node, value] of leaves) addToRows(run, margins, rowsOf(desk, node), value);
  });
  arrays.changed('margins');
  at.steps++;
}

/** Brings the order to the splits of a tree, of which those that it contains already are the first. */
function applySplits(desk: Desk, tree: number, splits: readonly Split[]): void {
  const { view, arrays, at } = desk;
  if (at.tree !== tree || at.splits > splits.length) {
    view.order.set(ascending(view.rows));
    at.ranges = [0, view.rows];
    at.tree = tree;
    at.splits = 0;
    arrays.changed('order');
  } else need(desk, 'order');
  if (at.splits < splits.length) arrays.changed('order');
  for (; at.splits < splits.length; at.splits++) {
    const split = splits[at.splits];
    const rows = rowsOf(desk, split.node);
    const column = view.columns.subarray(split.feature * view.rows, (split.feature + 1) * view.rows);
    const left = rows.length === 0 ? 0 : partitionRows(column, rows, knownTable(split));
    const start = at.ranges[2 * split.node];
    at.ranges[2 * leftOf(at.splits)] = start;
    at.ranges[2 * leftOf(at.splits) + 1] = left;
    at.ranges[2 * rightOf(at.splits)] = start + left;
    at.ranges[2 * rightOf(at.splits) + 1] = rows.length - left;
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

function quantize(view: BinnedView, round: HistogramRound): void {
  const { rows, salt, slopes } = view;
  const { output, key, sampling, scales, outputs } = round;
  const [gradientScale, hessianScale] = scales[output];
  // The rows of an iteration are the same for all of its trees.
  const drop = sampling && {
    key: combine32(combine32(key, 0x5a17), salt),
    limit: sampling.share * 2 ** 32,
    ...(sampling.keepFrom === undefined
      ? {}
      : { kept: rowsFrom(gradientSizes(view, outputs), sampling.keepFrom), factor: 1 / sampling.share }),
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

/** 1 for each row whose size reaches the limit. */
function rowsFrom(sizes: Float32Array, limit: number): Uint8Array {
  return Uint8Array.from(sizes, (size) => (size >= limit ? 1 : 0));
}
