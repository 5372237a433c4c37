import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC, tableToIPC } from '@uwdata/flechette';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeParticle } from '../particle/bytes.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Particle } from '../particle/particle.ts';
import { encodeCommit } from './commit.ts';
import { directoryStorage } from './directory.ts';
import { memoryStorage } from './memory.ts';
import { particleKey } from './particle-file.ts';
import { sealJson, sha256 } from './sealed.ts';
import { storeSource } from './source.ts';
import type { ObjectStorage } from './storage.ts';
import { openStore } from './store.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-store-'));
let made = 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));
const newRoot = () => join(base, `store-${made++}`);

function particle(seed: number, role: 'feature' | 'label' = 'feature'): Particle {
  const values = Float64Array.from({ length: 50 }, (_, i) => seed * 1000 + i);
  return {
    schema: { fields: [{ name: 'x', type: 'number', role }] },
    rows: 50,
    columns: [{ type: 'number', values }],
  };
}
const { schema } = particle(0);

const PLACES: readonly [string, () => string | ObjectStorage][] = [
  ['memory', memoryStorage],
  ['a directory', newRoot],
];

describe.each(PLACES)('store in %s', (_, place) => {
  it('commits particles and gives them back', async () => {
    const store = await openStore(place(), { create: true });
    expect(await store.snapshot()).toMatchObject({ commit: 0, rows: 0, particles: [] });
    const refs = [await store.putParticle(particle(1)), await store.putParticle(particle(2))];
    const first = await store.commit({
      schema,
      add: refs.map((ref) => ({ ...ref, source: 0 })),
      sources: [{ name: 'a.csv', options: { delimiter: ',' } }],
      why: 'first',
      who: 'me',
    });
    expect(first).toMatchObject({ commit: 1, rows: 100, schema });
    expect(first.particles.map((entry) => entry.hash)).toEqual(refs.map((ref) => ref.hash));
    expect(first.particles[1].source?.name).toBe('a.csv');
    expect(await store.loadParticle(first.particles[1])).toEqual(particle(2));
    const [commit] = await store.log();
    expect(commit).toMatchObject({ who: 'me', why: 'first', parent: null });
  });

  it('travels in time', async () => {
    const store = await openStore(place(), { create: true });
    for (let i = 1; i <= 4; i++) await store.commit({ schema, add: [await store.putParticle(particle(i))] });
    const log = await store.log();
    expect(log.map((commit) => commit.commit)).toEqual([1, 2, 3, 4]);
    expect(log.map((commit) => commit.parent)).toEqual([
      null,
      ...log.slice(0, 3).map((commit) => commit.sha256),
    ]);
    expect((await store.snapshot(2)).particles).toHaveLength(2);
    expect((await store.snapshot('-3')).particles).toHaveLength(1);
    const times = log.map((commit) => commit.when);
    expect([...times].sort()).toEqual(times);
    const newestOfThatTime = times.lastIndexOf(times[1]) + 1;
    expect((await store.snapshot(times[1])).commit).toBe(newestOfThatTime);
    await expect(store.snapshot(9)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('replaces and removes, keeping repeats apart', async () => {
    const store = await openStore(place(), { create: true });
    const [a, b] = [await store.putParticle(particle(1)), await store.putParticle(particle(2))];
    await store.commit({ schema, add: [a, b, a] });
    const fewer = await store.commit({ remove: [{ hash: a.hash, at: 2 }] });
    expect(fewer.particles.map((entry) => entry.hash)).toEqual([a.hash, b.hash]);
    const replaced = await store.commit({ remove: 'all', add: [b] });
    expect(replaced.particles.map((entry) => entry.hash)).toEqual([b.hash]);
    expect((await store.snapshot(1)).particles).toHaveLength(3);
    await expect(store.commit({ base: 1, remove: [{ hash: a.hash, at: 0 }] })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('stores files that commits vouch for', async () => {
    const store = await openStore(place(), { create: true });
    const file = await store.putFile('quarantine/a.ndjson', Buffer.from('{"row":1}\n'));
    expect((await store.verify()).orphans).toEqual(['quarantine/a.ndjson']);
    await store.commit({ schema, files: [file] });
    expect(await store.verify()).toMatchObject({ orphans: [], ok: true });
    await store.storage.put('quarantine/a.ndjson', Buffer.from('{"row":2}\n'));
    expect((await store.verify()).problems[0]).toMatchObject({
      file: 'quarantine/a.ndjson',
      kind: 'damaged',
    });
  });

  it('says what a schema must be', async () => {
    const store = await openStore(place(), { create: true });
    const ref = await store.putParticle(particle(1));
    await expect(store.commit({ add: [ref] })).rejects.toMatchObject({ code: 'schema-mismatch' });
    await store.commit({ schema, add: [ref] });
    const other = { fields: [{ name: 'y', type: 'number', role: 'feature' }] } as const;
    await expect(store.commit({ schema: other, add: [ref] })).rejects.toMatchObject({
      code: 'schema-mismatch',
    });
    const relabelled = await store.commit({ schema: particle(1, 'label').schema });
    expect(relabelled.schema.fields[0].role).toBe('label');
    expect((await store.commit({ schema: other, remove: 'all' })).schema).toEqual(other);
    await expect(store.commit({ add: [{ ...ref, source: 0 }] })).rejects.toMatchObject({
      code: 'bad-option',
    });
  });
});

describe('opening', () => {
  it('needs a store, or the wish to make one', async () => {
    const root = newRoot();
    await expect(openStore(root)).rejects.toMatchObject({ code: 'not-found' });
    await expect(openStore(root)).rejects.toThrow(/No store at .*store\.json/);
    await openStore(root, { create: true });
    await expect(openStore(root)).resolves.toMatchObject({ root });
    await expect(openStore(root, { create: true })).resolves.toBeDefined();
  });

  it('refuses a newer store and a newer commit, naming both versions', async () => {
    const storage = memoryStorage();
    await storage.put('store.json', sealJson({ format: 'sora-store', version: 2 }, {}));
    await expect(openStore(storage)).rejects.toMatchObject({ code: 'newer-format' });
    await expect(openStore(storage)).rejects.toThrow(/version 2; .* up to 1.*Upgrade Sora/);
    const other = memoryStorage();
    const store = await openStore(other, { create: true });
    await other.put('log/00000000000000000001.json', sealJson({ format: 'sora-commit', version: 7 }, {}));
    await expect(store.snapshot()).rejects.toMatchObject({ code: 'newer-format' });
  });
});

describe('two writers', () => {
  it('both append: the second rebases and nothing is lost', async () => {
    const storage = memoryStorage();
    const [a, b] = [await openStore(storage, { create: true }), await openStore(storage)];
    const all = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const store = i % 2 === 0 ? a : b;
        return store.commit({ schema, add: [await store.putParticle(particle(i))] });
      }),
    );
    expect(all.map((snapshot) => snapshot.commit).sort((x, y) => x - y)).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    const hashes = (await a.snapshot()).particles.map((entry) => entry.hash);
    expect(new Set(hashes).size).toBe(40);
    expect((await b.snapshot()).id).toBe((await a.snapshot()).id);
  });

  it('conflict when one removes what the other may have counted on', async () => {
    const storage = memoryStorage();
    const [a, b] = [await openStore(storage, { create: true }), await openStore(storage)];
    const ref = await a.putParticle(particle(1));
    const { commit } = await a.commit({ schema, add: [ref] });
    await b.commit({ remove: 'all', add: [await b.putParticle(particle(2))] });
    await expect(a.commit({ base: commit, add: [ref] })).rejects.toMatchObject({ code: 'conflict' });
    await expect(a.commit({ base: commit, remove: 'all' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(a.commit({ base: commit, add: [ref] })).rejects.toThrow(/Commit 2 .* came between/);
    await expect(a.commit({ add: [ref] })).resolves.toMatchObject({ commit: 3 });
  });

  it('conflict when both make the first commit with other columns', async () => {
    const storage = memoryStorage();
    const [a, b] = [await openStore(storage, { create: true }), await openStore(storage)];
    await a.commit({ schema, add: [await a.putParticle(particle(1))] });
    const other = { fields: [{ name: 'y', type: 'number', role: 'feature' }] } as const;
    const ref = await b.putParticle(particle(2));
    await expect(b.commit({ base: 0, schema: other, add: [ref] })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('a writer knows its own commit again when the answer was lost', async () => {
    const inner = memoryStorage();
    const forgetful: ObjectStorage = {
      ...inner,
      putIfAbsent: async (key, bytes) => {
        await inner.putIfAbsent(key, bytes);
        return !key.startsWith('log/');
      },
    };
    const store = await openStore(forgetful, { create: true });
    await inner.put('store.json', sealJson({ format: 'sora-store', version: 1 }, {}));
    const snapshot = await store.commit({ schema, add: [await store.putParticle(particle(1))] });
    expect(snapshot.commit).toBe(1);
    expect(await store.log()).toHaveLength(1);
  });
});

describe('the log', () => {
  it('must have no gaps, and be a chain', async () => {
    const storage = memoryStorage();
    const store = await openStore(storage, { create: true });
    for (let i = 0; i < 3; i++) await store.commit({ schema, add: [await store.putParticle(particle(i))] });
    const log = await store.log();
    const second = 'log/00000000000000000002.json';
    await storage.put(second, encodeCommit({ ...log[1], why: 'rewritten' }));
    const reopened = await openStore(storage);
    await expect(reopened.snapshot()).rejects.toMatchObject({ code: 'corrupt' });
    await expect(reopened.snapshot()).rejects.toThrow(/log\/0*3\.json is damaged: expected a parent/);
    expect((await reopened.snapshot(1)).particles).toHaveLength(1);
    expect((await reopened.snapshot('2')).commit).toBe(2);
    await expect(reopened.snapshot(3)).rejects.toMatchObject({ code: 'corrupt' });
    await expect(reopened.snapshot(-1)).rejects.toMatchObject({ code: 'corrupt' });
    await expect(reopened.commit({ remove: 'all' })).rejects.toMatchObject({ code: 'corrupt' });
    await storage.delete(second);
    await expect((await openStore(storage)).snapshot()).rejects.toThrow(/0*2\.json is damaged.*no file/);
  });
});

describe('particle files', () => {
  const stored = async () => {
    const root = newRoot();
    const store = await openStore(root, { create: true });
    const ref = await store.putParticle(particle(1));
    await store.commit({ schema, add: [ref] });
    return { root, store, ref, path: join(root, particleKey(ref.hash)) };
  };

  it('are written once', async () => {
    const { store, ref } = await stored();
    const storage = directoryStorage(store.root ?? '');
    const before = await storage.stat(particleKey(ref.hash));
    expect(await store.putParticle(particle(1))).toEqual(ref);
    expect(await storage.stat(particleKey(ref.hash))).toEqual(before);
  });

  it('that are damaged are refused by name, and mended by storing them again', async () => {
    const { store, ref, path } = await stored();
    const damaged = readFileSync(path);
    damaged[damaged.length >> 1] ^= 1;
    writeFileSync(path, damaged);
    await expect(store.loadParticle(ref)).rejects.toMatchObject({ code: 'corrupt' });
    await expect(store.loadParticle(ref)).rejects.toThrow(
      new RegExp(`${particleKey(ref.hash)} is damaged: expected SHA-256 ${ref.sha256}, found .*sora verify`),
    );
    await expect(storeSource({ root: store.root ?? '' }).load(ref)).rejects.toMatchObject({
      code: 'corrupt',
    });
    expect(await store.putParticle(particle(1))).toEqual(ref);
    expect(await store.loadParticle(ref)).toEqual(particle(1));
    rmSync(path);
    await expect(store.loadParticle(ref)).rejects.toThrow(/found no file/);
  });

  it('of another encoder are kept while whole, and replaced for all commits when damaged', async () => {
    const root = newRoot();
    const store = await openStore(root, { create: true });
    const [hash, rows] = [hashParticle(particle(1)), 50];
    const mine = encodeParticle(particle(1));
    const theirs = otherEncoding(mine);
    const first = await store.putEncoded({ hash, rows, bytes: theirs });
    expect(await store.putEncoded({ hash, rows, bytes: mine })).toEqual(first);
    await store.commit({ schema, add: [first] });
    expect(await store.putEncoded({ hash, rows, bytes: mine })).toEqual(first);
    writeFileSync(join(root, particleKey(hash)), 'damaged');
    const second = await store.putEncoded({ hash, rows, bytes: mine });
    expect(second.sha256).not.toBe(first.sha256);
    await store.commit({ add: [second] });
    const old = await store.snapshot(1);
    expect(await store.loadParticle(old.particles[0])).toEqual(particle(1));
    expect((await store.verify()).problems).toEqual([]);
  });

  it('left damaged by a power cut before any commit are written anew', async () => {
    const root = newRoot();
    const store = await openStore(root, { create: true });
    const hash = hashParticle(particle(1));
    await store.storage.put(particleKey(hash), new Uint8Array(0));
    const ref = await store.putParticle(particle(1));
    expect(await store.loadParticle(ref)).toEqual(particle(1));
  });

  it('need the hash of a particle', async () => {
    const { store } = await stored();
    const encoded = { hash: '../../x', rows: 1, bytes: new Uint8Array(1) };
    await expect(store.putEncoded(encoded)).rejects.toMatchObject({ code: 'bad-option' });
  });
});

/** Another file of the same content, as another encoder could write it: not compressed, sealed in the same place. */
function otherEncoding(bytes: Uint8Array): Uint8Array {
  const footerOf = (file: Buffer) => file.length - 10 - file.readInt32LE(file.length - 10);
  const mine = Buffer.from(bytes);
  const beforeFooter = footerOf(mine) - (mine.lastIndexOf('SORASEAL') + 40);
  const ipc = Buffer.from(tableToIPC(tableFromIPC(bytes), { format: 'file' }) ?? []);
  const at = footerOf(ipc) - beforeFooter;
  const seal = [Buffer.from('SORASEAL'), Buffer.from(sha256(ipc), 'hex')];
  return Buffer.concat([ipc.subarray(0, at), ...seal, ipc.subarray(at)]);
}

describe('the source of workers', () => {
  it('is named by module and options', async () => {
    const root = newRoot();
    const store = await openStore(root, { create: true, viewBytes: 1000 });
    expect(store.reference).toMatchObject({
      name: 'storeSource',
      options: { root, views: true, viewBytes: 1000 },
    });
    const ref = await store.putParticle(particle(1));
    const source = storeSource(store.reference.options ?? null);
    expect(await source.load(ref)).toEqual(particle(1));
    expect(source.views).toBeDefined();
    expect(storeSource({ root, views: false }).views).toBeUndefined();
    expect(() => storeSource({ path: root })).toThrow(/Options of storeSource/);
    const inMemory = await openStore(memoryStorage(), { create: true });
    expect(() => inMemory.reference).toThrow(/use a directory/);
  });
});
