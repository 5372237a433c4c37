/**
 * The same model, byte for byte: whatever the number of workers, the state of the cache, the order in which workers
 * answer, and whether training was killed in the middle.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { train } from '../src/pipeline/train.ts';
import { randomUniform } from '../src/random.ts';
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

describe('the same model, byte for byte: linear, of many sparse features', () => {
  const WORDS = 1500;
  const source = join(folder, 'words.libsvm');
  beforeAll(() => {
    const lines = Array.from({ length: 9000 }, (_, row) => {
      const words = new Set<number>();
      for (let i = 0; i < 12; i++) words.add(Math.floor(WORDS ** randomUniform(21, row, i)));
      const score = [...words].reduce((sum, word) => sum + randomUniform(22, 0, word) - 0.5, 0);
      const label = score + randomUniform(23, row, 0) > 0.5 ? 1 : 0;
      return `${label} ${[...words]
        .sort((a, b) => a - b)
        .map((word) => `${word}:1`)
        .join(' ')}`;
    });
    writeFileSync(source, `${lines.join('\n')}\n`);
  });

  it('on any number of workers, and with the plain kernels', async () => {
    const models = [];
    for (const [name, workers, env] of [
      ['0', '0', {}],
      ['1', '1', {}],
      ['2', '2', {}],
      ['5', '5', {}],
      ['plain', '2', { SORA_KERNELS: 'plain' }],
    ] as const) {
      const out = outOf(`words-${name}`);
      const store = join(folder, `words-${name}.sora`);
      const words = [
        'train',
        source,
        '--target',
        'label',
        '--store',
        store,
        '--out',
        out,
        '--no-report',
        '--json',
      ];
      const run = await sora([...words, '--workers', workers], { cwd: folder, env });
      expect(run.code).toBe(0);
      expect(JSON.parse(run.stdout).fit).toMatchObject({ converged: true });
      models.push(readFileSync(join(out, 'parameters.safetensors')));
    }
    for (const model of models) expect(model).toEqual(models[0]);
  });
});
