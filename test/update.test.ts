/** `sora update` as a user runs it: append, learn, undo; the same bytes with threads as without. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { randomUniform } from '../src/random.ts';
import { sora, temporaryFolder } from './cli.ts';

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

it('is killed anywhere, and ends at the same bytes when it is run again', async () => {
  writeRows('base.csv', 3000, 3);
  writeRows('more.csv', 300, 4);
  await run('train', 'base.csv', '--target', 'y', '--learner', 'linear', '--no-report');
  cpSync(join(cwd, 'base.sora'), join(cwd, 'first.sora'), { recursive: true });
  const model = 'base.sora/models/y';
  const started = performance.now();
  await run('update', model, 'more.csv');
  const whole = performance.now() - started;
  const [updated, before] = [bytesOf(model), bytesOf(`${model}.1`)];
  const first = bytesOf('first.sora/models/y');
  let killed = 0;
  for (const share of [0.3, 0.5, 0.65, 0.8]) {
    rmSync(join(cwd, 'base.sora'), { recursive: true });
    cpSync(join(cwd, 'first.sora'), join(cwd, 'base.sora'), { recursive: true });
    const { code } = await sora(['update', model, 'more.csv'], {
      cwd,
      onStart: (child) => setTimeout(() => child.kill('SIGKILL'), share * whole),
    });
    if (code === null) killed++;
    // One that had written its model is done.
    if (bytesOf(model).join() === first.join()) {
      const again = await run('update', model, 'more.csv');
      expect(again.commits).toEqual([2, 2]);
    }
    expect(bytesOf(model)).toEqual(updated);
    expect(bytesOf(`${model}.1`)).toEqual(before);
  }
  expect(killed).toBeGreaterThan(0);
});
