import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { booleanColumn, numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { addMoments, emptyMoments, mergeMoments, moments, readMoments } from './moments.ts';
import { partial } from './summary.ts';

const of = (values: readonly number[]) => {
  const state = emptyMoments();
  addMoments(state, Float64Array.from(values), values.length);
  return state;
};

/** Mean, and central sums about it, in two passes over all values. */
function direct(values: readonly number[]) {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value / n, 0);
  const power = (p: number) => values.reduce((sum, value) => sum + (value - mean) ** p, 0);
  return { n, mean, m2: power(2), m3: power(3), m4: power(4) };
}

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('moments', () => {
  it('keeps the laws', () => {
    expect(() => lawful(moments({ columns: ['b', 'd', 'y'] }), 1e-7)).not.toThrow();
  });

  it('merges [1, 2, 3] and [100] to a sample variance of 2401.67', () => {
    const state = of([1, 2, 3]);
    mergeMoments(state, of([100]));
    const { n, mean, variance } = readMoments(state);
    expect(n).toBe(4);
    expect(mean).toBe(26.5);
    expect(variance).toBeCloseTo(7205 / 3, 10);
  });

  it('has no variance for one value, and no mean for none', () => {
    expect(readMoments(of([5]))).toEqual({
      n: 1,
      mean: 5,
      variance: null,
      std: null,
      skewness: null,
      kurtosis: null,
    });
    expect(readMoments(emptyMoments()).mean).toBeNull();
  });

  it('agrees with two passes, however the values are cut', () => {
    fc.assert(
      fc.property(numbers, fc.array(fc.nat(40), { maxLength: 4 }), (values, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (values.length + 1)), values.length].sort(
          (a, b) => a - b,
        );
        const state = emptyMoments();
        for (const [i, place] of places.slice(1).entries())
          mergeMoments(state, of(values.slice(places[i], place)));
        const want = direct(values);
        const scale = Math.max(...values.map(Math.abs), 1e-300);
        for (const [p, part] of [
          [1, 'mean'],
          [2, 'm2'],
          [3, 'm3'],
          [4, 'm4'],
        ] as const) {
          const tolerance = 1e-12 * values.length * scale ** p + Number.MIN_VALUE;
          expect(Math.abs(state[part] - want[part])).toBeLessThanOrEqual(tolerance);
        }
      }),
    );
  });

  it('keeps its digits beside a mean of 10^9', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => 1e9 + (i % 10) / 8);
    expect(readMoments(of(values)).variance).toBeCloseTo(0.128912695, 7);
    const p = particleOf({ x: numberColumn(values) });
    expect(moments().read(partial(moments(), p)).x.variance).toBeCloseTo(0.128912695, 7);
  });

  it('sees no variance at all in a constant', () => {
    const p = particleOf({ x: numberColumn(new Array<number>(10_001).fill(0.1)) });
    expect(moments().read(partial(moments(), p)).x).toMatchObject({ mean: 0.1, variance: 0, skewness: null });
  });

  it('reads skewness and kurtosis as SciPy does', () => {
    // scipy.stats.skew([1, 2, 3, 10]), kurtosis([1, 2, 3, 10])
    const { skewness, kurtosis } = readMoments(of([1, 2, 3, 10]));
    expect(skewness).toBeCloseTo(1.0182337649086284, 12);
    expect(kurtosis).toBeCloseTo(-0.7696, 12);
  });

  it('leaves out missing and infinite values, and takes booleans as 0 and 1', () => {
    const p = particleOf({
      x: numberColumn([1, null, Number.POSITIVE_INFINITY, 3]),
      b: booleanColumn([true, null, false, true]),
    });
    const { x, b } = moments().read(partial(moments(), p));
    expect(x).toMatchObject({ n: 2, mean: 2, variance: 2 });
    expect(b.n).toBe(3);
    expect(b.mean).toBeCloseTo(2 / 3, 15);
  });

  it('survives the greatest floats', () => {
    const { mean, variance } = readMoments(of([1.7e308, 1.7e308, -1.7e308]));
    expect(mean === null || Number.isFinite(mean)).toBe(true);
    expect(variance).toBeNull();
  });
});
