import fc from 'fast-check';
import { expect, describe as group, it } from 'vitest';
import { deepEqual, describe, nearly, snapshot } from './equal.ts';

group('deepEqual', () => {
  it('holds between a value and its copy', () => {
    fc.assert(
      fc.property(fc.anything({ withTypedArray: true }), (value) => {
        expect(deepEqual(value, snapshot(value))).toBe(true);
      }),
    );
  });

  it.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [[1, 2], [1]],
    [[1], { 0: 1, length: 1 }],
    [Float64Array.of(1), Float64Array.of(2)],
    [new Map([[1, 2]]), new Map([[1, 3]])],
    [new Set([1]), new Set([2])],
    [null, {}],
    ['1', 1],
  ])('tells %j from %j', (a, b) => {
    expect(deepEqual(a, b)).toBe(false);
  });

  it('takes 0 as -0, NaN as NaN, and undefined as absent', () => {
    expect(deepEqual([0, Number.NaN, { a: undefined }], [-0, Number.NaN, {}])).toBe(true);
  });
});

group('nearly', () => {
  const close = nearly(1e-6, 1e-9);
  it('allows numbers to differ a little, at any depth, and nothing else', () => {
    expect(close({ a: [1, { b: 2e9 }] }, { a: [1 + 1e-7, { b: 2e9 + 100 }] })).toBe(true);
    expect(close({ a: [1] }, { a: [1.00001] })).toBe(false);
    expect(close(new Map([['x', 1]]), new Map([['x', 1 + 1e-8]]))).toBe(true);
    expect(close(Float64Array.of(1, 2), Float64Array.of(1))).toBe(false);
    expect(close({ a: 'x' }, { a: 'y' })).toBe(false);
    expect(close({ a: null }, { a: 0 })).toBe(false);
  });
});

it('describes values of any shape, shortly', () => {
  expect(describe({ a: Float64Array.of(1, Number.NaN), b: new Map([[1, 2]]) })).toBe(
    '{"a":[1,"NaN"],"b":[[1,2]]}',
  );
  expect(describe(undefined)).toBe('undefined');
  expect(describe('x'.repeat(2000)).length).toBeLessThan(700);
});
