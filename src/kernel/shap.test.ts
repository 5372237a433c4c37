import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { kernelRuns, runKernels, setKernelMode } from './mode.ts';
import { distinctPatterns, hashSize, splitPatterns } from './shap.ts';

afterEach(() => setKernelMode('wasm'));

/** Numbers of the patterns, and the patterns that they stand for, on one path. */
function distinct(mode: 'wasm' | 'plain', patterns: Uint32Array) {
  setKernelMode(mode);
  return runKernels((run) => {
    const numbers = run.zeros(Uint32Array, patterns.length);
    numbers.set(patterns);
    const found = run.zeros(Uint32Array, patterns.length);
    const count = distinctPatterns(run, numbers, run.zeros(Uint32Array, hashSize(patterns.length)), found);
    return { numbers: [...numbers], found: [...found.subarray(0, count)] };
  });
}

describe('distinct patterns', () => {
  const word = fc.oneof(fc.nat(9), fc.nat(0xffff_ffff), fc.constantFrom(0, 0xffff_ffff));
  it('are numbered by appearance, and stand for every row, on both paths alike', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 300 }), (list) => {
        const patterns = Uint32Array.from(list);
        const before = kernelRuns().wasm;
        const wasm = distinct('wasm', patterns);
        expect(kernelRuns().wasm).toBe(before + 1);
        expect(wasm.found).toEqual([...new Set(patterns)]);
        expect(wasm.numbers.map((number) => wasm.found[number])).toEqual([...patterns]);
        expect(distinct('plain', patterns)).toEqual(wasm);
      }),
    );
  });
});

describe('a split', () => {
  const value = fc.oneof(
    fc.integer({ min: -2, max: 260 }),
    fc.constantFrom(Number.NaN, 0.5, 255.5, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  );
  const someSplit = fc.record({
    values: fc.array(value, { minLength: 4, maxLength: 24 }).map((list) => list.slice(0, list.length & ~3)),
    set: fc.option(fc.array(fc.nat(255), { maxLength: 60 }), { nil: undefined }),
    threshold: fc.constantFrom(-1, 0, 3, 100.5),
    missingLeft: fc.boolean(),
    bit: fc.nat(31),
  });

  it('clears the bit of one child in every row, on both paths alike', () => {
    fc.assert(
      fc.property(someSplit, ({ values, set, ...question }) => {
        const results = (['wasm', 'plain'] as const).map((mode) => {
          setKernelMode(mode);
          return runKernels((run) => {
            const sets = run.zeros(Uint32Array, 16);
            for (const code of set ?? []) sets[8 + (code >> 5)] |= 1 << (code & 31);
            const column = run.place(Float32Array.from(values));
            const right = run.zeros(Uint32Array, values.length).fill(0xffff_ffff);
            const left = run.zeros(Uint32Array, values.length);
            const asked = { ...question, ...(set ? { set: 8 } : {}) };
            splitPatterns(run, column, asked, sets, right, left, right);
            return { left: [...left], right: [...right] };
          });
        });
        expect(results[0]).toEqual(results[1]);
        const without = (0xffff_ffff & ~(1 << question.bit)) >>> 0;
        values.forEach((x, r) => {
          const known = set ? set.includes(x) : x <= question.threshold;
          const isLeft = Number.isNaN(x) ? question.missingLeft : known;
          expect(results[0].left[r]).toBe(isLeft ? 0xffff_ffff : without);
          expect(results[0].right[r]).toBe(isLeft ? without : 0xffff_ffff);
        });
      }),
    );
  });
});
