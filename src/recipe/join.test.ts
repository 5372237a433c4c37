/** Joined recipes: what is mapped comes first and as it was, the rest anew, and features know where they came from. */
import { expect, it } from 'vitest';
import { joinRecipes } from './join.ts';
import type { Recipe } from './recipe.ts';

const field = (name: string, type = 'f64') => ({ name, type, role: 'feature', nullable: false });
const step = (column: string, width: number, why: string) => ({ transform: 'scale', column, width, why });
const recipe = (fields: object[], steps: object[], dropped: object[] = []) =>
  ({ version: 1, layout: 'dense', width: 0, fields, steps, dropped }) as unknown as Recipe;

const old = recipe(
  [field('a'), field('gone'), field('kind', 'utf8'), field('b')],
  [step('a', 1, 'old'), step('gone', 2, 'old'), step('kind', 3, 'old'), step('b', 2, 'old')],
);
const fresh = recipe(
  [field('alpha'), field('kind'), field('b'), field('c')],
  [step('alpha', 1, 'new'), step('kind', 1, 'new'), step('b', 1, 'new'), step('c', 1, 'new')],
  [{ column: 'd', reason: 'constant' }],
);

it('maps by name, by the names it is told, and by type', () => {
  const { recipe: joined, from, mapped, added, lost } = joinRecipes(old, fresh, { a: 'alpha' });
  expect(joined.steps.map(({ column, why }) => [column, why])).toEqual([
    ['alpha', 'old'],
    ['b', 'old'],
    ['kind', 'new'],
    ['c', 'new'],
  ]);
  // Feature 0 is that of a; 1 and 2 are of a column that is gone, 3 to 5 of one of another type now.
  expect(from).toEqual([0, 6, 7]);
  expect(mapped).toEqual([
    ['alpha', 'a'],
    ['b', 'b'],
  ]);
  expect(added).toEqual(['kind', 'c']);
  expect(lost).toEqual(['gone', 'kind']);
  expect(joined.width).toBe(1 + 2 + 1 + 1);
});

it('keeps nothing where nothing has the same name', () => {
  const { from, recipe: joined } = joinRecipes(old, recipe([field('z')], [step('z', 1, 'new')]));
  expect(from).toEqual([]);
  expect(joined.steps.map(({ column }) => column)).toEqual(['z']);
});
