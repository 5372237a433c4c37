/**
 * Names of partials in the cache. The name of a node follows from the hashes of its particles, as in a Merkle tree,
 * so it outlives appends; the key adds what was computed: summary, view and parameters.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../json.ts';
import type { ParticleRef } from '../particle/particle.ts';
import { countOf, leftChild, nodeName, rightChild, type TreeNode } from './plan.ts';

/** What a partial is a function of, besides particles. */
export interface RoundIdentity {
  readonly summary: string;
  readonly view: string | undefined;
  readonly parameters: Uint8Array | undefined;
}

/** SHA-256 as 64 hexadecimal digits. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Key of the packed view of a particle. */
export function viewKey(viewId: string, particleHash: string): string {
  return sha256(canonicalJson({ view: viewId, particle: particleHash }));
}

/** Content hashes of the nodes over a list of particles, each computed once. */
export class NodeHashes {
  readonly #particles: readonly ParticleRef[];
  readonly #known = new Map<string, string>();

  constructor(particles: readonly ParticleRef[]) {
    this.#particles = particles;
  }

  /** Particle hash of a leaf; hash of the children's hashes above; that of the left child where the right is missing. */
  of(node: TreeNode): string {
    if (node.level === 0) return this.#particles[node.index].hash;
    const right = rightChild(node);
    if (countOf(right, this.#particles.length) === 0) return this.of(leftChild(node));
    const name = nodeName(node);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const hash = sha256(`node ${this.of(leftChild(node))} ${this.of(right)}`);
    this.#known.set(name, hash);
    return hash;
  }
}

/** Keys of one round: `(node) => key`. */
export function nodeKeys(hashes: NodeHashes, identity: RoundIdentity): (node: TreeNode) => string {
  const prefix = sha256(
    canonicalJson({
      summary: identity.summary,
      view: identity.view ?? null,
      parameters: identity.parameters === undefined ? null : sha256(identity.parameters),
    }),
  );
  return (node) => sha256(`partial ${prefix} ${hashes.of(node)}`);
}

/** Key of the partial of one particle under a summary of particles: what a round with `keep` looks for at its leaf. */
export function leafKey(summary: string, particle: ParticleRef): string {
  const identity = { summary, view: undefined, parameters: undefined };
  return nodeKeys(new NodeHashes([particle]), identity)({ level: 0, index: 0 });
}
