import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalNode,
  countOf,
  firstOf,
  leftChild,
  nodeName,
  parentOf,
  planRound,
  planRuns,
  RUN,
  rightChild,
  rootNode,
  type TreeNode,
} from './plan.ts';

/** The tree as the contract words it; merging is bracketing, so any other order shows. */
function plainTree(node: TreeNode, count: number): string {
  if (node.level === 0) return `${node.index}`;
  const left = plainTree(leftChild(node), count);
  const right = rightChild(node);
  return countOf(right, count) === 0 ? left : `(${left} ${plainTree(right, count)})`;
}

/** Merges given nodes upwards, as a session does with tasks and cached nodes. */
function mergeUp(nodes: readonly TreeNode[], count: number): string {
  const states = new Map(nodes.map((node) => [nodeName(node), plainTree(node, count)]));
  const build = (node: TreeNode): string => {
    const known = states.get(nodeName(node));
    if (known !== undefined) return known;
    if (node.level === 0) throw new Error(`Particle ${node.index} is covered by nothing.`);
    const right = rightChild(node);
    const left = build(leftChild(node));
    return countOf(right, count) === 0 ? left : `(${left} ${build(right)})`;
  };
  return build(rootNode(count));
}

describe('the merge tree', () => {
  it('is the one in the picture', () => {
    expect(plainTree(rootNode(5), 5)).toBe('(((0 1) (2 3)) 4)');
    expect(plainTree(rootNode(7), 7)).toBe('(((0 1) (2 3)) ((4 5) 6))');
    expect(canonicalNode({ level: 2, index: 1 }, 5)).toEqual({ level: 0, index: 4 });
    expect(parentOf({ level: 1, index: 3 })).toEqual({ level: 2, index: 1 });
  });

  it('never changes a finished subtree when particles are appended', () => {
    for (let count = 1; count < 40; count++) {
      const node = { level: rootNode(count).level - 1, index: 0 };
      if (node.level < 0) continue;
      expect(plainTree(node, count)).toBe(plainTree(node, count + 13));
    }
  });
});

describe('planRound', () => {
  it('covers every particle once, and its tasks merge to the plain tree, for 1 to 200 particles', () => {
    for (let count = 1; count <= 200; count++) {
      for (const workers of [1, 2, 5, 16]) {
        const { tasks, hits } = planRound(Array(count).fill(100), workers);
        const flat = tasks.flat();
        const seen = flat
          .sort((a, b) => a.first - b.first)
          .map((task) => [task.first, task.first + task.count]);
        expect(seen.map(([, end]) => end)).toEqual([...seen.slice(1).map(([first]) => first), count]);
        expect(mergeUp(flat, count)).toBe(plainTree(rootNode(count), count));
        expect(hits).toEqual([]);
      }
    }
  });

  it('merges to the plain tree whatever is cached and whatever particles cost', () => {
    const setup = fc.record({
      rows: fc.array(fc.nat(1000), { minLength: 1, maxLength: 200 }),
      workers: fc.integer({ min: 1, max: 9 }),
      cached: fc.array(fc.tuple(fc.nat(8), fc.nat(200)), { maxLength: 30 }),
    });
    fc.assert(
      fc.property(setup, ({ rows, workers, cached }) => {
        const names = new Set(cached.map(([level, index]) => `${level}:${index}`));
        const { tasks, hits } = planRound(rows, workers, (node) => names.has(nodeName(node)));
        for (const task of tasks.flat()) {
          expect(task.first).toBe(firstOf(task));
          expect(task.count).toBe(countOf(task, rows.length));
        }
        expect(mergeUp([...tasks.flat(), ...hits], rows.length)).toBe(
          plainTree(rootNode(rows.length), rows.length),
        );
      }),
    );
  });

  it('asks for nothing where the root is cached, and for the new particles alone after an append', () => {
    expect(planRound(Array(9).fill(1), 2, () => true)).toEqual({
      tasks: [[], []],
      hits: [rootNode(9)],
    });
    const old = new Set<string>();
    const note = (node: TreeNode): void => {
      old.add(nodeName(canonicalNode(node, 11)));
      if (node.level === 0) return;
      note(leftChild(node));
      if (countOf(rightChild(node), 11) > 0) note(rightChild(node));
    };
    note(rootNode(11));
    const finished = (node: TreeNode): boolean =>
      firstOf(node) + 2 ** node.level <= 11 && old.has(nodeName(canonicalNode(node, 13)));
    const { tasks } = planRound(Array(13).fill(1), 2, finished);
    expect(tasks.flat().flatMap((task) => [...Array(task.count).keys()].map((i) => task.first + i))).toEqual(
      expect.arrayContaining([11, 12]),
    );
    expect(tasks.flat().reduce((sum, task) => sum + task.count, 0)).toBe(2);
  });

  it('gives workers even loads and enough tasks', () => {
    for (const count of [16, 100, 1000]) {
      for (const workers of [2, 4]) {
        const { tasks } = planRound(Array(count).fill(50_000), workers);
        const loads = tasks.map((list) => list.reduce((sum, task) => sum + task.rows, 0));
        expect((Math.max(...loads) * workers) / (count * 50_000)).toBeLessThan(1.05);
        for (const list of tasks) expect(list.length).toBeGreaterThanOrEqual(4);
        expect(tasks.flat().length).toBeLessThanOrEqual(64 * workers);
      }
    }
  });

  it('is the same each time, also for no particles', () => {
    const rows = [5, 1, 9, 9, 2, 7, 7, 7, 30, 1, 1];
    expect(planRound(rows, 3)).toEqual(planRound([...rows], 3));
    expect(planRound([], 2)).toEqual({ tasks: [[], []], hits: [] });
  });
});

describe('planRuns', () => {
  const particles = fc.array(fc.nat(1000), { minLength: 1, maxLength: 120 });

  it('gives each worker neighbouring particles, each particle once, in one task or in nodes', () => {
    fc.assert(
      fc.property(particles, fc.integer({ min: 1, max: 9 }), (rows, workers) => {
        const loose = planRuns(rows, workers, true).tasks;
        const nodes = planRuns(rows, workers, false).tasks;
        expect(loose.length).toBe(workers);
        expect(loose.flat().every(({ level }) => level === RUN)).toBe(true);
        let next = 0;
        loose.forEach((list, worker) => {
          expect(list.length).toBeLessThanOrEqual(1);
          const count = list[0]?.count ?? 0;
          if (count > 0) expect(list[0].first).toBe(next);
          expect(nodes[worker].reduce((sum, task) => sum + task.count, 0)).toBe(count);
          for (const task of nodes[worker]) {
            expect(task.first).toBe(next);
            expect(task.count).toBe(countOf(task, rows.length));
            next += task.count;
          }
        });
        expect(next).toBe(rows.length);
        expect(mergeUp(nodes.flat(), rows.length)).toBe(plainTree(rootNode(rows.length), rows.length));
      }),
    );
  });

  it('gives loads as even as whole particles allow, in few nodes', () => {
    for (const count of [40, 41, 1000]) {
      for (const workers of [2, 3, 8]) {
        const { tasks } = planRuns(Array(count).fill(100), workers, false);
        const loads = tasks.map((list) => list.reduce((sum, task) => sum + task.rows, 0));
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(100);
        for (const list of tasks) expect(list.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(count)));
      }
    }
  });
});
