/**
 * How much each column helped a forest: the share of the total gain of all splits that ask it (Breiman et al. 1984).
 * Read from the trees alone, so it costs no pass over data: O(nodes).
 */
import { type Forest, treeCount } from '../model/forest.ts';
import { featureColumns, type Recipe } from '../recipe/recipe.ts';
import { byStrength, type ColumnStrength } from './contribution.ts';

/** Columns by falling share of the gain; the shares add up to 1, or to 0 where nothing was split. */
export function gainShares(recipe: Recipe, { nodeFeatures, gains }: Forest): ColumnStrength[] {
  const columns = featureColumns(recipe);
  const sums = new Map(columns.map((name) => [name, 0]));
  let total = 0;
  for (let node = 0; node < nodeFeatures.length; node++) {
    const feature = nodeFeatures[node];
    if (feature < 0) continue;
    const gain = Math.max(0, gains[node]);
    sums.set(columns[feature], sums.get(columns[feature])! + gain);
    total += gain;
  }
  return [...sums].map(([name, sum]) => ({ name, strength: total > 0 ? sum / total : 0 })).sort(byStrength);
}

/** Columns by falling share of the splits that ask them: cheap, but favours columns of many values. */
export function splitShares(recipe: Recipe, { nodeFeatures }: Forest): ColumnStrength[] {
  const columns = featureColumns(recipe);
  const counts = new Map(columns.map((name) => [name, 0]));
  let total = 0;
  for (const feature of nodeFeatures) {
    if (feature < 0) continue;
    counts.set(columns[feature], counts.get(columns[feature])! + 1);
    total++;
  }
  return [...counts]
    .map(([name, count]) => ({ name, strength: total > 0 ? count / total : 0 }))
    .sort(byStrength);
}

/** How large a forest is. */
export interface ForestSize {
  readonly trees: number;
  readonly leaves: number;
  /** Splits on the longest way from a root to a leaf. */
  readonly depth: number;
}

/** Counts trees and leaves. O(nodes): children stand after their parents. */
export function forestSize(forest: Forest): ForestSize {
  const { starts, nodeFeatures, lefts } = forest;
  const depths = new Uint32Array(nodeFeatures.length);
  let leaves = 0;
  let depth = 0;
  for (let tree = 0; tree < treeCount(forest); tree++) {
    for (let node = starts[tree]; node < starts[tree + 1]; node++) {
      depth = Math.max(depth, depths[node]);
      if (nodeFeatures[node] < 0) leaves++;
      else {
        const left = starts[tree] + lefts[node];
        depths[left] = depths[node] + 1;
        depths[left + 1] = depths[node] + 1;
      }
    }
  }
  return { trees: treeCount(forest), leaves, depth };
}
