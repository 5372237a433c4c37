import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createParticle } from './create.ts';
import { columnStatistics } from './statistics.ts';

const statistics = (values: (number | null)[]) =>
  columnStatistics(createParticle({ columns: { values } }).columns[0], values.length);

describe('statistics of a column', () => {
  test('agree with their definitions, with and without missing rows', () => {
    const value = fc.option(
      fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
      { freq: 10 },
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 50 }), fc.integer({ min: 1, max: 60 }), (cycle, times) => {
        const values = new Array(times).fill(cycle).flat();
        const present = values.filter((n): n is number => n !== null);
        const result = statistics(values);
        expect([result.rows, result.missing]).toEqual([values.length, values.length - present.length]);
        if (present.length === 0) {
          expect([result.min, result.mean]).toEqual([undefined, undefined]);
          return;
        }
        const mean = present.reduce((sum, n) => sum + n, 0) / present.length;
        expect([result.min, result.max]).toEqual([Math.min(...present) + 0, Math.max(...present) + 0]);
        expect(result.mean).toBeCloseTo(mean, 9);
        expect(result.m2).toBeCloseTo(
          present.reduce((sum, n) => sum + (n - mean) ** 2, 0),
          4,
        );
      }),
    );
  });

  test('infinities are counted and left out; sums that overflow leave mean and m2 out', () => {
    expect(statistics([1, Number.POSITIVE_INFINITY, 3, Number.NEGATIVE_INFINITY])).toEqual({
      rows: 4,
      missing: 0,
      infinite: 2,
      min: 1,
      max: 3,
      mean: 2,
      m2: 2,
    });
    expect(statistics([1e308, 1e308, 1e308])).toEqual({ rows: 3, missing: 0, min: 1e308, max: 1e308 });
  });

  test('a large mean does not spoil m2', () => {
    const values = Float64Array.from({ length: 10_000 }, (_, row) => 1e9 + (row % 2));
    expect(statistics([...values]).m2).toBeCloseTo(2500, 3);
  });
});
