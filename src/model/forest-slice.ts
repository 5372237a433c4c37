/**
 * A forest without its first trees. What they added on average stays in its base, so that margins keep their level:
 * the mean of a tree's leaves, weighted by their covers.
 */
import { CATEGORICAL, type Forest, treeCount } from './forest.ts';

/** The forest from tree `first` on. O(nodes). */
export function withoutFirst(forest: Forest, first: number): Forest {
  const { starts, treeOutputs, thresholds, flags, sets } = forest;
  const from = starts[first];
  const base = forest.base.slice();
  for (let tree = 0; tree < first; tree++) base[treeOutputs[tree]] += meanLeaf(forest, tree);
  // Sets stand in the order of their nodes.
  const firstSet = flags.findIndex((flag, node) => node >= from && (flag & CATEGORICAL) !== 0);
  const words = firstSet < 0 ? sets.length : thresholds[firstSet];
  return {
    ...forest,
    base,
    starts: starts.slice(first).map((start) => start - from),
    treeOutputs: treeOutputs.slice(first),
    nodeFeatures: forest.nodeFeatures.slice(from),
    lefts: forest.lefts.slice(from),
    thresholds: thresholds
      .slice(from)
      .map((value, i) => ((flags[from + i] & CATEGORICAL) === 0 ? value : value - words)),
    flags: flags.slice(from),
    leafValues: forest.leafValues.slice(from),
    gains: forest.gains.slice(from),
    covers: forest.covers.slice(from),
    sets: sets.slice(words),
  };
}

function meanLeaf({ starts, nodeFeatures, leafValues, covers }: Forest, tree: number): number {
  let [sum, cover] = [0, 0];
  for (let node = starts[tree]; node < starts[tree + 1]; node++) {
    if (nodeFeatures[node] >= 0) continue;
    sum += covers[node] * leafValues[node];
    cover += covers[node];
  }
  return cover > 0 ? sum / cover : 0;
}

/** Number of iterations, of one tree an output each. */
export function iterationCount(forest: Forest): number {
  return Math.floor(treeCount(forest) / forest.outputs);
}
