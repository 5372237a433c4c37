/**
 * What a round of tree growth tells the workers: JSON, the same for all of them. It says which margins and which
 * partition of the rows is meant, so that a worker can bring a particle there from wherever its desk is (desk.ts).
 */
import type { LossSpec } from '../../loss/registry.ts';

/** A split of a node: rows whose bin is in the left set go left. */
export interface Split {
  readonly node: number;
  readonly feature: number;
  /** Numbers: bins up to this go left. */
  readonly bin: number;
  /** Categories: the bins that go left, instead. */
  readonly set?: readonly number[];
  /** Whether the bin of missing values goes left. */
  readonly missingLeft: boolean;
  /** Bins of present values of the feature; the next is that of missing ones. */
  readonly bins: number;
}

/** Children of split number i of a tree are nodes 2 i + 1 and 2 i + 2; node 0 is the root. */
export const leftOf = (split: number): number => 2 * split + 1;
export const rightOf = (split: number): number => 2 * split + 2;

/** The splits of a tree, in the order they were made. */
export interface TreeSplits {
  /** Its number in the whole fit, and the output that it adds to. */
  readonly tree: number;
  readonly output: number;
  readonly splits: readonly Split[];
  /** Number of the first of these: earlier ones were told before. Absent: 0. */
  readonly from?: number;
}

/** A tree as it is added to margins: its splits, and what leaves add. Those below a leaf are void. */
export interface GrownTree extends TreeSplits {
  readonly leaves: readonly (readonly [node: number, value: number])[];
}

/** What is fitted: part of the identity of every desk. */
export interface TreeProblem {
  /** Names the fit: no two of a process that differ have the same. */
  readonly fit: string;
  readonly loss: LossSpec | string;
  readonly outputs: number;
  /** Margins before any tree, by output. */
  readonly base: readonly number[];
}

/**
 * Where the margins of a round stand: after so many steps, each of which adds a tree to them. A tree that boosting with
 * dropouts takes out for a while is a step of its own, its leaves negative.
 */
export interface MarginsAt extends TreeProblem {
  readonly steps: number;
  /** The last of them, for workers that have followed up to there. */
  readonly news?: readonly GrownTree[];
  /** All of them, for workers that have not; without it such a worker throws. */
  readonly model?: readonly GrownTree[];
}

/** Rows that an iteration learns from: all of them, or some at random. */
export interface RowSampling {
  /** Share of the rows, at random. */
  readonly share: number;
  /**
   * Gradient-based one-side sampling (Ke et al. 2017, algorithm 2): rows whose gradients sum to this or more are kept
   * in any case; of the others so large a share, which then counts for all of them.
   */
  readonly keepFrom?: number;
}

/** A tree in growth: its splits so far, and the nodes that are asked of it. */
export interface GrowingTree extends TreeSplits {
  readonly ask: readonly number[];
}

/** A round over trees that grow at the same time, each of an output of its own. */
export interface GrowthRound extends MarginsAt {
  /** Steps after which gradients are taken: those since belong to other outputs of the same iteration. */
  readonly slopesAt: number;
  /** Scales of gradients and Hessians by output, and the key of their rounding. */
  readonly scales: readonly (readonly [gradient: number, hessian: number])[];
  readonly key: number;
  readonly sampling?: RowSampling;
  readonly trees: readonly GrowingTree[];
}

/** A split as it is sent: node, feature, bin, bins, 1 if missing values go left, then the set of categories if it has one. */
type SentSplit = readonly [number, number, number, number, 0 | 1, (readonly number[])?];

type Sent<T extends TreeSplits> = Omit<T, 'splits'> & { readonly splits: readonly SentSplit[] };

/** A tree as JSON has it. */
export type SentTree = Sent<GrownTree>;

function sendSplit({ node, feature, bin, bins, missingLeft, set }: Split): SentSplit {
  return set === undefined
    ? [node, feature, bin, bins, missingLeft ? 1 : 0]
    : [node, feature, bin, bins, missingLeft ? 1 : 0, set];
}

function receiveSplit([node, feature, bin, bins, missingLeft, set]: SentSplit): Split {
  return { node, feature, bin, bins, missingLeft: missingLeft === 1, ...(set ? { set } : {}) };
}

function sendFrom<T extends TreeSplits>(tree: T, from = 0): Sent<T> {
  const splits = (from === 0 ? tree.splits : tree.splits.slice(from)).map(sendSplit);
  return from === 0 ? { ...tree, splits } : { ...tree, splits, from };
}

function receive<T extends TreeSplits>(tree: Sent<T>): T {
  return { ...tree, splits: tree.splits.map(receiveSplit) } as unknown as T;
}

/** A tree as JSON. */
export const sendTree = (tree: GrownTree): SentTree => sendFrom(tree);
/** The tree of {@link sendTree}. */
export const receiveTree = (tree: SentTree): GrownTree => receive(tree);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The round as bytes: JSON, splits as arrays. `known`: how many splits of a tree workers have been told already. */
export function encodeRound(
  round: MarginsAt | GrowthRound,
  known: ReadonlyMap<number, number> = new Map(),
): Uint8Array {
  const { news, model } = round;
  const rest = <T extends TreeSplits>(tree: T): Sent<T> => sendFrom(tree, known.get(tree.tree));
  const sent = {
    ...round,
    news: news?.map(rest),
    model: model?.map(sendTree),
    ...('trees' in round ? { trees: round.trees.map(rest) } : {}),
  };
  return encoder.encode(JSON.stringify(sent));
}

/** The round of {@link encodeRound}. */
export function decodeRound<T extends MarginsAt>(bytes: Uint8Array): T {
  const sent = JSON.parse(decoder.decode(bytes));
  return {
    ...sent,
    ...(sent.news ? { news: sent.news.map(receive) } : {}),
    ...(sent.model ? { model: sent.model.map(receive) } : {}),
    ...(sent.trees ? { trees: sent.trees.map(receive) } : {}),
  };
}
