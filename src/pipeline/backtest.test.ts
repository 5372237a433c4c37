import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { randomUniform } from '../random.ts';
import { backtest } from './backtest.ts';

const folder = temporaryFolder();
const file = join(folder, 'load.csv');
const HOURS = 24 * 50;
const DAY = 86_400_000;
const START = Date.UTC(2025, 2, 3);

/** A day's shape, repeated, with noise and a slow rise. */
const load = (i: number) =>
  Math.round(100 + 30 * Math.sin((i * Math.PI) / 12) + i / 24 + 8 * randomUniform(5, 0, i));
/** So many days before the end, which is the newest row. */
const iso = (day: number) => new Date(START + day * DAY - 3_600_000 + 1).toISOString();

beforeAll(() => {
  const rows = Array.from({ length: HOURS }, (_, i) => {
    const kind = load(i) > 120 ? 'high' : 'low';
    return `${new Date(START + i * 3_600_000).toISOString()},${load(i)},${kind}`;
  });
  writeFileSync(file, `at,load,kind\n${rows.join('\n')}\n`);
});

const common = {
  store: join(folder, 'load.sora'),
  target: 'load',
  time: 'at',
  ignore: ['kind'],
  learner: 'linear' as const,
  workers: 0,
};

describe('backtest', () => {
  it('learns from all that is before each stretch, and judges on it', async () => {
    const result = await backtest(file, {
      ...common,
      lags: ['load:24'],
      horizon: '24',
      season: '24',
      folds: 3,
      testSpan: '10d',
      gap: '1d',
    });
    // 50 days: three stretches of 10 at the end, the one before each left out.
    expect(result.folds.map(({ learned, tested }) => [learned, tested])).toEqual(
      [20, 30, 40].map((day) => [
        { to: iso(day - 1), rows: 24 * (day - 1) },
        { from: iso(day), ...(day < 40 ? { to: iso(day + 10) } : {}), rows: 240 },
      ]),
    );
    // Both naive forecasts are that of the hour a day ago.
    for (const [at, { naive }] of result.folds.entries()) {
      const from = 24 * (20 + 10 * at);
      let squares = 0;
      for (let i = from; i < from + 240; i++) squares += (load(i) - load(i - 24)) ** 2;
      for (const { rows, of, metrics } of naive) {
        expect([rows, of]).toEqual([240, 240]);
        expect(metrics[0].name).toBe('rmse');
        expect(metrics[0].value).toBeCloseTo(Math.sqrt(squares / 240), 4);
      }
    }
    const rmse = result.metrics.find(({ name }) => name === 'rmse');
    expect(rmse?.values).toHaveLength(3);
    expect(rmse?.mean).toBeCloseTo(
      (rmse?.values ?? []).reduce((sum, value) => sum + value / 3, 0),
      9,
    );
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  }, 60_000);

  it('slides a window of rows, and counts stretches in rows', async () => {
    const result = await backtest(join(folder, 'load.sora'), {
      ...common,
      folds: 4,
      testSpan: '100',
      window: '300',
      gap: '24',
    });
    expect(result.folds.map(({ learned, tested }) => [learned.rows, tested.rows])).toEqual(
      [1, 2, 3, 4].map(() => [300, 100]),
    );
    const [first] = result.folds;
    const at = (row: number) => new Date(START + row * 3_600_000).toISOString();
    expect(first.tested).toMatchObject({ from: at(HOURS - 400), to: at(HOURS - 300) });
    expect(first.learned).toMatchObject({ from: at(HOURS - 400 - 24 - 300), to: at(HOURS - 400 - 24) });
  }, 60_000);

  it('forecasts classes, and goes by position without a time', async () => {
    const result = await backtest(join(folder, 'load.sora'), {
      ...common,
      time: undefined,
      target: 'kind',
      ignore: ['load', 'at'],
      lags: ['kind:1,24'],
      season: '24',
      folds: 2,
    });
    const [fold] = result.folds;
    expect(fold.tested).toEqual({ from: HOURS - 800, to: HOURS - 400, rows: 400 });
    expect(fold.learned).toEqual({ to: HOURS - 800, rows: HOURS - 800 });
    const kind = (i: number) => load(i) > 120;
    let right = 0;
    for (let i = HOURS - 800; i < HOURS - 400; i++) right += kind(i) === kind(i - 1) ? 1 : 0;
    expect(fold.naive[0]).toMatchObject({
      name: 'same as last',
      metrics: [{ name: 'accuracy', value: right / 400 }],
    });
    expect(fold.naive[1].name).toBe('same as a season ago');
  }, 60_000);

  it('is the same on workers', async () => {
    const run = (workers: number) =>
      backtest(join(folder, 'load.sora'), {
        ...common,
        folds: 2,
        lags: ['load:24'],
        halfLife: '10d',
        workers,
        cache: false,
      });
    const { seconds: _, ...inline } = await run(0);
    const { seconds: __, ...threads } = await run(2);
    expect(threads).toEqual(inline);
  }, 60_000);

  it('refuses what leaves nothing to learn from', async () => {
    const run = (more: object) => backtest(join(folder, 'load.sora'), { ...common, ...more });
    await expect(run({ folds: 5, testSpan: '20d' })).rejects.toThrow(/Nothing is left to learn from/);
    await expect(run({ season: '24', horizon: '24h', lags: ['load:24h'] })).rejects.toThrow(
      /both in rows, or both as times/,
    );
  });
});
