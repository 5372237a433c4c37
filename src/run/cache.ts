/**
 * The partials of one round in the cache: looked up before, kept after. Without a cache it answers nothing.
 * A blob that does not decode is damaged and counts as absent; a blob found is decoded once.
 */
import type { Summary } from '../summary/summary.ts';
import { nodeName, rootNode, type TreeNode } from './plan.ts';
import type { PartialCache, Round } from './session.ts';

/** Looks up and keeps the nodes of one round. */
export class RoundCache<State> {
  readonly #summary: Summary<State, unknown, never>;
  readonly #partials: PartialCache | undefined;
  readonly #key: (node: TreeNode) => string;
  readonly #rootOnly: boolean;
  readonly #rootLevel: number;
  readonly #found = new Map<string, State>();

  constructor(
    summary: Summary<State, unknown, never>,
    partials: PartialCache | undefined,
    keep: Round['keep'],
    count: number,
    key: (node: TreeNode) => string,
  ) {
    this.#summary = summary;
    this.#partials = keep === undefined ? undefined : partials;
    this.#key = key;
    this.#rootOnly = keep === 'root';
    this.#rootLevel = rootNode(count).level;
  }

  /** Whether nodes below the root are kept. */
  get keepsNodes(): boolean {
    return this.#partials !== undefined && !this.#rootOnly;
  }

  /** Whether the node is there; {@link take} then gives its state. */
  lookUp(node: TreeNode): boolean {
    if (!this.#covers(node)) return false;
    const bytes = this.#partials?.get(this.#key(node));
    if (bytes === undefined) return false;
    try {
      this.#found.set(nodeName(node), this.#summary.codec.decode(bytes));
      return true;
    } catch {
      return false;
    }
  }

  /** The state that {@link lookUp} found, once. */
  take(node: TreeNode): State {
    const state = this.#found.get(nodeName(node)) as State;
    this.#found.delete(nodeName(node));
    return state;
  }

  keep(node: TreeNode, bytes: Uint8Array): void {
    if (this.#covers(node)) this.#partials?.put(this.#key(node), bytes);
  }

  keepState(node: TreeNode, state: State): void {
    if (this.#covers(node)) this.#partials?.put(this.#key(node), this.#summary.codec.encode(state));
  }

  #covers(node: TreeNode): boolean {
    return this.#partials !== undefined && (!this.#rootOnly || node.level === this.#rootLevel);
  }
}
