import { afterEach, describe, expect, it } from 'vitest';
import { randomUniform, randomWord } from '../random.ts';
import { arena } from './memory.ts';
import { kernelRuns, runKernels, setKernelMode } from './mode.ts';
import {
  addHistograms,
  addLeaves,
  addRoots,
  addWords,
  binValues,
  FEATURE_WORDS,
  gatherSums,
  hashBins,
  PAIR_WORDS,
  packBytes,
  packSlopes,
  quantByte,
  quantizeRows,
  recordBytes,
  recordsOf,
  SPREAD_WORDS,
  splitRows,
  subtractWords,
  unzipSums,
} from './tree.ts';

afterEach(() => setKernelMode('wasm'));

const ROWS = 1003;

/** Arrays of a binned view in kernel memory; given back after `body`. */
function withRows<T>(body: (rows: ReturnType<typeof make>) => T, codes = 28, quants = 1): T {
  const mark = arena.mark();
  try {
    return body(make({ codes, quants }));
  } finally {
    arena.reset(mark);
  }
}

function make(shape: { codes: number; quants: number }) {
  const bytes = recordBytes(shape);
  const records = arena.alloc(Uint8Array, ROWS * bytes)!;
  records.forEach((_, i) => {
    records[i] = randomWord(1, 0, i) & 255;
  });
  const words = new Int32Array(records.buffer, records.byteOffset, records.length / 4);
  const binOf = (row: number, f: number) => records[row * bytes + f];
  const quantOf = (row: number, quant = 0) => words[(row * bytes + quantByte(shape, quant)) / 4];
  for (let row = 0; row < ROWS; row++) {
    for (let q = 0; q < shape.quants; q++) {
      const gradient = Math.floor(60_000 * randomUniform(2, q, row) - 30_000);
      words[(row * bytes + quantByte(shape, q)) / 4] =
        row % 5 === 0 ? 0 : (gradient << 16) | Math.floor(30_000 * randomUniform(3, q, row));
    }
  }
  const order = arena.alloc(Uint32Array, ROWS)!;
  order.forEach((_, i) => {
    order[i] = i;
  });
  const margins = arena.alloc(Float64Array, ROWS)!.fill(0);
  const columns = arena.alloc(Uint8Array, 2 * ROWS)!;
  for (let row = 0; row < ROWS; row++) columns.set([binOf(row, 1)], ROWS + row);
  columns.set(columns.subarray(ROWS).toReversed());
  return { ...shape, records, binOf, quantOf, columns, order, margins };
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
  it.each([
    1, 2, 3, 4, 7, 8, 9, 15, 28, 30,
  ])('histograms of %i features, also where sums pass 31 bits of one half', (codes) => {
    // Rows by the order, none, and the first so many; of the second of three quants.
    const ranges = Int32Array.of(100, 800, 5, 0, -1, 600, 0, 100);
    const sizes = codes * FEATURE_WORDS;
    const found = onBothPaths(() =>
      withRows(
        (rows) => {
          rows.order.reverse();
          return runKernels((run) => {
            const sums = run.zeros(Int32Array, 4 * codes * SPREAD_WORDS);
            addHistograms(run, rows, 1, rows.order, ranges, sums);
            return gatherSums(run, sums).slice();
          });
        },
        codes,
        3,
      ),
    );
    const expected = new Int32Array(4 * sizes);
    withRows(
      ({ binOf, quantOf }) => {
        for (let node = 0; node < 4; node++) {
          const [start, count] = [ranges[2 * node], ranges[2 * node + 1]];
          for (let i = 0; i < count; i++) {
            const row = start < 0 ? i : ROWS - 1 - start - i;
            for (let f = 0; f < codes; f++) {
              const word = node * sizes + f * FEATURE_WORDS + 2 * binOf(row, f);
              expected[word] += quantOf(row, 1) & 0xffff;
              expected[word + 1] += quantOf(row, 1) >> 16;
            }
          }
        }
      },
      codes,
      3,
    );
    expect(found).toEqual(expected);
  });

  it.each([1, 3, 4, 9, 28])('roots of two trees at once, of %i features', (codes) => {
    const each = onBothPaths(() =>
      withRows(
        (rows) =>
          runKernels((run) => {
            const pair = run.zeros(Int32Array, codes * PAIR_WORDS);
            // As of two views.
            for (const count of [1000, 700]) addRoots(run, rows, [2, 0], count, pair);
            const [first, second] = [0, 1].map(() => run.zeros(Int32Array, codes * SPREAD_WORDS));
            unzipSums(run, pair, first, second);
            return [gatherSums(run, first).slice(), gatherSums(run, second).slice()];
          }),
        codes,
        3,
      ),
    );
    for (const [i, quant] of [2, 0].entries()) {
      const alone = withRows(
        (rows) =>
          runKernels((run) => {
            const sums = run.zeros(Int32Array, codes * SPREAD_WORDS);
            for (const count of [1000, 700]) {
              addHistograms(run, rows, quant, rows.order, Int32Array.of(-1, count), sums);
            }
            return gatherSums(run, sums).slice();
          }),
        codes,
        3,
      );
      expect(each[i]).toEqual(alone);
    }
  });

  it.each([1, 4, 5, 28, 31])('records and hashes of %i columns, of any number of rows', (codes) => {
    for (const rows of [1, 15, 1024, 2500]) {
      const columns = Uint8Array.from({ length: codes * rows }, (_, i) => randomWord(9, codes, i) & 255);
      const shape = { codes, quants: 2 };
      const { records, hashes } = onBothPaths(() => ({
        records: recordsOf(columns, rows, shape),
        hashes: hashBins(columns, rows, 77),
      }));
      const stride = recordBytes(shape);
      for (const row of [0, rows >> 1, rows - 1]) {
        const record = [...records.subarray(row * stride, (row + 1) * stride)];
        const bins = Array.from({ length: codes }, (_, f) => columns[f * rows + row]);
        expect(record).toEqual([...bins, ...new Array(stride - codes).fill(0)]);
        let hash = 77;
        for (let f = 0; f < codes; f += 4) {
          const [a, b = 0, c = 0, d = 0] = bins.slice(f, f + 4);
          hash = Math.imul(hash ^ (a | (b << 8) | (c << 16) | (d << 24)), 0x9e3779b1) ^ (hash >>> 15);
        }
        expect(hashes[row]).toBe(hash);
      }
    }
  });

  it.each([1, 15, 16, 1003])('bytes that several columns share, of %i rows', (rows) => {
    const bins = (seed: number, count: number, often = 0) =>
      Uint8Array.from({ length: rows }, (_, r) =>
        randomUniform(seed, 1, r) < often ? 1 : randomWord(seed, 0, r) % count,
      );
    const table = (of: (bin: number) => number) => Uint8Array.from({ length: 256 }, (_, bin) => of(bin));
    const plain = { bins: bins(1, 7), adds: table((bin) => bin % 7) };
    const shared = { usual: 1, divisor: 7, radix: 5 };
    const first = { bins: bins(2, 3, 0.9), adds: table((bin) => [7, 0, 14][bin % 3]), shared };
    // In its usual bin wherever the first is not.
    const second = {
      bins: bins(3, 3, 0.8).map((bin, r) => (first.bins[r] === 1 ? bin : 1)),
      adds: table((bin) => [21, 0, 28][bin % 3]),
      shared,
    };
    const { bytes, isFree } = onBothPaths(() => {
      const bytes = new Uint8Array(rows);
      return { isFree: packBytes([plain, first, second], bytes), bytes };
    });
    expect(isFree).toBe(true);
    for (let r = 0; r < rows; r++) {
      expect(bytes[r]).toBe(plain.bins[r] + first.adds[first.bins[r]] + second.adds[second.bins[r]]);
    }
    const last = { ...first, bins: first.bins.with(rows - 1, 2) };
    const clash = { ...second, bins: second.bins.with(rows - 1, 0) };
    expect(onBothPaths(() => packBytes([plain, last, clash], new Uint8Array(rows)))).toBe(false);
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

  it('splits of nodes and of their children, stable on both sides', () => {
    const tables = new Uint8Array(3 * 256);
    for (let bin = 0; bin < 256; bin++) tables.set([bin % 7 === 0 ? 0 : 1], bin);
    for (let bin = 0; bin < 256; bin++) tables.set([bin % 3 === 0 ? 1 : 0], 256 + bin);
    for (let bin = 0; bin < 256; bin++) tables.set([bin < 100 ? 1 : 0], 512 + bin);
    const nodes = Int32Array.of(0, 0, 1, 1, 4, 0);
    const { order, ranges } = onBothPaths(() =>
      withRows((rows) => {
        const at = new Int32Array(2 * 7);
        at.set([0, ROWS]);
        // As rounds do: the first split, then the others.
        rows.order.fill(7);
        splitRows(rows.columns, rows.order, at, { nodes: nodes.subarray(0, 2), tables }, 0, 0);
        const later = { nodes: nodes.slice(2), tables: tables.slice(256) };
        splitRows(rows.columns, rows.order, at, later, 1, 1);
        return { order: rows.order.slice(), ranges: at };
      }),
    );
    withRows(({ columns }) => {
      const sides = (rows: readonly number[], split: number) => {
        const isLeft = (row: number) =>
          tables[256 * split + columns[nodes[2 * split + 1] * ROWS + row]] === 1;
        return [rows.filter(isLeft), rows.filter((row) => !isLeft(row))];
      };
      const members: number[][] = [Array.from({ length: ROWS }, (_, row) => row)];
      for (let split = 0; split < 3; split++) members.push(...sides(members[nodes[2 * split]], split));
      for (const node of [2, 3, 5, 6]) {
        expect(members[node].length).toBeGreaterThan(10);
        const [start, count] = ranges.subarray(2 * node, 2 * node + 2);
        expect([...order.subarray(start, start + count)]).toEqual(members[node]);
      }
      expect([...ranges.subarray(2, 4)]).toEqual([0, members[1].length]);
    });
  });

  it('quants, without bias, 0 for rows that are left out', () => {
    // Not a multiple of the rows that are taken at a time.
    const rows = 20_003;
    const shape = { codes: 3, quants: 2 };
    const quantsOf = (share?: number) =>
      onBothPaths(() => {
        const mark = arena.mark();
        try {
          const slopes = arena.alloc(Float32Array, 2 * rows)!;
          for (let r = 0; r < rows; r++) slopes.set([r % 2 ? 0.12345 : -0.12345, 0.0001], 2 * r);
          const records = arena.alloc(Uint8Array, rows * recordBytes(shape))!.fill(7);
          const drop = share === undefined ? {} : { drop: { key: 5, limit: share * 2 ** 32 } };
          const quantization = { gradientScale: 1000, hessianScale: 4000, key: 77, ...drop };
          runKernels((run) => quantizeRows(run, slopes, quantization, { records, ...shape }, 1));
          const words = new Int32Array(records.slice().buffer);
          expect(words.filter((_, i) => i % 3 < 2).every((word) => word === 0x07070707)).toBe(true);
          return words.filter((_, i) => i % 3 === 2);
        } finally {
          arena.reset(mark);
        }
      });
    const quants = quantsOf();
    const mean = (odd: number, part: (quant: number) => number) => {
      const half = quants.filter((_, row) => row % 2 === odd);
      return half.reduce((sum, quant) => sum + part(quant), 0) / half.length;
    };
    // Standard errors of the means of a coin: below 0.005.
    expect(mean(1, (quant) => quant >> 16)).toBeCloseTo(123.45, 1);
    expect(mean(0, (quant) => quant >> 16)).toBeCloseTo(-123.45, 1);
    expect(mean(1, (quant) => quant & 0xffff)).toBeCloseTo(0.4, 1);
    const values = new Set(Array.from(quants, (quant) => quant >> 16));
    expect(values).toEqual(new Set([123, 124, -123, -124]));
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

  it('margins of the rows of leaves', () => {
    const margins = onBothPaths(() =>
      withRows(({ margins: sums, order }) => {
        const ranges = Int32Array.of(0, ROWS, 5, 4, 8, 4);
        addLeaves(sums, order, ranges, Int32Array.of(1, 2), Float64Array.of(0.1, 0.2));
        return sums.slice(0, 14);
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
