/**
 * A forest as an ONNX model: features (f32, rows × features) → trees → answers.
 *
 *     features ─Cast→ f64 ─TreeEnsembleRegressor (ai.onnx.ml 3)→ margins ─┬ Sigmoid → probabilities, label
 *                                                                         ├ Softmax, ArgMax → probabilities, label
 *                                                                         └ Identity or Exp → prediction
 *
 * Thresholds, leaves and sums are f64 (margins come out as f32). A split by a set of categories becomes a chain of
 * BRANCH_EQ nodes that share their true branch, one for each code of the set, or of the other codes if they are fewer.
 */
import { CATEGORICAL, type Forest, MISSING_LEFT, treeCount } from '../forest.ts';
import { hasCode } from './build.ts';
import { codeCount, type Exported, type ExportedFeature } from './exported.ts';
import { type Constant, ELEMENT, type Graph, onnxModel, operation, tensorValue } from './onnx-proto.ts';
import type { Message } from './protobuf.ts';

/** The bytes of an .onnx file. O(nodes + codes of sets). */
export function onnxBytes(exported: Exported, version: string): Uint8Array {
  const { forest, features, classes } = exported;
  const { operations, constants, outputs } = answersOf(exported);
  const graph: Graph = {
    operations: [
      operation('Cast', ['features'], 'wide', { to: ELEMENT.double }),
      operation('TreeEnsembleRegressor', ['wide'], 'margins', ensemble(forest, features), 'ai.onnx.ml'),
      ...operations,
    ],
    constants,
    inputs: [tensorValue('features', ELEMENT.float, features.length)],
    outputs,
  };
  const metadata = {
    features: JSON.stringify(features),
    ...(classes ? { classes: JSON.stringify(classes) } : {}),
  };
  return onnxModel(graph, version, metadata);
}

interface Answers {
  readonly operations: readonly Message[];
  readonly constants: Readonly<Record<string, Constant>>;
  readonly outputs: readonly Message[];
}

function answersOf({ loss, classes, threshold, forest }: Exported): Answers {
  if (loss === 'logistic') return binaryAnswers(classes!, threshold);
  if (loss === 'softmax') return manyAnswers(classes!);
  const link = loss === 'poisson' ? 'Exp' : 'Identity';
  return {
    operations: [operation(link, ['margins'], 'prediction')],
    constants: {},
    outputs: [tensorValue('prediction', ELEMENT.float, forest.outputs)],
  };
}

function classOutputs(classes: readonly string[]): Message[] {
  return [tensorValue('label', ELEMENT.string), tensorValue('probabilities', ELEMENT.float, classes.length)];
}

function binaryAnswers(classes: readonly string[], threshold: number): Answers {
  return {
    operations: [
      operation('Sigmoid', ['margins'], 'positive'),
      operation('Neg', ['margins'], 'against'),
      operation('Sigmoid', ['against'], 'negative'),
      operation('Concat', ['negative', 'positive'], 'probabilities', { axis: 1 }),
      operation('GreaterOrEqual', ['positive', 'threshold'], 'isPositive'),
      operation('Cast', ['isPositive'], 'indices', { to: ELEMENT.int64 }),
      operation('Squeeze', ['indices', 'axis'], 'index'),
      operation('Gather', ['classes', 'index'], 'label', { axis: 0 }),
    ],
    constants: { classes, threshold: Float32Array.of(threshold), axis: [1n] },
    outputs: classOutputs(classes),
  };
}

function manyAnswers(classes: readonly string[]): Answers {
  return {
    operations: [
      operation('Softmax', ['margins'], 'probabilities', { axis: 1 }),
      operation('ArgMax', ['margins'], 'index', { axis: 1, keepdims: 0 }),
      operation('Gather', ['classes', 'index'], 'label', { axis: 0 }),
    ],
    constants: { classes },
    outputs: classOutputs(classes),
  };
}

/** Columns of the nodes of all trees, as TreeEnsembleRegressor takes them. */
class Ensemble {
  readonly trees: number[] = [];
  readonly ids: number[] = [];
  readonly features: number[] = [];
  readonly modes: string[] = [];
  readonly values: number[] = [];
  readonly whenTrue: number[] = [];
  readonly whenFalse: number[] = [];
  readonly missingTrue: number[] = [];

  add(
    tree: number,
    id: number,
    feature: number,
    mode: string,
    value: number,
    children: readonly number[],
    missing: boolean,
  ) {
    this.trees.push(tree);
    this.ids.push(id);
    this.features.push(feature);
    this.modes.push(mode);
    this.values.push(value);
    this.whenTrue.push(children[0]);
    this.whenFalse.push(children[1]);
    this.missingTrue.push(missing ? 1 : 0);
  }
}

function ensemble(forest: Forest, features: readonly ExportedFeature[]) {
  const { starts, nodeFeatures, treeOutputs, leafValues, base, outputs } = forest;
  const nodes = new Ensemble();
  const leaves = {
    trees: [] as number[],
    ids: [] as number[],
    outputs: [] as number[],
    weights: [] as number[],
  };
  for (let tree = 0; tree < treeCount(forest); tree++) {
    let spare = starts[tree + 1] - starts[tree];
    for (let i = 0; i < starts[tree + 1] - starts[tree]; i++) {
      const node = starts[tree] + i;
      if (nodeFeatures[node] >= 0) {
        spare = addSplit(nodes, forest, features, tree, i, spare);
        continue;
      }
      nodes.add(tree, i, 0, 'LEAF', 0, [0, 0], false);
      leaves.trees.push(tree);
      leaves.ids.push(i);
      leaves.outputs.push(treeOutputs[tree]);
      leaves.weights.push(leafValues[node]);
    }
  }
  if (treeCount(forest) === 0) addNothing(nodes, leaves);
  return {
    n_targets: outputs,
    aggregate_function: 'SUM',
    post_transform: 'NONE',
    base_values_as_tensor: base,
    nodes_treeids: nodes.trees,
    nodes_nodeids: nodes.ids,
    nodes_featureids: nodes.features,
    nodes_modes: nodes.modes,
    nodes_values_as_tensor: Float64Array.from(nodes.values),
    nodes_truenodeids: nodes.whenTrue,
    nodes_falsenodeids: nodes.whenFalse,
    nodes_missing_value_tracks_true: nodes.missingTrue,
    target_treeids: leaves.trees,
    target_nodeids: leaves.ids,
    target_ids: leaves.outputs,
    target_weights_as_tensor: Float64Array.from(leaves.weights),
  };
}

/** An ensemble must have a tree: a leaf of 0. */
function addNothing(
  nodes: Ensemble,
  leaves: { trees: number[]; ids: number[]; outputs: number[]; weights: number[] },
) {
  nodes.add(0, 0, 0, 'LEAF', 0, [0, 0], false);
  leaves.trees.push(0);
  leaves.ids.push(0);
  leaves.outputs.push(0);
  leaves.weights.push(0);
}

/** Adds node i of a tree; a chain takes ids from `spare` on. Returns the next spare id. */
function addSplit(
  nodes: Ensemble,
  forest: Forest,
  features: readonly ExportedFeature[],
  tree: number,
  i: number,
  spare: number,
): number {
  const { starts, nodeFeatures, lefts, thresholds, flags, sets } = forest;
  const node = starts[tree] + i;
  const feature = nodeFeatures[node];
  const missingLeft = (flags[node] & MISSING_LEFT) !== 0;
  const left = lefts[node];
  if ((flags[node] & CATEGORICAL) === 0) {
    nodes.add(tree, i, feature, 'BRANCH_LEQ', thresholds[node], [left, left + 1], missingLeft);
    return spare;
  }
  const set = sets.subarray(thresholds[node]);
  const codes = Array.from({ length: codeCount(features[feature]) }, (_, code) => code);
  const inside = codes.filter((code) => hasCode(set, code));
  const outside = codes.filter((code) => !hasCode(set, code));
  const direct = inside.length > 0 && (inside.length <= outside.length || outside.length === 0);
  const chain = direct ? inside : outside;
  const [yes, no] = direct ? [left, left + 1] : [left + 1, left];
  let next = spare;
  for (const [at, code] of chain.entries()) {
    const id = at === 0 ? i : next - 1;
    const after = at === chain.length - 1 ? no : next++;
    nodes.add(tree, id, feature, 'BRANCH_EQ', code, [yes, after], missingLeft === direct);
  }
  return next;
}
