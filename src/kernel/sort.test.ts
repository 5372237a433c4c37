import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { randomUniform, randomWord } from '../random.ts';
import { kernelRuns, setKernelMode } from './mode.ts';
import { type Distinct, distinctOf, mergeDistinct } from './sort.ts';

afterEach(() => setKernelMode('wasm'));

/** What both paths give. */
function distinct(column: Float32Array): Distinct {
  setKernelMode('plain');
  const plain = distinctOf(column);
  setKernelMode('wasm');
  const before = kernelRuns().wasm;
  const found = distinctOf(column);
  expect(kernelRuns().wasm).toBe(before + 1);
  expect(found).toEqual(plain);
  expect(found.values.some((value) => Object.is(value, -0))).toBe(false);
  return found;
}

/** The same, counted one by one. */
function counted(column: Float32Array): [number, number][] {
  const counts = new Map<number, number>();
  for (const value of column) {
    if (!Number.isNaN(value)) counts.set(value + 0, (counts.get(value + 0) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

const pairs = ({ values, times }: Distinct) => Array.from(values, (value, i) => [value, times[i]]);

describe('the distinct numbers of a column', () => {
  it.each<[string, (row: number) => number]>([
    ['nothing but missing', () => Number.NaN],
    ['one value', () => -3.5],
    ['marks', (row) => randomWord(1, 0, row) & 1],
    ['few values, some missing', (row) => (row % 7 === 0 ? Number.NaN : (randomWord(2, 0, row) % 9) - 4.5)],
    ['many values of any sign', (row) => (randomUniform(3, 0, row) - 0.5) * 10 ** ((row % 60) - 30)],
    [
      'infinities and zeros',
      (row) => [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1][row % 5],
    ],
    ['neighbours', (row) => Math.fround(1 + (randomWord(4, 0, row) % 300) * 2 ** -23)],
  ])('%s', (_, numberAt) => {
    for (const rows of [0, 1, 2, 255, 5000]) {
      const column = Float32Array.from({ length: rows }, (_, row) => numberAt(row));
      expect(pairs(distinct(column))).toEqual(counted(column));
    }
  });

  it('is the same of any bits', () => {
    const column = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })).map((words) => {
      return new Float32Array(Int32Array.from(words).buffer);
    });
    fc.assert(
      fc.property(column, (values) => {
        expect(pairs(distinct(values))).toEqual(counted(values));
      }),
    );
  });

  it('merges', () => {
    const column = fc.array(fc.float({ noNaN: true })).map((values) => Float32Array.from(values));
    fc.assert(
      fc.property(column, column, (a, b) => {
        const both = Float32Array.of(...a, ...b);
        const merged = mergeDistinct(distinctOf(a), distinctOf(b));
        expect(pairs(merged)).toEqual(counted(both));
        setKernelMode('plain');
        expect(mergeDistinct(distinctOf(a), distinctOf(b))).toEqual(merged);
        setKernelMode('wasm');
        expect(pairs(mergeDistinct(distinctOf(b), distinctOf(a)))).toEqual(pairs(merged));
      }),
    );
  });
});
