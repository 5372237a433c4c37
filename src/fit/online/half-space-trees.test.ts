/**
 * Half-space trees: masses against a naive count of the rows in each region, and real connections beside River
 * (scripts/goldens/anomalies.py, River 0.26.1), which draws other trees and adds up the masses along each path.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isThere, realPath } from '../../../test/real-data.ts';
import { prequential } from '../../evaluate/prequential.ts';
import { log } from '../../kernel/elementary.ts';
import { createParticle } from '../../particle/create.ts';
import { randomUniform } from '../../random.ts';
import goldens from './fixtures/anomalies.json' with { type: 'json' };
import { createOnline } from './online.ts';

const FEATURES = { x: 'number', y: 'number' } as const;
const point = (i: number) => ({ x: randomUniform(1, 1, i), y: 5 - 3 * randomUniform(1, 2, i) });
const create = (options: object = {}, seed = 1) =>
  createOnline({ learner: { name: 'half-space-trees', ...options }, features: FEATURES, seed });

/** Mann & Whitney, ties counting one half. */
function area(scores: readonly number[], labels: readonly boolean[]): number {
  const order = scores.map((_, row) => row).sort((a, b) => scores[a] - scores[b]);
  let ranks = 0;
  for (let at = 0, end = 0; at < order.length; at = end) {
    while (end < order.length && scores[order[end]] === scores[order[at]]) end++;
    for (let k = at; k < end; k++) if (labels[order[k]]) ranks += (at + end + 1) / 2;
  }
  const ones = labels.filter(Boolean).length;
  return (ranks - (ones * (ones + 1)) / 2) / (ones * (labels.length - ones));
}

describe('half-space trees', () => {
  it('knows nothing in the first window, and then gives what the masses say', () => {
    const model = create({ trees: 200, height: 4, window: 4000 });
    for (let i = 0; i < 3999; i++) model.learnOne(point(i));
    expect(model.predictOne(point(0)).value).toBe(0.5);
    model.learnOne(point(3999));
    let sum = 0;
    for (let i = 0; i < 100; i++) sum += model.predictOne(point(5000 + i)).value as number;
    // Even rows, halves between 0.15 and 0.85: a level multiplies r · 2^depth by 2 (1/2 + 2 · 0.7² / 12) on average.
    expect(sum / 100).toBeCloseTo(1 / (1 + (1 + 0.49 / 3) ** 4), 1);
  });

  it('scores what is far from a cluster above all that is in it', () => {
    const model = create({ window: 200 });
    const near = (i: number) => ({ x: 10 + point(i).x, y: 10 + point(i).y });
    model.learnOne({ x: 0, y: 0 });
    model.learnOne({ x: 100, y: 100 });
    for (let i = 0; i < 198; i++) model.learnOne(near(i));
    const scores = Array.from({ length: 200 }, (_, i) => model.predictOne(near(1000 + i)).value as number);
    for (const far of [
      { x: 100, y: 0 },
      { x: 60, y: 60 },
      { x: 1e9, y: 10 },
      { x: -1e9, y: 10 },
    ]) {
      expect(model.predictOne(far).value).toBeGreaterThan(Math.max(...scores));
    }
  });

  it('counts each row by its weight, and forgets what is two windows old', () => {
    const [once, twice] = [create({ window: 10 }), create({ window: 10 })];
    for (let i = 0; i < 20; i++) {
      once.learnOne(point(i));
      twice.learnOne(point(i), undefined, 2);
    }
    expect(once.predictOne(point(99))).toEqual(twice.predictOne(point(99)));
    const [one, other] = [create({ window: 50 }), create({ window: 50 })];
    // The same ranges, and different rows in the window before the last.
    for (const model of [one, other]) for (const x of [0, 1]) model.learnOne({ x, y: x });
    for (let i = 0; i < 48; i++) {
      one.learnOne({ x: 0.1, y: 0.1 });
      other.learnOne({ x: 0.9, y: 0.5 });
    }
    expect(one.predictOne({ x: 0.1, y: 0.1 })).not.toEqual(other.predictOne({ x: 0.1, y: 0.1 }));
    for (let i = 0; i < 50; i++)
      for (const model of [one, other]) model.learnOne({ x: point(i).x, y: point(i).x });
    expect(one.save()).toEqual(other.save());
  });

  it('takes particles without labels, and refuses classes and to be tested as if it predicted labels', () => {
    const particle = createParticle({ columns: { x: [1, 2, 3], y: [4, null, 6] } });
    const model = create({ window: 3 });
    model.learnMany(particle);
    expect(model.rows).toBe(3);
    expect(model.predictMany(particle).length).toBe(3);
    expect(() => prequential(model, [particle])).toThrow(/learns without labels/);
    expect(() => createOnline({ learner: 'half-space-trees', features: FEATURES, classes: [0, 1] })).toThrow(
      /leave out `classes`/,
    );
  });
});

describe.each(Object.entries(goldens.services))('connections of %s', (service, golden) => {
  // On http neither finds them: attacks come in runs of a thousand, longer than a window, and so are what is usual.
  it('are found about as River finds them', () => {
    const file = 'kdd99/kddcup.data_10_percent.gz';
    if (!isThere(file)) return;
    const rows = gunzipSync(readFileSync(realPath(file)))
      .toString()
      .split('\n')
      .map((line) => line.split(','))
      .filter((cells) => cells[2] === service);
    expect(rows.length).toBe(golden.rows);
    const size = (text: string) => log(Number(text) + 0.1);
    const records = rows.map((cells) => ({
      duration: size(cells[0]),
      from: size(cells[4]),
      to: size(cells[5]),
    }));
    const labels = rows.map((cells) => cells.at(-1) !== 'normal.').slice(goldens.window);
    const areas = [1, 2, 3].map((seed) => {
      const features = { duration: 'number', from: 'number', to: 'number' } as const;
      const { trees, height, window } = goldens;
      const model = createOnline({
        learner: { name: 'half-space-trees', trees, height, window },
        features,
        seed,
      });
      const scores = records.map((record) => {
        const { value } = model.predictOne(record);
        model.learnOne(record);
        return value as number;
      });
      return area(scores.slice(goldens.window), labels);
    });
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(Math.abs(mean(areas) - mean(golden.areas))).toBeLessThan(0.03);
  });
});
