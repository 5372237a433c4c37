/** Recipes for trees: what each column type becomes, and what happens to values that the fit never saw. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { particles } from '../../test/particles.ts';
import { fitted, profileOf, targetsOf } from '../../test/recipe-data.ts';
import { createParticle } from '../particle/create.ts';
import type { Particle } from '../particle/particle.ts';
import { sliceParticle } from '../particle/select.ts';
import type { DenseView } from '../particle/view.ts';
import { applyRecipe } from './apply.ts';
import { fitRecipe } from './fit.ts';
import type { RecipeOptions } from './options.ts';
import { categoricalFeatures, describeRecipe, featureNames, parseRecipe, type Recipe } from './recipe.ts';
import { LARGEST_SINGLE } from './transforms/raw.ts';

const forTrees = (particle: Particle, options: RecipeOptions = {}) =>
  fitted(particle, { ...options, for: 'trees' });

/** Features by name, a number a row. */
function columnsOf(recipe: Recipe, particle: Particle, rows?: Uint32Array): Record<string, number[]> {
  const view = applyRecipe(recipe, particle, rows).view as DenseView;
  return Object.fromEntries(
    featureNames(recipe).map((name, f) => [
      name,
      Array.from(view.values.subarray(f * view.stride, f * view.stride + view.rows)),
    ]),
  );
}

describe('numbers and booleans', () => {
  it('stay as they are, NaN where missing', () => {
    const particle = createParticle({ columns: { x: [1, null, -0.5], b: [true, null, false] } });
    const recipe = forTrees(particle);
    expect(recipe.layout).toBe('dense');
    expect(columnsOf(recipe, particle)).toEqual({ x: [1, Number.NaN, -0.5], b: [1, Number.NaN, 0] });
    expect(columnsOf(recipe, particle, Uint32Array.of(1, 2))).toEqual({
      x: [Number.NaN, -0.5],
      b: [Number.NaN, 0],
    });
    expect(categoricalFeatures(recipe)).toEqual([false, false]);
    expect(applyRecipe(recipe, particle).imputed).toEqual({});
  });

  it('are held at the largest f32', () => {
    const particle = createParticle({
      columns: { x: [1, 2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300] },
    });
    const found = columnsOf(forTrees(particle), particle);
    expect(found.x).toEqual([1, 2, LARGEST_SINGLE, -LARGEST_SINGLE, LARGEST_SINGLE]);
    expect(Math.fround(LARGEST_SINGLE)).toBe(LARGEST_SINGLE);
    const some = columnsOf(forTrees(particle), particle, Uint32Array.of(2, 4));
    expect(some.x).toEqual([LARGEST_SINGLE, LARGEST_SINGLE]);
  });

  it('are left out when constant, unless some are missing', () => {
    const particle = createParticle({ columns: { x: [1, 2], same: [3, 3], b: [true, true], m: [4, null] } });
    expect(featureNames(forTrees(particle))).toEqual(['x', 'm']);
    expect(forTrees(particle).dropped.map(({ reason }) => reason)).toEqual(['always 3', 'always true']);
  });
});

describe('categories', () => {
  const types = { c: 'category' } as const;

  it('are codes by falling frequency, equal counts in code-point order', () => {
    const particle = createParticle({ columns: { c: ['z', 'b', 'a', null, 'z'] }, types });
    const recipe = forTrees(particle);
    expect(columnsOf(recipe, particle).c).toEqual([0, 2, 1, Number.NaN, 0]);
    expect(categoricalFeatures(recipe)).toEqual([true]);
    const probe = createParticle({ columns: { c: ['new', 'a'] }, types });
    expect(columnsOf(recipe, probe).c).toEqual([Number.NaN, 1]);
    expect(applyRecipe(recipe, probe).unknown).toEqual({ c: 1 });
  });

  it('past the 254th share the code of "other", as do levels never seen', () => {
    const values = Array.from({ length: 1200 }, (_, i) => `l${String(i % 300).padStart(3, '0')}`);
    const particle = createParticle({ columns: { c: values }, types });
    const recipe = forTrees(particle, { encode: { c: 'codes' } });
    const { c } = columnsOf(recipe, particle);
    expect(c.slice(0, 255)).toEqual(Array.from({ length: 255 }, (_, i) => i));
    expect(new Set(c.slice(254, 300))).toEqual(new Set([254]));
    expect(columnsOf(recipe, createParticle({ columns: { c: ['new'] }, types })).c).toEqual([254]);
    expect(describeRecipe(recipe)[0]).toContain('46 rarer → other');
  });

  it('of more levels are encoded by target where there is a label', () => {
    const shop = Array.from({ length: 2000 }, (_, i) => `s${(i * 7) % 300}`);
    const y = shop.map((name) => Number(name.slice(1)) % 2 === 0);
    const particle = createParticle({ columns: { shop, y }, roles: { y: 'label' } });
    const recipe = fitRecipe({
      schema: particle.schema,
      profile: profileOf([particle]),
      targets: targetsOf([particle], 'shop'),
      options: { for: 'trees' },
    });
    expect(featureNames(recipe).slice(0, 2)).toEqual(['mean(shop)', 'frequency(shop)']);
    expect(categoricalFeatures(recipe).some((is) => is)).toBe(false);
    expect(recipe.folds).toEqual({ seed: 1, count: 5 });
    const unlabelled = createParticle({ columns: { shop } });
    expect(forTrees(unlabelled).steps.map(({ transform }) => transform)).toEqual(['codes']);
  });

  it('that name rows are left out', () => {
    const id = Array.from({ length: 100 }, (_, i) => `id${i}`);
    const particle = createParticle({ columns: { id, x: id.map((_, i) => i) }, types: { id: 'category' } });
    expect(forTrees(particle).dropped[0].reason).toContain('almost every value is different');
    expect(featureNames(forTrees(particle, { encode: { id: 'codes' } }))).toEqual(['id', 'x']);
  });
});

describe('other columns', () => {
  it('timestamps: years since the first, calendar parts as numbers', () => {
    const days = ['2024-01-01T05:00Z', '2024-03-05T00:00Z', '2025-01-01T05:00Z'].map((day) => new Date(day));
    const particle = createParticle({ columns: { at: [...days, null] }, types: { at: 'timestamp' } });
    const recipe = forTrees(particle);
    const found = columnsOf(recipe, particle);
    expect(Object.keys(found)).toEqual(['at years', 'at month', 'at weekday', 'at hour']);
    expect(found['at years'][0]).toBe(0);
    expect(found['at years'][2]).toBeCloseTo(366 / 365.2425, 6);
    expect(found['at month']).toEqual([0, 2, 0, Number.NaN]);
    expect(found['at weekday']).toEqual([0, 1, 2, Number.NaN]);
    expect(found['at hour']).toEqual([5, 0, 5, Number.NaN]);
  });

  it('timestamps of rows in order of time: calendar parts without a trend', () => {
    const days = Array.from({ length: 800 }, (_, i) => new Date(Date.UTC(2024, 0, 1) + i * 90_000_000));
    const particle = createParticle({
      columns: { at: days, x: days.map((_, i) => i) },
      roles: { at: 'time' },
    });
    const recipe = forTrees(particle, { calendarFromTime: true });
    expect(featureNames(recipe)).toEqual(['at month', 'at weekday', 'at hour', 'x']);
    const found = columnsOf(recipe, particle);
    for (const row of [0, 25, 799]) {
      const day = days[row];
      expect(found['at month'][row]).toBe(day.getUTCMonth());
      expect(found['at weekday'][row]).toBe((day.getUTCDay() + 6) % 7);
      expect(found['at hour'][row]).toBe(day.getUTCHours());
    }
    expect(featureNames(forTrees(particle, { encode: { at: 'raw' } }))[0]).toBe('at years');
    expect(featureNames(forTrees(particle))).toEqual(['x']);
  });

  it('texts: no more words than dense columns can hold', () => {
    const words = Array.from({ length: 600 }, (_, i) => `w${i}`);
    const particle = createParticle({ columns: { t: ['w1 w2', 'w1 w3'] }, types: { t: 'text' } });
    const recipe = fitRecipe({
      schema: particle.schema,
      profile: profileOf([particle]),
      words: { t: { texts: 1000, words, counts: words.map(() => 9) } },
      options: { for: 'trees' },
    });
    expect(recipe.width).toBe(512);
    expect(forTrees(particle, { encode: { t: 'hash' } }).width).toBe(256);
  });

  it('sparse features as they are, if not too many', () => {
    const sparse = (width: number): Particle => ({
      schema: { fields: [{ name: 'm', type: 'sparse', role: 'feature', width }] },
      rows: 2,
      columns: [
        {
          type: 'sparse',
          starts: Uint32Array.of(0, 1, 2),
          indices: Uint32Array.of(0, 2),
          values: Float32Array.of(500, 4),
          width,
        },
      ],
    });
    expect(columnsOf(forTrees(sparse(3)), sparse(3))).toEqual({
      'm[0]': [500, 0],
      'm[1]': [0, 0],
      'm[2]': [0, 4],
    });
    expect(() => forTrees(sparse(2000))).toThrow(/2000 sparse features are more than the 1024/);
  });

  it('are refused by linear models, which cannot read NaN', () => {
    const particle = createParticle({ columns: { x: [1, 2, null] } });
    expect(() => fitted(particle, { encode: { x: 'raw' } })).toThrow(
      /cannot be encoded as "raw": choose among auto, standard, log, basis, ignore/,
    );
    expect(featureNames(forTrees(particle, { encode: { x: 'standard' } }))).toEqual(['x', 'x missing']);
  });

  it('are never sparse rows', () => {
    expect(() => forTrees(createParticle({ columns: { x: [1, 2] } }), { layout: 'csr' })).toThrow(/dense/);
  });
});

it('any particle: no infinity, parts have the parts of the view, JSON keeps the recipe', () => {
  let fits = 0;
  const property = fc.property(particles({ maxRows: 60 }), fc.nat(60), (particle, cut) => {
    let recipe: Recipe;
    try {
      recipe = forTrees(particle, { hashBits: 4 });
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-data' });
      return;
    }
    fits++;
    const copy = parseRecipe(JSON.parse(JSON.stringify(recipe)));
    const whole = columnsOf(recipe, particle);
    expect(columnsOf(copy, particle)).toEqual(whole);
    expect(
      Object.values(whole)
        .flat()
        .every((x) => Math.abs(x) <= LARGEST_SINGLE || Number.isNaN(x)),
    ).toBe(true);
    expect(categoricalFeatures(recipe)).toHaveLength(recipe.width);
    const at = Math.min(cut, particle.rows);
    const parts = [sliceParticle(particle, 0, at), sliceParticle(particle, at, particle.rows)];
    const [before, after] = parts.map((part) => columnsOf(recipe, part));
    for (const name of featureNames(recipe)) expect([...before[name], ...after[name]]).toEqual(whole[name]);
  });
  fc.assert(property, { numRuns: 200 });
  expect(fits).toBeGreaterThan(80);
});
