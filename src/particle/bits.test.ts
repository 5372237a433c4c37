import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalValidity, copyBits, forEachAbsent, packBits, sliceValidity, unpackBits } from './bits.ts';
import { countPresent } from './column.ts';

const flags = fc
  .array(fc.integer({ min: 0, max: 1 }), { maxLength: 100 })
  .map((bits) => Uint8Array.from(bits));

test('packing and unpacking are inverse, counting counts', () => {
  fc.assert(
    fc.property(flags, (bytes) => {
      const bits = packBits(bytes);
      expect(unpackBits(bits, bytes.length)).toEqual(bytes);
      expect(countPresent(bits, bytes.length)).toBe(bytes.reduce((sum, bit) => sum + bit, 0));
    }),
  );
});

test('copied bits land where they should and nowhere else', () => {
  fc.assert(
    fc.property(flags, fc.nat({ max: 20 }), fc.nat({ max: 20 }), (bytes, from, to) => {
      const count = Math.max(0, bytes.length - from);
      const target = new Uint8Array(20);
      copyBits(target, to, packBits(bytes), from, count);
      const expected = new Uint8Array(160);
      expected.set(bytes.subarray(from), to);
      expect(unpackBits(target, 160)).toEqual(expected);
    }),
  );
});

test('a slice of a bitmap is the bitmap of the slice; all present is none', () => {
  fc.assert(
    fc.property(flags, fc.nat(), fc.nat(), (bytes, a, b) => {
      const [from, to] = [a % (bytes.length + 1), b % (bytes.length + 1)].sort((x, y) => x - y);
      const part = bytes.slice(from, to);
      const slice = sliceValidity(packBits(bytes), from, to);
      expect(slice).toEqual(part.includes(0) ? packBits(part) : undefined);
    }),
  );
});

test('absent rows are visited in order, those after the last row are not', () => {
  fc.assert(
    fc.property(flags, (bytes) => {
      const seen: number[] = [];
      forEachAbsent(packBits(bytes), bytes.length, (row) => seen.push(row));
      expect(seen).toEqual([...bytes.keys()].filter((row) => bytes[row] === 0));
    }),
  );
  expect(canonicalValidity(new Uint8Array([0b11111101, 9]), 2)).toEqual(new Uint8Array([0b01]));
});
