/** Features that share bytes of records: which do, and that no forest shows whether they did. */
import { afterEach, describe, expect, it } from 'vitest';
import { setKernelMode } from '../../kernel/mode.ts';
import { distinctOf } from '../../kernel/sort.ts';
import { FEATURE_WORDS } from '../../kernel/tree.ts';
import { featureSums, SPARE_WORDS } from '../../kernel/tree-search.ts';
import type { Particle } from '../../particle/particle.ts';
import { randomWord } from '../../random.ts';
import { inlineExecutor } from '../../run/inline.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import type { Executor, Session } from '../../run/session.ts';
import { threadExecutor } from '../../run/threads.ts';
import { categoryBins, type FeatureBins, numberBins } from './bins.ts';
import { chooseLayout } from './exclusive.ts';
import { bytesOf, fitIn, type Given, particlesOf, VIEW } from './fixtures/census.ts';
import {
  bundlesOf,
  type Candidate,
  isLayoutConflict,
  layoutOf,
  type Place,
  placesOf,
  sharedColumns,
} from './layout.ts';

afterEach(() => setKernelMode('wasm'));

const ROWS = 3000;
const uniform = (row: number, what: number) => randomWord(11, what, row) / 2 ** 32;
const column = (value: (row: number) => number) => Array.from({ length: ROWS }, (_, row) => value(row));
const oneHot = (of: (row: number) => number, kinds: number) =>
  Array.from({ length: kinds }, (_, kind) => column((row) => (of(row) === kind ? 1 : 0)));

const wilderness = (row: number) => Math.floor(4 * uniform(row, 1) ** 2);
const SOILS = 40;
const soil = (row: number) => Math.floor(SOILS * uniform(row, 2) ** 1.5);
/** As covertype: numbers, then two sets of one-hot columns; and amounts that are hardly ever there, or missing. */
const FEATURES = [
  column((row) => uniform(row, 3)),
  column((row) => (row % 7 === 0 ? Number.NaN : uniform(row, 4) + 0.2 * wilderness(row))),
  ...oneHot(wilderness, 4),
  ...oneHot(soil, SOILS),
  column((row) => (row % 20 === 3 ? uniform(row, 5) : 0)),
  column((row) => (row % 20 === 4 ? 10 * uniform(row, 6) : row % 20 === 5 ? Number.NaN : 2)),
  column((row) => (row % 20 === 6 ? Math.floor(5 * uniform(row, 7)) : Number.NaN)),
  column(() => 1),
];
const SCORE = column(
  (row) =>
    FEATURES[0][row] +
    (soil(row) % 3) * 0.4 -
    wilderness(row) * 0.3 +
    FEATURES[6 + SOILS][row] +
    0.3 * uniform(row, 8),
);
const CLASSES = SCORE.map((score) => (score < 0.5 ? 0 : score < 1 ? 1 : 2));
const PARTICLES = particlesOf(FEATURES, CLASSES, undefined, 700);

async function inSession<T>(
  particles: readonly Particle[],
  executor: Executor,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await executor.open(memoryParticles(particles));
  try {
    return await work(session);
  } finally {
    await session.close();
    await executor.close();
  }
}

const layoutFor = (
  columns: readonly number[][],
  bins: readonly FeatureBins[],
  executor = inlineExecutor(),
  trees = 100,
  everyRow = true,
) =>
  inSession(
    particlesOf(
      columns,
      columns[0].map(() => 0),
      undefined,
      700,
    ),
    executor,
    (session) =>
      chooseLayout(
        session,
        VIEW,
        bins,
        columns.map((values) => Float32Array.from(values)),
        trees,
        everyRow,
      ).then(({ layout }) => layout),
  );

const digitOf = ({ column, divisor = 1 }: Place) => `${column} ${divisor}`;

const BINS = FEATURES.map((values) => numberBins(distinctOf(Float32Array.from(values))));

describe('the layout of records', () => {
  it('has one digit for each set of one-hot columns, by any number of workers', async () => {
    const layout = await layoutFor(FEATURES, BINS);
    const places = layout!.places;
    expect(layout!.columns).toBeLessThan(7);
    expect(new Set(places.slice(0, 2).map(({ column }) => column)).size).toBe(2);
    // Two sets that meet in every row cannot be in one digit; each set need not be in one.
    for (let f = 2; f < 6; f++) {
      for (let g = 6; g < 6 + SOILS; g++) {
        const meet = FEATURES[f].some((value, row) => value === 1 && FEATURES[g][row] === 1);
        if (meet) expect(digitOf(places[f])).not.toBe(digitOf(places[g]));
      }
    }
    expect(await layoutFor(FEATURES, BINS, threadExecutor({ workers: 3 }))).toEqual(layout);
  });

  it('keeps apart what meets in a single row', async () => {
    const columns = oneHot((row) => row % 6, 6);
    const bins = columns.map((values) => numberBins(distinctOf(Float32Array.from(values))));
    expect((await layoutFor(columns, bins))?.columns).toBe(1);
    const meeting = columns.map((values, f) => (f < 2 ? values.with(2995, 1) : values));
    const { places } = (await layoutFor(meeting, bins))!;
    expect(new Set(places.map(digitOf)).size).toBe(2);
    expect(digitOf(places[0])).not.toBe(digitOf(places[1]));
  });

  it('takes what evidently excludes each other from a sample, and finds out about the rest', async () => {
    const columns = [...oneHot((row) => row % 6, 6), ...oneHot((row) => row % 2800, 2)];
    const bins = columns.map((values) => numberBins(distinctOf(Float32Array.from(values))));
    const choose = (trees: number) =>
      inSession(particlesOf(columns, CLASSES, undefined, 700), inlineExecutor(), async (session) => {
        const samples = columns.map((values) => Float32Array.from(values.slice(0, 2000)));
        return chooseLayout(session, VIEW, bins, samples, trees);
      });
    const { layout, isSure } = await choose(1);
    expect(isSure).toBe(false);
    // One row in 2800 says nothing: the last two columns stand alone.
    const digits = layout!.places.map(digitOf);
    expect(new Set(digits.slice(0, 6)).size).toBe(1);
    expect(new Set(digits).size).toBe(3);
  });

  it('is left out where nothing is gained', async () => {
    const dense = [0, 1, 2, 3, 4, 5].map((f) => column((row) => uniform(row, 20 + f)));
    const bins = dense.map((values) => numberBins(distinctOf(Float32Array.from(values))));
    expect(await layoutFor(dense, bins)).toBeUndefined();
    // Bundles are not worth a pass over all rows for one tree; what is packed needs none.
    const { places } = (await layoutFor(FEATURES, BINS, inlineExecutor(), 1))!;
    expect(places.every(({ usual }) => usual === undefined)).toBe(true);
    expect((await layoutFor(FEATURES, BINS))!.places.some(({ usual }) => usual !== undefined)).toBe(true);
  });

  it('packs digits of few codes into bytes, the largest first', () => {
    const layoutFor = (...counts: number[]) => layoutOf(counts.map((count) => categoryBins(count)));
    expect(layoutFor(255, 255, 128)).toBeUndefined();
    // 3 · 84 codes, 12 · 13 and 7 · 23.
    const layout = layoutFor(12, 79, 83, 110, 11, 2, 6, 255, 22)!;
    expect(layout.columns).toBe(6);
    expect(layout.places[2]).toEqual({ column: layout.places[5].column, divisor: 1, radix: 84 });
    expect(layout.places[5]).toEqual({ column: layout.places[2].column, divisor: 84, radix: 3 });
    expect(layout.places[7]).toEqual({ column: 0 });
  });

  it('fills a byte and no more', () => {
    const bins = Array.from({ length: 8 }, () => categoryBins(51));
    const candidates = bins.map((_, feature): Candidate => ({ feature, usual: 3, share: 0.1 }));
    const layout = layoutOf(bins, bundlesOf(bins, candidates, new Uint32Array(8), 1))!;
    expect(layout.columns).toBe(2);
    const inFirst = layout.places.filter(({ column }) => column === 0);
    expect(inFirst.map(({ first }) => first)).toEqual([1, 52, 103, 154, 205]);
    const rows = 52;
    const columns = new Uint8Array(rows * 8).fill(3);
    for (let bin = 0; bin < rows; bin++) columns[4 * rows + bin] = bin;
    const shared = sharedColumns(columns, rows, layout, bins).subarray(0, rows);
    expect([...shared].sort((a, b) => a - b)).toEqual([0, ...Array.from({ length: 51 }, (_, i) => 205 + i)]);
    columns[3 * rows + 7] = 4;
    const clash = () => sharedColumns(columns, rows, layout, bins);
    expect(clash).toThrow(expect.toSatisfy(isLayoutConflict));
  });

  it('gives the sums of every bin back', () => {
    // Two in which every row may be in any bin, and six of which one leaves its usual bin.
    const bins = [3, 2, 4, 4, 4, 4, 5, 2].map((count) => categoryBins(count));
    const candidates = [0, 1, 2, 3, 4, 5].map(
      (feature): Candidate => ({ feature, usual: feature % 2, share: 0.1 }),
    );
    const layout = layoutOf(bins, bundlesOf(bins, candidates, new Uint32Array(6), 1))!;
    const rows = 500;
    const columns = new Uint8Array(rows * 8);
    for (let r = 0; r < rows; r++) {
      for (let f = 0; f < 6; f++) columns[f * rows + r] = f % 2;
      for (let f = 6; f < 8; f++) columns[f * rows + r] = randomWord(f, r, 0) % (bins[f].count + 1);
      const f = randomWord(5, r, 0) % 6;
      columns[f * rows + r] = randomWord(6, r, 0) % (bins[f].count + 1);
    }
    // 22 codes of a bundle and 6 of the seventh share a byte.
    expect(layout.columns).toBe(2);
    expect(layout.places[6].divisor).toBe(22);
    const shared = sharedColumns(columns, rows, layout, bins);
    const sums = (of: Uint8Array) => {
      const words = new Int32Array(FEATURE_WORDS);
      of.forEach((bin, r) => {
        words[2 * bin] += r % 9;
        words[2 * bin + 1] += (r % 7) - 3;
      });
      return words;
    };
    const histogram = new Int32Array(2 * FEATURE_WORDS);
    for (let byte = 0; byte < 2; byte++)
      histogram.set(sums(shared.subarray(byte * rows, (byte + 1) * rows)), byte * FEATURE_WORDS);
    const scratch = new Int32Array(SPARE_WORDS).fill(77);
    bins.forEach(({ count }, f) => {
      const expected = sums(columns.subarray(f * rows, (f + 1) * rows));
      const found = featureSums(histogram, placesOf(bins, layout), f, scratch);
      expect([...found.subarray(0, 2 * count + 2)]).toEqual([...expected.subarray(0, 2 * count + 2)]);
    });
  });
});

describe('the forest is the same with bundles and without', () => {
  const SOFTMAX: Given = {
    loss: 'softmax',
    outputs: 3,
    rounds: 8,
    leaves: 12,
    learningRate: 0.3,
    minRows: 5,
  };
  const WITH_CATEGORIES = FEATURES.map((_, f) => f >= 10 && f < 14);
  it.each<[string, Given]>([
    ['several outputs', SOFTMAX],
    ['squared, one-sided', { ...SOFTMAX, loss: 'squared', outputs: 1, rounds: 24, topShare: 0.2 }],
    ['rows held out', { ...SOFTMAX, earlyStopping: 5, rowShare: 0.7 }],
    ['categories', { ...SOFTMAX, categorical: WITH_CATEGORIES }],
    [
      'monotone, some columns',
      {
        ...SOFTMAX,
        loss: 'squared',
        outputs: 1,
        rounds: 24,
        columnShare: 0.6,
        monotone: FEATURES.map((_, f) => (f < 8 ? 1 : 0)),
      },
    ],
  ])('%s', async (_, given) => {
    const grow = (bundle: boolean, executor = inlineExecutor()) =>
      inSession(PARTICLES, executor, (session) => fitIn(session, FEATURES.length, { ...given, bundle }));
    const trees = given.rounds! * given.outputs;
    expect(await layoutFor(FEATURES, BINS, inlineExecutor(), trees)).toBeDefined();
    const plain = await grow(false);
    const bundled = await grow(true);
    expect(bytesOf(bundled)).toEqual(bytesOf(plain));
    expect(bundled.history).toEqual(plain.history);
    expect(bundled.forest.nodeFeatures.some((f) => f >= 2)).toBe(true);
    expect(bytesOf(await grow(true, threadExecutor({ workers: 2 })))).toEqual(bytesOf(plain));
    setKernelMode('plain');
    expect(bytesOf(await grow(true))).toEqual(bytesOf(plain));
  });

  it('also where a row outside of the sample has what the sample forbids', async () => {
    // Four bundles; the last row but five is in two classes of one.
    const rows = 210_000;
    const pair = (row: number) => (row === rows - 5 ? [0, 1] : [row % 8]);
    const columns = [0, 1, 2, 3].flatMap((set) =>
      Array.from({ length: 8 }, (_, kind) =>
        Array.from({ length: rows }, (_, row) => (pair(row + 3 * set).includes(kind) ? 1 : 0)),
      ),
    );
    const labels = Array.from({ length: rows }, (_, row) => (row % 8) + (row % 3));
    const particles = particlesOf(columns, labels, undefined, 30_000);
    const given: Given = { loss: 'squared', outputs: 1, rounds: 2, leaves: 8, learningRate: 0.3 };
    for (const executor of [inlineExecutor, () => threadExecutor({ workers: 2 })]) {
      const grow = (bundle: boolean) =>
        inSession(particles, executor(), (session) => fitIn(session, columns.length, { ...given, bundle }));
      expect(bytesOf(await grow(true))).toEqual(bytesOf(await grow(false)));
    }
  });

  it('also when a fit of few rounds, which no bundle pays in, is gone on with', async () => {
    const given: Given = { ...SOFTMAX, loss: 'squared', outputs: 1 };
    const grow = (rounds: number, checkpoint?: Given['checkpoint']) =>
      inSession(PARTICLES, inlineExecutor(), (session) =>
        fitIn(session, FEATURES.length, { ...given, rounds, checkpoint }),
      );
    expect(await layoutFor(FEATURES, BINS, inlineExecutor(), 2)).not.toEqual(
      await layoutFor(FEATURES, BINS, inlineExecutor(), 100),
    );
    let saved: Uint8Array | undefined;
    await grow(2, {
      due: (round) => round === 2,
      save: (_, bytes) => {
        saved = bytes;
      },
      load: () => undefined,
    });
    const resumed = await grow(100, { due: () => false, save: () => {}, load: () => saved });
    expect(bytesOf(resumed)).toEqual(bytesOf(await grow(100)));
  });
});
