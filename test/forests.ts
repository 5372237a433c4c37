/** Forests by hand: nested trees become the flat arrays, and a recursive walk says what they should answer. */
import fc from 'fast-check';
import { CATEGORICAL, type Forest, MISSING_LEFT, SET_WORDS } from '../src/model/forest.ts';

/** A leaf is its value; a split asks a number (`at`) or a category (`among`). */
export type Tree =
  | number
  | {
      readonly feature: number;
      readonly at?: number;
      readonly among?: readonly number[];
      readonly missingLeft?: boolean;
      readonly gain?: number;
      readonly left: Tree;
      readonly right: Tree;
    };

interface Shape {
  readonly features: number;
  readonly outputs?: number;
  readonly base?: readonly number[];
  /** Output of each tree; all 0 by default. */
  readonly treeOutputs?: readonly number[];
}

/** The flat form, nodes breadth first. */
export function forestOf(
  trees: readonly Tree[],
  { features, outputs = 1, base, treeOutputs }: Shape,
): Forest {
  const starts = [0];
  const nodes: {
    feature: number;
    left: number;
    threshold: number;
    flags: number;
    value: number;
    gain: number;
  }[] = [];
  const sets: number[] = [];
  for (const tree of trees) {
    const queue = [tree];
    for (let i = 0; i < queue.length; i++) {
      const node = queue[i];
      if (typeof node === 'number') {
        nodes.push({ feature: -1, left: 0, threshold: 0, flags: 0, value: node, gain: 0 });
        continue;
      }
      const missing = node.missingLeft ? MISSING_LEFT : 0;
      const flags = missing | (node.among === undefined ? 0 : CATEGORICAL);
      const threshold = node.among === undefined ? (node.at ?? 0) : sets.length;
      if (node.among !== undefined) sets.push(...setOf(node.among));
      nodes.push({
        feature: node.feature,
        left: queue.length,
        threshold,
        flags,
        value: 0,
        gain: node.gain ?? 1,
      });
      queue.push(node.left, node.right);
    }
    starts.push(nodes.length);
  }
  return {
    outputs,
    features,
    base: Float64Array.from(base ?? new Array(outputs).fill(0)),
    starts: Uint32Array.from(starts),
    treeOutputs: Uint32Array.from(treeOutputs ?? trees.map(() => 0)),
    nodeFeatures: Int32Array.from(nodes, ({ feature }) => feature),
    lefts: Uint32Array.from(nodes, ({ left }) => left),
    thresholds: Float64Array.from(nodes, ({ threshold }) => threshold),
    flags: Uint8Array.from(nodes, ({ flags }) => flags),
    leafValues: Float64Array.from(nodes, ({ value }) => value),
    gains: Float64Array.from(nodes, ({ gain }) => gain),
    covers: Float64Array.from(nodes, () => 1),
    sets: Uint32Array.from(sets),
  };
}

/** Words of a set of categories. */
export function setOf(codes: readonly number[]): number[] {
  const words = new Array<number>(SET_WORDS).fill(0);
  for (const code of codes) words[code >> 5] = (words[code >> 5] | (1 << (code & 31))) >>> 0;
  return words;
}

/** What the leaf of a row is worth, by recursion. */
export function leafValue(tree: Tree, row: ArrayLike<number>): number {
  if (typeof tree === 'number') return tree;
  const x = row[tree.feature];
  const left = Number.isNaN(x)
    ? tree.missingLeft === true
    : tree.among === undefined
      ? x <= (tree.at ?? 0)
      : tree.among.includes(x);
  return leafValue(left ? tree.left : tree.right, row);
}

/** Arbitrary trees over `features` features, the odd ones categories. */
export function arbitraryTree(features: number): fc.Arbitrary<Tree> {
  return fc.letrec<{ tree: Tree; split: Tree }>((tie) => ({
    tree: fc.oneof({ maxDepth: 6 }, fc.double({ noNaN: true, min: -9, max: 9 }), tie('split')),
    split: fc
      .record({
        feature: fc.nat(features - 1),
        at: fc.integer({ min: -3, max: 3 }).map((x) => x / 2),
        among: fc.array(fc.nat(255), { maxLength: 90 }),
        missingLeft: fc.boolean(),
        left: tie('tree'),
        right: tie('tree'),
      })
      .map(({ among, at, ...rest }) => (rest.feature % 2 === 1 ? { ...rest, among } : { ...rest, at })),
  })).split;
}
