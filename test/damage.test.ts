/**
 * The whole system on a bad disk: a byte changed in any file of a store is found, named and never used; a place that
 * cannot be written is said plainly, and nothing is half-written.
 */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { train } from '../src/pipeline/train.ts';
import { verifyStore } from '../src/store/verify.ts';
import { ADULT, MAIN, sora, temporaryFolder } from './cli.ts';
import { filesIn, flipped, modelBytes, placesIn } from './store-files.ts';

/** Bytes changed in each file for `verify`; one of them also for the commands. */
const places = Number(process.env.SORA_TORTURE ?? 12);

const folder = temporaryFolder();
const store = join(folder, 'adult.sora');
const model = join(store, 'models', 'income');
const out = join(folder, 'out-model');
/** Memory so tight that views are kept in files, found by trying. */
let tight: string[] = [];
let expected = '';

const LINEAR = ['--target', 'income', '--learner', 'linear'];
const run = (...words: string[]) => sora(words, { cwd: folder });
const retrain = (...words: string[]) => run('train', store, ...LINEAR, '--out', out, '--no-report', ...words);

beforeAll(async () => {
  expect((await run('ingest', ADULT, '--store', store)).code).toBe(0);
  for (let megabytes = 220; megabytes >= 120 && !existsSync(join(store, 'cache', 'views')); megabytes -= 10) {
    rmSync(join(store, 'cache'), { recursive: true, force: true });
    tight = ['--workers', '1', '--memory', `${megabytes}MB`];
    expect((await run('train', store, ...LINEAR, ...tight)).code).toBe(0);
  }
  expected = modelBytes(model);
}, 120_000);

/** What reads the file, and must refuse it. */
function reader(file: string): () => ReturnType<typeof run> {
  if (file.startsWith('models/')) return () => run('predict', model, store, '--out', join(folder, 'p.csv'));
  return () => retrain('--no-cache', ...tight);
}

describe('a changed byte', () => {
  it('is found by verify in every file, and the file is named', async () => {
    const files = filesIn(store);
    for (const kind of ['store.json', 'log/', 'particles/', 'cache/partials/', 'cache/views/', 'models/']) {
      expect(files.filter((file) => file.startsWith(kind))).not.toEqual([]);
    }
    for (const [seed, file] of files.entries()) {
      const path = join(store, file);
      const bytes = readFileSync(path);
      for (const at of placesIn(bytes.length, seed, places)) {
        writeFileSync(path, flipped(bytes, at));
        const { ok, problems } = await verifyStore(store);
        expect({ file, at, ok, problems: problems.map((problem) => problem.file) }).toEqual({
          file,
          at,
          ok: false,
          problems: expect.arrayContaining([file]),
        });
      }
      writeFileSync(path, bytes);
    }
    expect(await verifyStore(store)).toMatchObject({ ok: true, problems: [], unknown: [] });
  }, 600_000);

  it('is never used: what counts is refused by name, caches are computed again', async () => {
    for (const [seed, file] of filesIn(store).entries()) {
      const path = join(store, file);
      const bytes = readFileSync(path);
      const [, , at] = placesIn(bytes.length, seed + 1000, 1);
      writeFileSync(path, flipped(bytes, at ?? 0));
      const verified = await run('verify', store);
      expect({ file, code: verified.code, said: verified.stdout.includes(file) }).toEqual({
        file,
        code: 1,
        said: true,
      });
      if (file.startsWith('cache/')) {
        expect((await retrain(...tight)).code).toBe(0);
        expect(modelBytes(out)).toBe(expected);
        expect((await run('verify', store, '--repair')).code).toBe(0);
        expect(await verifyStore(store)).toMatchObject({ ok: true, problems: [] });
      } else if (!file.endsWith('report.html')) {
        const refused = await reader(file)();
        expect({ file, code: refused.code, stdout: refused.stdout }).toEqual({ file, code: 5, stdout: '' });
        expect(refused.stderr).toContain(file);
        expect(refused.stderr).toMatch(/is damaged: expected .*found/);
      }
      writeFileSync(path, bytes);
    }
    expect(await verifyStore(store)).toMatchObject({ ok: true, problems: [] });
  }, 600_000);

  it('of store.json is repaired on request, since it says nothing but the version', async () => {
    const path = join(store, 'store.json');
    const bytes = readFileSync(path);
    writeFileSync(path, flipped(bytes, 40));
    expect(await run('verify', store)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Damaged: 1 problem;/m),
    });
    const repaired = await run('verify', store, '--repair');
    expect(repaired).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Sound: .* 1 repaired\./m) });
    expect(readFileSync(path)).toEqual(bytes);
  });

  it('in a cache is harmless also to a training that is running', async () => {
    const copy = join(folder, 'running.sora');
    cpSync(store, copy, { recursive: true });
    let isTrained = false;
    const training = train(copy, {
      ...{ target: 'income', learner: 'linear' as const, workers: 0, memory: '220MB', report: false },
    }).finally(() => {
      isTrained = true;
    });
    for (let i = 0; !isTrained; i++) {
      for (const file of filesIn(join(copy, 'cache'))) {
        const path = join(copy, 'cache', file);
        const bytes = readFileSync(path);
        if (bytes.length > 0)
          writeFileSync(path, flipped(bytes, placesIn(bytes.length, i, 1).at(-1) as number));
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(modelBytes((await training).directory)).toBe(expected);
  }, 120_000);
});

describe('a place that cannot be written', () => {
  /** The command must fail as the operating system said, naming the path. */
  async function expectRefused(words: string[], path: string): Promise<void> {
    const failed = await run(...words);
    expect({ words, code: failed.code, stdout: failed.stdout }).toEqual({ words, code: 8, stdout: '' });
    expect(failed.stderr).toMatch(/Could not (write|create) .*: E[A-Z]+/);
    expect(failed.stderr).toContain(path);
    expect(failed.stderr).not.toMatch(/defect|\n +at /);
    const json = JSON.parse((await run(...words, '--json')).stdout);
    expect(json).toMatchObject({ error: { code: 'io-failed' } });
  }

  it('is no store', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, 'mine');
    await expectRefused(['ingest', ADULT, '--store', file], file);
    await expectRefused(['train', ADULT, '--target', 'income', '--store', join(file, 'x.sora')], file);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('is no folder of models', async () => {
    const copy = join(folder, 'blocked.sora');
    cpSync(store, copy, { recursive: true });
    const before = filesIn(copy);
    const file = join(folder, 'b-file');
    writeFileSync(file, 'mine');
    await expectRefused(['train', copy, '--target', 'income', '--out', join(file, 'model')], file);
    await expectRefused(['train', copy, '--target', 'income', '--out', file], file);
    expect(filesIn(copy).filter((name) => !name.startsWith('cache/'))).toEqual(
      before.filter((name) => !name.startsWith('cache/')),
    );
    expect(modelBytes(join(copy, 'models', 'income'))).toBe(expected);
    expect(await verifyStore(copy)).toMatchObject({ ok: true, problems: [], leftovers: [] });
  });

  it('holds no predictions', async () => {
    const blocked = join(folder, 'blocked');
    mkdirSync(join(blocked, 'taken.csv'), { recursive: true });
    writeFileSync(join(blocked, 'file'), 'mine');
    await expectRefused(['predict', model, store, '--out', join(blocked, 'file', 'p.csv')], blocked);
    await expectRefused(['predict', model, store, '--out', join(blocked, 'taken.csv')], blocked);
    expect(readdirSync(blocked).sort()).toEqual(['file', 'taken.csv']);
  });

  it.skipIf(!existsSync('/dev/full'))('is a full disk behind standard output', () => {
    const full = openSync('/dev/full', 'w');
    for (const words of [
      ['predict', model, store],
      ['inspect', store],
    ]) {
      const { status, stderr } = spawnSync(process.execPath, [MAIN, ...words, '--quiet'], {
        stdio: ['ignore', full, 'pipe'],
      });
      expect([status, String(stderr)]).toEqual([
        8,
        expect.stringMatching(/^sora: Could not write.*ENOSPC.*\n$/),
      ]);
    }
    closeSync(full);
  });
});
