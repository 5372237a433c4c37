/** Bundles of exclusive features: which are made, and that no forest shows whether they were. */
import { afterEach, describe, expect, it } from 'vitest';
import { setKernelMode } from '../../kernel/mode.ts';
import { FEATURE_WORDS } from '../../kernel/tree.ts';
import { featureSums } from '../../kernel/tree-search.ts';
import type { Particle } from '../../particle/particle.ts';
import { randomWord } from '../../random.ts';
import { inlineExecutor } from '../../run/inline.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import type { Executor, Session } from '../../run/session.ts';
import { threadExecutor } from '../../run/threads.ts';
import { categoryBins, type FeatureBins, numberBins } from './bins.ts';
import { chooseLayout } from './exclusive.ts';
import { bytesOf, fitIn, type Given, particlesOf, VIEW } from './fixtures/census.ts';
import { type Candidate, layoutOf, placesOf, sharedColumns } from './layout.ts';

afterEach(() => setKernelMode('wasm'));

const ROWS = 3000;
const uniform = (row: number, what: number) => randomWord(11, what, row) / 2 ** 32;
const column = (value: (row: number) => number) => Array.from({ length: ROWS }, (_, row) => value(row));
const oneHot = (of: (row: number) => number, kinds: number) =>
  Array.from({ length: kinds }, (_, kind) => column((row) => (of(row) === kind ? 1 : 0)));

const wilderness = (row: number) => Math.floor(4 * uniform(row, 1) ** 2);
const soil = (row: number) => Math.floor(13 * uniform(row, 2) ** 1.5);
/** As covertype: numbers, then two sets of one-hot columns; and amounts that are hardly ever there, or missing. */
const FEATURES = [
  column((row) => uniform(row, 3)),
  column((row) => (row % 7 === 0 ? Number.NaN : uniform(row, 4) + 0.2 * wilderness(row))),
  ...oneHot(wilderness, 4),
  ...oneHot(soil, 13),
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
    FEATURES[19][row] +
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
      ),
  );

const BINS = FEATURES.map((values) =>
  numberBins(Float32Array.from(values.filter((value) => !Number.isNaN(value)))),
);

describe('the layout of records', () => {
  it('has one byte for each set of one-hot columns, by any number of workers', async () => {
    const layout = await layoutFor(FEATURES, BINS);
    const places = layout!.places;
    expect(layout!.columns).toBeLessThan(9);
    expect(new Set(places.slice(0, 2).map(({ column }) => column)).size).toBe(2);
    // Two sets that meet in every row cannot be in one byte; each set need not be in one.
    for (let f = 2; f < 6; f++) {
      for (let g = 6; g < 19; g++) {
        const meet = FEATURES[f].some((value, row) => value === 1 && FEATURES[g][row] === 1);
        if (meet) expect(places[f].column).not.toBe(places[g].column);
      }
    }
    expect(await layoutFor(FEATURES, BINS, threadExecutor({ workers: 3 }))).toEqual(layout);
  });

  it('keeps apart what meets in a single row', async () => {
    const columns = oneHot((row) => row % 6, 6);
    const bins = columns.map((values) => numberBins(Float32Array.from(values)));
    expect((await layoutFor(columns, bins))?.columns).toBe(1);
    const meeting = columns.map((values, f) => (f < 2 ? values.with(2995, 1) : values));
    const { columns: bytes, places } = (await layoutFor(meeting, bins))!;
    expect(bytes).toBe(2);
    expect(places[0].column).not.toBe(places[1].column);
  });

  it('is left out where nothing is gained', async () => {
    const dense = [0, 1, 2, 3, 4, 5].map((f) => column((row) => uniform(row, 20 + f)));
    const bins = dense.map((values) => numberBins(Float32Array.from(values)));
    expect(await layoutFor(dense, bins)).toBeUndefined();
    // Three bytes become one, and a record stays four long.
    const few = oneHot((row) => row % 3, 3);
    expect(await layoutFor(few, bins.slice(0, 3))).toBeUndefined();
    // Not worth a pass over all rows for one tree.
    expect(await layoutFor(FEATURES, BINS, inlineExecutor(), 1)).toBeUndefined();
  });

  it('fills a byte and no more', () => {
    const bins = Array.from({ length: 8 }, () => categoryBins(51));
    const candidates = bins.map((_, feature): Candidate => ({ feature, usual: 3, share: 0.1 }));
    const layout = layoutOf(bins, candidates, new Uint32Array(8), 1)!;
    expect(layout.columns).toBe(2);
    const inFirst = layout.places.filter(({ column }) => column === 0);
    expect(inFirst.map(({ first }) => first)).toEqual([1, 52, 103, 154, 205]);
    const rows = 52;
    const columns = new Uint8Array(rows * 8).fill(3);
    for (let bin = 0; bin < rows; bin++) columns[4 * rows + bin] = bin;
    const shared = sharedColumns(columns, rows, layout, bins).subarray(0, rows);
    expect([...shared].sort((a, b) => a - b)).toEqual([0, ...Array.from({ length: 51 }, (_, i) => 205 + i)]);
  });

  it('gives the sums of every bin back', () => {
    const bins = [categoryBins(3), categoryBins(2), ...Array.from({ length: 4 }, () => categoryBins(4))];
    const candidates = bins.map((_, feature): Candidate => ({ feature, usual: feature % 2, share: 0.1 }));
    const layout = layoutOf(bins, candidates, new Uint32Array(6), 1)!;
    const rows = 500;
    const columns = new Uint8Array(rows * 6);
    for (let r = 0; r < rows; r++) {
      for (let f = 0; f < 6; f++) columns[f * rows + r] = f % 2;
      const f = randomWord(5, r, 0) % 6;
      columns[f * rows + r] = randomWord(6, r, 0) % (bins[f].count + 1);
    }
    const shared = sharedColumns(columns, rows, layout, bins);
    const sums = (of: Uint8Array) => {
      const words = new Int32Array(FEATURE_WORDS);
      of.forEach((bin, r) => {
        words[2 * bin] += r % 9;
        words[2 * bin + 1] += (r % 7) - 3;
      });
      return words;
    };
    const histogram = sums(shared);
    const scratch = new Int32Array(FEATURE_WORDS).fill(77);
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

  it('also when a fit of few rounds, which no bundle pays in, is gone on with', async () => {
    const given: Given = { ...SOFTMAX, loss: 'squared', outputs: 1 };
    const grow = (rounds: number, checkpoint?: Given['checkpoint']) =>
      inSession(PARTICLES, inlineExecutor(), (session) =>
        fitIn(session, FEATURES.length, { ...given, rounds, checkpoint }),
      );
    expect(await layoutFor(FEATURES, BINS, inlineExecutor(), 2)).toBeUndefined();
    expect(await layoutFor(FEATURES, BINS, inlineExecutor(), 24)).toBeDefined();
    let saved: Uint8Array | undefined;
    await grow(2, {
      due: (round) => round === 2,
      save: (_, bytes) => {
        saved = bytes;
      },
      load: () => undefined,
    });
    const resumed = await grow(24, { due: () => false, save: () => {}, load: () => saved });
    expect(bytesOf(resumed)).toEqual(bytesOf(await grow(24)));
  });
});
