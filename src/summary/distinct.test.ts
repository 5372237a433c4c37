import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './codec.ts';
import {
  DISTINCT_K,
  DistinctRun,
  emptyDistinct,
  mergeDistinct,
  parseDistinct,
  readDistinct,
  writeDistinct,
} from './distinct.ts';

function of(values: readonly number[]) {
  const state = emptyDistinct();
  const run = new DistinctRun(state);
  for (let at = 0; at < values.length; at += 100) {
    const block = Float64Array.from(values.slice(at, at + 100));
    run.addNumbers(block, block.length);
  }
  run.finish();
  return state;
}

const numbers = fc.array(fc.oneof(fc.integer({ min: 0, max: 400 }), fc.double({ noNaN: true })), {
  maxLength: 600,
});

describe('distinct values', () => {
  it('merges as sets do: the same whatever the cut, the order or repeats', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const merged = of(a);
        mergeDistinct(merged, of(b));
        expect(merged.hashes).toEqual(of([...b, ...a, ...b]).hashes);
        mergeDistinct(merged, merged);
        expect(merged.hashes).toEqual(of([...a, ...b]).hashes);
      }),
    );
  });

  it('is exact below k', () => {
    const values = Array.from({ length: 5000 }, (_, i) => (i * 13) % (DISTINCT_K - 1));
    expect(readDistinct(of(values))).toEqual({ estimate: DISTINCT_K - 1, exact: true });
    expect(readDistinct(of([0, -0]))).toEqual({ estimate: 1, exact: true });
  });

  it.each([1000, 30_000, 200_000])('estimates %i within four standard errors', (n) => {
    const { estimate, exact } = readDistinct(of(Array.from({ length: n }, (_, i) => i / 3)));
    expect(exact).toBe(false);
    expect(Math.abs(estimate / n - 1)).toBeLessThan(4 / Math.sqrt(DISTINCT_K - 2));
  });

  it('round trips, and refuses what is no state', () => {
    const state = of([1, 2, 3]);
    const writer = new ByteWriter();
    writeDistinct(writer, state);
    expect(parseDistinct(new ByteReader(writer.finish()))).toEqual(state);
    const wrong = new ByteWriter();
    wrong.u32s(Uint32Array.of(2, 1));
    expect(() => parseDistinct(new ByteReader(wrong.finish()))).toThrow(/ascend/);
  });
});
