/** Screens of inspect: what a person reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { compact } from '../pipeline/compact.ts';
import { ingest } from '../pipeline/ingest.ts';
import { inspect } from '../pipeline/inspect.ts';
import { train } from '../pipeline/train.ts';
import { inspectScreen } from './inspect.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-screen-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = (count: number) =>
  Array.from({ length: count }, (_, id) => ({
    id,
    same: 7,
    tag: 'only\nthis\u001b[31m',
    long: `${'very long '.repeat(50)}${id % 2}`,
    rare: id === 0 ? null : id % 5,
    y: id % 3 === 0,
  }));

it('shows columns on a line each, whatever their values hold', async () => {
  const store = join(folder, 'a.sora');
  await ingest(rows(3000), { store, workers: 0, types: { long: 'category' } });
  const screen = inspectScreen(await inspect(store));
  expect(screen).toContain('3,000 rows · 1 particle · ');
  expect(screen).toContain('commit 1 of 1');
  expect(screen).toMatch(/same +number +feature +0\.0 % +always 7\n/);
  expect(screen).toMatch(/tag +category +feature +0\.0 % +always only this \[31m\n/);
  expect(screen).toMatch(/long .*2 levels: very long very long very long v… 50\.0 %, very long/);
  expect(screen).toMatch(/rare +number +feature +< 0\.1 %/);
  expect(Math.max(...screen.split('\n').map((line) => line.length))).toBeLessThan(140);
});

it('shows what each commit took and put, and how many there were before', async () => {
  const store = join(folder, 'b.sora');
  for (let i = 0; i < 12; i++) await ingest(rows(3), { store, append: i > 0, workers: 0 });
  await compact(store, { workers: 0 });
  const screen = inspectScreen(await inspect(store, { at: '-1' }));
  expect(screen).toContain('12 particles');
  expect(screen).toContain('commit 12 of 13');
  expect(screen).toContain('… 3 earlier commits');
  expect(screen).toMatch(/ 12 .* +\+1 {2}= 12 particles {2}append rows\n/);
  expect(screen).toMatch(/ 13 .* −12 \+1 += +1 particle {2}compact: 12 particles → 1$/m);
});

it('shows how good a model was when it was made', async () => {
  const store = join(folder, 'c.sora');
  const { directory } = await train(rows(300), {
    store,
    target: 'y',
    learner: 'linear',
    workers: 0,
    report: false,
    ignore: ['long'],
  });
  const screen = inspectScreen(await inspect(directory));
  expect(screen).toMatch(/target +y · binary from/);
  expect(screen).toMatch(/rows +\d+ learned from/);
  expect(screen).toMatch(/AUC +[\d.]+ +[\d.]+ – [\d.]+/);
  expect(screen).toMatch(/rare: .*standardised/);
  expect(screen).toContain('tag: not used, always "only\\nthis');
  expect(inspectScreen(await inspect(store))).toContain('models  y');
});

it('lists a hundred columns, and says how many more there are', async () => {
  const wide = [Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`c${i}`, i]))];
  const store = join(folder, 'd.sora');
  await ingest(wide, { store, workers: 0 });
  const screen = inspectScreen(await inspect(store));
  expect(screen).toContain('… and 30 columns more (--json lists all)');
});

it('shows what is special of factorization machines, and of features over time', async () => {
  const fixture = (name: string) => new URL(`../model/fixtures/${name}`, import.meta.url).pathname;
  const factor = inspectScreen(await inspect(fixture('v4-factor')));
  expect(factor).toMatch(/factorization machine, squared loss, vectors of 4, priors of 5 and 30 rows, /);
  const timed = inspectScreen(await inspect(fixture('v4-history')));
  expect(timed).toContain(
    'over time: load lag 1, load lag 24, load mean 24, load max 1d, since alarm (in order of at, by place; 1 ahead; series carried on: 2)',
  );
});
