/**
 * SHAP values of a forest the slow ways, for tests: by their definition over all coalitions of features, and by
 * Algorithm 2 of Lundberg, Erion and Lee (2018), "Consistent individualized feature attribution for tree ensembles".
 * Both walk the nodes of the forest as they are; nothing is shared with what they test.
 */
import { CATEGORICAL, type Forest, MISSING_LEFT, treeCount } from '../src/model/forest.ts';

function isLeft({ thresholds, flags, sets }: Forest, node: number, x: number): boolean {
  if (Number.isNaN(x)) return (flags[node] & MISSING_LEFT) !== 0;
  if ((flags[node] & CATEGORICAL) === 0) return x <= thresholds[node];
  const inside = Number.isInteger(x) && x >= 0 && x < 256;
  return inside && ((sets[thresholds[node] + Math.floor(x / 32)] >>> (x % 32)) & 1) === 1;
}

/** Share of the cover of a node that goes to its left child. */
function shareOf({ covers }: Forest, left: number): number {
  const total = covers[left] + covers[left + 1];
  return total > 0 ? covers[left] / total : 0.5;
}

/** Expected leaf of a tree when only the features of the mask are known (Algorithm 1). */
function expectation(forest: Forest, tree: number, row: ArrayLike<number>, known: number): number {
  const root = forest.starts[tree];
  const below = (node: number): number => {
    const feature = forest.nodeFeatures[node];
    if (feature < 0) return forest.leafValues[node];
    const left = root + forest.lefts[node];
    if ((known >> feature) & 1) return below(isLeft(forest, node, row[feature]) ? left : left + 1);
    const share = shareOf(forest, left);
    return share * below(left) + (1 - share) * below(left + 1);
  };
  return below(root);
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

const countBits = (mask: number): number => mask.toString(2).replaceAll('0', '').length;

/** Shapley values by definition: of output k and feature f at k · features + f. O(2^features). */
export function shapleyValues(forest: Forest, row: ArrayLike<number>): Float64Array {
  const { features, outputs } = forest;
  const values = new Float64Array(outputs * features);
  for (let tree = 0; tree < treeCount(forest); tree++) {
    const game = Array.from({ length: 1 << features }, (_, known) => expectation(forest, tree, row, known));
    for (let f = 0; f < features; f++) {
      for (let mask = 0; mask < game.length; mask++) {
        if ((mask >> f) & 1) continue;
        const size = countBits(mask);
        const weight = (factorial(size) * factorial(features - size - 1)) / factorial(features);
        values[forest.treeOutputs[tree] * features + f] += weight * (game[mask | (1 << f)] - game[mask]);
      }
    }
  }
  return values;
}

/** Half of the Shapley interaction index of features i ≠ j on an output, by definition. */
export function shapleyInteraction(
  forest: Forest,
  row: ArrayLike<number>,
  output: number,
  i: number,
  j: number,
): number {
  const { features } = forest;
  const both = (1 << i) | (1 << j);
  let total = 0;
  for (let tree = 0; tree < treeCount(forest); tree++) {
    if (forest.treeOutputs[tree] !== output) continue;
    for (let mask = 0; mask < 1 << features; mask++) {
      if (mask & both) continue;
      const size = countBits(mask);
      const weight = (factorial(size) * factorial(features - size - 2)) / factorial(features - 1) / 2;
      const game = (known: number): number => expectation(forest, tree, row, known);
      const delta = game(mask | both) - game(mask | (1 << i)) - game(mask | (1 << j)) + game(mask);
      total += weight * delta;
    }
  }
  return total;
}

/** One feature of the path: share of covers where it is unknown, 1 or 0 where it is known, and a coalition weight. */
interface Part {
  readonly feature: number;
  readonly zero: number;
  readonly one: number;
  weight: number;
}

function extend(path: readonly Part[], zero: number, one: number, feature: number): Part[] {
  const depth = path.length;
  const next = [...path.map((part) => ({ ...part })), { feature, zero, one, weight: depth === 0 ? 1 : 0 }];
  for (let i = depth - 1; i >= 0; i--) {
    next[i + 1].weight += (one * next[i].weight * (i + 1)) / (depth + 1);
    next[i].weight = (zero * next[i].weight * (depth - i)) / (depth + 1);
  }
  return next;
}

function unwind(path: readonly Part[], index: number): Part[] {
  const depth = path.length - 1;
  const { one, zero } = path[index];
  const weights = path.map(({ weight }) => weight);
  let next = weights[depth];
  for (let i = depth - 1; i >= 0; i--) {
    if (one !== 0) {
      const before = weights[i];
      weights[i] = (next * (depth + 1)) / ((i + 1) * one);
      next = before - (weights[i] * zero * (depth - i)) / (depth + 1);
    } else {
      weights[i] = (weights[i] * (depth + 1)) / (zero * (depth - i));
    }
  }
  return path.filter((_, i) => i !== index).map((part, i) => ({ ...part, weight: weights[i] }));
}

/** SHAP values of a row by Algorithm 2, as {@link shapleyValues}; covers must be positive. O(leaves × depth²) a tree. */
export function treeShap(forest: Forest, row: ArrayLike<number>): Float64Array {
  const { features, outputs, starts, lefts, nodeFeatures, leafValues, treeOutputs } = forest;
  const values = new Float64Array(outputs * features);
  for (let tree = 0; tree < treeCount(forest); tree++) {
    const recurse = (
      node: number,
      before: readonly Part[],
      zero: number,
      one: number,
      feature: number,
    ): void => {
      const path = extend(before, zero, one, feature);
      const asked = nodeFeatures[node];
      if (asked < 0) {
        for (let i = 1; i < path.length; i++) {
          const weight = unwind(path, i).reduce((sum, part) => sum + part.weight, 0);
          const at = treeOutputs[tree] * features + path[i].feature;
          values[at] += weight * (path[i].one - path[i].zero) * leafValues[node];
        }
        return;
      }
      const left = starts[tree] + lefts[node];
      const goes = isLeft(forest, node, row[asked]);
      const share = shareOf(forest, left);
      const known = path.findIndex((part, i) => i > 0 && part.feature === asked);
      const rest = known < 0 ? path : unwind(path, known);
      const [zeroBefore, oneBefore] = known < 0 ? [1, 1] : [path[known].zero, path[known].one];
      recurse(left, rest, zeroBefore * share, goes ? oneBefore : 0, asked);
      recurse(left + 1, rest, zeroBefore * (1 - share), goes ? 0 : oneBefore, asked);
    };
    recurse(starts[tree], [], 1, 1, -1);
  }
  return values;
}
