/**
 * Online learners on real streams against River (scripts/goldens/online.py, River 0.26.1): row by row, each predicted
 * before it is learned, with the same settings and preparation. Accuracies within 0.005 (River's own FTRL predicts with
 * weights one row old); the same numbers where chance and rounding have no say. Streams that are not there are left out,
 * and said so.
 */
import { describe, expect, it } from 'vitest';
import { prequential } from '../src/evaluate/prequential.ts';
import river from '../src/fit/online/fixtures/river.json' with { type: 'json' };
import settings from '../src/fit/online/fixtures/settings.json' with { type: 'json' };
import { createOnline } from '../src/fit/online/online.ts';
import type { OnlineOptions } from '../src/fit/online/options.ts';
import { readStream, type StreamName } from './streams.ts';

type Learner = OnlineOptions['learner'];

/** The settings of the golden script, as Sora names them. */
const CLASSIFIERS = settings.classifiers as Record<string, Learner>;
const MIXED = settings.mixed as Record<string, Learner>;
const REGRESSORS = settings.regressors as Record<string, Learner>;

/** Learners without chance or rounding to amplify: the same in every row, where nothing is hashed. */
const EXACT = ['ftrl-fresh', 'adagrad', 'nag', 'pa', 'pa-1', 'pa-2', 'gaussian-nb'];

interface Golden {
  readonly accuracy: number;
  readonly logLoss: number;
  readonly mae: number;
  /** Learners of chance: seeds 1, 2 …, of which the above are means. */
  readonly seeds?: readonly unknown[];
}

const goldens = river as unknown as Record<StreamName, Record<string, Golden>>;

function scoreOf(name: StreamName, learner: Learner, seed: number) {
  const stream = readStream(name);
  if (stream === undefined) return undefined;
  const { particle, ...rest } = stream;
  return prequential(createOnline({ learner, seed, ...rest }), [particle]);
}

describe.each([
  ['elec2', CLASSIFIERS],
  ['phishing', CLASSIFIERS],
  ['weather', CLASSIFIERS],
  ['bank', MIXED],
  ['flights', MIXED],
] as const)('%s', (stream, learners) => {
  it.each(Object.entries(learners))('%s scores as River does', (name, learner) => {
    const golden = goldens[stream][name];
    const seeds = Array.from(golden.seeds ?? [0], (_, index) => index + 1);
    const results = seeds.map((seed) => scoreOf(stream, learner, seed));
    if (results[0] === undefined) return;
    const accuracy = results.reduce((sum, result) => sum + (result?.accuracy ?? 0), 0) / seeds.length;
    expect(Math.abs(accuracy - golden.accuracy)).toBeLessThan(0.005);
    if (!EXACT.includes(name) || stream === 'bank' || stream === 'flights') return;
    expect(accuracy).toBe(golden.accuracy);
    expect(results[0].logLoss).toBeCloseTo(golden.logLoss, 8);
  });
});

describe('numbers of bikes', () => {
  it.each(Object.entries(REGRESSORS))('%s errs as River does', (name, learner) => {
    const result = scoreOf('bike', learner, 1);
    if (result === undefined) return;
    const golden = goldens.bike[name];
    expect(result.mae).toBeCloseTo(golden.mae, 6);
  });
});

describe('a stack', () => {
  it('reaches 0.906 on Elec2, where repeating the last label gives 0.853', () => {
    const result = scoreOf('elec2', 'stack', 1);
    if (result === undefined) return;
    expect(result.accuracy).toBeGreaterThan(0.906);
    expect(result.sameAsLast).toBeCloseTo(0.8533, 3);
    expect(result.stretches.reduce((sum, { rows }) => sum + rows, 0)).toBe(result.rows);
  });
});
