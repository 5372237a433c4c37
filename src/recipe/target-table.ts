/**
 * Label by level and fold of one column: what target encodings are fitted from. Arrays are flat, level fastest
 * after output: sum of output o of level l in fold f is `sums[(f * levels + l) * outputs + o]`.
 */
export interface TargetTable {
  readonly levels: readonly string[];
  readonly folds: number;
  /** 1, or the number of classes of a multiclass label. */
  readonly outputs: number;
  /** Weight of rows by fold and level. */
  readonly weights: Float64Array;
  readonly sums: Float64Array;
  /** Weight and sums of all rows of a fold, listed levels or not: `[f]` and `[f * outputs + o]`. */
  readonly foldWeights: Float64Array;
  readonly foldSums: Float64Array;
  /** Expected count by fold and level where rows have an exposure; absent: the weight is it. */
  readonly seed: number;
}
