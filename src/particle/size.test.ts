import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createParticle } from './create.ts';
import {
  compactionPlan,
  MAX_BYTES,
  MAX_ROWS,
  MIN_ROWS,
  type ParticleSize,
  particleBytes,
  particleRows,
} from './size.ts';

describe('rows of a particle', () => {
  test('4096, doubled every 8 particles, up to the limits', () => {
    const narrow = [0, 7, 8, 16, 24, 32, 40, 48, 1e9].map((index) => particleRows(index, 10));
    expect(narrow).toEqual([4096, 4096, 8192, 16384, 32768, 65536, 131072, 131072, 131072]);
    expect(particleRows(1000, 112)).toBe(74_898);
    expect(particleRows(0, 100_000)).toBe(MIN_ROWS);
    expect(particleRows(0, 0)).toBe(4096);
  });

  test('never decreases with the index, and stays within rows and bytes', () => {
    fc.assert(
      fc.property(fc.nat({ max: 500 }), fc.double({ min: 0, max: 1e6, noNaN: true }), (index, width) => {
        const rows = particleRows(index, width);
        expect(particleRows(index + 1, width)).toBeGreaterThanOrEqual(rows);
        expect(rows).toBeLessThanOrEqual(MAX_ROWS);
        expect(rows * width <= MAX_BYTES || rows === MIN_ROWS).toBe(true);
      }),
    );
  });
});

test('bytes of a particle count what its columns hold', () => {
  const particle = createParticle({
    columns: { n: [1, null, 3], c: ['ab', 'ab', 'c'], b: [true, true, false] },
  });
  expect(particleBytes(particle)).toBe(3 + 1 + (12 + 20 + 18) + 3);
});

describe('compaction plan', () => {
  const sizes = fc.array(fc.record({ rows: fc.nat({ max: 400_000 }), bytes: fc.nat({ max: 30_000_000 }) }));

  /** Sizes after the plan, splits taken as even. */
  function carriedOut(before: readonly ParticleSize[]): ParticleSize[] {
    return compactionPlan(before).flatMap((step) => {
      const part = before.slice(step.from, step.to);
      const rows = part.reduce((sum, size) => sum + size.rows, 0);
      const bytes = part.reduce((sum, size) => sum + size.bytes, 0);
      if (step.action !== 'split') return [{ rows, bytes }];
      const parts = Math.ceil(rows / step.rows);
      return Array.from({ length: parts }, (_, i) => ({
        rows: Math.min(step.rows, rows - i * step.rows),
        bytes: Math.floor(bytes / parts),
      }));
    });
  }

  test('covers every particle once, in order', () => {
    fc.assert(
      fc.property(sizes, (before) => {
        const steps = compactionPlan(before);
        expect(
          steps.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i)),
        ).toEqual([...before.keys()]);
        for (const { action, from, to } of steps) expect(to - from > 1).toBe(action === 'merge');
      }),
    );
  });

  test('merged particles stay within the limits, split ones come below twice', () => {
    fc.assert(
      fc.property(sizes, (before) => {
        for (const [index, after] of carriedOut(before).entries()) {
          const fits = after.rows <= 2 * MAX_ROWS && (after.bytes <= 2 * MAX_BYTES || after.rows <= 1);
          expect({ index, fits }).toEqual({ index, fits: true });
        }
      }),
    );
  });

  test('many small ones become few, a large one is split', () => {
    const small = Array.from({ length: 100 }, () => ({ rows: 1000, bytes: 80_000 }));
    expect(carriedOut(small)).toHaveLength(2);
    expect(compactionPlan([{ rows: 400_000, bytes: 1 }])).toEqual([
      { action: 'split', from: 0, to: 1, rows: 100_000 },
    ]);
    expect(compactionPlan([])).toEqual([]);
  });
});
