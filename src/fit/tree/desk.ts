/**
 * What a worker knows of the rows of a view during a fit: their margins, quantized gradients, and which node each is in.
 * All of it is a pure function of the view and the round, so a desk is a cache: it is brought from where it stands to
 * where a round wants it, one tree or split at a time, or from nothing by replaying every tree. It lies in the arrays
 * of the view itself, where kernels reach it. A view that does not stay in memory takes it along to notes (notes.ts)
 * and finds it there; without them its desk is empty each time.
 *
 *     order      | rows of leaf a | rows of leaf b | …     ascending within each; ranges[node] = [start, count)
 *
 * Trees of several outputs grow at the same time: each has a slot, with an order and a quant in every record.
 */
import { SoraError } from '../../errors.ts';
import { runKernels } from '../../kernel/mode.ts';
import { addLeaves, type NodeRanges, type PackedSplits, quantizeRows, splitRows } from '../../kernel/tree.ts';
import { combine32 } from '../../random.ts';
import type { InputNotes } from '../../summary/summary.ts';
import { type DeskArrays, notedArrays, residentArrays } from './notes.ts';
import type { GrowingTree, GrownTree, GrowthRound, MarginsAt, Split, TreeSplits } from './round.ts';
import { countSizes, gradientSizes, type MarginStatistics, takeSlopes } from './slopes.ts';
import type { BinnedView } from './view.ts';

/** What the order of a slot contains. */
interface Slot {
  /** The tree; -1: none yet. */
  tree: number;
  /** How many of its splits. */
  splits: number;
  ranges: NodeRanges;
}

/** Where the desk of a view stands. */
interface Standing {
  readonly fit: string;
  /** Steps that the margins contain; -1: they are not set yet. */
  steps: number;
  /** Steps at which the slopes were taken; -1: not yet. */
  slopesAt: number;
  readonly slots: readonly Slot[];
}

/** A desk in use. */
interface Desk {
  readonly view: BinnedView;
  readonly arrays: DeskArrays;
  /** Whether the view stays in memory. */
  readonly stays: boolean;
  at: Standing;
}

/** Desks of views that stay in memory, and by slot which tree's quants their records have. */
const residents = new WeakMap<BinnedView, Standing>();
const quantized = new WeakMap<BinnedView, number[]>();
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
  const at = known?.fit === fit ? known : emptyStanding(view, fit);
  const desk = { view, arrays: residentArrays, stays: true, at };
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
    const desk = { view, arrays, stays: false, at };
    const result = work(desk);
    if (arrays.save()) noted.set(notes.input, desk.at);
    return result;
  };
  if (known?.fit !== fit) return from(emptyStanding(view, fit));
  try {
    return from(known);
  } catch (error) {
    if (!isNotFollowed(error)) throw error;
    return from(emptyStanding(view, fit));
  }
}

function emptyStanding({ quants }: BinnedView, fit: string): Standing {
  const slots = Array.from({ length: quants }, () => ({ tree: -1, splits: 0, ranges: new Int32Array(2) }));
  return { fit, steps: -1, slopesAt: -1, slots };
}

/** The slot in which trees of an output grow. */
export function slotOf({ quants }: Pick<BinnedView, 'quants'>, output: number): number {
  return output % quants;
}

/** The order of a slot. */
export function orderOf({ order, rows }: BinnedView, slot: number): Uint32Array {
  return order.subarray(slot * rows, (slot + 1) * rows);
}

/**
 * Brings quants and orders to where the round wants them, and margins if asked. Returns start and count of the rows of
 * the nodes that are asked, tree after tree; start −1 where they are the first so many of the view. What lies in the view
 * stays so until the next call. Throws {@link notFollowed}.
 */
export function bringToRound(
  view: BinnedView,
  round: GrowthRound,
  notes: InputNotes | undefined,
  withMargins = false,
): NodeRanges {
  return atDesk(view, round.fit, notes, (desk) => {
    if (desk.at.slopesAt !== round.slopesAt) {
      bringTo(desk, round, round.slopesAt);
      takeSlopesAt(desk, round);
    }
    bringTo(desk, round, round.steps);
    if (withMargins) need(desk, 'margins');
    const ranges: number[] = [];
    for (const growing of round.trees) {
      const slot = slotOf(view, growing.output);
      bringQuants(desk, round, growing, slot);
      // Only the root's rows are wanted where nothing is split, and they are all.
      if (growing.splits.length > 0 || growing.from) applySplits(desk, slot, growing);
      const known = desk.at.slots[slot].ranges;
      for (const node of growing.ask) {
        if (node === 0) ranges.push(-1, view.rows);
        else ranges.push(known[2 * node], known[2 * node + 1]);
      }
    }
    return Int32Array.from(ranges);
  });
}

/** Records of a view that does not stay have no quants of an earlier round. */
function bringQuants(desk: Desk, round: GrowthRound, { tree, output }: GrowingTree, slot: number): void {
  const { view, stays } = desk;
  const known = quantized.get(view) ?? [];
  if (stays && known[slot] === tree) return;
  need(desk, 'slopes');
  quantize(view, round, output, slot);
  known[slot] = tree;
  quantized.set(view, known);
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

function bringTo(desk: Desk, { fit, base, steps, news = [], model }: MarginsAt, to: number): void {
  if (desk.at.steps < 0 || desk.at.steps > to) {
    if (to > 0 && model === undefined) throw notFollowed();
    desk.at = { ...emptyStanding(desk.view, fit), steps: 0 };
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
function addTree(desk: Desk, tree: GrownTree): void {
  const { view, arrays, at } = desk;
  const { output, leaves } = tree;
  const slot = slotOf(view, output);
  applySplits(desk, slot, tree);
  need(desk, 'margins');
  const margins = view.margins.subarray(output * view.rows, (output + 1) * view.rows);
  const nodes = Int32Array.from(leaves, ([node]) => node);
  const values = Float64Array.from(leaves, ([, value]) => value);
  addLeaves(margins, orderOf(view, slot), at.slots[slot].ranges, nodes, values);
  arrays.changed('margins');
  at.steps++;
}

/**
 * Brings the order of a slot to the splits of a tree, of which those that it contains already are the first. Throws
 * {@link notFollowed} where some that are missing were told before.
 */
function applySplits(desk: Desk, slot: number, { tree, splits, from = 0 }: TreeSplits): void {
  const { view, arrays } = desk;
  const at = desk.at.slots[slot];
  const order = orderOf(view, slot);
  const to = from + splits.length;
  const isBehind = at.tree !== tree || at.splits > to;
  if (isBehind ? from > 0 : at.splits < from) throw notFollowed();
  if (isBehind) {
    Object.assign(at, { tree, splits: 0, ranges: Int32Array.of(0, view.rows) });
    arrays.changed('order');
  } else need(desk, 'order');
  if (at.splits === to) return;
  arrays.changed('order');
  const ranges = new Int32Array(2 * (2 * to + 1));
  ranges.set(at.ranges);
  splitRows(view.columns, order, ranges, packed(splits), from, at.splits);
  at.ranges = ranges;
  at.splits = to;
}

/** The splits of this round as kernels have them, which every view asks for. */
const packs = new WeakMap<readonly Split[], PackedSplits>();

function packed(splits: readonly Split[]): PackedSplits {
  const known = packs.get(splits);
  if (known !== undefined) return known;
  const pack = packSplits(splits);
  packs.set(splits, pack);
  return pack;
}

/** Splits as kernels have them. */
export function packSplits(splits: readonly Split[]): PackedSplits {
  const tables = new Uint8Array(256 * splits.length);
  splits.forEach(({ bin, set, missingLeft, bins }, s) => {
    const table = tables.subarray(256 * s, 256 * (s + 1));
    if (set === undefined) table.fill(1, 0, bin + 1);
    else for (const member of set) table[member] = 1;
    table[bins] = missingLeft ? 1 : 0;
  });
  return { nodes: Int32Array.from(splits.flatMap(({ node, feature }) => [node, feature])), tables };
}

function quantize(view: BinnedView, round: GrowthRound, output: number, slot: number): void {
  const { rows, salt, slopes } = view;
  const { key, sampling, scales, outputs } = round;
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
  runKernels((run) => quantizeRows(run, plane, quantization, view, slot));
}

/** 1 for each row whose size reaches the limit. */
function rowsFrom(sizes: Float32Array, limit: number): Uint8Array {
  return Uint8Array.from(sizes, (size) => (size >= limit ? 1 : 0));
}
