/**
 * What an imported model is before it is Sora's: trees node by node, in whatever order their file keeps them. Here they
 * become the flat forest, breadth first, children side by side. Knows no foreign format.
 */
import { SoraError } from '../../errors.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT, SET_WORDS } from '../forest.ts';

/** A leaf, or a question with the ids of both answers. */
export type ForeignNode =
  | { readonly value: number; readonly cover: number }
  | {
      readonly feature: number;
      /** The largest number that goes left, or the words of the set of codes that do. */
      readonly left: number | Uint32Array;
      readonly missingLeft: boolean;
      readonly children: readonly [left: number, right: number];
      readonly gain: number;
      readonly cover: number;
    };

/** A tree of a foreign model. */
export interface ForeignTree {
  readonly output: number;
  readonly root: number;
  /** Number of nodes: the most that a walk may meet. */
  readonly size: number;
  node(id: number): ForeignNode;
}

/** A column of a foreign model; with levels, a category whose code is the index of its level. */
export interface ImportedFeature {
  readonly name: string;
  readonly levels?: readonly string[];
  /** Whether one more code stands for all other levels. */
  readonly other?: boolean;
}

/** A foreign model, understood. */
export interface Imported {
  /** Who made it, as people say it: "LightGBM", "XGBoost 3.2.0". */
  readonly source: string;
  /** The objective by its own name. */
  readonly objective: string;
  readonly loss: 'squared' | 'huber' | 'logistic' | 'softmax' | 'poisson';
  readonly features: readonly ImportedFeature[];
  readonly forest: Forest;
  /** What a user should know about what was read. */
  readonly notes: readonly string[];
}

/** An error about a foreign file: what is wrong, where, and the remedy. */
export function badModel(where: string, problem: string, remedy: string): SoraError {
  return new SoraError('bad-input', `${where}: ${problem}. ${remedy}`);
}

/** An error about something that Sora has no equal of. */
export function unsupported(where: string, what: string, remedy: string): SoraError {
  return new SoraError('unsupported-format', `${where}: ${what} cannot be imported. ${remedy}`);
}

/** More than any model has; what a damaged file says must not fill the memory. */
const MOST = { outputs: 10_000, features: 10_000_000 } as const;

/** Throws `bad-input` unless outputs and features are whole numbers within reason. */
export function checkShape(shape: { outputs: number; features: number }, where: string): void {
  for (const name of ['outputs', 'features'] as const) {
    const least = name === 'outputs' ? 1 : 0;
    if (Number.isInteger(shape[name]) && shape[name] >= least && shape[name] <= MOST[name]) continue;
    const problem = `it says that there are ${shape[name]} ${name} (at most ${MOST[name]})`;
    throw badModel(where, problem, 'The file is damaged: save the model again.');
  }
}

/** An empty set of codes. */
export function emptySet(): Uint32Array {
  return new Uint32Array(SET_WORDS);
}

export function addCode(set: Uint32Array, code: number): void {
  set[code >> 5] |= 1 << (code & 31);
}

export function hasCode(set: Uint32Array, code: number): boolean {
  return ((set[code >> 5] >>> (code & 31)) & 1) === 1;
}

/** The flat forest of these trees; throws `bad-input` where a tree is no tree. O(nodes). */
export function buildForest(
  trees: readonly ForeignTree[],
  shape: { readonly features: number; readonly base: Float64Array },
  where: string,
): Forest {
  const starts = [0];
  const nodeFeatures: number[] = [];
  const lefts: number[] = [];
  const thresholds: number[] = [];
  const flags: number[] = [];
  const leafValues: number[] = [];
  const gains: number[] = [];
  const covers: number[] = [];
  const sets: number[] = [];
  for (const [index, tree] of trees.entries()) {
    const queue = [tree.root];
    for (let i = 0; i < queue.length; i++) {
      if (queue.length > tree.size) throw notATree(where, index);
      const node = tree.node(queue[i]);
      covers.push(node.cover);
      const isLeaf = 'value' in node;
      leafValues.push(isLeaf ? node.value : 0);
      nodeFeatures.push(isLeaf ? -1 : node.feature);
      lefts.push(isLeaf ? 0 : queue.length);
      gains.push(isLeaf ? 0 : node.gain);
      const isSet = !isLeaf && node.left instanceof Uint32Array;
      flags.push((isSet ? CATEGORICAL : 0) | (!isLeaf && node.missingLeft ? MISSING_LEFT : 0));
      thresholds.push(isLeaf ? 0 : typeof node.left === 'number' ? node.left : sets.length);
      if (isLeaf) continue;
      if (typeof node.left !== 'number') sets.push(...node.left);
      queue.push(...node.children);
    }
    starts.push(nodeFeatures.length);
  }
  return {
    outputs: shape.base.length,
    ...shape,
    starts: Uint32Array.from(starts),
    treeOutputs: Uint32Array.from(trees, ({ output }) => output),
    nodeFeatures: Int32Array.from(nodeFeatures),
    lefts: Uint32Array.from(lefts),
    thresholds: Float64Array.from(thresholds),
    flags: Uint8Array.from(flags),
    leafValues: Float64Array.from(leafValues),
    gains: Float64Array.from(gains),
    covers: Float64Array.from(covers),
    sets: Uint32Array.from(sets),
  };
}

function notATree(where: string, index: number): SoraError {
  return badModel(
    where,
    `tree ${index} has a node that is its own descendant, or is shared`,
    'The file is damaged: save the model again.',
  );
}
