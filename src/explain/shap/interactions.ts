/**
 * The matrix of SHAP interaction values of a row (Lundberg et al. 2020): off the diagonal half of what two features give
 * together, on it what is left of each feature's own value; so rows and columns add up to the SHAP values.
 */
import type { Explainer } from './attribute.ts';
import { pairCount, pairIndex } from './pairs.ts';

/** Symmetric features × features matrix of row `row` and output `output`, from both kinds of attributions of a view. */
export function interactionMatrix(
  { features }: Pick<Explainer, 'features'>,
  values: Float64Array,
  pairs: Float64Array,
  rows: number,
  row: number,
  output: number,
): Float64Array {
  const matrix = new Float64Array(features * features);
  for (let i = 0; i < features; i++) matrix[i * features + i] = values[(output * features + i) * rows + row];
  for (let i = 0; i < features; i++) {
    for (let j = i + 1; j < features; j++) {
      const value = pairs[(output * pairCount(features) + pairIndex(i, j, features)) * rows + row];
      matrix[i * features + j] = value;
      matrix[j * features + i] = value;
      matrix[i * features + i] -= value;
      matrix[j * features + j] -= value;
    }
  }
  return matrix;
}
