/** `sora update` as a user runs it: append, learn, undo; the same bytes with threads as without. */
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { randomUniform } from '../src/random.ts';
import { ROOT, sora, temporaryFolder } from './cli.ts';

const cwd = temporaryFolder();

function writeRows(name: string, count: number, seed: number): void {
  const lines = Array.from({ length: count }, (_, i) => {
    const u = (purpose: number) => randomUniform(seed, purpose, i);
    return `${u(0)},${u(1)},${u(0) - u(1) + u(2) > 0.5 ? 'yes' : 'no'}`;
  });
  writeFileSync(join(cwd, name), `a,b,y\n${lines.join('\n')}\n`);
}

const run = async (...words: string[]) => {
  const { code, stdout, stderr } = await sora([...words, '--json'], { cwd });
  expect(code, stderr + stdout).toBe(0);
  return JSON.parse(stdout);
};
const bytesOf = (model: string) =>
  ['model.json', 'parameters.safetensors'].map((file) => readFileSync(join(cwd, model, file), 'hex'));

it('appends, learns, is undone and done again to the same bytes', async () => {
  writeRows('old.csv', 1500, 1);
  writeRows('new.csv', 150, 2);
  await run('train', 'old.csv', '--target', 'y', '--learner', 'linear', '--no-report');
  const model = 'old.sora/models/y';
  const first = bytesOf(model);
  const done = await run('update', model, 'new.csv');
  expect(done).toMatchObject({ commits: [2, 2], rows: { new: 150 }, observed: { old: 0 } });
  const updated = bytesOf(model);
  expect(bytesOf(`${model}.1`)).toEqual(first);
  await run('update', model, '--undo');
  expect(bytesOf(model)).toEqual(first);
  // The same file for the same model is not appended twice.
  const again = await run('update', model, 'new.csv', '--workers', '2');
  expect(again.commits).toEqual([2, 2]);
  expect(bytesOf(model)).toEqual(updated);
});

const KILLER = pathToFileURL(join(ROOT, 'test/kill-at.mjs')).href;

it('is killed at each step, and ends at the same bytes when it is run again, its rows counted once', async () => {
  writeRows('base.csv', 3000, 3);
  writeRows('more.csv', 300, 4);
  await run('train', 'base.csv', '--target', 'y', '--learner', 'linear', '--no-report');
  cpSync(join(cwd, 'base.sora'), join(cwd, 'first.sora'), { recursive: true });
  const [model, store] = ['base.sora/models/y', join(cwd, 'base.sora')];
  const words = ['update', model, 'more.csv', '--workers', '0'];
  const { rows } = await run(...words, '--no-report');
  const [updated, before] = [bytesOf(model), bytesOf(`${model}.1`)];
  const outcomes = new Set<string>();
  for (let step = 1; ; step++) {
    rmSync(store, { recursive: true });
    cpSync(join(cwd, 'first.sora'), store, { recursive: true });
    const env = { NODE_OPTIONS: `--import ${KILLER}`, SORA_KILL_AT: String(step) };
    const { code, stderr } = await sora([...words, '--no-report'], { cwd, env });
    expect(code, stderr).toBeOneOf([null, 0]);
    if (code === 0) break;
    const commits = readdirSync(join(store, 'log')).length;
    const again = await run(...words, '--no-report');
    outcomes.add(`${commits} commits, then ${again.how}`);
    expect(again.rows.learned, `${step}`).toBe(rows.learned);
    expect(readdirSync(join(store, 'log')), `${step}`).toHaveLength(2);
    expect(bytesOf(model), `${step}`).toEqual(updated);
    expect(bytesOf(`${model}.1`), `${step}`).toEqual(before);
  }
  expect([...outcomes]).toEqual([
    '1 commits, then new rows',
    '2 commits, then new rows',
    '2 commits, then nothing new',
  ]);
});

it('leaves out what the store holds, says so, and appends it again if asked', async () => {
  writeRows('start.csv', 1500, 5);
  writeRows('one.csv', 150, 6);
  writeRows('two.csv', 150, 7);
  await run('train', 'start.csv', '--target', 'y', '--learner', 'linear', '--no-report');
  const model = 'start.sora/models/y';
  await run('update', model, 'one.csv');
  // By content, whatever it is called.
  cpSync(join(cwd, 'one.csv'), join(cwd, 'copy.csv'));
  const { stdout } = await sora(['update', model, 'copy.csv'], { cwd });
  expect(stdout).toMatch(/copy\.csv: in the store since commit 2.*--again/);
  const held = await run('update', model, 'copy.csv', 'start.csv', 'two.csv');
  expect(held.held).toEqual([
    { name: 'copy.csv', commit: 2 },
    { name: 'start.csv', commit: 1 },
  ]);
  expect(held).toMatchObject({ rows: { new: 150 }, commits: [3, 3] });
  expect(await run('update', model, 'copy.csv', '--again')).toMatchObject({
    rows: { new: 150 },
    commits: [4, 4],
  });
  // Rows of standard input are known by the particles they become.
  const input = readFileSync(join(cwd, 'two.csv'), 'utf8');
  const piped = await sora(['update', model, '-', '--json'], { cwd, input });
  expect(JSON.parse(piped.stdout)).toMatchObject({ how: 'nothing new', held: [{ commit: 3 }] });
  // Another content under the same name is new.
  writeRows('two.csv', 120, 8);
  expect(await run('update', model, 'two.csv')).toMatchObject({ rows: { new: 120 }, commits: [5, 5] });
  // Neither is a file that was given twice, nor one that has grown counted again without a word.
  writeRows('three.csv', 100, 9);
  cpSync(join(cwd, 'three.csv'), join(cwd, 'same.csv'));
  const twice = await run('update', model, 'three.csv', 'same.csv');
  expect(twice).toMatchObject({ rows: { new: 100 }, held: [{ name: 'same.csv' }] });
  appendFileSync(join(cwd, 'three.csv'), '0.5,0.5,yes\n');
  const grown = await sora(['update', model, 'three.csv'], { cwd });
  expect(grown.code).toBe(4);
  expect(grown.stderr).toMatch(/begins with the \d+ bytes that commit 6 appended.*sora follow.*--again/);
  const all = await run('update', model, 'three.csv', '--again');
  expect(all).toMatchObject({ rows: { new: 101 }, commits: [7, 7] });
});
