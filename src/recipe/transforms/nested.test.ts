/** Nested encodings from rows to features: new levels fall back on their parents, folds hide a row's label, errors say what to do. */
import { describe, expect, it } from 'vitest';
import { lawful } from '../../../test/lawful.ts';
import { rowsOf } from '../../../test/recipe-data.ts';
import { createParticle } from '../../particle/create.ts';
import { randomUniform } from '../../random.ts';
import { inlineExecutor } from '../../run/inline.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import { paths } from '../../summary/path.ts';
import { targets } from '../../summary/target.ts';
import { applyRecipe } from '../apply.ts';
import type { RecipeOptions } from '../options.ts';
import { prepareRecipe } from '../prepare.ts';
import { featureNames, parseRecipe, servingRecipe } from '../recipe.ts';

/** Ages 0 … 3 add their number, users of an age half of a number of their own, rows noise. */
function rowsWith(count: number) {
  const user = Array.from({ length: count }, (_, i) => Math.floor(80 * randomUniform(1, 1, i) ** 2));
  const columns = {
    user: user.map((u) => `u${u}`),
    age: user.map((u) => `a${u % 4}`),
    n: user.map((_, i) => i),
    y: user.map((u, i) => (u % 4) + randomUniform(2, 1, u) - 0.5 + 2 * (randomUniform(3, 1, i) - 0.5)),
  };
  const types = { user: 'category', age: 'category' } as const;
  return createParticle({ columns, roles: { y: 'label' }, types });
}

async function prepared(particle: ReturnType<typeof rowsWith>, options: RecipeOptions) {
  const executor = inlineExecutor();
  const session = await executor.open(memoryParticles([particle]));
  try {
    return (await prepareRecipe(session, { schema: particle.schema, options })).recipe;
  } finally {
    await session.close();
    await executor.close();
  }
}

describe('nested levels', () => {
  const particle = rowsWith(2000);
  const options: RecipeOptions = { parents: { user: ['age'] }, encode: { n: 'ignore', age: 'ignore' } };

  it('know new ones by their parents', async () => {
    const recipe = await prepared(particle, options);
    expect(featureNames(recipe)).toEqual(['mean(age / user)']);
    const serving = parseRecipe(JSON.parse(JSON.stringify(servingRecipe(recipe))));
    const probe = createParticle({
      columns: { user: ['u0', 'new', 'new', null], age: ['a0', 'a0', 'a3', 'never'], n: [1, 2, 3, 4] },
      types: { user: 'category', age: 'category' },
    });
    const applied = applyRecipe(serving, probe);
    const [known, low, high, nothing] = rowsOf(applied.view, ['mean']).map(({ mean }) => mean);
    expect(low).toBeLessThan(-0.9);
    expect(high).toBeGreaterThan(0.9);
    expect(Math.abs(known - low)).toBeLessThan(0.6);
    expect(nothing).toBeUndefined();
    expect(applied.unknown).toEqual({ user: 3 });
  });

  it('hide the label of a row from its own encoding', async () => {
    const recipe = await prepared(particle, options);
    const [fit, score] = (['fit', 'score'] as const).map((purpose) =>
      rowsOf(applyRecipe(recipe, particle, undefined, purpose).view, ['mean']).map(({ mean = 0 }) => mean),
    );
    expect(fit).not.toEqual(score);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const labels = Array.from({ length: 2000 }, (_, i) => 2 * (randomUniform(3, 1, i) - 0.5));
    const with_ = (values: readonly number[]) => mean(values.map((x, i) => (x - mean(values)) * labels[i]));
    expect(with_(score)).toBeGreaterThan(with_(fit));
  });

  it('refuse columns that are not there, numbers and circles', async () => {
    await expect(prepared(particle, { parents: { user: ['town'] } })).rejects.toThrow(/parents names "town"/);
    await expect(prepared(particle, { parents: { user: ['n'] } })).rejects.toThrow(/--types n=category/);
    const circle = { parents: { user: ['age'], age: ['user'] } };
    await expect(prepared(particle, circle)).rejects.toThrow(/circle: user in age in user/);
  });

  it('have sums that keep the laws', () => {
    expect(() => lawful(paths({ paths: [['c'], ['c', 'c']] }))).not.toThrow();
    const columns = [{ name: 'c', path: ['c', 'c'], levels: ['red\u001fred', 'x\u001fx'] }];
    expect(() => lawful(targets({ columns, label: { column: 'y' }, folds: 2, seed: 1 }))).not.toThrow();
  });
});
