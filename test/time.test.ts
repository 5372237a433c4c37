/**
 * Features over time from end to end: the same model whatever the workers, caches and the order of the file; what a model
 * carries continues where training ended; nothing of the future reaches a row.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../src/pipeline/evaluate.ts';
import { exportModel } from '../src/pipeline/exchange.ts';
import { explain } from '../src/pipeline/explain.ts';
import { ingest } from '../src/pipeline/ingest.ts';
import { loadModel } from '../src/pipeline/load-model.ts';
import { predict } from '../src/pipeline/predict.ts';
import { train } from '../src/pipeline/train.ts';
import { update } from '../src/pipeline/update.ts';
import { randomUniform } from '../src/random.ts';
import { temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
const HOURS = 24 * 60;

/** Hourly demand of two places: a day, a week, what was before, and noise. */
function demandRows(): { at: string; place: string; warm: number; demand: number }[] {
  const levels = [50, 90];
  return Array.from({ length: 2 * HOURS }, (_, i) => {
    const [hour, place] = [Math.floor(i / 2), i % 2];
    const noise = 10 * (randomUniform(7, 0, i) - 0.5);
    const day = 20 * Math.sin((hour * Math.PI) / 12);
    levels[place] = 0.9 * levels[place] + 0.1 * 70 + noise;
    return {
      at: new Date(Date.UTC(2025, 0, 1, hour)).toISOString(),
      place: place === 0 ? 'east' : 'west',
      warm: Math.round(10 + day / 4 + noise / 5),
      demand: Math.round(levels[place] + day),
    };
  });
}

const rows = demandRows();
type DemandRow = (typeof rows)[number];
const HEAD = 'at,place,warm,demand';
const csvOf = (list: readonly Partial<DemandRow>[]) =>
  `${[HEAD, ...list.map(({ at, place, warm, demand = '' }) => [at, place, warm, demand].join(','))].join('\n')}\n`;

const file = join(folder, 'demand.csv');
const asked = {
  target: 'demand',
  time: 'at',
  by: 'place',
  lags: ['demand:24,25', 'warm:1'],
  rolling: ['demand:mean:24', 'demand:std:24'],
  horizon: '24',
  rounds: 20,
  learner: 'trees' as const,
  report: false,
};

function bytesOf(directory: string): string[] {
  return ['model.json', 'parameters.safetensors'].map((name) =>
    readFileSync(join(directory, name)).toString('hex'),
  );
}

beforeAll(async () => {
  writeFileSync(file, csvOf(rows));
  // Several particles, so that features pass their borders.
  const store = join(folder, 'parts.sora');
  for (const [at, from] of [0, 501, 1002, 1503, 2004].entries()) {
    const part = join(folder, 'part.csv');
    writeFileSync(part, csvOf(rows.slice(from, at === 4 ? rows.length : from + 501)));
    await ingest(part, { store, append: at > 0 });
  }
}, 120_000);

describe('training with features over time', () => {
  const store = join(folder, 'parts.sora');
  const out = (name: string) => join(folder, `${name}-model`);
  let expected: string[] = [];

  beforeAll(async () => {
    await train(store, { ...asked, out: out('inline'), workers: 0 });
    expected = bytesOf(out('inline'));
  }, 120_000);

  it('gives the same bytes with a warm cache, without one, and on workers', async () => {
    await train(store, { ...asked, out: out('warm'), workers: 0 });
    expect(bytesOf(out('warm'))).toEqual(expected);
    await train(store, { ...asked, out: out('cold'), workers: 0, cache: false });
    expect(bytesOf(out('cold'))).toEqual(expected);
    for (const workers of [1, 2]) {
      await train(store, { ...asked, out: out(`w${workers}`), workers });
      expect(bytesOf(out(`w${workers}`))).toEqual(expected);
    }
  }, 240_000);

  it('holds out the newest rows', async () => {
    const result = await train(store, { ...asked, out: out('newest'), workers: 0, gap: '2d' });
    const { test, train: learned } = result.rows;
    expect(test).toBe(Math.round(0.2 * rows.length));
    expect(learned).toBe(rows.length - test - 2 * 48);
    const all = await train(store, { ...asked, out: out('random'), workers: 0, split: 'random' });
    expect(all.rows.test).not.toBe(test);
  }, 120_000);

  it('continues where training ended, as if the rows were one file', async () => {
    const cut = rows.length - 96;
    const [early, late] = [join(folder, 'early.csv'), join(folder, 'late.csv')];
    writeFileSync(early, csvOf(rows.slice(0, cut)));
    writeFileSync(late, csvOf(rows.slice(cut)));
    const trained = await train(early, {
      ...asked,
      store: join(folder, 'early.sora'),
      out: out('early'),
      workers: 0,
      testFraction: 0,
    });
    const whole = join(folder, 'whole.csv');
    const rest = join(folder, 'rest.csv');
    await predict(trained.directory, file, { out: whole, workers: 0 });
    await predict(trained.directory, late, { out: rest, workers: 0 });
    const tail = readFileSync(whole, 'utf8')
      .trim()
      .split('\n')
      .slice(1 + cut);
    expect(readFileSync(rest, 'utf8').trim().split('\n').slice(1)).toEqual(tail);
    // Objects continue the training, whatever their order; evaluation and explanation know the history too.
    const model = await loadModel(trained.directory);
    const ahead = rows.slice(cut, cut + 48).map(({ demand: _, ...row }) => row);
    const answers = model.predict(ahead).map(({ value }) => value);
    expect(answers.map(String)).toEqual(tail.slice(0, 48));
    expect(model.predict([...ahead].reverse()).map(({ value }) => value)).toEqual([...answers].reverse());
    const judged = await evaluate(trained.directory, late, { workers: 0 });
    expect(judged.evaluation.rows).toBe(96);
    const explained = await explain(trained.directory, late, { workers: 0 });
    expect(String(explained.first[0].prediction)).toBe(tail[0]);
  }, 120_000);

  it('reads a file in any order, and says so where it cannot', async () => {
    const shuffled = rows
      .map((row, i) => ({ row, rank: randomUniform(3, 0, i) }))
      .sort((a, b) => a.rank - b.rank);
    const messy = join(folder, 'messy.csv');
    writeFileSync(messy, csvOf(shuffled.map(({ row }) => row)));
    const common = { ...asked, learner: 'linear', rounds: undefined, workers: 0 } as const;
    const sorted = await train(file, { ...common, store: join(folder, 'sorted.sora'), out: out('sorted') });
    const mixed = await train(messy, { ...common, store: join(folder, 'messy.sora'), out: out('messy') });
    expect(mixed.rows).toEqual(sorted.rows);
    const of = ({ evaluation }: typeof sorted) =>
      evaluation?.metrics.find(({ name }) => name === 'rmse')?.value ?? 0;
    expect(of(mixed)).toBeCloseTo(of(sorted), 3);
    const small = { ...common, memory: '100KB', store: join(folder, 'messy.sora'), out: out('small') };
    await expect(train(join(folder, 'messy.sora'), small)).rejects.toThrow(
      /not in order of "at".*ORDER BY at/,
    );
  }, 120_000);

  it('learns from the newest rows, and weighs them by age', async () => {
    const options = { target: 'demand', time: 'at', ignore: ['place'], report: false, workers: 0 };
    const some = async (more: object) =>
      train(store, { ...options, out: out('some'), learner: 'linear', ...more });
    expect((await some({ window: '500', testFraction: 0 })).rows.train).toBe(500);
    expect((await some({ window: '10d', testFraction: 0 })).rows.train).toBe(2 * 24 * 10);
    expect((await some({ window: '10d' })).rows.train).toBe(2 * 24 * 10);
    const plain = await some({ split: 'time' });
    const aged = await some({ halfLife: '5d' });
    const byRow = await some({ halfLife: '240' });
    expect(aged.model.tensors).not.toEqual(plain.model.tensors);
    expect(aged.rows).toEqual(plain.rows);
    const weightOf = ({ model }: typeof plain) => (model.baseline as { weight: number }).weight;
    // Hourly rows of two places: a half-life of 240 rows is one of 5 days.
    expect(weightOf(byRow) / weightOf(aged)).toBeCloseTo(1, 1);
    expect(weightOf(aged)).toBeLessThan(0.2 * weightOf(plain));
  }, 120_000);

  it('is neither updated, which would be of other rows, nor exported without what a reader must know', async () => {
    const directory = out('inline');
    const before = readdirSync(join(store, 'log'));
    await expect(update(directory, file, { workers: 0 })).rejects.toThrow(/has features over time/);
    expect(readdirSync(join(store, 'log'))).toEqual(before);
    const { notes } = await exportModel(directory, { out: join(folder, 'demand.onnx') });
    expect(notes.at(-1)).toMatch(/does not look back.*demand lag 24, demand lag 25, warm lag 1/);
    const windowed = { target: 'demand', time: 'at', window: '500', report: false, workers: 0 } as const;
    await train(store, { ...windowed, learner: 'linear', out: out('windowed') });
    await expect(update(out('windowed'), file, { workers: 0 })).rejects.toThrow(
      /rows chosen (or weighed )?by/,
    );
  });

  it('refuses options that do nothing', async () => {
    const run = (more: object) => train(store, { target: 'demand', time: 'at', workers: 0, ...more });
    await expect(run({ horizon: '24' })).rejects.toThrow(/--horizon is for features over time/);
    await expect(run({ gap: '24', split: 'random' })).rejects.toThrow(/add --split time/);
    await expect(run({ split: 'time', folds: 3 })).rejects.toThrow(/sora backtest/);
    await expect(run({ window: 'many' })).rejects.toThrow(/--window is "many"/);
    await expect(run({ time: undefined, window: '3d' })).rejects.toThrow(/name one with --time/);
  });
});
