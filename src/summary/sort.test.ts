import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sortFloats } from './sort.ts';

const padded = (some: readonly number[]) =>
  Float64Array.from([...some, ...Array.from({ length: 300 }, (_, i) => ((i * 7919) % 301) - 150)]);

it('sorts f32 values as the built-in sort does', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true })), (some) => {
      const values = padded(some.map((value) => value + 0));
      expect(sortFloats(values.slice())).toEqual(values.slice().sort());
    }),
  );
});

it('sorts doubles, infinities and denormals', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true })), (some) => {
      const values = padded(some.map((value) => value + 0));
      expect(sortFloats(values.slice())).toEqual(values.slice().sort());
    }),
  );
});

it('sorts a view in place and leaves its neighbours alone', () => {
  const all = Float64Array.from({ length: 1000 }, (_, i) => (i * 617) % 1000);
  const before = all.slice();
  sortFloats(all.subarray(100, 900));
  expect(all.subarray(100, 900)).toEqual(before.slice(100, 900).sort());
  expect([...all.subarray(0, 100), ...all.subarray(900)]).toEqual([
    ...before.subarray(0, 100),
    ...before.subarray(900),
  ]);
});
