/**
 * The largest coefficients of columns that have a feature for each word or each entry: one strength a column says
 * little of a text or a sparse row, so their features are named one by one.
 */
import { featureNames, type Recipe } from '../recipe/recipe.ts';

/** A feature and how far one unit of it moves the margin. */
export interface FeatureCoefficient {
  readonly name: string;
  readonly coefficient: number;
  /** Class that it speaks for (multiclass), else absent. */
  readonly class?: string;
}

const WIDE: readonly string[] = ['text', 'sparse'];

/** At most `limit` features of text and sparse columns by falling size of their coefficient. O(outputs × features). */
export function largestCoefficients(
  recipe: Recipe,
  parameters: Float64Array,
  outputs: number,
  limit: number,
): FeatureCoefficient[] {
  const names = featureNames(recipe);
  const classes = outputs > 1 ? recipe.label?.classes : undefined;
  const found: FeatureCoefficient[] = [];
  let base = 0;
  for (const { transform, width } of recipe.steps) {
    for (let feature = base; WIDE.includes(transform) && feature < base + width; feature++) {
      const output = largestOutput(parameters, feature, names.length, outputs);
      const coefficient = parameters[output * (names.length + 1) + feature];
      const own = classes === undefined ? {} : { class: classes[output] };
      if (coefficient !== 0) found.push({ name: names[feature], coefficient, ...own });
    }
    base += width;
  }
  return found
    .sort((a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient) || (a.name < b.name ? -1 : 1))
    .slice(0, limit);
}

/** Output with the largest coefficient of a feature: of several classes, the one that it speaks for most. */
function largestOutput(parameters: Float64Array, feature: number, features: number, outputs: number): number {
  let best = 0;
  for (let k = 1; k < outputs; k++) {
    if (parameters[k * (features + 1) + feature] > parameters[best * (features + 1) + feature]) best = k;
  }
  return best;
}
