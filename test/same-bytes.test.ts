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

async function trainWith(name: string, words: readonly string[], store = freshStore(name)): Promise<string> {
  const out = join(folder, `${name}-model`);
  const run = await sora(
    ['train', store, '--target', 'income', '--out', out, '--no-report', '--json', ...words],
    {
      cwd: folder,
    },
  );
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  return modelHash(out);
}

describe('the same model, byte for byte', () => {
  let expected = '';
  beforeAll(async () => {
    const run = await sora(['ingest', ADULT, '--store', cold, '--json'], { cwd: folder });
    expect(run.code).toBe(0);
    expected = await trainWith('inline', ['--workers', '0']);
  }, 120_000);

  it.each([1, 2, 5])('on %i workers', async (workers) => {
    expect(await trainWith(`workers-${workers}`, ['--workers', String(workers)])).toBe(expected);
  });

  it('with a warm cache, and without any', async () => {
    const store = freshStore('warm');
    expect(await trainWith('warm-1', ['--workers', '2'], store)).toBe(expected);
    expect(await trainWith('warm-2', ['--workers', '1'], store)).toBe(expected);
    expect(await trainWith('no-cache', ['--workers', '2', '--no-cache'], store)).toBe(expected);
  });

  it('within a small memory budget, where views are streamed', async () => {
    expect(await trainWith('small', ['--workers', '1', '--memory', '220MB'])).toBe(expected);
  });

  it('when ingested anew from the file, with the plain kernels', async () => {
    const out = join(folder, 'plain-model');
    const words = [
      'train',
      ADULT,
      '--target',
      'income',
      '--out',
      out,
      '--no-report',
      '--json',
      '--workers',
      '1',
    ];
    const run = await sora(words, { cwd: folder, env: { SORA_KERNELS: 'plain' } });
    expect(run.code).toBe(0);
    expect(readFileSync(join(out, 'parameters.safetensors'))).toEqual(
      readFileSync(join(folder, 'inline-model', 'parameters.safetensors')),
    );
  });

  it('resumed after kill -9', async () => {
    const store = freshStore('killed');
    const out = join(folder, 'killed-model');
    const words = [
      'train',
      store,
      '--target',
      'income',
      '--out',
      out,
      '--no-report',
      '--json',
      '--workers',
      '2',
    ];
    for (const delay of [250, 400, 550]) {
      await sora(words, { cwd: folder, onStart: (child) => setTimeout(() => child.kill('SIGKILL'), delay) });
    }
    expect(await trainWith('killed', ['--workers', '2'], store)).toBe(expected);
  });

  it('through the API, inline', async () => {
    const store = freshStore('api');
    const { directory } = await train(store, { target: 'income', workers: 0, report: false });
    expect(modelHash(directory)).toBe(expected);
  });
});
