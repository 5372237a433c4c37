/**
 * Classes that come while a stream runs, against River (scripts/goldens/late-classes.py, River 0.26.1): cover types of which
 * five of seven come later, row by row, each predicted before it is learned. Accuracy of all rows, and of those of the late
 * classes alone; the same numbers where neither chance, rounding nor another first step has a say.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { prequential } from '../src/evaluate/prequential.ts';
import golden from '../src/fit/online/fixtures/late-classes.json' with { type: 'json' };
import settings from '../src/fit/online/fixtures/settings.json' with { type: 'json' };
import { largest } from '../src/fit/online/largest.ts';
import { createOnline } from '../src/fit/online/online.ts';
import type { OnlineOptions } from '../src/fit/online/options.ts';
import type { Features } from '../src/fit/online/source.ts';
import { createParticle } from '../src/particle/create.ts';
import { isThere, realPath } from './real-data.ts';

const FILE = 'covertype_92k/covertype_ramp_test.csv.gz';
const BORN = golden.born as Record<string, number>;
type Learner = OnlineOptions['learner'];

/** Softmax from the start, as River has it; the others as in the goldens of two classes. */
const LEARNERS: Record<string, Learner> = {
  ...(settings.classifiers as Record<string, Learner>),
  'ftrl-fresh': { name: 'ftrl', alpha: 0.5, l1: 1, l2: 1, loss: 'softmax' },
  adagrad: { name: 'adagrad', rate: 0.3, loss: 'softmax' },
};

/** The same in every row. River's softmax has no margin for a class until its first row is learned; ours is 0. */
const EXACT = ['pa', 'pa-1', 'pa-2', 'alma', 'gaussian-nb'];

function readRows() {
  const lines = gunzipSync(readFileSync(realPath(FILE)))
    .toString('utf8')
    .split('\n');
  const names = lines[0].split(',').slice(0, 10);
  const rows = lines
    .slice(1, golden.fileRows + 1)
    .map((line) => line.split(',').map(Number))
    .filter((row, index) => index >= (BORN[row[row.length - 1]] ?? 0));
  const columns = Object.fromEntries(names.map((name, at) => [name, rows.map((row) => row[at])]));
  const labels = rows.map((row) => row[row.length - 1]);
  const features = Object.fromEntries(names.map((name) => [name, 'number'])) as Features;
  const particle = createParticle({ columns: { ...columns, y: labels }, roles: { y: 'label' } });
  return { labels, features, particle };
}

describe.skipIf(!isThere(FILE))('cover types that come later', () => {
  const { labels, features, particle } = isThere(FILE) ? readRows() : ({} as ReturnType<typeof readRows>);
  const late = labels?.filter((label) => !golden.known.includes(label)).length;

  function scoresOf(learner: Learner, seed: number) {
    const options = { learner, features, classes: golden.known, seed };
    const model = createOnline(options);
    const rows = model.open(particle);
    let [right, found, logLoss] = [0, 0, 0];
    for (let row = 0; row < rows.rows; row++) {
      const out = new Float64Array(model.outputs);
      rows.predict(row, out);
      if (model.classes[largest(out)] === labels[row]) {
        right++;
        if (!golden.known.includes(labels[row])) found++;
      }
      logLoss -= Math.log(Math.max(out[model.classes.indexOf(labels[row])] ?? 0, 1e-15));
      rows.learn(row);
    }
    expect(rows.rows).toBe(golden.rows);
    expect(model.classes).toEqual([1, 2, 3, 7, 6, 5, 4]);
    return { accuracy: right / golden.rows, logLoss: logLoss / golden.rows, late: found / late };
  }

  it.each(Object.entries(golden.scores))('%s scores as River does', (name, expected) => {
    const seeds = 'seeds' in expected ? expected.seeds.map((_, at) => at + 1) : [1];
    const runs = seeds.map((seed) => scoresOf(LEARNERS[name], seed));
    const mean = (key: keyof (typeof runs)[0]) => runs.reduce((sum, run) => sum + run[key], 0) / runs.length;
    if (EXACT.includes(name)) {
      expect(mean('accuracy')).toBe(expected.accuracy);
      expect(mean('late')).toBe(expected.late);
      expect(mean('logLoss')).toBeCloseTo(expected.logLoss, 8);
      const model = createOnline({ learner: LEARNERS[name], features, classes: golden.known });
      const { accuracy, logLoss } = prequential(model, [particle]);
      expect(accuracy).toBe(expected.accuracy);
      expect(logLoss).toBeCloseTo(expected.logLoss, 8);
    } else {
      const chance = 'seeds' in expected;
      expect(Math.abs(mean('accuracy') - expected.accuracy)).toBeLessThan(chance ? 0.01 : 0.002);
      expect(mean('late')).toBeGreaterThan(expected.late - 0.01);
    }
  });

  it.each([
    ['ftrl-fresh', { name: 'ftrl', alpha: 0.5, l1: 1, l2: 1 }],
    ['adagrad', { name: 'adagrad', rate: 0.3 }],
  ] as const)('%s scores so too where it began with the loss of two classes', (name, learner) => {
    const { accuracy, late: found } = scoresOf(learner, 1);
    expect(Math.abs(accuracy - golden.scores[name].accuracy)).toBeLessThan(0.005);
    expect(Math.abs(found - golden.scores[name].late)).toBeLessThan(0.02);
  });

  it.each([
    'stack',
    'nag',
    'factorization-machine',
    'field-aware-machine',
  ] as const)('%s learns them about as if it had been told of them', (learner) => {
    const scores = scoresOf(learner, 1);
    const classes = [...golden.known, 3, 7, 6, 5, 4];
    const { accuracy: told = 0 } = prequential(createOnline({ learner, features, classes, seed: 1 }), [
      particle,
    ]);
    expect(scores.accuracy).toBeGreaterThan(told - 0.02);
    expect(scores.late).toBeGreaterThan(0.2);
  });
});
