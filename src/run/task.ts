/**
 * The core that every executor shares: observe the particles of a task one by one and merge on the tree.
 * Knows nothing of threads, sources or caches; the same states in the same order wherever it runs.
 */
import type { Summary } from '../summary/summary.ts';
import { parentOf, type TreeNode } from './plan.ts';

/** Observes particle `index` into the state; returns a promise only if it has to wait for something. */
export type Observe<State> = (state: State, index: number) => Promise<void> | undefined;

/** Called with every node of the task once it is finished, children before parents. */
export type OnNode<State> = (node: TreeNode, state: State) => void;

interface Finished<State> extends TreeNode {
  readonly state: State;
}

/**
 * State of the particles [first, first + count), which must be a node of the tree (see plan.ts).
 * Holds at most one state a level at a time: O(log count).
 */
export async function observeTask<State>(
  summary: Pick<Summary<State, unknown, unknown>, 'empty' | 'merge'>,
  task: { readonly first: number; readonly count: number },
  observe: Observe<State>,
  onNode: OnNode<State> = () => {},
): Promise<State> {
  const stack: Finished<State>[] = [];
  for (let index = task.first; index < task.first + task.count; index++) {
    const state = summary.empty();
    const waiting = observe(state, index);
    if (waiting !== undefined) await waiting;
    onNode({ level: 0, index }, state);
    stack.push({ level: 0, index, state });
    while (stack.length > 1 && stack[stack.length - 2].level === stack[stack.length - 1].level) {
      mergeTop(summary, stack, onNode);
    }
  }
  while (stack.length > 1) mergeTop(summary, stack, onNode);
  return stack[0].state;
}

/** Merges the two topmost nodes; the right one may be lower where its right children are missing. */
function mergeTop<State>(
  summary: Pick<Summary<State, unknown, unknown>, 'merge'>,
  stack: Finished<State>[],
  onNode: OnNode<State>,
): void {
  const right = stack.pop() as Finished<State>;
  const left = stack.pop() as Finished<State>;
  summary.merge(left.state, right.state);
  const node = parentOf(left);
  onNode(node, left.state);
  stack.push({ ...node, state: left.state });
}
