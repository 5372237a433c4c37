/**
 * Growing one tree best-first: always the leaf whose split gains most, until there are enough leaves. It is a step
 * machine: it yields the splits to make and the nodes to sum, and is given their histograms; it holds no rows.
 *
 * To take few rounds it looks ahead: the leaves that are likely to be split are split in one round, and their splits
 * count only when their turn comes. So the tree is exactly the one that a split at a time would give. Of two children
 * the one with less Hessian is summed over rows; the other is parent minus sibling.
 */
import { FEATURE_WORDS } from '../../kernel/tree.ts';
import type { StepMachine } from '../loop.ts';
import type { FeatureBins } from './bins.ts';
import type { Histograms } from './histogram.ts';
import { leftOf, rightOf, type Split } from './round.ts';
import { bestSplit, type Candidate, type NodeSums, nodeSums, type SplitRules, type Units } from './split.ts';

export interface GrowOptions {
  readonly features: readonly FeatureBins[];
  /** Features of a row of the histogram, padding included. */
  readonly width: number;
  readonly units: Units;
  readonly rules: SplitRules;
  readonly leaves: number;
  readonly maxDepth: number;
  /** 1 for each feature that may be asked; absent: all. */
  readonly allowed?: Uint8Array;
}

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
  /** Its split, if it is no leaf: number among the splits. */
  readonly split?: number;
  readonly gain?: number;
}

/** The tree: every split that was made or looked ahead to, and the nodes that belong to it. */
export interface Grown {
  readonly splits: readonly Split[];
  readonly nodes: ReadonlyMap<number, GrownNode>;
}

/** A node that could be split. */
interface Open {
  readonly node: number;
  readonly depth: number;
  readonly sums: NodeSums;
  readonly candidate: Candidate | undefined;
  /** Its histogram, until its children have theirs. */
  histogram: Int32Array | undefined;
  /** Number of its split, once that has been looked ahead to. */
  split?: number;
}

/** Most leaves that are split in one round. */
const LOOK_AHEAD = 16;

/** Grows a tree. */
export function* growTree(options: GrowOptions): StepMachine<GrowAsk, Histograms, Grown> {
  const splits: Split[] = [];
  const known = new Map<number, Open>();
  const size = options.width * FEATURE_WORDS;
  const first = yield { splits, ask: [0] };
  const rootHistogram = first.words.subarray(0, size);
  const sums = nodeSums(rootHistogram, 0, options.units, first.rows[0]);
  known.set(0, open(options, 0, 0, sums, rootHistogram));
  const leaves = [known.get(0)!];
  const nodes = new Map<number, GrownNode>();
  for (let left = options.leaves - 1; left > 0; left--) {
    const best = bestOf(leaves);
    if (best === undefined) break;
    if (best.split === undefined) yield* lookAhead(options, splits, known, leaves, left);
    leaves.splice(leaves.indexOf(best), 1);
    const split = best.split as number;
    nodes.set(best.node, { ...shown(best), split, gain: best.candidate!.gain });
    for (const child of [leftOf(split), rightOf(split)]) leaves.push(known.get(child)!);
  }
  for (const leaf of leaves) nodes.set(leaf.node, shown(leaf));
  return { splits, nodes };
}

function shown({ node, sums, depth }: Open): GrownNode {
  return { node, sums, depth };
}

function open(
  { features, units, rules, maxDepth, allowed }: GrowOptions,
  node: number,
  depth: number,
  sums: NodeSums,
  histogram: Int32Array,
): Open {
  const candidate =
    depth < maxDepth ? bestSplit(histogram, 0, features, sums, units, rules, allowed) : undefined;
  return { node, depth, sums, candidate, histogram: candidate && histogram };
}

/** The leaf with the largest gain; of equal ones the first made. */
function bestOf(leaves: readonly Open[]): Open | undefined {
  let best: Open | undefined;
  for (const leaf of leaves) {
    if (leaf.candidate === undefined) continue;
    if (best === undefined || leaf.candidate.gain > best.candidate!.gain) best = leaf;
  }
  return best;
}

/**
 * Splits the best leaf and those most likely to follow: as many as half of the splits that are left, since the others
 * may yet lose to children that are not known.
 */
function* lookAhead(
  options: GrowOptions,
  splits: Split[],
  known: Map<number, Open>,
  leaves: readonly Open[],
  left: number,
): StepMachine<GrowAsk, Histograms, void> {
  const most = Math.min(LOOK_AHEAD, Math.max(1, Math.ceil(left / 2)));
  const chosen = leaves
    .filter((leaf) => leaf.candidate !== undefined && leaf.split === undefined)
    .sort((a, b) => b.candidate!.gain - a.candidate!.gain || a.node - b.node)
    .slice(0, most);
  const ask = chosen.map((leaf) => {
    leaf.split = splits.length;
    splits.push({ node: leaf.node, ...leaf.candidate!.split });
    const { left: l, right: r } = leaf.candidate!;
    return l.hessian <= r.hessian ? leftOf(leaf.split) : rightOf(leaf.split);
  });
  const { words, rows } = yield { splits, ask };
  const size = options.width * FEATURE_WORDS;
  chosen.forEach((leaf, i) => {
    const small = words.subarray(i * size, (i + 1) * size);
    const parent = leaf.histogram as Int32Array;
    leaf.histogram = undefined;
    subtract(parent, small);
    const split = leaf.split as number;
    const smallIsLeft = ask[i] === leftOf(split);
    const other = smallIsLeft ? rightOf(split) : leftOf(split);
    const { left: l, right: r } = leaf.candidate!;
    const [smallSums, otherSums] = smallIsLeft ? [l, r] : [r, l];
    const otherRows = leaf.sums.rows - rows[i];
    known.set(ask[i], open(options, ask[i], leaf.depth + 1, { ...smallSums, rows: rows[i] }, small));
    known.set(other, open(options, other, leaf.depth + 1, { ...otherSums, rows: otherRows }, parent));
  });
}

/** Parent becomes parent minus child: both halves of every bin are sums of their own. */
function subtract(parent: Int32Array, child: Int32Array): void {
  for (let i = 0; i < child.length; i++) parent[i] -= child[i];
}
