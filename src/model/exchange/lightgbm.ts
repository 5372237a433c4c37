/**
 * LightGBM's text models (`Booster.save_model`) as forests of Sora.
 *
 * A number goes left when it is ≤ its threshold, as here. What becomes of NaN is said by the split's missing type:
 *   NaN    to the default side, as here;
 *   none   counts as 0, so it goes left when 0 ≤ threshold;
 *   zero   NaN and every |x| ≤ 1e-35 go to the default side, which can be said here only where that is the side of 0.
 * A category goes left when its bit is set; NaN, negative and unknown ones go right.
 * Leaves hold the learning rate, DART's weights and the average of the labels (in the first tree) already.
 */
import {
  addCode,
  badModel,
  buildForest,
  checkShape,
  emptySet,
  type ForeignNode,
  type ForeignTree,
  type Imported,
  type ImportedFeature,
  unsupported,
} from './build.ts';
import { type FeatureCodes, featureCodes } from './levels.ts';
import { type ModelText, parseModelText, type TextBlock } from './lightgbm-text.ts';

/** Bits of `decision_type`. */
const IS_CATEGORY = 1;
const DEFAULT_LEFT = 2;
const MISSING_SHIFT = 2;
const [MISSING_NONE, MISSING_ZERO] = [0, 1];
/** What LightGBM takes for 0 (kZeroThreshold, an f32). */
const ZERO = Math.fround(1e-35);

/** What an objective means for margins. */
interface Meaning {
  readonly loss: Imported['loss'];
  /** Factor of leaves: margins of Sora are log odds whatever the sigmoid of LightGBM is. */
  readonly scale?: number;
  readonly note?: string;
}

/** Whether a text is likely such a model. */
export function isLightgbm(text: string): boolean {
  return /^tree\r?\n/.test(text);
}

/** Reads a model; throws `bad-input` or `unsupported-format`, `where` naming the file. O(text). */
export function importLightgbm(text: string, where: string): Imported {
  const model = parseModelText(text, where);
  const { header, trees } = model;
  const objective = header.has('objective') ? header.text('objective').trim() : 'none';
  const meaning = meaningOf(objective, where);
  const outputs = header.count('num_tree_per_iteration');
  checkShape({ outputs, features: header.words('feature_names').length }, where);
  if (trees.length % outputs !== 0 || (outputs > 1 && meaning.loss !== 'softmax')) {
    const problem = `${trees.length} trees are not rounds of ${outputs} for objective "${objective}"`;
    throw badModel(where, problem, 'The file is damaged: save the model again.');
  }
  const codes = categoriesOf(model, where);
  const features = header
    .words('feature_names')
    .map((name, f): ImportedFeature => codes.get(f)?.feature ?? { name });
  // Random forests are averages: each leaf counts for its share.
  const average = header.has('average_output') ? outputs / trees.length : 1;
  const scale = (meaning.scale ?? 1) * average;
  const foreign = trees.map((tree, i) => foreignTree(tree, i % outputs, features.length, codes, scale));
  const base = new Float64Array(outputs);
  return {
    source: 'LightGBM',
    objective,
    loss: meaning.loss,
    features,
    forest: buildForest(foreign, { features: features.length, base }, where),
    notes: meaning.note === undefined ? [] : [meaning.note],
  };
}

function meaningOf(objective: string, where: string): Meaning {
  const [name, ...options] = objective.split(' ');
  const option = (key: string) => options.find((one) => one.startsWith(`${key}:`))?.slice(key.length + 1);
  if (options.includes('sqrt')) {
    const remedy = 'Train it without, on labels whose roots were taken before.';
    throw unsupported(where, 'a model that takes square roots of its labels (reg_sqrt)', remedy);
  }
  switch (name) {
    case 'regression':
      return { loss: 'squared' };
    case 'huber':
      return { loss: 'huber' };
    case 'regression_l1':
    case 'fair':
    case 'quantile':
    case 'mape':
      return {
        loss: 'squared',
        note: `Objective ${name} predicts as it is; Sora evaluates it by squared loss.`,
      };
    case 'poisson':
      return { loss: 'poisson' };
    case 'gamma':
    case 'tweedie':
      return {
        loss: 'poisson',
        note: `Objective ${name} predicts exp(margin), as Poisson does; Sora evaluates it so.`,
      };
    case 'binary':
      return { loss: 'logistic', scale: Number(option('sigmoid') ?? 1) };
    case 'cross_entropy':
    case 'xentropy':
      return { loss: 'logistic' };
    case 'multiclass':
    case 'softmax':
      return { loss: 'softmax' };
    default:
      throw unsupported(
        where,
        `objective "${objective}"`,
        'Known are regression, regression_l1, huber, fair, quantile, mape, poisson, gamma, tweedie, binary, cross_entropy and multiclass.',
      );
  }
}

/** Codes of the categorical features, by feature. */
function categoriesOf(
  { header, trees, pandasCategories }: ModelText,
  where: string,
): Map<number, FeatureCodes> {
  const names = header.words('feature_names');
  const infos = header.has('feature_infos') ? header.words('feature_infos') : [];
  const named = new Map<number, Set<number>>();
  for (const [f, info] of infos.entries()) if (/^-?\d+(:-?\d+)*$/.test(info)) named.set(f, new Set());
  for (const tree of trees) {
    const cats = tree.count('num_leaves') > 1 && tree.has('num_cat') ? tree.count('num_cat') : 0;
    if (cats === 0) continue;
    const splits = splitFields(tree);
    splits.types.forEach((type, i) => {
      if ((type & IS_CATEGORY) === 0) return;
      const set = named.get(splits.features[i]) ?? new Set();
      for (const category of bitsOf(tree, cats, splits.thresholds[i])) set.add(category);
      named.set(splits.features[i], set);
    });
  }
  const features = [...named.keys()].sort((a, b) => a - b);
  if (pandasCategories !== undefined && pandasCategories.length !== features.length) {
    throw unsupported(
      where,
      `a model of ${features.length} categorical features and ${pandasCategories.length} lists of their names`,
      'Train it without category columns of a single value, and with categories either all as numbers or all as pandas has them.',
    );
  }
  return new Map(
    features.map((f, i) => {
      const levels = pandasCategories?.[i];
      const known = levels?.map((_, code) => code) ?? (infos[f] ?? '').split(':').map(Number);
      const text = (category: number) => String(levels?.[category] ?? category);
      const whole = known.filter((category) => Number.isInteger(category) && category >= 0);
      return [f, featureCodes(names[f] ?? `feature ${f}`, named.get(f)!, whole, text, where, false)];
    }),
  );
}

function splitFields(tree: TextBlock) {
  const count = tree.count('num_leaves') - 1;
  return {
    features: tree.numbers('split_feature', count),
    thresholds: tree.numbers('threshold', count),
    types: tree.numbers('decision_type', count, true),
    left: tree.numbers('left_child', count),
    right: tree.numbers('right_child', count),
    gains: tree.numbers('split_gain', count, true),
    covers: tree.numbers('internal_weight', count, true),
  };
}

/** Categories of set `index` of a tree. */
function bitsOf(tree: TextBlock, cats: number, index: number): number[] {
  const bounds = tree.numbers('cat_boundaries', cats + 1);
  const words = tree.numbers('cat_threshold', bounds[cats]);
  if (!(Number.isInteger(index) && index >= 0 && index < cats)) {
    throw badModel(
      tree.where,
      `a split asks set ${index} of ${cats}`,
      'The file is damaged: save the model again.',
    );
  }
  if (bounds.some((bound, i) => bound < (bounds[i - 1] ?? 0))) {
    throw badModel(
      tree.where,
      'field "cat_boundaries" does not ascend from 0',
      'The file is damaged: save the model again.',
    );
  }
  const categories: number[] = [];
  for (let word = bounds[index]; word < bounds[index + 1]; word++) {
    for (let bit = 0; bit < 32; bit++) {
      if ((words[word] >>> bit) & 1) categories.push(32 * (word - bounds[index]) + bit);
    }
  }
  return categories;
}

function foreignTree(
  tree: TextBlock,
  output: number,
  features: number,
  codes: ReadonlyMap<number, FeatureCodes>,
  scale: number,
): ForeignTree {
  if (tree.has('is_linear') && tree.count('is_linear') === 1) {
    throw unsupported(tree.where, 'a tree with linear models in its leaves', 'Train without linear_tree.');
  }
  const leaves = tree.count('num_leaves');
  const values = tree.numbers('leaf_value', leaves);
  const weights = tree.numbers('leaf_weight', leaves, true);
  const leaf = (id: number): ForeignNode => ({ value: scale * values[id], cover: weights[id] });
  if (leaves === 1) return { output, root: 0, size: 1, node: leaf };
  const splits = splitFields(tree);
  const cats = tree.has('num_cat') ? tree.count('num_cat') : 0;
  const inside = (id: number) => Number.isInteger(id) && id >= -leaves && id < leaves - 1;
  const node = (id: number): ForeignNode => {
    if (!inside(id))
      throw badModel(tree.where, `there is no node ${id}`, 'The file is damaged: save the model again.');
    if (id < 0) return leaf(-id - 1);
    const feature = splits.features[id];
    if (!(Number.isInteger(feature) && feature >= 0 && feature < features)) {
      throw badModel(tree.where, `a split asks feature ${feature} of ${features}`, 'Save the model again.');
    }
    const type = splits.types[id];
    const common = {
      feature,
      children: [splits.left[id], splits.right[id]] as const,
      gain: splits.gains[id],
      cover: splits.covers[id],
    };
    if ((type & IS_CATEGORY) !== 0) {
      const left = emptySet();
      for (const category of bitsOf(tree, cats, splits.thresholds[id]))
        addCode(left, codes.get(feature)!.codeOf(category));
      return { ...common, left, missingLeft: false };
    }
    const threshold = splits.thresholds[id];
    return { ...common, left: threshold, missingLeft: missingLeft(type, threshold, tree.where) };
  };
  return { output, root: 0, size: 2 * leaves - 1, node };
}

function missingLeft(type: number, threshold: number, where: string): boolean {
  const kind = (type >> MISSING_SHIFT) & 3;
  if (kind === MISSING_NONE) return 0 <= threshold;
  const left = (type & DEFAULT_LEFT) !== 0;
  if (kind !== MISSING_ZERO || (left ? threshold >= ZERO : threshold < -ZERO)) return left;
  throw unsupported(
    where,
    `a split at ${threshold} that sends zeros to the ${left ? 'left' : 'right'} as missing values (zero_as_missing)`,
    'Train with zero_as_missing=false, and NaN where a value is missing.',
  );
}
