import fc from 'fast-check';
import { expect, it } from 'vitest';
import { arbitraryParticle, numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { rowHashes } from '../particle/row-hash.ts';
import { foldOf, splitRows } from './split.ts';

it('divides the rows in two: each row on one side, by its hash', () => {
  fc.assert(
    fc.property(arbitraryParticle(), fc.double({ min: 0, max: 1, noNaN: true }), (p, fraction) => {
      const train = splitRows(p, { seed: 7, fraction, side: 'train' })!;
      const test = splitRows(p, { seed: 7, fraction, side: 'test' })!;
      expect([...train, ...test].sort((a, b) => a - b)).toEqual(
        Array.from({ length: p.rows }, (_, row) => row),
      );
      const hashes = rowHashes(p, 7);
      expect([...test].every((row) => hashes[row] < fraction * 2 ** 32)).toBe(true);
    }),
  );
});

it('takes an interval of hashes where it starts above 0', () => {
  fc.assert(
    fc.property(arbitraryParticle(), (p) => {
      const hashes = rowHashes(p, 7);
      const middle = splitRows(p, { seed: 7, from: 0.25, fraction: 0.5, side: 'test' })!;
      expect([...middle].every((row) => hashes[row] >= 2 ** 30 && hashes[row] < 2 ** 31)).toBe(true);
      const rest = splitRows(p, { seed: 7, from: 0.25, fraction: 0.5, side: 'train' })!;
      expect(middle.length + rest.length).toBe(p.rows);
    }),
  );
});

it('takes all rows without a split, and none at the ends of the range', () => {
  const p = particleOf({ x: numberColumn([1, 2, 3]) });
  expect(splitRows(p, undefined)).toBeUndefined();
  expect(splitRows(p, { seed: 1, fraction: 0, side: 'test' })).toHaveLength(0);
  expect(splitRows(p, { seed: 1, fraction: 1, side: 'test' })).toHaveLength(3);
});

it('spreads hashes over folds evenly, on either side of a split by the same hash', () => {
  const p = particleOf({ x: numberColumn(Array.from({ length: 40_000 }, (_, i) => i)) });
  const hashes = rowHashes(p, 1);
  for (const rows of [splitRows(p, { seed: 1, fraction: 0.2, side: 'test' })!, hashes.map((_, row) => row)]) {
    const sizes = new Array<number>(5).fill(0);
    for (const row of rows) sizes[foldOf(hashes[row], 5)]++;
    for (const size of sizes) expect(Math.abs(size / rows.length - 0.2)).toBeLessThan(0.02);
  }
});
