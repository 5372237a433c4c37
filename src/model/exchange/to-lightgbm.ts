/**
 * A forest as a text model of LightGBM (version v4), which its own loader reads and predicts the same bits with: leaves
 * are printed in full, and the base is added to the leaves of the first tree of each output, where Sora's first sum is.
 *
 * LightGBM sends missing categories right. Where Sora sends them left, the children change places and the set becomes all
 * other codes of the feature. Trees of K outputs take turns there: outputs that have fewer get trees of one leaf, 0.
 */
import { CATEGORICAL, type Forest, MISSING_LEFT, treeCount } from '../forest.ts';
import { hasCode } from './build.ts';
import { codeCount, type Exported, type ExportedFeature } from './exported.ts';

const NAN_IS_MISSING = 8;
const DEFAULT_LEFT = 2;
const IS_CATEGORY = 1;

/** The text of `Booster.save_model`. O(nodes). */
export function lightgbmText({ forest, loss, features }: Exported): string {
  const { outputs } = forest;
  const trees = inTurns(forest).map((tree, i) => {
    const base = i < outputs ? forest.base[i] : 0;
    return `Tree=${i}\n${tree === undefined ? leafText(base) : treeText(forest, tree, base, features)}\n`;
  });
  const header = [
    'tree',
    'version=v4',
    `num_class=${outputs}`,
    `num_tree_per_iteration=${outputs}`,
    'label_index=0',
    `max_feature_idx=${features.length - 1}`,
    `objective=${objectiveOf(loss, outputs)}`,
    `feature_names=${safeNames(features).join(' ')}`,
    `feature_infos=${features.map((feature, f) => infoOf(forest, feature, f)).join(' ')}`,
    `tree_sizes=${trees.map(({ length }) => length).join(' ')}`,
  ];
  const levels = features.flatMap((feature) =>
    feature.levels === undefined ? [] : [pandasLevels(feature.levels)],
  );
  const rest = [
    'end of trees',
    '',
    'feature_importances:',
    '',
    'parameters:',
    'end of parameters',
    '',
    `pandas_categorical:${levels.length === 0 ? 'null' : JSON.stringify(levels)}`,
    '',
  ];
  return `${header.join('\n')}\n\n${trees.join('')}${rest.join('\n')}`;
}

function objectiveOf(loss: Exported['loss'], outputs: number): string {
  switch (loss) {
    case 'logistic':
      return 'binary sigmoid:1';
    case 'softmax':
      return `multiclass num_class:${outputs}`;
    case 'squared':
      return 'regression';
    default:
      return loss;
  }
}

/** Trees by round and output; undefined where an output has no more. At least one round. */
function inTurns(forest: Forest): (number | undefined)[] {
  const queues: number[][] = Array.from({ length: forest.outputs }, () => []);
  for (let tree = 0; tree < treeCount(forest); tree++) queues[forest.treeOutputs[tree]].push(tree);
  const rounds = Math.max(1, ...queues.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => queues.map((queue) => queue[round])).flat();
}

/** Names without what LightGBM refuses in them, each once. */
function safeNames(features: readonly ExportedFeature[]): string[] {
  const seen = new Set<string>();
  return features.map(({ name }) => {
    const safe = name.replace(/[\s"\\,:[\]{}\p{Cc}]+/gu, '_');
    let unique = safe;
    for (let n = 2; seen.has(unique); n++) unique = `${safe}_${n}`;
    seen.add(unique);
    return unique;
  });
}

/** Categories, or the range of the thresholds. */
function infoOf({ nodeFeatures, thresholds }: Forest, { levels }: ExportedFeature, feature: number): string {
  if (levels !== undefined) return levels.map((_, code) => code).join(':');
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  nodeFeatures.forEach((own, node) => {
    if (own !== feature) return;
    min = Math.min(min, thresholds[node]);
    max = Math.max(max, thresholds[node]);
  });
  return min <= max ? `[${min}:${max}]` : 'none';
}

/** Numbers where all levels are whole numbers, as pandas would have read them. */
function pandasLevels(levels: readonly string[]): readonly (string | number)[] {
  const numbers = levels.map(Number);
  return numbers.every((x, i) => Number.isSafeInteger(x) && String(x) === levels[i]) ? numbers : levels;
}

function leafText(value: number): string {
  return blockText({ num_leaves: [1], num_cat: [0], leaf_value: [value], is_linear: [0], shrinkage: [1] });
}

function blockText(fields: Readonly<Record<string, ArrayLike<number>>>): string {
  return `${Object.entries(fields)
    .map(([name, values]) => `${name}=${Array.from(values).join(' ')}`)
    .join('\n')}\n\n`;
}

/** Inner nodes and leaves are numbered apart; a leaf k stands as -k - 1 among children. */
function treeText(forest: Forest, tree: number, base: number, features: readonly ExportedFeature[]): string {
  const { starts, nodeFeatures, lefts, leafValues, gains, covers } = forest;
  const root = starts[tree];
  const all = Array.from({ length: starts[tree + 1] - root }, (_, i) => i);
  const inner = all.filter((i) => nodeFeatures[root + i] >= 0);
  const leaves = all.filter((i) => nodeFeatures[root + i] < 0);
  if (inner.length === 0) return leafText(base + leafValues[root]);
  const ids = new Map([...inner.entries()].map(([id, i]) => [i, id]));
  for (const [k, i] of leaves.entries()) ids.set(i, -k - 1);
  const bounds = [0];
  const words: number[] = [];
  const splits = inner.map((i) => splitOf(forest, root + i, features, bounds, words));
  const children = inner.map((i, s) => {
    const pair = [ids.get(lefts[root + i])!, ids.get(lefts[root + i] + 1)!];
    return splits[s].swapped ? pair.reverse() : pair;
  });
  const at = (nodes: readonly number[], values: Float64Array) => nodes.map((i) => values[root + i]);
  const counts = (nodes: readonly number[]) =>
    at(nodes, covers).map((cover) => Math.max(1, Math.round(cover)));
  return blockText({
    num_leaves: [leaves.length],
    num_cat: [bounds.length - 1],
    split_feature: inner.map((i) => nodeFeatures[root + i]),
    split_gain: at(inner, gains),
    threshold: splits.map(({ threshold }) => threshold),
    decision_type: splits.map(({ type }) => type),
    left_child: children.map(([left]) => left),
    right_child: children.map(([, right]) => right),
    leaf_value: at(leaves, leafValues).map((value) => base + value),
    leaf_weight: at(leaves, covers),
    leaf_count: counts(leaves),
    internal_value: at(inner, leafValues),
    internal_weight: at(inner, covers),
    internal_count: counts(inner),
    ...(bounds.length > 1 ? { cat_boundaries: bounds, cat_threshold: words } : {}),
    is_linear: [0],
    shrinkage: [1],
  });
}

/** Threshold and type of a split; a set is appended to `words`, its end to `bounds`. */
function splitOf(
  { nodeFeatures, thresholds, flags, sets }: Forest,
  node: number,
  features: readonly ExportedFeature[],
  bounds: number[],
  words: number[],
) {
  const threshold = thresholds[node];
  const missingLeft = (flags[node] & MISSING_LEFT) !== 0;
  if ((flags[node] & CATEGORICAL) === 0) {
    return { threshold, type: NAN_IS_MISSING | (missingLeft ? DEFAULT_LEFT : 0), swapped: false };
  }
  const set = sets.subarray(threshold);
  const count = codeCount(features[nodeFeatures[node]]);
  const bits = new Uint32Array(Math.ceil(count / 32));
  for (let code = 0; code < count; code++) {
    if (hasCode(set, code) !== missingLeft) bits[code >> 5] |= 1 << (code & 31);
  }
  words.push(...bits);
  bounds.push(words.length);
  return { threshold: bounds.length - 2, type: IS_CATEGORY, swapped: missingLeft };
}
