/** From grown trees to the flat forest of a model: bins become thresholds and sets, children become neighbours. */
import { CATEGORICAL, type Forest, MISSING_LEFT, SET_WORDS } from '../../model/forest.ts';
import type { FeatureBins } from './bins.ts';
import type { Grown } from './grow.ts';
import { type GrownTree, leftOf, rightOf } from './round.ts';

/** A finished tree, as rounds tell of it and as the forest keeps it. */
export interface BoostedTree {
  readonly told: GrownTree;
  readonly grown: Grown;
}

/** The forest of these trees; those without a split are left out. */
export function forestOf(
  boosted: readonly BoostedTree[],
  base: Float64Array,
  bins: readonly FeatureBins[],
): Forest {
  const trees = boosted.filter(({ told }) => told.splits.length > 0);
  const total = trees.reduce((sum, { grown }) => sum + grown.nodes.size, 0);
  const sets: number[] = [];
  const forest = {
    outputs: base.length,
    features: bins.length,
    base,
    starts: new Uint32Array(trees.length + 1),
    treeOutputs: Uint32Array.from(trees, ({ told }) => told.output),
    nodeFeatures: new Int32Array(total).fill(-1),
    lefts: new Uint32Array(total),
    thresholds: new Float64Array(total),
    flags: new Uint8Array(total),
    leafValues: new Float64Array(total),
    gains: new Float64Array(total),
    covers: new Float64Array(total),
  };
  let start = 0;
  trees.forEach((tree, t) => {
    forest.starts[t] = start;
    start += writeTree(tree, start, forest, sets, bins);
  });
  forest.starts[trees.length] = start;
  return { ...forest, sets: Uint32Array.from(sets) };
}

/** Writes nodes breadth first, children side by side; returns how many. */
function writeTree(
  { told, grown }: BoostedTree,
  start: number,
  forest: Omit<Forest, 'sets'>,
  sets: number[],
  bins: readonly FeatureBins[],
): number {
  const values = new Map(told.leaves);
  const queue = [0];
  for (let i = 0; i < queue.length; i++) {
    const { node, sums, split, gain } = grown.nodes.get(queue[i])!;
    const at = start + i;
    forest.covers[at] = sums.hessian;
    forest.leafValues[at] = values.get(node) ?? 0;
    if (split === undefined) continue;
    const { feature, bin, set, missingLeft } = grown.splits[split];
    forest.nodeFeatures[at] = feature;
    forest.lefts[at] = queue.length;
    forest.gains[at] = gain ?? 0;
    forest.flags[at] = (missingLeft ? MISSING_LEFT : 0) | (set === undefined ? 0 : CATEGORICAL);
    forest.thresholds[at] = set === undefined ? bins[feature].edges[bin] : addSet(set, sets);
    queue.push(leftOf(split), rightOf(split));
  }
  return queue.length;
}

/** Appends a set of categories; returns its first word. */
function addSet(members: readonly number[], sets: number[]): number {
  const first = sets.length;
  for (let word = 0; word < SET_WORDS; word++) sets.push(0);
  for (const member of members) sets[first + (member >> 5)] |= 1 << (member & 31);
  return first;
}
