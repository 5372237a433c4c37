import { describe, expect, it } from 'vitest';
import { createParticle } from '../particle/create.ts';
import { splitParticle } from '../particle/split.ts';
import type { CsrView } from '../particle/view.ts';
import { randomUniform } from '../random.ts';
import { inlineExecutor } from '../run/inline.ts';
import { memoryParticles } from '../run/memory-source.ts';
import { type PrepareInput, prepareRecipe } from './prepare.ts';
import { featureNames, recipeJson } from './recipe.ts';
import { learnerView, learnerViewReference } from './view.ts';

const rows = 3000;
const pick = (stream: number, row: number, count: number) =>
  Math.floor(randomUniform(7, stream, row) * count);
const data = createParticle({
  columns: {
    x: Array.from({ length: rows }, (_, i) => pick(1, i, 1000)),
    shop: Array.from({ length: rows }, (_, i) => `s${pick(2, i, 300)}`),
    note: Array.from({ length: rows }, (_, i) =>
      i % 7 === 0 ? null : `w${pick(3, i, 20)} and w${pick(4, i, 20)}`,
    ),
    y: Array.from({ length: rows }, (_, i) => (pick(2, i, 300) % 3 === 0) === pick(5, i, 10) > 1),
  },
  roles: { y: 'label' },
  types: { note: 'text' },
});

/** Prepares over particles of a size and counts the rounds. */
async function prepared(size: number, input: Partial<PrepareInput> = {}) {
  const executor = inlineExecutor();
  const labels = new Set<string>();
  const session = await executor.open({
    ...memoryParticles(splitParticle(data, size)),
    onProgress: ({ label }) => void labels.add(label),
  });
  const result = await prepareRecipe(session, { schema: data.schema, ...input });
  await session.close();
  await executor.close();
  return { ...result, rounds: [...labels] };
}

describe('prepareRecipe', () => {
  it('plays the rounds that columns need', async () => {
    const { recipe, rounds } = await prepared(500);
    expect(rounds).toEqual(['profile', 'words', 'target statistics']);
    expect(recipe.steps.map(({ transform }) => transform)).toEqual(['number', 'target', 'text']);
    expect(recipe.folds).toEqual({ seed: 1, count: 5 });
    const names = featureNames(recipe);
    expect(names).toEqual(
      expect.arrayContaining(['mean(shop)', 'frequency(shop)', 'note~and', 'note~w3', 'note missing']),
    );
    const plain = await prepared(500, { options: { encode: { shop: 'ignore', note: 'hash' } } });
    expect(plain.rounds).toEqual(['profile']);
    expect(plain.recipe.layout).toBe('csr');
  });

  it('gives the same recipe for other cuts of the data, up to quantiles', async () => {
    const [small, large] = [await prepared(500), await prepared(3000)];
    const steps = (of: typeof small) => of.recipe.steps.slice(1);
    expect(steps(small)).toEqual(steps(large));
    expect(small.recipe.label).toEqual(large.recipe.label);
  });

  it('reads one side of a split only', async () => {
    const split = { seed: 3, fraction: 0.25, side: 'train' as const };
    const { profile, recipe } = await prepared(500, { split });
    expect(profile.rows).toBeGreaterThan(0.7 * rows);
    expect(profile.rows).toBeLessThan(0.8 * rows);
    const view = learnerView({ recipe, split }).derive(data) as CsrView;
    expect(view.rows).toBe(profile.rows);
    expect(learnerView({ recipe, split: { ...split, side: 'test' } }).derive(data).rows).toBe(
      rows - view.rows,
    );
  });
});

describe('learnerView', () => {
  it('has an id that changes with the recipe, the split and the purpose, and survives JSON', async () => {
    const { recipe } = await prepared(500);
    const { recipe: other } = await prepared(500, { options: { numeric: 'standard' } });
    const split = { seed: 1, fraction: 0.2, side: 'test' as const };
    const ids = [
      learnerView({ recipe }),
      learnerView({ recipe: other }),
      learnerView({ recipe, split }),
      learnerView({ recipe, split, purpose: 'fit' }),
      learnerView({ recipe, purpose: 'score' }),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const { options, name } = learnerViewReference({ recipe });
    const copy = JSON.parse(JSON.stringify(options)) as { recipe: typeof recipe };
    expect(name).toBe('learnerView');
    expect(learnerView(copy).id).toBe(ids[0]);
    expect(JSON.parse(JSON.stringify(recipeJson(recipe)))).toEqual(JSON.parse(JSON.stringify(recipe)));
  });
});
