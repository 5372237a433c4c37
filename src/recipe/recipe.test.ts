import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { particles } from '../../test/particles.ts';
import { adult, fitted, rowOf, rowsOf } from '../../test/recipe-data.ts';
import { createParticle } from '../particle/create.ts';
import type { Particle } from '../particle/particle.ts';
import { sliceParticle } from '../particle/select.ts';
import { applyRecipe } from './apply.ts';
import type { RecipeOptions } from './options.ts';
import { describeRecipe, featureColumns, featureNames, parseRecipe } from './recipe.ts';
import type { Step } from './transform.ts';

/** The features of every row of a particle under a recipe fitted on it. */
function features(particle: Particle, options: RecipeOptions = {}) {
  const recipe = fitted(particle, options);
  return rowsOf(applyRecipe(recipe, particle).view, featureNames(recipe));
}

/** A sparse column of two rows: one entry in the first, the others in the second. */
function sparseOf(width: number, indices: number[], values = indices.map(() => 2)): Particle {
  return {
    schema: { fields: [{ name: 'm', type: 'sparse', role: 'feature', width }] },
    rows: 2,
    columns: [
      {
        type: 'sparse',
        starts: Uint32Array.of(0, 1, indices.length),
        indices: Uint32Array.from(indices),
        values: Float32Array.from(values),
        width,
      },
    ],
  };
}

describe('any particle', () => {
  const withRows = particles({ maxRows: 60 }).filter(({ rows }) => rows > 1);

  const layouts = ['dense', 'csr'] as const;

  it('has a finite view; parts have the parts of it; both layouts say the same; JSON keeps the recipe', () => {
    let fits = 0;
    const property = fc.property(withRows, fc.nat(60), (particle, cut) => {
      let recipes: ReturnType<typeof fitted>[];
      try {
        recipes = layouts.map((layout) => fitted(particle, { layout, hashBits: 4, minCount: 1 }));
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-data' });
        return;
      }
      fits++;
      for (const recipe of recipes) {
        const names = featureNames(recipe);
        const copy = parseRecipe(JSON.parse(JSON.stringify(recipe)));
        const whole = applyRecipe(recipe, particle);
        expect(whole.view.values.every((x) => Math.abs(x) <= 1e9)).toBe(true);
        expect(applyRecipe(copy, particle).view).toEqual(whole.view);
        expect(names).toHaveLength(recipe.width);
        expect(new Set(names).size).toBe(recipe.width);
        expect(featureColumns(recipe)).toHaveLength(recipe.width);
        const at = Math.min(cut, particle.rows);
        const parts = [sliceParticle(particle, 0, at), sliceParticle(particle, at, particle.rows)];
        const apart = parts.map((part) => applyRecipe(recipe, part));
        const rows = rowsOf(whole.view, names);
        expect(apart.flatMap(({ view }) => rowsOf(view, names))).toEqual(rows);
        const second = Uint32Array.from({ length: particle.rows >> 1 }, (_, i) => 2 * i + 1);
        const some = applyRecipe(recipe, particle, second).view;
        expect(rowsOf(some, names)).toEqual([...second].map((row) => rows[row]));
      }
    });
    fc.assert(property, { numRuns: 200 });
    expect(fits).toBeGreaterThan(100);
  });
});

describe('columns', () => {
  it('numbers: imputed, marked and standardised', () => {
    const particle = createParticle({ columns: { x: [1, null, 3, 5] } });
    const rows = features(particle, { numeric: 'standard' });
    expect(rows[1]).toEqual({ 'x missing': 1 });
    expect(rows.map((row) => row.x ?? 0)).toEqual([-1, 0, 0, 1]);
  });

  it('numbers: hinges at quantiles bend a line', () => {
    const x = Array.from({ length: 100 }, (_, i) => 10 * i);
    const recipe = fitted(createParticle({ columns: { x } }), { knots: 3 });
    const names = featureNames(recipe);
    expect(names).toEqual(['x', 'x>250', 'x>500', 'x>750']);
    const probe = createParticle({ columns: { x: [100, 200, 600, 700] } });
    const rows = rowsOf(applyRecipe(recipe, probe).view, names);
    const rise = (name: string, from: number) => rows[from + 1][name] - rows[from][name];
    expect(rise('x', 0)).toBeCloseTo(rise('x', 2), 6);
    expect([rise('x>250', 0), rise('x>500', 0), rise('x>750', 2)]).toEqual([0, 0, 0]);
    expect(rise('x>250', 2)).toBeGreaterThan(0);
    expect(rise('x>500', 2)).toBeGreaterThan(0);
  });

  it('numbers: few whole ones bend at each of them, if the rows and the budget allow it', () => {
    const hours = createParticle({ columns: { x: Array.from({ length: 1000 }, (_, i) => i % 24) } });
    expect(featureNames(fitted(hours))).toEqual(['x', ...Array.from({ length: 22 }, (_, i) => `x>${i + 1}`)]);
    expect(fitted(hours, { knots: 5 }).width).toBe(6);
    expect(fitted(hours, { basisBudget: 10 }).width).toBe(7);
    const fewRows = createParticle({ columns: { x: Array.from({ length: 300 }, (_, i) => i % 24) } });
    expect(fitted(fewRows).width).toBe(7);
    const halves = createParticle({ columns: { x: Array.from({ length: 1000 }, (_, i) => (i % 24) / 2) } });
    expect(fitted(halves).width).toBe(7);
  });

  it('numbers: a counter of rows gets no hinges unless asked', () => {
    const particle = createParticle({ columns: { x: Array.from({ length: 200 }, (_, i) => i + 1) } });
    expect(fitted(particle).width).toBe(1);
    expect(fitted(particle, { numeric: 'basis' }).width).toBe(7);
  });

  it('numbers: a heavy tail is taken the log of, a spike stands for itself', () => {
    const gains = Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 4 ** (i / 100) * 100 : 0));
    const recipe = fitted(createParticle({ columns: { gains } }));
    expect(featureNames(recipe)).toContain('gains=0');
    expect(featureNames(recipe)[0]).toBe('log(gains)');
    expect(describeRecipe(recipe)[0]).toContain('log of a heavy tail');
  });

  it('numbers: what lies far out is held at the bounds, infinities too', () => {
    const x = Array.from({ length: 1000 }, (_, i) => (i === 999 ? 1e9 : i % 100));
    const recipe = fitted(createParticle({ columns: { x } }), { numeric: 'standard' });
    const probe = createParticle({
      columns: { x: [1e9, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] },
    });
    const [far, infinite, low] = rowsOf(applyRecipe(recipe, probe).view, featureNames(recipe));
    expect(far.x).toBe(infinite.x);
    expect(far.x).toBeLessThan(12);
    expect(low.x).toBeGreaterThan(-100);
  });

  it('booleans: 0 and 1, the share of ones where missing', () => {
    const rows = features(createParticle({ columns: { b: [true, false, null, true] } }));
    expect(rows).toEqual([{ b: 1 }, {}, { b: Math.fround(2 / 3), 'b missing': 1 }, { b: 1 }]);
  });

  it('categories: levels, rare and unknown ones together, missing ones apart', () => {
    const c = [...Array(60).fill('a'), ...Array(60).fill('b'), 'rare', 'scarce', null];
    const recipe = fitted(createParticle({ columns: { c } }), { minCount: 5 });
    const probe = createParticle({ columns: { c: ['b', 'rare', 'never', null] } });
    const { view, unknown, imputed } = applyRecipe(recipe, probe);
    expect(rowsOf(view, featureNames(recipe))).toEqual([
      { 'c=b': 1 },
      { 'c other': 1 },
      { 'c other': 1 },
      { 'c missing': 1 },
    ]);
    expect({ unknown, imputed }).toEqual({ unknown: { c: 2 }, imputed: { c: 1 } });
  });

  it('categories: ordinal and hashed', () => {
    const particle = createParticle({ columns: { c: ['b', 'a', 'c', 'b'] } });
    const [b, a, c] = features(particle, { encode: { c: 'ordinal' } }).map((row) => row['rank(c)'] ?? 0);
    expect(a).toBeLessThan(b);
    expect(b).toBeLessThan(c);
    const hashed = fitted(particle, { encode: { c: 'hash' }, hashBits: 5 });
    expect(hashed.width).toBe(32);
    expect(
      rowsOf(applyRecipe(hashed, particle).view, featureNames(hashed)).map((row) => Object.keys(row).length),
    ).toEqual([1, 1, 1, 1]);
  });

  it('timestamps: calendar parts as far as the data spans them', () => {
    const t = Array.from({ length: 800 }, (_, i) => new Date(Date.UTC(2020, 0, 1) + i * 86_400_000));
    const recipe = fitted(createParticle({ columns: { t } }));
    const probe = createParticle({ columns: { t: [new Date('2020-02-29T00:00:00Z')] } });
    const row = rowOf(applyRecipe(recipe, probe).view, featureNames(recipe), 0);
    expect(row).toMatchObject({ 't month=Feb': 1, 't weekday=Sat': 1 });
    expect(recipe.width).toBe(1 + 12 + 7);
    const hours = t.map((day, i) => new Date(day.getTime() + i * 3_600_000));
    expect(fitted(createParticle({ columns: { t: hours } })).width).toBe(1 + 12 + 7 + 24);
  });

  it('timestamps without a trend: every hour, weekday and month has one feature', () => {
    const t = Array.from({ length: 800 }, (_, i) => new Date(Date.UTC(2020, 0, 1) + i * 90_000_000));
    const recipe = fitted(createParticle({ columns: { t } }), { encode: { t: 'cyclic' } });
    expect(recipe.width).toBe(12 + 7 + 24);
    const probe = createParticle({
      columns: { t: [new Date('2021-12-31T23:59:59Z'), new Date('2022-01-01T00:00Z')] },
    });
    const of = (row: number) => rowOf(applyRecipe(recipe, probe).view, featureNames(recipe), row);
    expect(of(0)).toEqual({ 't month=Dec': 1, 't weekday=Fri': 1, 't hour=23': 1 });
    expect(of(1)).toEqual({ 't month=Jan': 1, 't weekday=Sat': 1, 't hour=0': 1 });
  });

  it('text: hashed without word counts, each row of length 4, of older steps 2', () => {
    const particle = createParticle({ columns: { s: ['a b b', 'c', '', null] }, types: { s: 'text' } });
    const recipe = fitted(particle, { layout: 'csr' });
    const { view } = applyRecipe(recipe, particle);
    const squaresOf = (rows: readonly Record<string, number>[]) =>
      rows.map((row) => Object.values(row).reduce((sum, x) => sum + x * x, 0));
    const squares = squaresOf(rowsOf(view, featureNames(recipe)));
    expect(squares[0]).toBeCloseTo(16, 5);
    expect(squares.slice(1)).toEqual([16, 0, 1]);
    const { length: _, ...step } = recipe.steps[0] as Step & { length?: number };
    const older = parseRecipe({ ...recipe, steps: [step] });
    const short = squaresOf(rowsOf(applyRecipe(older, particle).view, featureNames(older)));
    expect(short.slice(1)).toEqual([4, 0, 1]);
  });

  it('sparse: passes through, features past the fit counted', () => {
    const recipe = fitted(sparseOf(4, [1, 0, 3]));
    const { view, unknown } = applyRecipe(recipe, sparseOf(9, [1, 0, 8]));
    expect(rowsOf(view, featureNames(recipe))).toEqual([{ 'm[1]': 2 }, { 'm[0]': 2 }]);
    expect(unknown).toEqual({ m: 1 });
  });

  it('sparse: features of large values are divided by their largest', () => {
    const recipe = fitted(sparseOf(2, [0, 1, 1], [500, 1, 4]));
    const { view } = applyRecipe(recipe, sparseOf(2, [1, 0, 1], [2, 250, 8]));
    expect(rowsOf(view, featureNames(recipe))).toEqual([{ 'm[1]': 0.5 }, { 'm[0]': 0.5, 'm[1]': 2 }]);
  });

  it('names what cannot be: a column, an encoding, an option', () => {
    const particle = createParticle({ columns: { x: [1, 2], c: ['a', 'b'] } });
    expect(() => fitted(particle, { encode: { y: 'ignore' } })).toThrow(
      /"y", which is no column; the columns are: x, c/,
    );
    expect(() => fitted(particle, { encode: { x: 'onehot' } })).toThrow(
      /"x" is of type number.*choose among auto, standard/,
    );
    expect(() => fitted(particle, { knots: 0 })).toThrow(/knots/);
    expect(() => applyRecipe(fitted(particle), createParticle({ columns: { x: [1] } }))).toThrow(
      /Column "c"/,
    );
    expect(() => applyRecipe(fitted(particle), createParticle({ columns: { x: ['1'], c: ['a'] } }))).toThrow(
      /--types x=number/,
    );
  });

  it('says which columns are dropped and why', () => {
    const particle = createParticle({
      columns: { x: [1, 2], same: ['a', 'a'], id: [7, 8] },
      roles: { id: 'key' },
    });
    const recipe = fitted(particle);
    expect(recipe.dropped).toEqual([{ column: 'same', reason: 'always "a"' }]);
    expect(() => fitted(createParticle({ columns: { same: [1, 1] } }))).toThrow(/No column gives a feature/);
  });

  it('refuses a newer recipe and a wrong one', () => {
    const recipe = fitted(createParticle({ columns: { x: [1, 2] } }));
    expect(() => parseRecipe({ ...recipe, version: 2 })).toThrow(/format version 2/);
    expect(() => parseRecipe({ ...recipe, width: 99 })).toThrow(/it says 99/);
    expect(() => parseRecipe({ ...recipe, steps: [{ ...recipe.steps[0], centre: 'a' }] })).toThrow(
      /step of column "x"/,
    );
    expect(() => parseRecipe(null)).toThrow(/Not a recipe/);
  });
});

const train = adult('adult.data');

describe.skipIf(train === undefined)('Adult census income (shared data, SORA_DATA)', () => {
  it('is fitted and applied with no option', () => {
    const recipe = fitted(train!);
    expect(recipe).toMatchObject({ layout: 'dense', label: { kind: 'binary', classes: ['<=50K', '>50K'] } });
    const names = featureNames(recipe);
    expect(names).toEqual(
      expect.arrayContaining(['age', 'capital_gain=0', 'workclass=Private', 'workclass missing']),
    );
    expect(names.filter((name) => /^age>\d+$/.test(name))).toHaveLength(6);
    expect(recipe.width).toBeLessThan(200);
    const { view, leftOut, imputed } = applyRecipe(recipe, train!, undefined, 'fit');
    expect(view.rows).toBe(32_561);
    expect(leftOut.label).toBe(0);
    expect(imputed).toEqual({ workclass: 1836, occupation: 1843, native_country: 583 });
    expect(view.labels.reduce((sum, y) => sum + y, 0)).toBe(7841);
  });

  it('applies to the test file, whose one unknown country is counted', () => {
    const recipe = fitted(train!);
    const { view, unknown } = applyRecipe(recipe, adult('adult.test')!, undefined, 'score');
    expect(view.rows).toBe(16_281);
    expect(Object.keys(unknown).length).toBeLessThanOrEqual(1);
  });
});
