/**
 * The same model, byte for byte: whatever the number of workers, the state of the cache, the order in which workers
 * answer, and whether training was killed in the middle.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { train } from '../src/pipeline/train.ts';
import { ADULT, sora, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
const cold = join(folder, 'cold.sora');

function modelHash(directory: string): string {
  const hash = createHash('sha256');
  for (const file of ['model.json', 'parameters.safetensors'])
    hash.update(readFileSync(join(directory, file)));
  return hash.digest('hex');
}

/** A copy of the store without anything cached. */
function freshStore(name: string): string {
  const store = join(folder, `${name}.sora`);
  cpSync(cold, store, { recursive: true });
  rmSync(join(store, 'cache'), { recursive: true, force: true });
  return store;
}

const outOf = (name: string) => join(folder, `${name}-model`);

function wordsFor(input: string, name: string, more: readonly string[]): string[] {
  return ['train', input, '--target', 'income', '--out', outOf(name), '--no-report', '--json', ...more];
}

async function trainWith(name: string, words: readonly string[], store = freshStore(name)): Promise<string> {
  const run = await sora(wordsFor(store, name, words), { cwd: folder });
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  return modelHash(outOf(name));
}

beforeAll(async () => {
  const run = await sora(['ingest', ADULT, '--store', cold, '--json'], { cwd: folder });
  expect(run.code).toBe(0);
}, 120_000);

describe.each([
  ['linear', ['--learner', 'linear'], { learner: 'linear' }],
  ['trees', ['--learner', 'trees', '--rounds', '25'], { learner: 'trees', rounds: 25 }],
] as const)('the same model, byte for byte: %s', (learner, flags, options) => {
  const named = (name: string) => `${learner}-${name}`;
  const trained = (name: string, words: readonly string[], store?: string) =>
    trainWith(named(name), [...flags, ...words], store);
  let expected = '';
  beforeAll(async () => {
    expected = await trained('inline', ['--workers', '0']);
  }, 120_000);

  it.each([1, 2, 5])('on %i workers', async (workers) => {
    expect(await trained(`workers-${workers}`, ['--workers', String(workers)])).toBe(expected);
  });

  it('with a warm cache, and without any', async () => {
    const store = freshStore(named('warm'));
    expect(await trained('warm-1', ['--workers', '2'], store)).toBe(expected);
    expect(await trained('warm-2', ['--workers', '1'], store)).toBe(expected);
    expect(await trained('no-cache', ['--workers', '2', '--no-cache'], store)).toBe(expected);
  });

  it('within a small memory budget, where views are streamed', async () => {
    expect(await trained('small', ['--workers', '1', '--memory', '220MB'])).toBe(expected);
  });

  it('when ingested anew from the file, with the plain kernels', async () => {
    const words = wordsFor(ADULT, named('plain'), [
      ...flags,
      '--workers',
      '1',
      '--store',
      named('plain.sora'),
    ]);
    const run = await sora(words, { cwd: folder, env: { SORA_KERNELS: 'plain' } });
    expect(run.code).toBe(0);
    expect(readFileSync(join(outOf(named('plain')), 'parameters.safetensors'))).toEqual(
      readFileSync(join(outOf(named('inline')), 'parameters.safetensors')),
    );
  });

  it('resumed after kill -9', async () => {
    const store = freshStore(named('killed'));
    const words = wordsFor(store, named('killed'), [...flags, '--workers', '2']);
    for (const delay of [250, 400, 550]) {
      await sora(words, { cwd: folder, onStart: (child) => setTimeout(() => child.kill('SIGKILL'), delay) });
    }
    expect(await trained('killed', ['--workers', '2'], store)).toBe(expected);
  });

  it('through the API, inline', async () => {
    const store = freshStore(named('api'));
    const { directory } = await train(store, { target: 'income', workers: 0, report: false, ...options });
    expect(modelHash(directory)).toBe(expected);
  });
});
