/**
 * Partials of particles that arrive one by one, merged as the tree of a round merges them (run/plan.ts), so that the
 * round which asks for them later finds its root. Holds one state a level: O(log particles), whatever the data.
 * Of the nodes below the root those over eight particles or more are kept: an append then costs at most seven again.
 */
import type { ParticleRef } from '../particle/particle.ts';
import { NodeHashes, nodeKeys } from '../run/node-keys.ts';
import { rootNode, type TreeNode } from '../run/plan.ts';
import type { PartialCache } from '../run/session.ts';
import type { Summary } from '../summary/summary.ts';

/** Least level of a node below the root that is kept. */
const LEAST_LEVEL = 3;

interface Finished extends TreeNode {
  readonly state: unknown;
}

/** Merges the partials of one summary over particles and puts nodes into the cache. */
export class PartialTree {
  readonly #summary: Summary<unknown, unknown, never>;
  readonly #cache: PartialCache;
  readonly #particles: ParticleRef[] = [];
  readonly #hashes = new NodeHashes(this.#particles);
  readonly #stack: Finished[] = [];

  constructor(summary: Summary<unknown, unknown, never>, cache: PartialCache) {
    this.#summary = summary;
    this.#cache = cache;
  }

  /** The partial of the next particle. */
  add(particle: ParticleRef, bytes: Uint8Array): void {
    const index = this.#particles.push(particle) - 1;
    const stack = this.#stack;
    stack.push({ level: 0, index, state: this.#summary.codec.decode(bytes) });
    while (stack.length > 1 && stack[stack.length - 2].level === stack[stack.length - 1].level) {
      const node = this.#mergeTop();
      if (node.level >= LEAST_LEVEL) this.#keep(node);
    }
  }

  /** No particle follows: the root is kept. */
  end(): void {
    if (this.#stack.length === 0) return;
    while (this.#stack.length > 1) this.#mergeTop();
    this.#keep({ ...rootNode(this.#particles.length), state: this.#stack[0].state });
  }

  /** Merges the two topmost nodes, left first. */
  #mergeTop(): Finished {
    const right = this.#stack.pop() as Finished;
    const left = this.#stack.pop() as Finished;
    this.#summary.merge(left.state, right.state);
    const node = { level: left.level + 1, index: left.index >> 1, state: left.state };
    this.#stack.push(node);
    return node;
  }

  #keep(node: Finished): void {
    const identity = { summary: this.#summary.id, view: undefined, parameters: undefined };
    const key = nodeKeys(this.#hashes, identity)(node);
    this.#cache.put(key, this.#summary.codec.encode(node.state));
  }
}
