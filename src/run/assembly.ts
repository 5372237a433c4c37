/**
 * Puts a round's result together: nodes arrive in any order and merge upwards as soon as both children are there,
 * always left before right, so that few states are held and order of arrival cannot show.
 */
import type { Summary } from '../summary/summary.ts';
import { countOf, leftChild, nodeName, parentOf, rightChild, rootNode, type TreeNode } from './plan.ts';
import type { OnNode } from './task.ts';

/** Merges arriving nodes into the root. */
export class Assembly<State> {
  readonly #summary: Summary<State, unknown, never>;
  readonly #count: number;
  readonly #root: TreeNode;
  readonly #onMerged: OnNode<State>;
  readonly #waiting = new Map<string, State>();
  #done: { readonly state: State } | undefined;

  /** `onMerged` sees the nodes that were merged here, each once. */
  constructor(summary: Summary<State, unknown, never>, count: number, onMerged: OnNode<State> = () => {}) {
    this.#summary = summary;
    this.#count = count;
    this.#root = rootNode(count);
    this.#onMerged = onMerged;
  }

  /** State of the root, once all below it has arrived. */
  get result(): { readonly state: State } | undefined {
    return this.#done;
  }

  /** A node arrives; its state belongs to the assembly from now on. */
  arrive(node: TreeNode, state: State): void {
    let at = node;
    let current = state;
    while (at.level < this.#root.level) {
      const parent = parentOf(at);
      const left = leftChild(parent);
      const right = rightChild(parent);
      if (countOf(right, this.#count) > 0) {
        const sibling = nodeName(at.index === left.index ? right : left);
        const other = this.#waiting.get(sibling);
        if (other === undefined) {
          this.#waiting.set(nodeName(at), current);
          return;
        }
        this.#waiting.delete(sibling);
        const [into, from] = at.index === left.index ? [current, other] : [other, current];
        this.#summary.merge(into, from);
        this.#onMerged(parent, into);
        current = into;
      }
      at = parent;
    }
    this.#done = { state: current };
  }
}

/** Merges states as they arrive: for sums that come out the same in any order and bracketing. */
export class LooseAssembly<State> {
  readonly #summary: Summary<State, unknown, never>;
  #done: { readonly state: State } | undefined;

  constructor(summary: Summary<State, unknown, never>) {
    this.#summary = summary;
  }

  get result(): { readonly state: State } | undefined {
    return this.#done;
  }

  arrive(_task: TreeNode, state: State): void {
    if (this.#done === undefined) this.#done = { state };
    else this.#summary.merge(this.#done.state, state);
  }
}
