import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createParticle } from './create.ts';
import { MAX_BYTES, MAX_ROWS, MIN_ROWS, particleBytes, particleRows } from './size.ts';

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
