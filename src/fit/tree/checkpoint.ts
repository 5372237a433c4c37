/**
 * Checkpoints: all that a fit has found, as JSON, from which another goes on to the same bytes. What workers know of
 * rows is not in it; they find it again from the steps.
 */
import { SoraError } from '../../errors.ts';
import type { BoostedTree } from './forest.ts';
import type { GrownNode } from './grow.ts';
import type { TreesRound } from './options.ts';
import { type GrownTree, receiveTree, type SentTree, sendTree } from './round.ts';

/** Iterations, and how far they have come. All of it is in a checkpoint. */
export interface BoosterState {
  /** Trees of all iterations, `outputs` of each. */
  readonly trees: BoostedTree[];
  /** What the trees of each iteration count. */
  readonly weights: number[];
  readonly history: TreesRound[];
  /** Iteration of the lowest loss of rows held out, and that loss. */
  kept: number;
  best: number;
}

const FORMAT = 'sora-trees-checkpoint/1';

interface Sent extends Omit<BoosterState, 'trees' | 'best'> {
  readonly format: string;
  readonly identity: string;
  readonly trees: readonly { readonly told: SentTree; readonly nodes: readonly GrownNode[] }[];
  /** Null: none yet. */
  readonly best: number | null;
  readonly steps: readonly SentTree[];
}

/** The state and the steps of the margins, for a fit of this identity. */
export function encodeCheckpoint(
  { trees, weights, history, kept, best }: BoosterState,
  steps: readonly GrownTree[],
  identity: string,
): Uint8Array {
  const sent: Sent = {
    format: FORMAT,
    identity,
    weights,
    history,
    kept,
    best: Number.isFinite(best) ? best : null,
    trees: trees.map(({ told, grown }) => ({
      told: sendTree(told),
      nodes: [...grown.nodes.values()].map(plain),
    })),
    steps: steps.map(sendTree),
  };
  return new TextEncoder().encode(JSON.stringify(sent));
}

/** Bounds are of use in growth alone, and may be infinite. */
function plain({ bounds: _, ...node }: GrownNode): GrownNode {
  return node;
}

/** What {@link encodeCheckpoint} was given. Throws `bad-option` where the bytes are no checkpoint of this fit. */
export function decodeCheckpoint(
  bytes: Uint8Array,
  identity: string,
): { readonly state: BoosterState; readonly steps: readonly GrownTree[] } {
  const sent = parse(bytes);
  if (sent?.format !== FORMAT || sent.identity !== identity) {
    throw new SoraError(
      'bad-option',
      'The checkpoint is not one of this fit: data, options or version are others. Start without it.',
      { details: { option: 'checkpoint' } },
    );
  }
  const trees = sent.trees.map(({ told, nodes }): BoostedTree => {
    const tree = receiveTree(told);
    return {
      told: tree,
      grown: { splits: tree.splits, nodes: new Map(nodes.map((node) => [node.node, node])) },
    };
  });
  const { weights, history, kept, best } = sent;
  const state = {
    trees,
    weights: [...weights],
    history: [...history],
    kept,
    best: best ?? Number.POSITIVE_INFINITY,
  };
  return { state, steps: sent.steps.map(receiveTree) };
}

function parse(bytes: Uint8Array): Sent | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Sent;
  } catch {
    return undefined;
  }
}
