import { expect, it } from 'vitest';
import { profileOf } from '../../test/recipe-data.ts';
import { createParticle } from '../particle/create.ts';
import { fitRecipe } from '../recipe/fit.ts';
import { featureNames } from '../recipe/recipe.ts';
import { largestCoefficients } from './coefficients.ts';

const rows = Array.from({ length: 60 }, (_, i) => ({
  text: i % 2 === 0 ? `claim your prize now ${i}` : `see you at lunch then ${i}`,
  size: i,
}));

function recipeOf(labels: readonly string[]) {
  const particle = createParticle({
    columns: {
      text: rows.map((row) => row.text),
      size: rows.map((row) => row.size),
      y: rows.map((_, i) => labels[i % labels.length]),
    },
    types: { text: 'text' },
    roles: { y: 'label' },
  });
  return fitRecipe({
    schema: particle.schema,
    profile: profileOf([particle]),
    words: { text: { texts: 60, words: ['claim', 'lunch', 'now'], counts: [30, 30, 30] } },
  });
}

it('names words by falling size of their coefficient, numbers are left out', () => {
  const recipe = recipeOf(['ham', 'spam']);
  const names = featureNames(recipe);
  const parameters = new Float64Array(names.length + 1).fill(9);
  parameters[names.indexOf('text~claim')] = 2;
  parameters[names.indexOf('text~lunch')] = -3;
  parameters[names.indexOf('text~now')] = 0;
  expect(largestCoefficients(recipe, parameters, 1, 5)).toEqual([
    { name: 'text~lunch', coefficient: -3 },
    { name: 'text~claim', coefficient: 2 },
  ]);
  expect(largestCoefficients(recipe, parameters, 1, 1)).toHaveLength(1);
});

it('names the class that a word speaks for', () => {
  const recipe = recipeOf(['ham', 'news', 'spam']);
  const names = featureNames(recipe);
  const parameters = new Float64Array(3 * (names.length + 1));
  const claim = names.indexOf('text~claim');
  parameters[claim] = -4;
  parameters[2 * (names.length + 1) + claim] = 1.5;
  expect(largestCoefficients(recipe, parameters, 3, 5)).toEqual([
    { name: 'text~claim', coefficient: 1.5, class: 'spam' },
  ]);
});
