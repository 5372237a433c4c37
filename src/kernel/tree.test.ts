import { afterEach, describe, expect, it } from 'vitest';
import { randomUniform, randomWord } from '../random.ts';
import { arena } from './memory.ts';
import { kernelRuns, runKernels, setKernelMode } from './mode.ts';
import {
  addHistogram,
  addToRows,
  addWords,
  binValues,
  FEATURE_WORDS,
  packSlopes,
  partitionRows,
  quantizeRows,
  recordBytes,
  subtractWords,
} from './tree.ts';

afterEach(() => setKernelMode('wasm'));

const ROWS = 1003;
const WIDTH = 28;

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
  const records = arena.alloc(Uint8Array, recordBytes(ROWS, WIDTH))!;
  records.forEach((_, i) => {
    records[i] = randomWord(1, 0, i) & 255;
  });
  const quants = new Int32Array(records.buffer, records.byteOffset, records.length / 4);
  const binOf = (row: number, f: number) => records[recordBytes(row, WIDTH) + f];
  const quantAt = (row: number) => (recordBytes(row, WIDTH) + WIDTH) / 4;
  for (let row = 0; row < ROWS; row++) {
    const gradient = Math.floor(60_000 * randomUniform(2, 0, row) - 30_000);
    quants[quantAt(row)] =
      row % 5 === 0 ? 0 : (gradient << 16) | Math.floor(30_000 * randomUniform(3, 0, row));
  }
  const order = arena.alloc(Uint32Array, ROWS)!;
  order.forEach((_, i) => {
    order[i] = i;
  });
  const margins = arena.alloc(Float64Array, ROWS)!.fill(0);
  const column = arena.alloc(Uint8Array, ROWS)!;
  for (let row = 0; row < ROWS; row++) column[row] = binOf(row, 3);
  return {
    records,
    binOf,
    quantOf: (row: number) => quants[quantAt(row)],
    column,
    width: WIDTH,
    order,
    margins,
  };
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
  it.each([4, 8, 12, 28])('histograms of %i features, also where sums pass 31 bits of one half', (width) => {
    const sumsOf = (rows: ReturnType<typeof make>, order: Uint32Array | number) =>
      runKernels((run) => {
        const sums = run.zeros(Int32Array, width * FEATURE_WORDS);
        addHistogram(run, { records: rows.records, width }, order, sums);
        return sums.slice();
      });
    const count = Math.floor((ROWS * (WIDTH + 4)) / (width + 4));
    const orders = (rows: ReturnType<typeof make>) => [rows.order.subarray(100, 900), count] as const;
    const found = onBothPaths(() => withRows((rows) => orders(rows).map((order) => sumsOf(rows, order))));
    withRows(({ records }) => {
      const quants = new Int32Array(records.buffer, records.byteOffset, records.length / 4);
      [
        [100, 900],
        [0, count],
      ].forEach(([from, to], i) => {
        const expected = new Int32Array(width * FEATURE_WORDS);
        for (let row = from; row < to; row++) {
          const quant = quants[(row * (width + 4) + width) / 4];
          for (let f = 0; f < width; f++) {
            const word = f * FEATURE_WORDS + 2 * records[row * (width + 4) + f];
            expected[word] += quant & 0xffff;
            expected[word + 1] += quant >> 16;
          }
        }
        expect(found[i]).toEqual(expected);
      });
    });
  });

  it('sums and differences of histograms', () => {
    const words = (seed: number) =>
      Int32Array.from({ length: 2 * FEATURE_WORDS + 3 }, (_, i) => randomWord(seed, 0, i));
    const [sum, difference] = onBothPaths(() => {
      const into = words(1);
      addWords(into, words(2));
      const less = words(1).subarray(0, FEATURE_WORDS);
      const placed = runKernels((run) => {
        const from = run.place(less);
        subtractWords(run, from, run.place(words(2).subarray(0, FEATURE_WORDS)));
        return from.slice();
      });
      return [into, placed];
    });
    expect(sum).toEqual(words(1).map((word, i) => word + words(2)[i]));
    expect(difference).toEqual(
      words(1)
        .subarray(0, FEATURE_WORDS)
        .map((word, i) => word - words(2)[i]),
    );
  });

  it('partitions, stable on both sides', () => {
    const table = Uint8Array.from({ length: 256 }, (_, bin) => (bin % 3 === 0 ? 1 : 0));
    const { order, left } = onBothPaths(() =>
      withRows((rows) => {
        const count = partitionRows(rows.column, rows.order.subarray(10, 1000), table);
        return { left: count, order: rows.order.slice() };
      }),
    );
    withRows(({ binOf }) => {
      const side = (row: number) => table[binOf(row, 3)];
      const inside = Array.from({ length: 990 }, (_, i) => i + 10);
      const expected = [...inside.filter((row) => side(row)), ...inside.filter((row) => !side(row))];
      expect([...order.subarray(10, 1000)]).toEqual(expected);
      expect(left).toBe(inside.filter((row) => side(row)).length);
    });
    expect([...order.subarray(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('quants, without bias, 0 for rows that are left out', () => {
    const rows = 20_000;
    const quantsOf = (share?: number) =>
      onBothPaths(() => {
        const mark = arena.mark();
        try {
          const slopes = arena.alloc(Float32Array, 2 * rows)!;
          for (let r = 0; r < rows; r++) slopes.set([0.12345, 0.0001], 2 * r);
          const records = arena.alloc(Uint8Array, recordBytes(rows, 4))!.fill(7);
          const drop = share === undefined ? {} : { drop: { key: 5, limit: share * 2 ** 32 } };
          const quantization = { gradientScale: 1000, hessianScale: 4000, key: 77, ...drop };
          runKernels((run) => quantizeRows(run, slopes, quantization, { records, width: 4 }));
          const words = new Int32Array(records.slice().buffer);
          expect(words.filter((_, i) => i % 2 === 0).every((word) => word === 0x07070707)).toBe(true);
          return words.filter((_, i) => i % 2 === 1);
        } finally {
          arena.reset(mark);
        }
      });
    const quants = quantsOf();
    const mean = (part: (quant: number) => number) =>
      quants.reduce((sum, quant) => sum + part(quant), 0) / rows;
    // Standard errors of the means of a coin: below 0.0036.
    expect(mean((quant) => quant >> 16)).toBeCloseTo(123.45, 1);
    expect(mean((quant) => quant & 0xffff)).toBeCloseTo(0.4, 1);
    expect(new Set(Array.from(quants, (quant) => quant >> 16))).toEqual(new Set([123, 124]));
    const sampled = quantsOf(0.25);
    const kept = sampled.filter((quant) => quant !== 0).length;
    expect(Math.abs(kept / rows - 0.25)).toBeLessThan(0.015);
    sampled.forEach((quant, row) => {
      if (quant !== 0) expect(quant).toBe(quants[row]);
    });
  });

  it('slopes as singles, and the largest', () => {
    const [slopes, most] = onBothPaths(() =>
      runKernels((run) => {
        const gradients = run.place(Float64Array.from([0.1, -7.7, 3, 1e-50]));
        const hessians = run.place(Float64Array.from([0.2, 0, 5.1, 1]));
        const out = run.zeros(Float32Array, 8);
        const largest = Float64Array.of(2, 6);
        packSlopes(run, gradients, hessians, out, largest);
        return [out.slice(), largest] as const;
      }),
    );
    expect([...slopes]).toEqual([0.1, 0.2, -7.7, 0, 3, 5.1, 0, 1].map(Math.fround));
    expect([...most]).toEqual([Math.fround(7.7), 6]);
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
