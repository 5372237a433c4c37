import { describe, expect, it } from 'vitest';
import { fitted, rowsOf } from '../../../test/recipe-data.ts';
import { createParticle } from '../../particle/create.ts';
import { randomUniform } from '../../random.ts';
import { applyRecipe } from '../apply.ts';
import type { RecipeOptions } from '../options.ts';
import { describeRecipe, featureNames } from '../recipe.ts';

/** Bytes of `length` values from 0 to `below` - 1. */
function noise(row: number, length: number, below: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(randomUniform(3, row, i) * below));
}

const blobs = Array.from({ length: 200 }, (_, row) =>
  row % 5 === 0 ? null : noise(row, 20 + row, row % 2 === 0 ? 64 : 256),
);
const data = createParticle({ columns: { blob: blobs } });

function features(options: RecipeOptions = {}) {
  const recipe = fitted(data, options);
  return { recipe, rows: rowsOf(applyRecipe(recipe, data).view, featureNames(recipe)) };
}

describe('binary columns', () => {
  it('give length, entropy and byte frequencies, standardised', () => {
    const { recipe, rows } = features();
    expect(recipe.width).toBe(35);
    expect(describeRecipe(recipe)[0]).toBe(
      'blob: length, entropy and byte frequencies, standardised; 40 missing → marked (35 features)',
    );
    const present = rows.filter((_, row) => row % 5 !== 0);
    for (const name of ['blob log length', 'blob entropy', 'blob bytes 00–07']) {
      const values = present.map((row) => row[name] ?? 0);
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const square = values.reduce((sum, x) => sum + x * x, 0) / (values.length - 1);
      expect(mean).toBeCloseTo(0, 5);
      expect(square).toBeCloseTo(1, 5);
    }
    // Values below 64 have less entropy than all bytes, and none of the upper ranges.
    expect(rows[2]['blob entropy']).toBeLessThan(rows[1]['blob entropy']);
    expect(rows[2]['blob bytes f8–ff']).toBeLessThan(0);
  });

  it('mark a missing value and leave the rest at the mean', () => {
    expect(features().rows[0]).toEqual({ 'blob missing': 1 });
    expect(applyRecipe(features().recipe, data).imputed).toEqual({ blob: 40 });
  });

  it('keep what most values lack at 0 in CSR', () => {
    const rare = Array.from({ length: 100 }, (_, row) => Uint8Array.of(row % 4, row === 9 ? 255 : 1));
    const particle = createParticle({ columns: { blob: rare } });
    const recipe = fitted(particle, { layout: 'csr' });
    const rows = rowsOf(applyRecipe(recipe, particle).view, featureNames(recipe));
    expect(rows.filter((row) => row['blob bytes f8–ff'] !== undefined)).toHaveLength(1);
  });

  it('are held inside ten standard deviations', () => {
    const recipe = fitted(data);
    const far = createParticle({ columns: { blob: [new Uint8Array(1e6).fill(255), new Uint8Array(0)] } });
    const { view } = applyRecipe(recipe, far);
    expect(view.values.every((x) => Math.abs(x) <= 10)).toBe(true);
  });

  it('can be asked for or left out by name, and refuse other encodings', () => {
    expect(fitted(data, { encode: { blob: 'bytes' } }).width).toBe(35);
    expect(() => fitted(data, { encode: { blob: 'onehot' } })).toThrow(/choose among auto, bytes, ignore/);
    const alike = createParticle({
      columns: { x: [1, 2], blob: [Uint8Array.of(1, 9), Uint8Array.of(9, 1)] },
    });
    expect(fitted(alike).dropped).toEqual([
      { column: 'blob', reason: 'its values do not differ in length, entropy or byte frequencies' },
    ]);
  });

  it('with values in one row only, or none', () => {
    const one = createParticle({ columns: { x: [1, 2], blob: [Uint8Array.of(1), null] } });
    expect(featureNames(fitted(one))).toEqual(['x', 'blob missing']);
    const none = createParticle({ columns: { x: [1, 2], blob: [null, null] }, types: { blob: 'binary' } });
    expect(fitted(none).dropped).toEqual([{ column: 'blob', reason: 'no value is present' }]);
  });
});
