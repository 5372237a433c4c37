/**
 * A forest as flat arrays: what a fit of trees gives, what is saved, and what every predictor reads.
 * Nodes of a tree stand together, the root first; the children of a node are neighbours:
 *
 *     node of tree t:   starts[t] + i                  i = 0 is the root
 *     its left child:   starts[t] + lefts[node]        its right child: one further
 *
 * A number goes left when it is ≤ thresholds[node]; a category (a code 0, 1, 2 …) when its bit is set in the
 * node's set; NaN, which is a missing value or an unknown category, where the node's flag says.
 */

/** Bits of {@link Forest.flags}. */
export const MISSING_LEFT = 1;
export const CATEGORICAL = 2;

/** 32-bit words of a set of categories: codes 0 … 255. */
export const SET_WORDS = 8;

/** Trees by output; a row's margin of output k is base[k] plus the leaves it falls into in the trees of k, in order. */
export interface Forest {
  readonly outputs: number;
  readonly features: number;
  /** Margins before any tree: outputs. */
  readonly base: Float64Array;
  /** First node of each tree, then the number of all nodes: trees + 1. */
  readonly starts: Uint32Array;
  /** Output that each tree adds to: trees. */
  readonly treeOutputs: Uint32Array;
  /** Feature that a node asks, -1 for a leaf. This and what follows: nodes. */
  readonly nodeFeatures: Int32Array;
  /** Index of the left child within the tree; 0 for a leaf. */
  readonly lefts: Uint32Array;
  /** Largest number that goes left; of a categorical node, the first word of its set in `sets`; 0 for a leaf. */
  readonly thresholds: Float64Array;
  readonly flags: Uint8Array;
  /** What a leaf adds to the margin, learning rate included; of an inner node, what it would add as a leaf. */
  readonly leafValues: Float64Array;
  /** How much the split lowered the objective; 0 for a leaf. */
  readonly gains: Float64Array;
  /** Weight (sum of Hessians) of the training rows that came by. */
  readonly covers: Float64Array;
  /** Sets of categories, {@link SET_WORDS} words each, bit c & 31 of word c >> 5 for category c. */
  readonly sets: Uint32Array;
}

/** Number of trees. */
export function treeCount(forest: Forest): number {
  return forest.starts.length - 1;
}
