import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ParticleRef } from '../particle/particle.ts';
import { mix32 } from '../random.ts';
import { holdOut, kFolds } from './split.ts';

function refs(rows: readonly number[]): ParticleRef[] {
  return rows.map((count, index) => ({
    hash: mix32(index + 1)
      .toString(16)
      .padStart(8, '0')
      .repeat(8),
    rows: count,
    bytes: count,
    sha256: '',
  }));
}

describe('kFolds', () => {
  it('tests every particle once, keeps order, and balances rows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 40 }),
        fc.integer({ min: 2, max: 8 }),
        fc.nat(),
        (rows, folds, seed) => {
          const particles = refs(rows);
          const k = Math.min(folds, particles.length);
          const made = kFolds(particles, k, seed);
          const tested = made.flatMap((fold) => fold.test);
          expect(new Set(tested).size).toBe(particles.length);
          expect(tested.length).toBe(particles.length);
          const loads = made.map((fold) => fold.test.reduce((sum, ref) => sum + ref.rows, 0));
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(Math.max(...rows));
          for (const { train, test } of made) {
            expect(test.length).toBeGreaterThan(0);
            expect(particles.filter((ref) => train.includes(ref))).toEqual(train);
            expect(train.length + test.length).toBe(particles.length);
          }
          expect(kFolds(particles, k, seed)).toEqual(made);
        },
      ),
    );
  });

  it('depends on the seed', () => {
    const particles = refs(new Array(20).fill(100));
    expect(kFolds(particles, 5, 1)).not.toEqual(kFolds(particles, 5, 2));
  });

  it('says what to do when there are fewer particles than folds', () => {
    expect(() => kFolds(refs([5, 5]), 3)).toThrow(
      /3 folds need at least 3 particles, and there are 2\. Use fewer/,
    );
    expect(() => kFolds(refs([5]), 2)).toThrow(/there is 1/);
    expect(() => kFolds(refs([5, 5]), 1)).toThrow(/at least 2/);
  });
});

describe('holdOut', () => {
  it('makes two sides of one split and refuses a fraction that leaves one empty', () => {
    const { train, test } = holdOut({ seed: 3, fraction: 0.25 });
    expect({ ...train, side: 'test' }).toEqual(test);
    for (const fraction of [0, 1, -1, Number.NaN])
      expect(() => holdOut({ seed: 1, fraction })).toThrow(/between 0 and 1/);
  });
});
