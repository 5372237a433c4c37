/**
 * The whole system, disturbed: processes killed at any moment, several at once, stopped by Ctrl-C.
 * Whatever happens, the store stays whole, running the command again ends as if nothing had happened, and no row or
 * commit is lost. SORA_TORTURE sets the number of kills of each command (default 8).
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { rowHashes } from '../src/particle/row-hash.ts';
import { randomUniform, randomWord } from '../src/random.ts';
import type { Snapshot } from '../src/store/snapshot.ts';
import { openStore } from '../src/store/store.ts';
import { verifyStore } from '../src/store/verify.ts';
import { ADULT, sora, temporaryFolder } from './cli.ts';
import { adultLines, modelBytes } from './store-files.ts';

const kills = Number(process.env.SORA_TORTURE ?? 8);
const timeLimit = 120_000 + kills * 30_000;
const ROWS = 48_842;

const folder = temporaryFolder();
/** The census data in one commit, nothing cached. */
const cold = join(folder, 'cold.sora');
/** The model of it, from a training that nobody disturbed. */
let expected = '';
/** Milliseconds that undisturbed commands take. */
const duration = { append: 0, train: 0 };

const ingestWords = (store: string) => ['ingest', ADULT, '--store', store, '--append', '--json'];
/** Of the linear learner, whose rounds are the same each time: moments to kill it at can be planned. */
const trainWords = (store: string) => [
  ...['train', store, '--target', 'income', '--learner', 'linear', '--workers', '2', '--json'],
];
const modelOf = (store: string) => join(store, 'models', 'income');

function copyOf(store: string, name: string): string {
  const copy = join(folder, name);
  rmSync(copy, { recursive: true, force: true });
  cpSync(store, copy, { recursive: true });
  return copy;
}

/** Runs a command to its end and returns its result; it must succeed. */
async function done(words: readonly string[]): Promise<Record<string, unknown>> {
  const run = await sora(words, { cwd: folder });
  expect({ words, code: run.code, stderr: run.stderr }).toEqual({ words, code: 0, stderr: '' });
  return JSON.parse(run.stdout);
}

/** Runs a command and kills it after `delay` ms, or lets it end before. */
async function killed(words: readonly string[], delay: number) {
  return sora(words, {
    cwd: folder,
    onStart: (child) => {
      setTimeout(() => child.kill('SIGKILL'), delay);
    },
  });
}

/** Runs a command and presses Ctrl-C `delay` ms after it says that a stage has begun. */
async function interrupted(words: readonly string[], stage: string, delay: number) {
  let sent = 0;
  const run = await sora(words, {
    cwd: folder,
    onStart: (child) => {
      let said = '';
      child.stderr?.on('data', (text) => {
        if (said.includes(`${stage} …`)) return;
        said += text;
        if (!said.includes(`${stage} …`)) return;
        setTimeout(() => {
          sent = performance.now();
          child.kill('SIGINT');
        }, delay);
      });
    },
  });
  return { code: run.code, stderr: run.stderr, milliseconds: performance.now() - sent };
}

/** Moments spread over the duration of a command, one in each of `count` equal parts, in shuffled order. */
function moments(count: number, seed: number, milliseconds: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
    .sort((a, b) => randomWord(seed, 1, a) - randomWord(seed, 1, b))
    .map((part) => ((part + randomUniform(seed, 2, part)) / count) * milliseconds * 1.05);
}

async function newest(root: string): Promise<Snapshot> {
  const store = await openStore(root);
  const snapshot = await store.snapshot();
  store.close();
  return snapshot;
}

/** The store is whole; what a killed process left is no damage. */
async function expectSound(root: string): Promise<void> {
  expect(await verifyStore(root)).toMatchObject({ ok: true, problems: [], unknown: [] });
}

/** Hashes of the rows of particles that have been read, by particle. */
const rowsOf = new Map<string, Uint32Array>();

/** The snapshot holds the census data once for each commit: the same rows in the same order, however they are cut. */
async function expectAppended(root: string, commits: number): Promise<void> {
  const snapshot = await newest(root);
  expect([snapshot.commit, snapshot.rows]).toEqual([commits, ROWS * commits]);
  const store = await openStore(root);
  const each: ReturnType<typeof createHash>[] = Array.from({ length: commits }, () => createHash('sha256'));
  for (const ref of snapshot.particles) {
    const rows = rowsOf.get(ref.hash) ?? rowHashes(await store.loadParticle(ref), 1);
    rowsOf.set(ref.hash, rows);
    each[ref.commit - 1].update(rows);
  }
  store.close();
  expect(new Set(each.map((hash) => hash.digest('hex'))).size).toBe(1);
}

beforeAll(async () => {
  await done(ingestWords(cold));
  const undisturbed = copyOf(cold, 'undisturbed.sora');
  let start = performance.now();
  await done(trainWords(undisturbed));
  duration.train = performance.now() - start;
  expected = modelBytes(modelOf(undisturbed));
  start = performance.now();
  await done(ingestWords(undisturbed));
  duration.append = performance.now() - start;
  await expectAppended(undisturbed, 2);
}, 120_000);

describe('kill -9', () => {
  it(
    `${kills} times while data is appended: whole commits or none, none lost, none twice`,
    async () => {
      const store = copyOf(cold, 'appended.sora');
      let commits = 1;
      let before = 0;
      for (const [i, delay] of moments(kills, 1, duration.append).entries()) {
        const run = await killed(ingestWords(store), delay);
        const snapshot = await newest(store);
        const reported = run.code === 0 ? commits + 1 : commits;
        expect(snapshot.commit).toBeGreaterThanOrEqual(reported);
        expect(snapshot.commit).toBeLessThanOrEqual(commits + 1);
        if (snapshot.commit === commits) before++;
        commits = snapshot.commit;
        await expectAppended(store, commits);
        await expectSound(store);
        if (i % 4 === 3) {
          expect(await done(ingestWords(store))).toMatchObject({ commit: ++commits, unchanged: false });
          await expectAppended(store, commits);
        }
      }
      expect(before).toBeGreaterThan(kills / 3);
      await done(ingestWords(store));
      await expectAppended(store, commits + 1);
      expect((await verifyStore(store)).commits).toBe(commits + 1);
    },
    timeLimit,
  );

  it(
    `${kills} times while a store is made: there is none, or an empty one, or the whole`,
    async () => {
      for (const delay of moments(kills, 2, duration.append)) {
        const store = join(folder, 'made.sora');
        rmSync(store, { recursive: true, force: true });
        await killed(ingestWords(store), delay);
        const isMade = existsSync(join(store, 'store.json'));
        if (isMade) await expectSound(store);
        const rows = isMade ? (await newest(store)).rows : 0;
        expect([0, ROWS]).toContain(rows);
        if (rows > 0) continue;
        await done(['ingest', ADULT, '--store', store, '--json']);
        await expectAppended(store, 1);
      }
    },
    timeLimit,
  );

  it(
    `${kills} times while a model is trained: the same model in the end, to the byte`,
    async () => {
      let store = copyOf(cold, 'trained.sora');
      for (const [i, delay] of moments(kills, 3, duration.train).entries()) {
        await killed(trainWords(store), delay);
        await expectSound(store);
        await expectAppended(store, 1);
        if (existsSync(join(modelOf(store), 'model.json'))) {
          await done(['inspect', modelOf(store), '--json']);
        }
        if (i % 3 !== 2 && i !== kills - 1) continue;
        await done(trainWords(store));
        expect(modelBytes(modelOf(store))).toBe(expected);
        await expectSound(store);
        store = copyOf(cold, 'trained.sora');
      }
    },
    timeLimit,
  );

  it(
    'while a model is replaced by another: the old one or the new one, whole',
    async () => {
      const store = copyOf(cold, 'replaced.sora');
      const other = [...trainWords(store), '--l2', '0.01'];
      await done(other);
      const models = [modelBytes(modelOf(store)), expected];
      expect(models[0]).not.toBe(models[1]);
      const found = new Set<string>();
      for (let i = 0; i < kills; i++) {
        const delay = duration.train * (0.5 + 0.6 * randomUniform(4, 1, i));
        await killed(i % 2 === 0 ? trainWords(store) : other, delay);
        await expectSound(store);
        await done(['inspect', modelOf(store), '--json']);
        if (existsSync(join(modelOf(store), 'parameters.next.safetensors'))) continue;
        expect(models).toContain(modelBytes(modelOf(store)));
        found.add(modelBytes(modelOf(store)));
      }
      expect(found.size).toBeGreaterThan(0);
      await done(trainWords(store));
      expect(modelBytes(modelOf(store))).toBe(expected);
    },
    timeLimit,
  );
});

describe('processes at once', () => {
  it('that append to one store lose no row', async () => {
    const store = copyOf(cold, 'together.sora');
    await Promise.all([1, 2, 3].map(() => done(ingestWords(store))));
    await expectAppended(store, 4);
    await expectSound(store);
  }, 120_000);

  it('that make one store make one', async () => {
    const store = join(folder, 'twice.sora');
    await Promise.all([1, 2].map(() => done(ingestWords(store))));
    await expectAppended(store, 2);
    await expectSound(store);
  }, 120_000);

  it('that train while another appends learn from a whole snapshot', async () => {
    const store = copyOf(cold, 'moving.sora');
    const { header, rows } = adultLines();
    const part = join(folder, 'part.csv');
    writeFileSync(part, `${header}\n${rows.slice(0, 3000).join('\n')}\n`);
    let isTrained = false;
    const appending = (async () => {
      let commits = 1;
      for (; !isTrained || commits === 1; commits++) {
        await done(['ingest', part, '--store', store, '--append', '--json']);
      }
      return commits;
    })();
    for (let i = 0; i < 2; i++) {
      const result = (await done(trainWords(store))) as { commit: number; rows: { total: number } };
      expect(result.rows.total).toBe(ROWS + 3000 * (result.commit - 1));
      const out = join(folder, 'then-model');
      await done([...trainWords(store), '--at', String(result.commit), '--no-cache', '--out', out]);
      expect(modelBytes(out)).toBe(modelBytes(modelOf(store)));
    }
    isTrained = true;
    const commits = await appending;
    expect(await newest(store)).toMatchObject({ commit: commits, rows: ROWS + 3000 * (commits - 1) });
    await expectSound(store);
  }, 240_000);
});

/** A busy machine may be late, but not three times. */
const soon = { timeout: 120_000, retry: 2 };

describe('Ctrl-C', () => {
  it('ends an ingest within a second, and nothing is half-written', soon, async () => {
    const { header, rows } = adultLines();
    const large = join(folder, 'large.csv');
    writeFileSync(large, `${header}\n${`${rows.join('\n')}\n`.repeat(12)}`);
    const store = copyOf(cold, 'stopped.sora');
    const words = ['ingest', large, '--store', store, '--append'];
    for (const delay of [0, 100, 250]) {
      const { code, stderr, milliseconds } = await interrupted(words, 'reading', delay);
      expect({ delay, code }).toEqual({ delay, code: 130 });
      expect(stderr).toMatch(/Stopped on request/);
      expect(milliseconds).toBeLessThan(1000);
      await expectAppended(store, 1);
      await expectSound(store);
    }
  });

  it('ends a training within a second, and leaves the model that was there', soon, async () => {
    const store = copyOf(cold, 'stopped.sora');
    await done(trainWords(store));
    const words = ['train', store, '--target', 'income', '--no-cache', '--seed', '2'];
    const long = { linear: ['--tolerance', '1e-12'], trees: ['--rounds', '300', '--early-stopping', '0'] };
    for (const [learner, workers, stage] of [
      ...['profile', 'fitting', 'evaluate'].flatMap((at) => [
        ['linear', '0', at] as const,
        ['linear', '2', at] as const,
      ]),
      ['trees', '0', 'fitting'] as const,
      ['trees', '2', 'fitting'] as const,
    ]) {
      const more = ['--learner', learner, ...long[learner], '--workers', workers];
      const { code, milliseconds } = await interrupted([...words, ...more], stage, 0);
      expect({ learner, workers, stage, code }).toEqual({ learner, workers, stage, code: 130 });
      expect(milliseconds).toBeLessThan(1000);
      expect(modelBytes(modelOf(store))).toBe(expected);
      expect(existsSync(join(modelOf(store), 'report.html'))).toBe(true);
      await expectSound(store);
    }
  });
});
