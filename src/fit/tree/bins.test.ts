import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinctOf } from '../../kernel/sort.ts';
import { binColumn, numberBins as binsOfDistinct, categoryBins, type FeatureBins } from './bins.ts';

const numberBins = (values: Float32Array, most?: number) => binsOfDistinct(distinctOf(values), most);

function binsOf(bins: FeatureBins, values: readonly number[]): number[] {
  const out = new Uint8Array(values.length);
  binColumn(bins, Float32Array.from(values), out);
  return [...out];
}

describe('bins of numbers', () => {
  it('are one a value where values are few, in their order', () => {
    const bins = numberBins(Float32Array.of(3, 1, 3, 2, 1, -7));
    expect(bins.count).toBe(4);
    expect(binsOf(bins, [-7, 1, 2, 3, Number.NaN, -100, 100, 2.4])).toEqual([0, 1, 2, 3, 4, 0, 3, 2]);
  });

  it('separate neighbours that differ in the last bit, and keep zeros together', () => {
    const next = Math.fround(1 + 2 ** -23);
    const bins = numberBins(Float32Array.of(1, next, 0, -0));
    expect(binsOf(bins, [0, -0, 1, next])).toEqual([0, 0, 1, 2]);
  });

  it('hold about as many values each where values are many, and a frequent one alone', () => {
    const values = Float32Array.from({ length: 40_000 }, (_, i) => (i % 2 === 0 ? 0.5 : i / 40_000));
    const bins = numberBins(values, 64);
    expect(bins.count).toBeGreaterThan(55);
    expect(bins.count).toBeLessThanOrEqual(64);
    const counts = new Map<number, number>();
    for (const bin of binsOf(bins, [...values])) counts.set(bin, (counts.get(bin) ?? 0) + 1);
    const [alone] = binsOf(bins, [0.5]);
    expect(counts.get(alone)).toBeLessThan(20_400);
    counts.delete(alone);
    expect(Math.max(...counts.values())).toBeLessThan(2 * (20_000 / 62));
  });

  it('do not depend on the order of the sample, few values or many', () => {
    for (const kinds of [2, 8, 9, 300]) {
      const values = Float32Array.from({ length: 6000 }, (_, i) => ((i * i) % kinds) - 3.5);
      for (const most of [2, 5, 255]) {
        const bins = numberBins(values, most);
        expect(numberBins(values.toReversed(), most)).toEqual(bins);
        expect(numberBins(values.toSorted(), most)).toEqual(bins);
        const distinct = new Set(values).size;
        if (distinct <= most) expect(bins.count).toBe(distinct);
        else expect(bins.count).toBeLessThanOrEqual(most);
      }
    }
    // Three of four rows have one value: it is alone, and the others share a bin.
    const frequent = Float32Array.of(4, 4, 4, 1, 4, 4, 4, 2);
    expect(binsOf(numberBins(frequent, 2), [1, 2, 4])).toEqual([0, 0, 1]);
  });

  it('ascend with the values, whatever they are', () => {
    const value = fc.float({ noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 2, max: 20 }),
        (all, most) => {
          const bins = numberBins(Float32Array.from(all), most);
          expect(bins.count).toBeLessThanOrEqual(most);
          const sorted = [...all].sort((a, b) => a - b);
          const found = binsOf(bins, sorted);
          expect(found).toEqual([...found].sort((a, b) => a - b));
          expect(Math.max(...found)).toBeLessThan(bins.count);
        },
      ),
    );
  });

  it('of nothing are one bin', () => {
    expect(numberBins(new Float32Array(0)).count).toBe(1);
  });
});

it('bins of categories are their codes; what has none counts as missing', () => {
  expect(binsOf(categoryBins(3), [0, 1, 2, 3, -1, Number.NaN])).toEqual([0, 1, 2, 3, 3, 3]);
  expect(categoryBins(4000).count).toBe(255);
});
