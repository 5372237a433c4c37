import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import type { Particle } from '../particle/particle.ts';
import { randomWord } from '../random.ts';
import { memoryStorage } from './memory.ts';
import { sealJson, sha256 } from './sealed.ts';
import { sealJsonText, sealPage } from './sealed-text.ts';
import { openStore, type Store } from './store.ts';
import { type VerifyProgress, verifyStore } from './verify.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-verify-'));
let made = 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));

function particle(seed: number): Particle {
  const values = Float64Array.from({ length: 300 }, (_, i) => Math.sqrt(seed * 1000 + i));
  const names = Array.from({ length: 300 }, (_, i) => `row ${i * seed}`);
  return {
    schema: {
      fields: [
        { name: 'x', type: 'number', role: 'feature' },
        { name: 'name', type: 'text', role: 'ignore' },
      ],
    },
    rows: 300,
    columns: [
      { type: 'number', values },
      { type: 'text', values: names },
    ],
  };
}

const VIEW = Uint8Array.from({ length: 5000 }, (_, i) => i * 31);

/** Replaces a model as model/files.ts does, up to a step. */
async function putModel({ storage }: Store, byte: number, steps = 4): Promise<void> {
  const parameters = Buffer.alloc(100, byte);
  const files = [{ file: 'p.bin', bytes: 100, sha256: sha256(parameters) }];
  await storage.put('models/m/p.next.bin', parameters);
  if (steps > 1) await storage.put('models/m/model.json', Buffer.from(sealJsonText({ a: byte, files })));
  if (steps > 2) await storage.put('models/m/p.bin', parameters);
  if (steps > 3) await storage.delete('models/m/p.next.bin');
}

/** A store with a file of every kind. */
async function smallStore(): Promise<{ root: string; store: Store }> {
  const root = join(base, `store-${made++}`);
  const store = await openStore(root, { create: true });
  const refs = [];
  for (let i = 1; i <= 3; i++) refs.push(await store.putParticle(particle(i)));
  const sources = [{ name: 'data.csv' }];
  const { schema } = particle(1);
  await store.commit({ schema, add: refs.slice(0, 2).map((ref) => ({ ...ref, source: 0 })), sources });
  const quarantine = await store.putFile('quarantine/data.ndjson', Buffer.from('{"line":7}\n'));
  await store.commit({ add: [refs[2]], files: [quarantine] });
  await putModel(store, 7);
  await store.storage.put('models/m/report.html', Buffer.from(sealPage('<html></html>\n')));
  for (let i = 0; i < 5; i++) store.partials.put(`partial ${i}`, Buffer.from(`state ${i}`));
  store.views?.write('view', VIEW);
  return { root, store };
}

function allFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? allFiles(path) : [path];
  });
}

/** Reads everything that the store would ever read, and says what came of it; what comes back must be true. */
async function useAll(root: string): Promise<string> {
  try {
    const store = await openStore(root);
    const snapshot = await store.snapshot();
    for (const [i, ref] of snapshot.particles.entries())
      expect(await store.loadParticle(ref)).toEqual(particle(i + 1));
    expect(snapshot.particles).toHaveLength(3);
    for (let i = 0; i < 5; i++) {
      const found = store.partials.get(`partial ${i}`);
      if (found !== undefined) expect(Buffer.from(found).toString()).toBe(`state ${i}`);
    }
    const target = new Uint8Array(store.views?.size('view') ?? 0);
    if (store.views?.read('view', target)) expect(target).toEqual(VIEW);
    store.close();
    return 'used';
  } catch (error) {
    if (error instanceof SoraError) return error.code;
    throw error;
  }
}

/** Places to damage: every byte of small files (all files with SORA_TORTURE set), a spread over large ones. */
function places(size: number, seed: number): number[] {
  const all = process.env.SORA_TORTURE === undefined ? 130 : 10_000;
  if (size <= all) return Array.from({ length: size }, (_, i) => i);
  const random = Array.from({ length: 20 }, (_, i) => randomWord(seed, 0, i) % size);
  return [...new Set([0, 1, size >> 1, size - 2, size - 1, ...random])];
}

describe('verify', () => {
  it('does not miss files that a later commit dropped, and names those that are still there', async () => {
    const { root, store } = await smallStore();
    const old = await store.putFile('models/f/1.online', Buffer.from('one'));
    await store.commit({ files: [old] });
    const next = await store.putFile('models/f/2.online', Buffer.from('two'));
    await store.commit({ files: [next], drop: [old.file] });
    expect(await store.verify()).toMatchObject({ ok: true, leftovers: [old.file], unknown: [] });
    await store.storage.delete(old.file);
    expect(await store.verify()).toMatchObject({ ok: true, leftovers: [] });
    await store.storage.delete(next.file);
    const { problems } = await verifyStore(root);
    expect(problems).toMatchObject([{ file: next.file, kind: 'missing' }]);
    store.close();
  });

  it('finds nothing wrong with a store in order, and counts it', async () => {
    const { root, store } = await smallStore();
    const steps: VerifyProgress[] = [];
    const report = await store.verify({ onProgress: (step) => steps.push(step) });
    const files = allFiles(root);
    expect(report).toMatchObject({ ok: true, commits: 2, particles: 3, files: files.length });
    expect([report.problems, report.orphans, report.leftovers, report.unknown]).toEqual([[], [], [], []]);
    const bytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
    expect(report.bytes).toBe(bytes);
    expect(steps[steps.length - 1]).toEqual({
      files: files.length,
      totalFiles: files.length,
      bytes,
      totalBytes: bytes,
    });
  });

  it('names any file of which a byte is changed, and nothing uses it', async () => {
    const { root } = await smallStore();
    const kinds = new Set<string>();
    for (const path of allFiles(root)) {
      const file = relative(root, path);
      kinds.add(file.split('/').slice(0, -1).join('/').slice(0, 9));
      const bytes = readFileSync(path);
      for (const at of places(bytes.length, made)) {
        const damaged = Buffer.from(bytes);
        damaged[at] ^= 1 << (randomWord(1, 1, at) & 7);
        writeFileSync(path, damaged);
        const { problems } = await verifyStore(root);
        expect({ at, files: problems.map((problem) => problem.file) }).toEqual({
          at,
          files: expect.arrayContaining([file]),
        });
        const outcome = await useAll(root);
        const disposable = /^(cache|quarantine|models)\//.test(file);
        expect({ file, at, outcome }).toEqual({ file, at, outcome: disposable ? 'used' : 'corrupt' });
      }
      writeFileSync(path, bytes);
    }
    expect(kinds.size).toBeGreaterThanOrEqual(7);
    expect(await verifyStore(root)).toMatchObject({ ok: true, problems: [] });
  }, 900_000);

  it('names files that are cut short or gone', async () => {
    const { root } = await smallStore();
    for (const path of allFiles(root)) {
      const file = relative(root, path);
      const bytes = readFileSync(path);
      const cache = file.startsWith('cache/');
      const isLastCommit = file.endsWith('2.json');
      rmSync(path);
      const gone = await verifyStore(root);
      if (file === 'models/m/model.json') expect(gone.orphans).toHaveLength(2);
      else if (file === 'models/m/report.html') expect(gone.ok).toBe(true);
      else if (isLastCommit) expect(gone.orphans).toHaveLength(2);
      else
        expect(gone.problems.map((problem) => problem.file)).toEqual(
          cache ? [] : expect.arrayContaining([file]),
        );
      writeFileSync(path, bytes.subarray(0, bytes.length - 3));
      const short = await verifyStore(root);
      const named = [...short.problems.map((problem) => problem.file), ...short.leftovers].join();
      expect(named).toContain(file);
      writeFileSync(path, bytes);
    }
  });

  it('tells orphans, leftovers and foreign files apart from damage', async () => {
    const { root, store } = await smallStore();
    const orphan = await store.putParticle(particle(9));
    await store.storage.put('notes.txt', Buffer.from('x'));
    await store.storage.put('log/notes.txt', Buffer.from('x'));
    writeFileSync(join(root, 'tmp', 'unfinished'), 'x');
    const report = await store.verify();
    expect(report.ok).toBe(true);
    expect(report.orphans).toEqual([`particles/${orphan.hash.slice(0, 2)}/${orphan.hash}.arrow`]);
    expect(report.leftovers).toEqual(['tmp/unfinished']);
    expect(report.unknown).toEqual(['log/notes.txt', 'notes.txt']);
    const path = join(root, report.orphans[0]);
    const damaged = readFileSync(path);
    damaged[damaged.length >> 1] ^= 8;
    writeFileSync(path, damaged);
    expect((await store.verify()).problems[0]).toMatchObject({ file: report.orphans[0], kind: 'damaged' });
    expect(await store.verify({ repair: true })).toMatchObject({ ok: false });
    utimesSync(path, 1e9, 1e9);
    expect(await store.verify({ repair: true })).toMatchObject({ ok: true });
    expect(await store.verify()).toMatchObject({ problems: [], orphans: [] });
  });

  it('holds a model whole at every step of its replacement, and foreign files apart', async () => {
    const { root, store } = await smallStore();
    const age = (file: string) => utimesSync(join(root, file), 1e9, 1e9);
    for (const steps of [1, 2, 3]) {
      await putModel(store, 7);
      await putModel(store, 9, steps);
      age('models/m/p.next.bin');
      const report = await store.verify({ repair: true });
      expect(report).toMatchObject({ ok: true, problems: [], leftovers: ['models/m/p.next.bin'] });
      const isNeeded = steps === 2;
      expect((await store.storage.stat('models/m/p.next.bin')) !== undefined).toBe(isNeeded);
    }
    for (const name of ['models/x.json', 'models/m/other.bin', 'models/m/deep/p.bin', 'models/m/tmp/x']) {
      await store.storage.put(name, Buffer.from('x'));
    }
    const report = await store.verify();
    expect(report.unknown).toEqual(['models/m/deep/p.bin', 'models/m/other.bin', 'models/x.json']);
    expect(report.leftovers).toEqual(['models/m/tmp/x']);
  });

  it('removes orphans only when they are old, the log is whole, and nobody has named them since', async () => {
    const { root, store } = await smallStore();
    const orphan = await store.putParticle(particle(9));
    const key = `particles/${orphan.hash.slice(0, 2)}/${orphan.hash}.arrow`;
    const isThere = async () => (await store.storage.stat(key)) !== undefined;
    const age = () => utimesSync(join(root, key), 1e9, 1e9);
    await store.verify({ repair: true });
    expect(await isThere()).toBe(true);
    age();
    const commit = join(root, 'log', '00000000000000000002.json');
    const bytes = readFileSync(commit);
    writeFileSync(commit, bytes.subarray(1));
    await verifyStore(root, { repair: true });
    expect(await isThere()).toBe(true);
    writeFileSync(commit, bytes);
    await store.putParticle(particle(9));
    await store.verify({ repair: true });
    expect(await isThere()).toBe(true);
    age();
    const { storage } = store;
    const stat = async (name: string) => {
      if (name === key) await storage.put(key, (await storage.get(key)) as Uint8Array);
      return storage.stat(name);
    };
    await verifyStore({ ...storage, stat }, { repair: true });
    expect(await isThere()).toBe(true);
    age();
    expect(await store.verify({ repair: true })).toMatchObject({ ok: true, orphans: [key] });
    expect(await isThere()).toBe(false);
    await expect(store.commit({ add: [orphan] })).rejects.toMatchObject({ code: 'io-failed' });
    expect((await store.snapshot()).commit).toBe(2);
  });

  it('repairs what can be had again, and only that', async () => {
    const { root, store } = await smallStore();
    store.close();
    const damage = (file: string) => {
      const bytes = readFileSync(join(root, file));
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(join(root, file), bytes);
    };
    const [view, segment] = ['cache/views', 'cache/partials'].map((folder) =>
      join(folder, readdirSync(join(root, folder))[0]),
    );
    const [particleFile] = allFiles(join(root, 'particles')).map((path) => relative(root, path));
    for (const file of ['store.json', view, segment, particleFile]) damage(file);
    const old = Date.now() / 1000 - 7200;
    for (const name of ['old', 'young']) writeFileSync(join(root, 'tmp', name), 'x');
    utimesSync(join(root, 'tmp', 'old'), old, old);
    await expect(openStore(root)).rejects.toMatchObject({ code: 'corrupt' });
    const report = await verifyStore(root, { repair: true });
    expect(report.ok).toBe(false);
    expect(report.problems.map((problem) => [problem.file, problem.repaired])).toEqual(
      [
        [view, true],
        [segment, true],
        [particleFile, false],
        ['store.json', true],
      ].sort((a, b) => (a[0] < b[0] ? -1 : 1)),
    );
    expect(readdirSync(join(root, 'tmp'))).toEqual(['young']);
    const after = await verifyStore(root);
    expect(after.problems.map((problem) => problem.file)).toEqual([particleFile]);
    expect(after.problems[0].remedy).toMatch(/^Ingest .* again \(commit \d\)/);
    const reopened = await openStore(root);
    for (let i = 1; i <= 3; i++) await reopened.putParticle(particle(i));
    expect(await reopened.verify()).toMatchObject({ ok: true, problems: [] });
  });

  it('does not judge or repair what a newer version wrote', async () => {
    const storage = memoryStorage();
    const newer = sealJson({ format: 'sora-store', version: 2 }, {});
    await storage.put('store.json', newer);
    const report = await verifyStore(storage, { repair: true });
    expect(report.problems).toMatchObject([{ file: 'store.json', kind: 'newer', repaired: false }]);
    expect(await storage.get('store.json')).toEqual(new Uint8Array(newer));
  });

  it('does not blame cache files and models that others replace while it runs', async () => {
    const { store } = await smallStore();
    const { storage } = store;
    let listed = 0;
    const moving = {
      ...storage,
      async *list(prefix: string, after?: string) {
        listed++;
        for await (const info of storage.list(prefix, after)) {
          if (listed === 2 && info.key.endsWith('.seg')) yield { ...info, size: info.size + 5 };
          else if (listed === 2 && info.key.startsWith('cache/views/')) {
            await storage.delete(info.key);
            yield info;
          } else yield info;
        }
      },
    };
    let replaced = 0;
    const get = async (key: string) => {
      const bytes = await storage.get(key);
      if (key === 'models/m/model.json' && replaced++ === 0) await putModel(store, 8);
      return bytes;
    };
    expect(await verifyStore({ ...moving, get })).toMatchObject({ ok: true, problems: [] });
    expect(listed).toBe(2);
    expect(replaced).toBeGreaterThan(2);
  });

  it('stops on request, and refuses what is no store', async () => {
    const { store } = await smallStore();
    await expect(store.verify({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    await expect(verifyStore(join(base, 'nothing'))).rejects.toMatchObject({ code: 'not-found' });
  });
});
