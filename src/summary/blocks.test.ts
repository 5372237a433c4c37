import fc from 'fast-check';
import { expect, it } from 'vitest';
import { validityOf } from '../../test/arbitrary-particle.ts';
import { BLOCK, eachBlock } from './blocks.ts';

const value = fc.option(
  fc.oneof(fc.integer(), fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)),
  { freq: 6 },
);

it('visits the present, finite values of the rows asked for, in order, in full blocks', () => {
  const repeated = fc.tuple(
    fc.array(value, { minLength: 1, maxLength: 50 }),
    fc.integer({ min: 1, max: 400 }),
  );
  fc.assert(
    fc.property(
      repeated,
      fc.option(fc.integer({ min: 2, max: 9 }), { nil: undefined }),
      ([some, times], every) => {
        const values = Array.from({ length: some.length * times }, (_, i) => some[i % some.length]);
        const asked = values.map((_, row) => row).filter((row) => every === undefined || row % every !== 0);
        const rows = every === undefined ? undefined : Uint32Array.from(asked);
        const seen: number[] = [];
        const sizes: number[] = [];
        const source = Float64Array.from(values, (v) => v ?? 0);
        const left = eachBlock(source, validityOf(values), rows, (block, count) => {
          seen.push(...block.subarray(0, count));
          sizes.push(count);
        });
        const present = asked.map((row) => values[row]).filter((v) => v !== null);
        expect(seen).toEqual(present.filter(Number.isFinite));
        expect(left).toEqual({
          missing: asked.length - present.length,
          infinite: present.length - seen.length,
        });
        expect(sizes.slice(0, -1).every((size) => size === BLOCK)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});
