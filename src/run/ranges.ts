/**
 * States of ranges of particles out of the partials of the merge tree: a range is O(log n) nodes, each of which was computed
 * once. Nodes that the cache has lost are merged anew, and particles observed anew; a result depends on the particles
 * and their places alone.
 */
import type { Summary } from '../summary/summary.ts';
import { NodeHashes, nodeKeys } from './node-keys.ts';
import { type Part, partReference } from './part.ts';
import { countOf, firstOf, leftChild, rightChild, type TreeNode } from './plan.ts';
import { type Reference, resolveReference } from './reference.ts';
import type { Executor, PartialCache, SessionOptions } from './session.ts';

/** States of a summary over ranges of the particles of a session. */
export interface Ranges<State, Value> {
  readonly summary: Summary<State, Value>;
  /** Particles observed so far. */
  readonly observed: number;
  /** Merged state of particles [from, to). */
  state(from: number, to: number): Promise<State>;
  /** State of a part of one particle. */
  part(at: number, part: Part): Promise<State>;
}

/** Observes what no partial is there of, once, and reads ranges after. */
export async function openRanges<State, Value>(
  executor: Executor,
  options: SessionOptions & { readonly partials: PartialCache },
  reference: Reference,
): Promise<Ranges<State, Value>> {
  const { particles, partials } = options;
  const summary = await resolveReference<Summary<State, Value>>(reference);
  let observed = 0;
  const play = async (of: Reference, only: SessionOptions['particles']): Promise<State> => {
    const session = await executor.open({ ...options, particles: only });
    try {
      const result = await session.reduce<State, Value>({ summary: of, keep: 'nodes', label: 'windows' });
      observed += result.observed;
      return result.state;
    } finally {
      await session.close();
    }
  };
  if (particles.length > 0) await play(reference, particles);
  const identity = { summary: summary.id, view: undefined, parameters: undefined };
  const key = nodeKeys(new NodeHashes(particles), identity);
  const cached = (node: TreeNode): State | undefined => {
    const bytes = partials.get(key(node));
    try {
      return bytes && summary.codec.decode(bytes);
    } catch {
      return undefined;
    }
  };
  const nodeState = async (node: TreeNode): Promise<State> => {
    const known = cached(node);
    if (known !== undefined) return known;
    if (node.level === 0) return play(reference, [particles[node.index]]);
    const state = await nodeState(leftChild(node));
    if (countOf(rightChild(node), particles.length) > 0)
      summary.merge(state, await nodeState(rightChild(node)));
    return state;
  };
  return {
    summary,
    get observed() {
      return observed;
    },
    async state(from, to) {
      const state = summary.empty();
      for (const node of nodesOf(from, to)) summary.merge(state, await nodeState(node));
      return state;
    },
    part: (at, part) => play(partReference(reference, part), [particles[at]]),
  };
}

/** The fewest aligned nodes that make up [from, to), in order. O(log (to - from)). */
export function nodesOf(from: number, to: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level++;
    const node = { level, index: at / 2 ** level };
    nodes.push(node);
    at = firstOf(node) + 2 ** level;
  }
  return nodes;
}
