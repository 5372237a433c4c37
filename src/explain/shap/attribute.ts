/**
 * Exact SHAP values of a forest for the rows of a dense view, and their pairwise interaction values, by the conditional
 * expectations along the paths of the trees ("path-dependent": Lundberg et al. 2018, 2020).
 *
 * A leaf of value v whose path has features 1 … d, each met by a row or not (o_i = 1 or 0) and taken by the share z_i of
 * the cover, is the game S ↦ v · Π_{i ∈ S} o_i · Π_{i ∉ S} z_i. Its Shapley values are
 *
 *     φ_i = v (o_i − z_i) ∫₀¹ Π_{j ≠ i} (z_j (1 − t) + o_j t) dt,
 *
 * since ∫ tᵏ (1 − t)ᵈ⁻¹⁻ᵏ dt = k! (d − 1 − k)! / d! are the weights of coalitions. Gauss–Legendre with d / 2 points is
 * exact, and all its terms are positive, so nothing cancels. They depend on the row through the d bits o alone: a leaf has
 * a table of its 2ᵈ patterns, or of those that occur where they are fewer, and a row costs d additions a leaf; the
 * pattern of a leaf is that of its parent with one more condition (as in FastTreeSHAP v2, Yang 2021). Interaction
 * values are the same with two features left out.
 */
import { runKernels } from '../../kernel/mode.ts';
import type { Forest } from '../../model/forest.ts';
import type { DenseView } from '../../particle/view.ts';
import { chunkRows, makeBench } from './bench.ts';
import { type Kind, pairCount } from './pairs.ts';
import { forestPaths, type TreePaths } from './paths.ts';
import { addTree } from './walk.ts';

/** A forest ready to be explained. */
export interface Explainer {
  readonly outputs: number;
  readonly features: number;
  /** Margin of a row of which nothing is known, by output: the base plus the mean of the leaves by cover. */
  readonly expected: Float64Array;
  /**
   * Values by column: of row r, output k and feature f at (k · features + f) · rows + r; for pairs, of the pair (i, j) at
   * (k · pairs + {@link pairIndex}) · rows + r, half of the whole interaction.
   */
  attribute(view: DenseView, kind: Kind): Float64Array;
}

/** Prepares a forest: O(leaves × depth). */
export function forestExplainer(forest: Forest): Explainer {
  const { outputs, features, base } = forest;
  const trees = forestPaths(forest);
  const expected = Float64Array.from(base);
  for (const tree of trees) expected[tree.output] += tree.expected;
  return {
    outputs,
    features,
    expected,
    attribute: (view, kind) => attributeView(forest, trees, view, kind),
  };
}

/** O(rows × Σ leaves' features), or pairs of them; and for each distinct pattern of a leaf O(d²), or O(d³) for pairs. */
function attributeView(
  forest: Forest,
  trees: readonly TreePaths[],
  view: DenseView,
  kind: Kind,
): Float64Array {
  const columns = forest.outputs * (kind === 'features' ? forest.features : pairCount(forest.features));
  const values = new Float64Array(columns * view.rows);
  const chunk = chunkRows(trees, columns);
  for (let first = 0; first < view.rows; first += chunk) {
    const rows = Math.min(chunk, view.rows - first);
    runKernels((run) => {
      const bench = makeBench(run, forest, trees, { view, kind, first, rows, columns });
      for (const tree of trees) addTree(bench, tree);
      for (let c = 0; c < columns; c++) {
        const from = c * bench.stride;
        values.set(bench.out.subarray(from, from + rows), c * view.rows + first);
      }
    });
  }
  return values;
}
