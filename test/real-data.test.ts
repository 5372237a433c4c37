/** Real files, no option but the target: each ends with a model better than the baseline, and scores as it should. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TrainResult } from '../src/pipeline/train-result.ts';
import { sora, temporaryFolder } from './cli.ts';
import { isThere, REAL_SETS, realPath } from './real-data.ts';

type Trained = Omit<TrainResult, 'model'>;

const folder = temporaryFolder();
const run = (...words: string[]) => sora(words, { cwd: folder });
const storeOf = (name: string) => join(folder, `${name}.sora`);

async function train(name: string, file: string, target: string, ...words: string[]): Promise<Trained> {
  const store = ['--store', storeOf(name)];
  const { code, stdout, stderr } = await run(
    'train',
    realPath(file),
    '--target',
    target,
    ...store,
    '--json',
    ...words,
  );
  expect(code, stderr + stdout).toBe(0);
  return JSON.parse(stdout);
}

function metricOf(trained: Pick<Trained, 'evaluation'>, name: string) {
  const found = trained.evaluation?.metrics.find((metric) => metric.name === name);
  if (found === undefined) throw new Error(`There is no metric ${name}.`);
  return found;
}

describe('training with no option but the target', () => {
  for (const set of REAL_SETS.filter(({ required }) => required)) {
    it.skipIf(!isThere(set.file))(
      `is worth it on ${set.name}`,
      async () => {
        const trained = await train(set.name, set.file, set.target);
        const { value, baseline } = metricOf(trained, set.metric);
        const told = JSON.stringify({ fit: trained.fit, verdict: trained.verdict });
        expect(trained.rows.total).toBe(set.rows);
        expect(trained.evaluation?.task).toBe(set.task);
        expect(trained.verdict, told).toMatch(/^Better than the baseline/);
        // Trees that would learn more if they were let are no failure.
        expect(trained.fit.converged || trained.fit.reason === 'rounds', told).toBe(true);
        if (set.atLeast !== undefined) {
          expect(value, told).toBeGreaterThanOrEqual(set.atLeast);
          expect(value).toBeGreaterThan(baseline as number);
        } else {
          expect(value, told).toBeLessThanOrEqual(set.atMost as number);
          expect(value).toBeLessThan(baseline as number);
        }
        expect(trained.peakMemory).toBeLessThan(1.5 * 2 ** 30);
      },
      900_000,
    );
  }

  it.skipIf(!isThere('online_retail/online_retail.parquet'))(
    'fits the typical value where a few rows outweigh all others, and says so',
    async () => {
      const trained = await train(
        'price',
        'online_retail/online_retail.parquet',
        'UnitPrice',
        '--learner',
        'linear',
      );
      expect(trained.learner).toBe('robust linear regression');
      expect(trained.target).toMatch(/extreme values.*--loss squared/);
      expect(trained.verdict).toMatch(/^Better than the baseline .*: MAE/);
    },
  );

  it.skipIf(!isThere('bike_sharing/hour.csv'))('doubts a score that is too good', async () => {
    const trained = await train('bike', 'bike_sharing/hour.csv', 'cnt');
    expect(trained.notes.join(' ')).toMatch(/Almost perfect: .*registered/);
    const honest = await train('bike', 'bike_sharing/hour.csv', 'cnt', '--ignore', 'casual,registered');
    expect(honest.notes.join(' ')).not.toMatch(/Almost perfect/);
    expect(metricOf(honest, 'r2').value).toBeGreaterThan(0.6);
  });

  it.skipIf(!isThere('sms_spam/SMSSpamCollection'))('names the words that decide', async () => {
    const trained = await train('sms', 'sms_spam/SMSSpamCollection', 'column1');
    expect(metricOf(trained, 'accuracy').value).toBeGreaterThanOrEqual(0.97);
    expect(trained.coefficients.map(({ name }) => name)).toContain('column2~txt');
  });
});

describe('a model of a real file', () => {
  it.skipIf(!isThere('titanic/train.csv'))(
    'predicts a file without the target, and reads its own data again',
    async () => {
      const { directory } = await train('titanic', 'titanic/train.csv', 'Survived');
      const out = join(folder, 'survived.csv');
      const predicted = await run('predict', directory, realPath('titanic/test.csv'), '--out', out);
      expect(predicted.code, predicted.stderr).toBe(0);
      const lines = readFileSync(out, 'utf8').trim().split('\n');
      expect(lines).toHaveLength(419);
      expect(new Set(lines.slice(1).map((line) => line.split(',')[0]))).toEqual(new Set(['0', '1']));
      const evaluated = await run('evaluate', directory, realPath('titanic/train.csv'), '--json');
      expect(evaluated.code, evaluated.stderr).toBe(0);
      expect(metricOf(JSON.parse(evaluated.stdout), 'auc').value).toBeGreaterThan(0.85);
      const verified = await run('verify', storeOf('titanic'));
      expect(verified.stdout).toMatch(/^Sound/);
    },
  );
});

describe('rubbish', () => {
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const rows = (count: number, row: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => row(i)).join('\n');

  it.each([
    ['empty', '', 4, /empty/],
    ['header only', 'a,b,y\n', 4, /no rows/i],
    ['one row', 'a,b,y\n1,2,3\n', 4, /nothing to learn/],
    [
      'one column',
      `y\n${rows(50, (i) => `${i}`)}\n`,
      4,
      /No column gives a feature|no column to learn from/i,
    ],
    ['constant target', `a,y\n${rows(50, (i) => `${i},1`)}\n`, 4, /"y" is always "1"/],
    ['missing target', `a,y\n${rows(50, (i) => `${i},`)}\n`, 4, /"y" has no value/],
    ['zero bytes', '\0'.repeat(5000), 4, /binary data/],
    ['ragged', `a,b,y\n${rows(50, (i) => (i === 30 ? '1,2' : `${i},${i},${i % 2}`))}\n`, 4, /:32: /],
    ['no target', 'a,b\n1,2\n3,4\n', 3, /no column "y"/],
  ])('says what is wrong: %s', async (name, content, exit, message) => {
    const path = write(`${name}.csv`, content);
    const { code, stderr } = await run('train', path, '--target', 'y', '--store', storeOf(`bad ${name}`));
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ +at |defect/m);
    expect(code).toBe(exit);
  });
});
