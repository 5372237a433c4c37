import { describe, expect, it } from 'vitest';
import { applyRecipe } from './apply.ts';
import { fitRecipe } from './fit.ts';
import { describeRecipe, featureNames, parseRecipe } from './recipe.ts';
import { adult, profileOf } from './test-support.ts';

const data = adult();

describe.skipIf(data === undefined)('Adult, end to end', () => {
  it('fits', () => {
    const recipe = fitRecipe({ schema: data!.schema, profile: profileOf([data!]) });
    console.log(describeRecipe(recipe).join('\n'), recipe.layout, recipe.width);
    console.log(featureNames(recipe).join('|'));
    expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
    const t = performance.now();
    const { view } = applyRecipe(recipe, data!, undefined, 'fit');
    console.log(performance.now() - t);
    expect(view.rows).toBe(32561);
  });
});
