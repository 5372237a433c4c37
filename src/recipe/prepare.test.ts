import { describe, expect, it } from 'vitest';
import { createParticle } from '../particle/create.ts';
import { splitParticle } from '../particle/split.ts';
import type { CsrView } from '../particle/view.ts';
import { randomUniform } from '../random.ts';
import { inlineExecutor } from '../run/inline.ts';
import { memoryParticles } from '../run/memory-source.ts';
import { type PrepareInput, prepareRecipe } from './prepare.ts';
import { featureNames, parseRecipe, recipeJson } from './recipe.ts';
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

  it('cuts texts as asked, the same for other cuts of the data and from JSON', async () => {
    const options = { encode: { x: 'ignore', shop: 'ignore' }, textNgrams: 3, textCharacters: 4 } as const;
    const { recipe } = await prepared(500, { options });
    expect(featureNames(recipe)).toEqual(
      expect.arrayContaining(['note~and', 'note~w3 and', 'note~*^an', 'note~*and$']),
    );
    expect(featureNames(recipe).some((name) => /~w\d+ and w\d+$/.test(name))).toBe(true);
    expect((await prepared(3000, { options })).recipe.steps).toEqual(recipe.steps);
    const again = parseRecipe(JSON.parse(JSON.stringify(recipe)));
    expect(learnerView({ recipe: again }).derive(data)).toEqual(learnerView({ recipe }).derive(data));
    const plain = await prepared(500, { options: { ...options, textNgrams: 1, textTfidf: false } });
    expect(plain.recipe.steps[0]).not.toHaveProperty('idf');
    expect(plain.recipe.steps[0].why).not.toMatch(/rarity/);
  });

  it('finds words of Chinese by the segmenter where asked, else characters and their pairs', async () => {
    const good = ['我喜欢这个手机', '这个手机很好用', '很喜欢，下次再买', '手机很好，喜欢'];
    const bad = ['不喜欢这个手机', '这个手机很差', '质量很差，不会再买', '手机很差，退货'];
    const texts = [...good, ...bad];
    const particle = createParticle({
      columns: { note: texts, y: texts.map((_, i) => i < good.length) },
      roles: { y: 'label' },
      types: { note: 'text' },
    });
    const names = async (options: PrepareInput['options']) => {
      const executor = inlineExecutor();
      const session = await executor.open(memoryParticles([particle]));
      const { recipe } = await prepareRecipe(session, { schema: particle.schema, options });
      await session.close();
      await executor.close();
      return { recipe, names: featureNames(recipe) };
    };
    const segmented = await names({ textSegmenter: true });
    expect(segmented.names).toEqual(expect.arrayContaining(['note~喜欢', 'note~手机', 'note~很']));
    expect(segmented.recipe.steps[0]).toMatchObject({ segmenter: process.versions.icu });
    const characters = await names({ textNgrams: 2 });
    expect(characters.names).toEqual(expect.arrayContaining(['note~喜', 'note~喜 欢', 'note~很 差']));
    expect(characters.recipe.steps[0]).not.toHaveProperty('segmenter');
  });
});
