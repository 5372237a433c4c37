/** A training of trees that is killed goes on where it was, to the bytes of one that was not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ADULT, sora, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
const FLAGS = [
  ...['--learner', 'trees', '--rounds', '300', '--early-stopping', '0', '--row-share', '0.7'],
  ...[
    '--no-report',
    '--test-fraction',
    '0',
    '--workers',
    '2',
    '--checkpoint-seconds',
    '0',
    '--target',
    'income',
  ],
];
const parameters = (name: string) => readFileSync(join(folder, name, 'parameters.safetensors'));

it('is what kill -9 leaves, and the next run tells', { timeout: 180_000 }, async () => {
  const store = join(folder, 'adult.sora');
  const ingested = await sora(['ingest', ADULT, '--target', 'income', '--store', store], { cwd: folder });
  expect(ingested.stderr).not.toMatch(/error/);
  const left = () =>
    existsSync(join(store, 'tmp'))
      ? readdirSync(join(store, 'tmp')).filter((name) => name.startsWith('checkpoint-'))
      : [];
  const whole = await sora(['train', store, ...FLAGS, '--out', 'whole'], { cwd: folder });
  expect(whole.code).toBe(0);
  expect(left()).toEqual([]);
  const killed = await sora(['train', store, ...FLAGS, '--out', 'resumed'], {
    cwd: folder,
    onStart: (child) => {
      const look = setInterval(() => {
        if (left().length === 0 && child.exitCode === null) return;
        clearInterval(look);
        child.kill('SIGKILL');
      }, 20);
    },
  });
  expect(killed.code).toBeNull();
  expect(existsSync(join(folder, 'resumed'))).toBe(false);
  expect(left().length).toBe(1);
  const resumed = await sora(['train', store, ...FLAGS, '--out', 'resumed'], { cwd: folder });
  expect(resumed.code).toBe(0);
  expect(resumed.stdout + resumed.stderr).toMatch(/Going on where the same training was interrupted/);
  expect(parameters('resumed').equals(parameters('whole'))).toBe(true);
  expect(left()).toEqual([]);
});
