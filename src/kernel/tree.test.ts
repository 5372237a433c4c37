import { afterEach, describe, expect, it } from 'vitest';
import { randomUniform, randomWord } from '../random.ts';
import { arena } from './memory.ts';
import { kernelRuns, runKernels, setKernelMode } from './mode.ts';
import { addHistogram, addToRows, binValues, FEATURE_WORDS, partitionRows, quantizeBlock } from './tree.ts';

afterEach(() => setKernelMode('wasm'));

const ROWS = 1003;
const WIDTH = 8;

/** Arrays of a binned view in kernel memory; given back after `body`. */
function withRows<T>(body: (rows: ReturnType<typeof make>) => T): T {
  const mark = arena.mark();
  try {
    return body(make());
  } finally {
    arena.reset(mark);
  }
}

function make() {
  const bins = arena.alloc(Uint8Array, ROWS * WIDTH)!;
  bins.forEach((_, i) => {
    bins[i] = randomWord(1, 0, i) & 255;
  });
  const order = arena.alloc(Uint32Array, ROWS)!;
  order.forEach((_, i) => {
    order[i] = i;
  });
  const quantized = arena.alloc(Int32Array, ROWS)!;
  quantized.forEach((_, i) => {
    const gradient = Math.floor(60_000 * randomUniform(2, 0, i) - 30_000);
    quantized[i] = i % 5 === 0 ? 0 : (gradient << 16) | Math.floor(30_000 * randomUniform(3, 0, i));
  });
  const margins = arena.alloc(Float64Array, ROWS)!.fill(0);
  const column = arena.alloc(Uint8Array, ROWS)!;
  for (let row = 0; row < ROWS; row++) column[row] = bins[row * WIDTH + 3];
  return { bins, column, width: WIDTH, order, quantized, margins };
}

/** What both paths give, and that each was taken. */
function onBothPaths<T>(body: () => T): T {
  const results = (['plain', 'wasm'] as const).map((mode) => {
    setKernelMode(mode);
    const before = kernelRuns()[mode];
    const result = body();
    expect(kernelRuns()[mode]).toBeGreaterThan(before);
    return result;
  });
  expect(results[1]).toEqual(results[0]);
  return results[1];
}

describe('kernels of trees equal their twins', () => {
  it('histograms of the rows of a leaf, also where sums pass 31 bits of one half', () => {
    const histogram = onBothPaths(() =>
      withRows((rows) => {
        const leaf = rows.order.subarray(100, 900);
        return runKernels((run) => {
          const sums = run.zeros(Int32Array, WIDTH * FEATURE_WORDS);
          addHistogram(run, rows, leaf, rows.quantized, sums);
          return sums.slice();
        });
      }),
    );
    const expected = new Int32Array(WIDTH * FEATURE_WORDS);
    withRows(({ bins, quantized }) => {
      for (let row = 100; row < 900; row++) {
        for (let f = 0; f < WIDTH; f++) {
          const word = f * FEATURE_WORDS + 2 * bins[row * WIDTH + f];
          expected[word] += quantized[row] & 0xffff;
          expected[word + 1] += quantized[row] >> 16;
        }
      }
    });
    expect(histogram).toEqual(expected);
  });

  it('partitions, stable on both sides', () => {
    const table = Uint8Array.from({ length: 256 }, (_, bin) => (bin % 3 === 0 ? 1 : 0));
    const { order, left } = onBothPaths(() =>
      withRows((rows) => {
        const count = partitionRows(rows.column, rows.order.subarray(10, 1000), table);
        return { left: count, order: rows.order.slice() };
      }),
    );
    withRows(({ bins }) => {
      const side = (row: number) => table[bins[row * WIDTH + 3]];
      const inside = Array.from({ length: 990 }, (_, i) => i + 10);
      const expected = [...inside.filter((row) => side(row)), ...inside.filter((row) => !side(row))];
      expect([...order.subarray(10, 1000)]).toEqual(expected);
      expect(left).toBe(inside.filter((row) => side(row)).length);
    });
    expect([...order.subarray(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('quantized numbers, without bias, 0 for rows that are left out', () => {
    const scales = { gradientScale: 1000, hessianScale: 4000, key: 77 };
    const rows = 20_000;
    const quantized = onBothPaths(() => {
      const mark = arena.mark();
      try {
        const gradients = arena.alloc(Float64Array, rows)!.fill(0.12345);
        const hessians = arena.alloc(Float64Array, rows)!.fill(0.0001);
        const kept = arena.alloc(Uint8Array, rows)!.fill(1);
        kept[7] = 0;
        const out = arena.alloc(Int32Array, rows)!;
        runKernels((run) => quantizeBlock(run, gradients, hessians, 3, scales, kept, out));
        return out.slice();
      } finally {
        arena.reset(mark);
      }
    });
    const mean = (part: (quant: number) => number) =>
      quantized.reduce((sum, quant) => sum + part(quant), 0) / (rows - 1);
    // Standard errors of the means of a coin: below 0.0036.
    expect(mean((quant) => quant >> 16)).toBeCloseTo(123.45, 1);
    expect(mean((quant) => quant & 0xffff)).toBeCloseTo(0.4, 1);
    expect(quantized[7]).toBe(0);
    expect(new Set(Array.from(quantized, (quant) => quant >> 16))).toEqual(new Set([123, 124, 0]));
  });

  it('margins of the rows of a leaf', () => {
    const margins = onBothPaths(() =>
      withRows((rows) => {
        runKernels((run) => addToRows(run, rows.margins, rows.order.subarray(5, 9), 0.1));
        runKernels((run) => addToRows(run, rows.margins, rows.order.subarray(8, 12), 0.2));
        return rows.margins.slice(0, 14);
      }),
    );
    expect([...margins]).toEqual([0, 0, 0, 0, 0, 0.1, 0.1, 0.1, 0.1 + 0.2, 0.2, 0.2, 0.2, 0, 0]);
  });

  it('bins of numbers, infinities and missing values', () => {
    for (const count of [0, 1, 2, 3, 7, 8, 254]) {
      const edges = Float32Array.from({ length: count }, (_, i) => Math.fround(i / 3 - 5));
      const extra = [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -5, 0, 80];
      const values = Float32Array.from([...extra, ...edges, ...edges.map((edge) => edge + 1e-3)]);
      const binned = onBothPaths(() => {
        const out = new Uint8Array(values.length);
        binValues(edges, values, 255, out);
        return out;
      });
      const expected = Array.from(values, (value) =>
        Number.isNaN(value) ? 255 : edges.filter((edge) => edge < value).length,
      );
      expect([...binned]).toEqual(expected);
    }
  });
});
