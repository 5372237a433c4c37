/**
 * Growing one tree best-first: always the leaf whose split gains most, until there are enough leaves. It is a step
 * machine: it yields the splits to make and the nodes to sum, and is given their histograms; it holds no rows.
 *
 * To take few rounds it looks ahead: the leaves that are likely to be split are split in one round, and their splits
 * count only when their turn comes. So the tree is exactly the one that a split at a time would give. Of two children
 * the one with less Hessian is summed over rows; the other is parent minus sibling.
 */
import { HistogramMemory } from '../../kernel/histogram-memory.ts';
import { FEATURE_WORDS, subtractWords } from '../../kernel/tree.ts';
import { PLACE_WORDS } from '../../kernel/tree-search.ts';
import type { StepMachine } from '../loop.ts';
import type { Histograms } from './histogram.ts';
import { leftOf, rightOf, type Split } from './round.ts';
import {
  type Bounds,
  bestSplit,
  type Candidate,
  childBounds,
  type NodeSums,
  nodeSums,
  type SearchPlan,
  type SplitRules,
  type Units,
} from './split.ts';

export interface GrowOptions {
  /** What can be split, and where it stands in a histogram. */
  readonly plan: SearchPlan;
  /** Bins of a record: so many parts a histogram has. */
  readonly codes: number;
  readonly units: Units;
  readonly rules: SplitRules;
  readonly leaves: number;
  readonly maxDepth: number;
  /** 1 for each feature that a node may ask; absent, or undefined for a node: all. */
  readonly allowed?: (node: NodePath) => Uint8Array | undefined;
  /** Direction of each feature: 1, −1 or 0; absent: none is constrained. */
  readonly monotone?: ArrayLike<number>;
  /** Which leaf is split next: the one that gains most (default), or of those with the fewest splits above them. */
  readonly order?: GrowthOrder;
  /** Gain that splits of this tree are likely to have at least, from the tree before; absent: not known. */
  readonly likelyGain?: number;
  /** Where histograms are kept, from one tree to the next. */
  readonly store?: HistogramMemory;
}

export type GrowthOrder = 'gain' | 'level';

/** What stands above a node. */
export interface NodePath {
  readonly depth: number;
  /** Features that the splits above it ask. */
  readonly asked: ReadonlySet<number>;
}

/** Room for the histograms of trees of so many leaves, of which so many grow at the same time. */
export function histogramMemory(
  codes: number,
  leaves: number,
  features: number,
  together = 1,
): HistogramMemory {
  const kept = together * keptAtATime(leaves);
  return new HistogramMemory(codes * FEATURE_WORDS, kept, (4 * PLACE_WORDS + 1) * features);
}

/**
 * How many trees grow at the same time: one of each output, as far as their histograms have room. A function of the
 * problem alone: never of workers or memory.
 */
export function treesTogether(outputs: number, codes: number, leaves = LEAVES): number {
  const bytes = 4 * codes * FEATURE_WORDS * keptAtATime(leaves);
  return Math.max(1, Math.min(outputs, MOST_TOGETHER, Math.floor(MOST_BYTES / bytes)));
}

/** Leaves of a tree where none are asked for. */
export const LEAVES = 31;
/** More quants would make records longer than what they are read for. */
const MOST_TOGETHER = 8;
/** Bytes of the histograms of trees that grow at the same time. */
const MOST_BYTES = 2 ** 28;

/** Histograms of a tree that are there at the same time. */
function keptAtATime(leaves: number): number {
  return 2 * Math.min(leaves, MOST_KEPT) + LOOK_AHEAD;
}

/** Larger trees keep what is beyond in other memory. */
const MOST_KEPT = 1024;

/** Splits so far, look-ahead included, and nodes whose histograms are wanted. */
export interface GrowAsk {
  readonly splits: readonly Split[];
  readonly ask: readonly number[];
}

/** A node of the tree that was grown. */
export interface GrownNode {
  readonly node: number;
  readonly sums: NodeSums;
  readonly depth: number;
  /** What its value must lie between; absent: nothing is asked of it. */
  readonly bounds?: Bounds;
  /** Its split, if it is no leaf: number among the splits. */
  readonly split?: number;
  readonly gain?: number;
}

/** The tree: every split that was made or looked ahead to, and the nodes that belong to it. */
export interface Grown {
  readonly splits: readonly Split[];
  readonly nodes: ReadonlyMap<number, GrownNode>;
}

/** Least gain of the splits of a tree; absent where there are none. */
export function leastGain({ nodes }: Grown): number | undefined {
  let least: number | undefined;
  for (const { gain } of nodes.values()) if (gain !== undefined && !(gain > (least ?? gain))) least = gain;
  return least;
}

/** A node that could be split. */
interface Open extends NodePath {
  readonly node: number;
  readonly bounds?: Bounds;
  readonly sums: NodeSums;
  readonly candidate: Candidate | undefined;
  /** Its histogram, until its children have theirs. */
  histogram: Int32Array | undefined;
  /** Number of its split, once that has been looked ahead to. */
  split?: number;
}

/** Most leaves that are split in one round. */
const LOOK_AHEAD = 32;
/** The same where nothing is known of their chances. */
const BLIND_LOOK_AHEAD = 16;

/** Share of the gain of the tree before from which a split is taken to be likely. */
const LIKELY = 0.9;

/** Grows a tree. Histograms that it is given need to last only until it asks again. */
export function* growTree(options: GrowOptions): StepMachine<GrowAsk, Histograms, Grown> {
  const splits: Split[] = [];
  const known = new Map<number, Open>();
  const store = options.store ?? histogramMemory(options.codes, options.leaves, options.plan.bins.length);
  const size = options.codes * FEATURE_WORDS;
  const first = yield { splits, ask: [0] };
  const root = store.keep(first.words.subarray(0, size));
  const sums = nodeSums(root, options.units, first.rows[0]);
  const path = { depth: 0, asked: new Set<number>(), ...(options.monotone ? { bounds: UNBOUND } : {}) };
  const candidate = candidateOf(options, store, path, sums, root);
  const leaves: Open[] = [{ node: 0, ...path, sums, candidate, histogram: root }];
  known.set(0, leaves[0]);
  const nodes = new Map<number, GrownNode>();
  for (let left = options.leaves - 1; left > 0; left--) {
    const best = bestOf(leaves, options.order);
    if (best === undefined) break;
    if (best.split === undefined) {
      const others = likelyAfter(best, options, known, leaves, left, splits.length - nodes.size);
      yield* splitAll(options, store, splits, known, [best, ...others]);
    }
    leaves.splice(leaves.indexOf(best), 1);
    const split = best.split as number;
    nodes.set(best.node, { ...shown(best), split, gain: best.candidate!.gain });
    for (const child of [leftOf(split), rightOf(split)]) leaves.push(known.get(child)!);
  }
  for (const leaf of leaves) nodes.set(leaf.node, shown(leaf));
  for (const { histogram } of known.values()) store.release(histogram);
  return { splits, nodes };
}

function shown({ node, sums, depth, bounds }: Open): GrownNode {
  return { node, sums, depth, ...(bounds ? { bounds } : {}) };
}

const UNBOUND: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

function candidateOf(
  { plan, units, rules, maxDepth, allowed, monotone: directions }: GrowOptions,
  store: HistogramMemory,
  path: NodePath & { readonly bounds?: Bounds },
  sums: NodeSums,
  histogram: Int32Array,
): Candidate | undefined {
  if (path.depth >= maxDepth) return undefined;
  const monotone = directions && { directions, bounds: path.bounds ?? UNBOUND };
  return store.run((run) =>
    bestSplit(run, run.place(histogram), plan, sums, units, rules, allowed?.(path), monotone),
  );
}

/** The leaf that is split next; of equal ones the first made. */
function bestOf(leaves: readonly Open[], order: GrowthOrder = 'gain'): Open | undefined {
  let best: Open | undefined;
  for (const leaf of leaves) {
    if (leaf.candidate === undefined) continue;
    if (best === undefined || comesFirst(leaf, best, order)) best = leaf;
  }
  return best;
}

function comesFirst(a: Open, b: Open, order: GrowthOrder): boolean {
  if (order === 'level' && a.depth !== b.depth) return a.depth < b.depth;
  return a.candidate!.gain > b.candidate!.gain;
}

/**
 * The leaves most likely to be split after the next: the ones that gain what splits of the tree before gained, since trees of
 * a boosting resemble each other; without one, as many as half of the splits that are left. `ahead` splits have been made
 * whose turn has not come.
 */
function likelyAfter(
  next: Open,
  { order, likelyGain }: GrowOptions,
  known: ReadonlyMap<number, Open>,
  leaves: readonly Open[],
  left: number,
  ahead: number,
): Open[] {
  const isBlind = order !== 'level' && likelyGain === undefined;
  const most = isBlind
    ? Math.min(BLIND_LOOK_AHEAD, Math.ceil(left / 2)) - ahead
    : Math.min(LOOK_AHEAD, left - ahead);
  const mayFollow = ({ candidate, depth }: Open): boolean =>
    order === 'level' ? depth === next.depth : candidate!.gain >= LIKELY * (likelyGain ?? 0);
  // What is likely to be split may stand below what is, and whose turn has not come either.
  const among = order === 'level' || isBlind ? leaves : [...known.values()];
  return among
    .filter((node) => node.candidate !== undefined && node.split === undefined && node !== next)
    .filter(mayFollow)
    .sort((a, b) => b.candidate!.gain - a.candidate!.gain || a.node - b.node)
    .slice(0, Math.max(0, most - 1));
}

/** Splits these leaves, and makes their children known. */
function* splitAll(
  options: GrowOptions,
  store: HistogramMemory,
  splits: Split[],
  known: Map<number, Open>,
  chosen: readonly Open[],
): StepMachine<GrowAsk, Histograms, void> {
  const ask = chosen.map((leaf) => {
    leaf.split = splits.length;
    splits.push({ node: leaf.node, ...leaf.candidate!.split });
    const { left: l, right: r } = leaf.candidate!;
    return l.hessian <= r.hessian ? leftOf(leaf.split) : rightOf(leaf.split);
  });
  const { words, rows } = yield { splits, ask };
  const size = options.codes * FEATURE_WORDS;
  chosen.forEach((leaf, i) => {
    const smallIsLeft = ask[i] === leftOf(leaf.split as number);
    for (const child of children(
      options,
      store,
      leaf,
      words.subarray(i * size, (i + 1) * size),
      rows[i],
      smallIsLeft,
    ))
      known.set(child.node, child);
  });
}

/** Both children of a leaf that was split, from the histogram of the smaller; the leaf loses its own. */
function children(
  options: GrowOptions,
  store: HistogramMemory,
  leaf: Open,
  smallHistogram: Int32Array,
  smallRows: number,
  smallIsLeft: boolean,
): Open[] {
  const { left, right } = leaf.candidate!;
  const [smallSide, otherSide] = smallIsLeft ? [left, right] : [right, left];
  const { smallPath, otherPath } = childPaths(options, leaf, smallIsLeft);
  const parent = leaf.histogram as Int32Array;
  const other = { ...otherSide, rows: leaf.sums.rows - smallRows };
  const small = { ...smallSide, rows: smallRows };
  const kept = store.keep(smallHistogram);
  store.run((run) => {
    const [from, into] = [run.place(kept), run.place(parent)];
    subtractWords(run, into, from);
    if (into !== parent) parent.set(into);
  });
  const [smallBest, otherBest] = [
    candidateOf(options, store, smallPath, small, kept),
    candidateOf(options, store, otherPath, other, parent),
  ];
  leaf.histogram = undefined;
  const split = leaf.split as number;
  const [smallNode, otherNode] = smallIsLeft
    ? [leftOf(split), rightOf(split)]
    : [rightOf(split), leftOf(split)];
  return [
    opened(store, { node: smallNode, ...smallPath, sums: small, candidate: smallBest, histogram: kept }),
    opened(store, { node: otherNode, ...otherPath, sums: other, candidate: otherBest, histogram: parent }),
  ];
}

/** What stands above the children of a leaf that was split. */
function childPaths({ monotone: directions, rules }: GrowOptions, leaf: Open, smallIsLeft: boolean) {
  const candidate = leaf.candidate as Candidate;
  const path = { depth: leaf.depth + 1, asked: new Set([...leaf.asked, candidate.split.feature]) };
  if (directions === undefined) return { smallPath: path, otherPath: path };
  const bounds = childBounds(candidate, { directions, bounds: leaf.bounds ?? UNBOUND }, rules.l2);
  const [left, right] = bounds.map((own) => ({ ...path, bounds: own }));
  return smallIsLeft ? { smallPath: left, otherPath: right } : { smallPath: right, otherPath: left };
}

/** A node that cannot be split needs no histogram. */
function opened(store: HistogramMemory, node: Open): Open {
  if (node.candidate !== undefined) return node;
  store.release(node.histogram);
  return { ...node, histogram: undefined };
}
