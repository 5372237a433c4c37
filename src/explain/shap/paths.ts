/**
 * A forest as the paths to its leaves, for SHAP values: conditions on the same feature become one, with the product of
 * their shares of the cover, and a leaf knows each feature of its path once. O(leaves × depth).
 * Covers of two children share out what reached their parent (halves, where nothing did), as path-dependent TreeSHAP
 * does (Lundberg et al. 2020, "From local explanations to global understanding", Algorithm 1).
 */
import { PATTERN_BITS, type Question } from '../../kernel/shap.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT, treeCount } from '../../model/forest.ts';

/** A leaf: each feature of its path once, in order of appearance. */
export interface LeafPath {
  readonly features: readonly number[];
  /** Share of the cover that goes on along the path, by feature. */
  readonly ratios: readonly number[];
  readonly value: number;
  /** Conditions from the root, kept only where there are more features than a pattern has bits. */
  readonly conditions?: readonly {
    readonly split: SplitStep;
    readonly left: boolean;
    readonly place: number;
  }[];
}

/** A split: patterns of `slot` become those of the right child there and of the left child one slot further. */
export interface SplitStep extends Question {
  readonly kind: 'split';
  readonly slot: number;
  readonly feature: number;
}

/** A leaf, its patterns in `slot`. */
export interface LeafStep extends LeafPath {
  readonly kind: 'leaf';
  readonly slot: number;
}

/** A tree as the steps of one walk over its nodes, parents first, left before right. */
export interface TreePaths {
  readonly output: number;
  readonly steps: readonly (SplitStep | LeafStep)[];
  /** Slots of patterns that the walk needs. */
  readonly slots: number;
  /** Mean of the leaves, by cover. */
  readonly expected: number;
}

interface Walk {
  readonly node: number;
  readonly slot: number;
  readonly features: readonly number[];
  readonly ratios: readonly number[];
  readonly conditions: NonNullable<LeafPath['conditions']>;
}

/** The paths of every tree, in order. */
export function forestPaths(forest: Forest): TreePaths[] {
  return Array.from({ length: treeCount(forest) }, (_, tree) => treePaths(forest, tree));
}

function treePaths(forest: Forest, tree: number): TreePaths {
  const root = forest.starts[tree];
  const steps: (SplitStep | LeafStep)[] = [];
  const open: Walk[] = [{ node: root, slot: 0, features: [], ratios: [], conditions: [] }];
  let [slots, expected] = [1, 0];
  for (let walk = open.pop(); walk !== undefined; walk = open.pop()) {
    const { node, slot, features, ratios, conditions } = walk;
    slots = Math.max(slots, slot + 1);
    const feature = forest.nodeFeatures[node];
    if (feature < 0) {
      const value = forest.leafValues[node];
      expected += ratios.reduce((product, ratio) => product * ratio, value);
      const deep = features.length > PATTERN_BITS ? { conditions } : {};
      steps.push({ kind: 'leaf', slot, features, ratios, value, ...deep });
      continue;
    }
    const known = features.indexOf(feature);
    const place = known < 0 ? features.length : known;
    const split: SplitStep = { kind: 'split', slot, feature, ...questionOf(forest, node, place) };
    steps.push(split);
    const child = root + forest.lefts[node];
    const share = leftShare(forest, child);
    const to = (left: boolean): Walk => ({
      node: left ? child : child + 1,
      slot: left ? slot + 1 : slot,
      features: known < 0 ? [...features, feature] : features,
      ratios: multiplied(ratios, place, left ? share : 1 - share),
      conditions: [...conditions, { split, left, place }],
    });
    open.push(to(false), to(true));
  }
  return { output: forest.treeOutputs[tree], steps, slots, expected };
}

function questionOf({ thresholds, flags }: Forest, node: number, bit: number): Question {
  const missingLeft = (flags[node] & MISSING_LEFT) !== 0;
  const asks = thresholds[node];
  if ((flags[node] & CATEGORICAL) === 0) return { threshold: singleBelow(asks), missingLeft, bit };
  return { threshold: 0, set: asks, missingLeft, bit };
}

const single = new Float32Array(1);
const word = new Int32Array(single.buffer);

/** The greatest f32 that is ≤ x: what an f32 must not exceed to be ≤ x. */
function singleBelow(x: number): number {
  single[0] = x;
  if (!(single[0] > x)) return single[0];
  if (single[0] === 0) return -1.401298464324817e-45;
  word[0] += single[0] > 0 ? -1 : 1;
  return single[0];
}

function leftShare({ covers }: Forest, left: number): number {
  const [a, b] = [Math.max(0, covers[left]), Math.max(0, covers[left + 1])];
  return a + b > 0 ? a / (a + b) : 0.5;
}

function multiplied(ratios: readonly number[], place: number, factor: number): number[] {
  const next = [...ratios];
  next[place] = (next[place] ?? 1) * factor;
  return next;
}
