/** The test of Kolmogorov and Smirnov against SciPy (scripts/goldens/drift.py), and against counting. */
import { expect, it } from 'vitest';
import golden from './fixtures/distances.json' with { type: 'json' };
import { equalSizesDistance, ksDistance, ksProbability } from './kolmogorov.ts';

it.each(golden.ks.exact)('is exact for small samples: statistic $statistic, p $p', ({
  a,
  b,
  statistic,
  p,
}) => {
  const distance = ksDistance(Float64Array.from(a), Float64Array.from(b));
  expect(distance).toBeCloseTo(statistic, 12);
  expect(ksProbability(distance, a.length, b.length)).toBeCloseTo(p, 9);
});

// SciPy takes the distribution of one sample of n m / (n + m) values; the correction of Stephens comes within 3 % of it.
it.each(golden.ks.large)('is near for large ones: $a and $b at $statistic, p $p', ({
  a,
  b,
  statistic,
  p,
}) => {
  expect(Math.abs(ksProbability(statistic, a, b) / p - 1)).toBeLessThan(0.03);
});

it('gives the least distance that is rare enough', () => {
  for (const n of [10, 30, 100]) {
    for (const alpha of [0.1, 0.005, 0.0001]) {
      const least = Math.round((equalSizesDistance(n, alpha) + 1e-12) * n) / n;
      expect(ksProbability(least, n, n)).toBeLessThanOrEqual(alpha);
      expect(ksProbability(least - 1 / n, n, n)).toBeGreaterThan(alpha);
    }
  }
  expect(equalSizesDistance(3, 1e-9)).toBeGreaterThan(1);
});

it('says 1 of no distance and of no values', () => {
  expect(ksDistance(Float64Array.of(1, 1, 2), Float64Array.of(1, 1, 2))).toBe(0);
  expect(ksProbability(0, 5, 5)).toBe(1);
  expect(ksProbability(0.5, 0, 5)).toBe(1);
  expect(ksProbability(1e-5, 1e6, 1e6)).toBeCloseTo(1, 9);
});
