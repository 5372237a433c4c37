/** Distances against SciPy and formulas by hand; the index that chance gives, against chance. */
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../random.ts';
import { chanceIndex, countsDistance, holm, jensenShannon, stabilityIndex } from './distance.ts';
import golden from './fixtures/distances.json' with { type: 'json' };

describe('distances of counts', () => {
  it.each(golden.divergences)('Jensen-Shannon divergence as SciPy has it: $reference, $against', (one) => {
    expect(jensenShannon(one.reference, one.against)).toBeCloseTo(one.js, 12);
    expect(jensenShannon(one.against, one.reference)).toBeCloseTo(one.js, 12);
  });

  it('stability index by its formula', () => {
    // Shares of (10.5, 20.5, 30.5) / 61.5 and their reverse.
    const [p, q] = [10.5 / 61.5, 30.5 / 61.5];
    expect(stabilityIndex([10, 20, 30], [30, 20, 10])).toBeCloseTo(2 * (q - p) * Math.log(q / p), 12);
    expect(stabilityIndex([3, 5], [30, 50])).toBeLessThan(0.01);
    expect(stabilityIndex([0, 0], [1, 2])).toBe(0);
    expect(stabilityIndex([100, 0], [0, 100])).toBeGreaterThan(5);
  });

  it('says how large the index is by chance: exceeded in about one of twenty', () => {
    const [n, m, places] = [500, 300, 10];
    let exceeded = 0;
    const sample = (seed: number, size: number) => {
      const counts = new Float64Array(places);
      for (let i = 0; i < size; i++) counts[Math.floor(places * randomUniform(seed, 3, i))]++;
      return counts;
    };
    for (let seed = 0; seed < 400; seed++) {
      const index = stabilityIndex(sample(2 * seed, n), sample(2 * seed + 1, m));
      if (index > chanceIndex(places, n, m)) exceeded++;
    }
    expect(exceeded / 400).toBeGreaterThan(0.02);
    expect(exceeded / 400).toBeLessThan(0.08);
    expect(chanceIndex(1, n, m)).toBe(0);
  });

  it('the greatest distance of the distribution functions', () => {
    expect(countsDistance([1, 1, 2], [2, 1, 1])).toBe(0.25);
    expect(countsDistance([4, 0], [0, 4])).toBe(1);
    expect(countsDistance([], [])).toBe(0);
  });

  it('corrects p values by Holm', () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
