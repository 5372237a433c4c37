/**
 * The merge tree and how it is cut into tasks: pure functions of counts and costs, deterministic.
 * Node (level k, index i) covers particles [i·2^k, (i+1)·2^k). With five particles:
 *
 *     level 3            (3,0)                 root = merge((2,0), (2,1))
 *                      /       \
 *     level 2      (2,0)        (2,1)          (2,1) has no right child: it is (1,2), which is (0,4)
 *                 /     \         |
 *     level 1  (1,0)   (1,1)    (1,2)          appending particle 5 changes (1,2), (2,1) and (3,0) only
 *              /  \    /  \       |
 *     level 0 0    1  2    3      4            partials, one a particle
 *
 * Left is always merged into before right: merge(node (k-1, 2i), node (k-1, 2i+1)). A task is a whole node,
 * so which tasks there are, who runs them and when they end cannot change a bit of the result.
 */

/** A node of the merge tree. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** A node to be observed whole by one worker. */
export interface Task extends TreeNode {
  /** First particle and number of particles. */
  readonly first: number;
  readonly count: number;
  /** Rows of these particles: what the task is taken to cost. */
  readonly rows: number;
}

/** What a round has to do: tasks of each worker in tree order, and nodes that need no work. */
export interface Plan {
  readonly tasks: readonly (readonly Task[])[];
  /** Nodes that `cached` answered, in tree order. */
  readonly hits: readonly TreeNode[];
}

/** Tasks a worker gets at least, where there are enough particles: few messages, yet even loads. */
const TASKS_PER_WORKER = 4;
/** Level of a task that is a run of particles and no node. */
export const RUN = -1;
/** How often the target of a task's cost is halved to even out the loads, and when they are even enough. */
const HALVINGS = 3;
const EVEN_ENOUGH = 1.03;

/** The root over `count` particles: the lowest node that covers them all. */
export function rootNode(count: number): TreeNode {
  return { level: count <= 1 ? 0 : 32 - Math.clz32(count - 1), index: 0 };
}

/** First particle of a node. */
export function firstOf(node: TreeNode): number {
  return node.index * 2 ** node.level;
}

/** Number of particles under a node, of `count` in all; 0 when it covers none. */
export function countOf(node: TreeNode, count: number): number {
  return Math.max(0, Math.min(2 ** node.level, count - firstOf(node)));
}

export function leftChild(node: TreeNode): TreeNode {
  return { level: node.level - 1, index: node.index * 2 };
}

export function rightChild(node: TreeNode): TreeNode {
  return { level: node.level - 1, index: node.index * 2 + 1 };
}

export function parentOf(node: TreeNode): TreeNode {
  return { level: node.level + 1, index: node.index >> 1 };
}

/** One name for nodes that are the same state: a node without right child is its left child. */
export function canonicalNode(node: TreeNode, count: number): TreeNode {
  let at = node;
  while (at.level > 0 && countOf(rightChild(at), count) === 0) at = leftChild(at);
  return at;
}

/** Text of a node, to key maps with. */
export function nodeName(node: TreeNode): string {
  return `${node.level}:${node.index}`;
}

/**
 * Plans a round over particles with these row counts. `cached` is asked top-down, once a node, and never below a node
 * that it has answered. O(particles).
 */
export function planRound(
  rows: readonly number[],
  workers: number,
  cached: (node: TreeNode) => boolean = () => false,
): Plan {
  if (rows.length === 0) return { tasks: Array.from({ length: workers }, () => []), hits: [] };
  const hits: TreeNode[] = [];
  const missing: Task[] = [];
  findMissing(rootNode(rows.length), rows, cached, hits, missing);
  const total = missing.reduce((sum, task) => sum + task.rows, 0);
  let target = total / (TASKS_PER_WORKER * workers);
  let best = assign(splitAll(missing, rows, target), workers);
  for (let halving = 0; halving < HALVINGS && workers > 1; halving++) {
    if (unevenness(best, total, workers) <= EVEN_ENOUGH) break;
    target /= 2;
    const finer = assign(splitAll(missing, rows, target), workers);
    if (unevenness(finer, total, workers) < unevenness(best, total, workers)) best = finer;
  }
  return { tasks: best, hits };
}

/**
 * Plans a round of few, large tasks: each worker gets a run of neighbouring particles, as even as whole particles allow.
 * The run is one task where states may be merged in any bracketing (`loose`), else the nodes that make it up.
 */
export function planRuns(rows: readonly number[], workers: number, loose: boolean): Plan {
  const total = rows.reduce((sum, count) => sum + count, 0);
  const tasks: Task[][] = [];
  let [first, before] = [0, 0];
  for (let worker = 1; worker <= workers; worker++) {
    let [end, sum] = [first, before];
    const share = (total * worker) / workers;
    while (end < rows.length && (worker === workers || sum + rows[end] / 2 < share)) sum += rows[end++];
    if (end === first) tasks.push([]);
    else if (loose) tasks.push([{ level: RUN, index: first, first, count: end - first, rows: sum - before }]);
    else tasks.push(nodesWithin(rootNode(rows.length), first, end, rows));
    [first, before] = [end, sum];
  }
  return { tasks, hits: [] };
}

/** The fewest nodes that make up the particles [from, to). */
function nodesWithin(node: TreeNode, from: number, to: number, rows: readonly number[]): Task[] {
  const start = firstOf(node);
  const end = start + countOf(node, rows.length);
  if (end <= from || start >= to || start === end) return [];
  if (start >= from && end <= to) return [taskOf(node, rows)];
  return [...nodesWithin(leftChild(node), from, to, rows), ...nodesWithin(rightChild(node), from, to, rows)];
}

/** Largest nodes without anything cached inside; returns whether this node is one. */
function findMissing(
  node: TreeNode,
  rows: readonly number[],
  cached: (node: TreeNode) => boolean,
  hits: TreeNode[],
  missing: Task[],
): boolean {
  if (cached(node)) {
    hits.push(node);
    return false;
  }
  if (node.level === 0) {
    missing.push(taskOf(node, rows));
    return true;
  }
  const before = missing.length;
  const left = findMissing(leftChild(node), rows, cached, hits, missing);
  const right = rightChild(node);
  const whole = countOf(right, rows.length) === 0 || findMissing(right, rows, cached, hits, missing);
  if (!left || !whole) return false;
  missing.length = before;
  missing.push(taskOf(node, rows));
  return true;
}

function taskOf(node: TreeNode, rows: readonly number[]): Task {
  const first = firstOf(node);
  const count = countOf(node, rows.length);
  let sum = 0;
  for (let i = first; i < first + count; i++) sum += rows[i];
  return { ...node, first, count, rows: sum };
}

/** Cuts nodes until none costs more than the target; particles are never cut. */
function splitAll(nodes: readonly Task[], rows: readonly number[], target: number): Task[] {
  return nodes.flatMap((task) => split(task, rows, target));
}

function split(task: Task, rows: readonly number[], target: number): Task[] {
  if (task.count <= 1 || task.rows <= target) return [task];
  const right = rightChild(task);
  const parts = split(taskOf(leftChild(task), rows), rows, target);
  return countOf(right, rows.length) === 0 ? parts : [...parts, ...split(taskOf(right, rows), rows, target)];
}

/** Longest processing time first (Graham, 1969): at most 4/3 of the best makespan. Ties go by tree order. */
function assign(tasks: readonly Task[], workers: number): Task[][] {
  const lists: Task[][] = Array.from({ length: workers }, () => []);
  const loads = new Float64Array(workers);
  for (const task of [...tasks].sort((a, b) => b.rows - a.rows || a.first - b.first)) {
    const worker = loads.indexOf(Math.min(...loads));
    lists[worker].push(task);
    loads[worker] += Math.max(1, task.rows);
  }
  for (const list of lists) list.sort((a, b) => a.first - b.first);
  return lists;
}

/** Longest load over the even one. */
function unevenness(lists: readonly (readonly Task[])[], total: number, workers: number): number {
  const longest = Math.max(...lists.map((list) => list.reduce((sum, task) => sum + task.rows, 0)));
  return total === 0 ? 1 : (longest * workers) / total;
}
