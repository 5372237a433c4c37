/**
 * XGBoost's JSON models (`Booster.save_model('model.json')`) as forests of Sora.
 *
 * There a number goes left when x < t, all f32. With t' the f32 before t, x < t ⇔ x ≤ t', since no f32 lies between.
 * A missing value goes to the default side. A category goes right when its set names it, and left when none does, so
 * all that no set names share a code of their own. Margins start from the base score, which is kept as a prediction
 * (a probability, an expected count) and becomes a margin here. Leaves of DART are multiplied by the weight of their tree.
 */
import { z } from 'zod';
import { log } from '../../kernel/elementary.ts';
import { SET_WORDS } from '../forest.ts';
import { previousSingle } from '../single.ts';
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

const numbers = z.array(z.number());
const treeShape = z.object({
  left_children: numbers,
  right_children: numbers,
  split_indices: numbers,
  split_conditions: numbers,
  split_type: numbers.optional(),
  default_left: z.array(z.union([z.number(), z.boolean()])),
  categories: numbers.optional(),
  categories_nodes: numbers.optional(),
  categories_segments: numbers.optional(),
  categories_sizes: numbers.optional(),
  loss_changes: numbers.optional(),
  sum_hessian: numbers.optional(),
  tree_param: z.object({ size_leaf_vector: z.string().optional() }),
});
const forestShape = z.object({
  trees: z.array(treeShape),
  tree_info: numbers,
  cats: z.object({ enc: z.array(z.object({ offsets: numbers.optional(), values: numbers })) }).optional(),
});
const shape = z.object({
  version: numbers,
  learner: z.object({
    attributes: z.record(z.string(), z.string()).optional(),
    feature_names: z.array(z.string()).optional(),
    feature_types: z.array(z.string()).optional(),
    learner_model_param: z.object({
      base_score: z.string(),
      num_class: z.string(),
      num_feature: z.string(),
      num_target: z.string().optional(),
    }),
    objective: z.object({ name: z.string() }),
    gradient_booster: z.object({
      name: z.string(),
      model: forestShape.optional(),
      gbtree: z.object({ model: forestShape }).optional(),
      weight_drop: numbers.optional(),
    }),
  }),
});
type XgboostTree = z.infer<typeof treeShape>;

/** Whether a text is likely such a model. */
export function isXgboost(text: string): boolean {
  return /^\s*\{/.test(text) && text.includes('"gradient_booster"');
}

/** Reads a model; throws `bad-input` or `unsupported-format`, `where` naming the file. O(text). */
export function importXgboost(text: string, where: string): Imported {
  const { learner, version } = parse(text, where);
  const { gradient_booster: booster, learner_model_param: param } = learner;
  const model = booster.name === 'gbtree' ? booster.model : booster.gbtree?.model;
  if (model === undefined || (booster.name !== 'gbtree' && booster.name !== 'dart')) {
    throw unsupported(where, `booster "${booster.name}"`, 'Known are gbtree and dart.');
  }
  const meaning = meaningOf(learner.objective.name, where);
  if (Number(param.num_target ?? 1) > 1) {
    throw unsupported(where, `a model of ${param.num_target} targets`, 'Train one model for each of them.');
  }
  const outputs = Math.max(1, Number(param.num_class));
  const count = Number(param.num_feature);
  checkShape({ outputs, features: count }, where);
  if (outputs > 1 && meaning.loss !== 'softmax') {
    throw badModel(where, `objective ${learner.objective.name} has ${outputs} classes`, DAMAGED);
  }
  const names = Array.from({ length: count }, (_, f) => learner.feature_names?.[f] ?? `f${f}`);
  const codes = categoriesOf(model, names, learner.feature_types ?? [], where);
  const trees = model.trees.map((tree, i) => {
    const place = `${where}, tree ${i}`;
    return foreignTree(tree, model.tree_info[i] ?? 0, count, codes, booster.weight_drop?.[i] ?? 1, place);
  });
  const wrong = trees.findIndex(({ output }) => !(output >= 0 && output < outputs));
  if (wrong >= 0)
    throw badModel(where, `tree ${wrong} is of class ${trees[wrong].output} of ${outputs}`, DAMAGED);
  const best = learner.attributes?.best_iteration;
  const later = `All rounds were imported, also those after the best (${best}): slice the booster before saving to leave them out.`;
  return {
    source: `XGBoost ${version.join('.')}`,
    objective: learner.objective.name,
    loss: meaning.loss,
    features: names.map((name, f): ImportedFeature => codes.get(f)?.feature ?? { name }),
    forest: buildForest(
      trees,
      { features: count, base: baseOf(param.base_score, outputs, meaning, where) },
      where,
    ),
    notes: [...(meaning.note === undefined ? [] : [meaning.note]), ...(best === undefined ? [] : [later])],
  };
}

const DAMAGED = 'The file is damaged: save the model again.';

function parse(text: string, where: string): z.infer<typeof shape> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw badModel(
      where,
      `it is no JSON (${(cause as Error).message})`,
      'Save the model again as model.json.',
    );
  }
  const result = shape.safeParse(json);
  if (result.success) return result.data;
  throw badModel(
    where,
    `it is no model of XGBoost: ${z.prettifyError(result.error)}`,
    'Save it with Booster.save_model("model.json"), version 1.3 or later.',
  );
}

interface Meaning {
  readonly loss: Imported['loss'];
  /** From a prediction to a margin. */
  readonly margin: (prediction: number) => number;
  readonly note?: string;
}

const same = (x: number) => x;

function meaningOf(objective: string, where: string): Meaning {
  switch (objective) {
    case 'reg:squarederror':
      return { loss: 'squared', margin: same };
    case 'reg:pseudohubererror':
      return { loss: 'huber', margin: same };
    case 'reg:squaredlogerror':
    case 'reg:absoluteerror':
    case 'reg:quantileerror':
      return {
        loss: 'squared',
        margin: same,
        note: `Objective ${objective} predicts as it is; Sora evaluates it by squared loss.`,
      };
    case 'binary:logistic':
      return { loss: 'logistic', margin: (p) => log(p / (1 - p)) };
    case 'count:poisson':
      return { loss: 'poisson', margin: log };
    case 'reg:gamma':
    case 'reg:tweedie':
      return {
        loss: 'poisson',
        margin: log,
        note: `Objective ${objective} predicts exp(margin), as Poisson does; Sora evaluates it so.`,
      };
    case 'multi:softmax':
    case 'multi:softprob':
      return { loss: 'softmax', margin: same };
    default:
      throw unsupported(
        where,
        `objective "${objective}"`,
        'Known are reg:squarederror, reg:squaredlogerror, reg:absoluteerror, reg:quantileerror, reg:pseudohubererror, reg:gamma, reg:tweedie, count:poisson, binary:logistic, multi:softmax and multi:softprob.',
      );
  }
}

/** The base score, "5E-1" or "[5E-1]" or one an output, as margins. */
function baseOf(text: string, outputs: number, { margin }: Meaning, where: string): Float64Array {
  const scores = text
    .replace(/[[\]\s]/g, '')
    .split(',')
    .map(Number);
  const base = Float64Array.from({ length: outputs }, (_, k) => margin(Math.fround(scores[k] ?? scores[0])));
  if (base.every(Number.isFinite) && (scores.length === 1 || scores.length === outputs)) return base;
  throw badModel(where, `base_score "${text}" is no start for ${outputs} margins`, DAMAGED);
}

/** Codes of the categorical features, by feature. */
function categoriesOf(
  model: z.infer<typeof forestShape>,
  names: readonly string[],
  types: readonly string[],
  where: string,
): Map<number, FeatureCodes> {
  const named = new Map<number, Set<number>>();
  for (const [f, type] of types.entries()) if (type === 'c') named.set(f, new Set());
  for (const tree of model.trees) {
    for (const node of tree.categories_nodes ?? []) {
      const set = named.get(tree.split_indices[node]) ?? new Set<number>();
      for (const category of categoriesAt(tree, node)) set.add(category);
      named.set(tree.split_indices[node], set);
    }
  }
  return new Map(
    [...named].map(([f, set]) => {
      const levels = levelsOf(model.cats?.enc[f]);
      const text = (category: number) => levels?.[category] ?? String(category);
      const known = levels?.map((_, code) => code) ?? [];
      return [f, featureCodes(names[f] ?? `f${f}`, set, known, text, where, true)];
    }),
  );
}

/** Names of categories as the model keeps them: joined UTF-8 with offsets, or numbers. */
function levelsOf(encoding: { offsets?: number[]; values: number[] } | undefined): string[] | undefined {
  if (encoding === undefined || encoding.values.length === 0) return undefined;
  const { offsets, values } = encoding;
  if (offsets === undefined) return values.map(String);
  const bytes = Uint8Array.from(values);
  const decoder = new TextDecoder();
  return offsets.slice(1).map((end, i) => decoder.decode(bytes.subarray(offsets[i], end)));
}

/** Categories that a node sends right. */
function categoriesAt(tree: XgboostTree, node: number): number[] {
  const at = (tree.categories_nodes ?? []).indexOf(node);
  if (at < 0) return [];
  const from = tree.categories_segments?.[at] ?? 0;
  return (tree.categories ?? []).slice(from, from + (tree.categories_sizes?.[at] ?? 0));
}

function foreignTree(
  tree: XgboostTree,
  output: number,
  features: number,
  codes: ReadonlyMap<number, FeatureCodes>,
  weight: number,
  where: string,
): ForeignTree {
  const { left_children, right_children, split_indices, split_conditions, split_type, default_left } = tree;
  const size = left_children.length;
  if (Number(tree.tree_param.size_leaf_vector ?? 1) > 1) {
    throw unsupported(
      where,
      'a tree with a vector in each leaf',
      'Train with multi_strategy="one_output_per_tree".',
    );
  }
  const lists = [right_children, split_indices, split_conditions, default_left];
  if (lists.some(({ length }) => length !== size))
    throw badModel(where, 'its lists differ in length', DAMAGED);
  const node = (id: number): ForeignNode => {
    if (!(Number.isInteger(id) && id >= 0 && id < size))
      throw badModel(where, `there is no node ${id}`, DAMAGED);
    const cover = tree.sum_hessian?.[id] ?? 0;
    const condition = Math.fround(split_conditions[id]);
    if (left_children[id] === -1) return { value: weight * condition, cover };
    const feature = split_indices[id];
    if (!(Number.isInteger(feature) && feature >= 0 && feature < features)) {
      throw badModel(where, `node ${id} asks feature ${feature} of ${features}`, DAMAGED);
    }
    return {
      feature,
      left: split_type?.[id] === 1 ? leftSet(tree, id, codes.get(feature)) : previousSingle(condition),
      missingLeft: Boolean(default_left[id]),
      children: [left_children[id], right_children[id]],
      gain: tree.loss_changes?.[id] ?? 0,
      cover,
    };
  };
  return { output, root: 0, size, node };
}

/** All codes but those that go right. */
function leftSet(tree: XgboostTree, node: number, codes: FeatureCodes | undefined): Uint32Array {
  const right = emptySet();
  for (const category of categoriesAt(tree, node)) addCode(right, codes!.codeOf(category));
  const left = emptySet();
  for (let word = 0; word < SET_WORDS; word++) left[word] = ~right[word];
  return left;
}
