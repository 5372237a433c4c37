import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openStore } from '../store/store.ts';
import { moments } from '../summary/moments.ts';
import { ingestInto } from './ingest.ts';
import { failureOf, fileWith, rowsOf, scratchFolder } from './test-support.ts';

const folder = scratchFolder();
let stores = 0;
const newStore = () => openStore(`${folder}/s${stores++}.sora`, { create: true });
const people = (rows: number, from = 0) =>
  `age,city,income\n${Array.from({ length: rows }, (_, i) => `${(from + i) % 90},city ${i % 7},${(from + i) * 1.5}`).join('\n')}\n`;

describe('ingestInto', () => {
  it('puts the rows into one commit', async () => {
    const store = await newStore();
    const path = fileWith(folder, 'people.csv', people(10_000));
    const report = await ingestInto(store, path, { target: 'income', workers: 0 });
    expect(report).toMatchObject({ rows: 10_000, badRows: 0, unchanged: false, commit: 1, particles: 3 });
    const snapshot = await store.snapshot();
    expect(snapshot.rows).toBe(10_000);
    expect(snapshot.schema.fields.map((field) => field.role)).toEqual(['feature', 'feature', 'label']);
    const particle = await store.loadParticle(snapshot.particles[0]);
    expect(rowsOf(particle)[9]).toEqual({ age: 9, city: 'city 2', income: 13.5 });
    expect(snapshot.particles[0].source).toMatchObject({ name: path, rows: 10_000 });
  });

  it('gives the same particles with any number of workers', async () => {
    const path = fileWith(folder, 'workers.csv', people(60_000));
    const ids = [];
    for (const workers of [0, 1, 3]) {
      const store = await newStore();
      await ingestInto(store, path, { target: 'income', workers });
      ids.push((await store.snapshot()).id);
    }
    expect(new Set(ids).size).toBe(1);
  });

  it('does nothing when the same sources are there already', async () => {
    const store = await newStore();
    const path = fileWith(folder, 'same.csv', people(100));
    await ingestInto(store, path, { workers: 0 });
    const again = await ingestInto(store, path, { workers: 0 });
    expect(again).toMatchObject({ unchanged: true, rows: 100, commit: 1 });
    utimesSync(path, new Date(0), new Date(0));
    expect(await ingestInto(store, path, { workers: 0 })).toMatchObject({ unchanged: true, commit: 1 });
    expect(await ingestInto(store, path, { workers: 0, target: 'income' })).toMatchObject({
      unchanged: false,
      commit: 2,
    });
    writeFileSync(path, people(101));
    expect(await ingestInto(store, path, { workers: 0, target: 'income' })).toMatchObject({
      unchanged: false,
      commit: 3,
      rows: 101,
    });
    expect((await store.snapshot()).rows).toBe(101);
  });

  it('appends', async () => {
    const store = await newStore();
    await ingestInto(store, fileWith(folder, 'first.csv', people(5000)), { workers: 0 });
    const second = await ingestInto(store, fileWith(folder, 'second.csv', people(10, 5000)), {
      workers: 0,
      mode: 'append',
    });
    expect(second).toMatchObject({ rows: 10, particles: 1, commit: 2 });
    const snapshot = await store.snapshot();
    expect(snapshot.rows).toBe(5010);
    const last = await store.loadParticle(snapshot.particles[snapshot.particles.length - 1]);
    expect(rowsOf(last)[0]).toMatchObject({ income: 7500 });
    const other = fileWith(folder, 'other.csv', 'x,y\n1,2\n');
    expect(await failureOf(ingestInto(store, other, { workers: 0, mode: 'append' }))).toMatchObject({
      code: 'schema-mismatch',
    });
    expect((await store.snapshot()).rows).toBe(5010);
  });

  it('leaves the store as it was when rows are bad', async () => {
    const store = await newStore();
    const path = fileWith(folder, 'late.csv', `${people(20_000)}oops,x,y\n`);
    expect(await failureOf(ingestInto(store, path, { workers: 0 }))).toMatchObject({ code: 'bad-input' });
    expect(await store.log()).toHaveLength(0);
  });

  it('puts bad rows beside the store in quarantine', async () => {
    const store = await newStore();
    const path = fileWith(folder, 'quarantine.csv', `${people(20_000)}oops,x,y\n`);
    const report = await ingestInto(store, path, { workers: 0, badRows: 'quarantine' });
    expect(report).toMatchObject({ rows: 20_000, badRows: 1, quarantine: `${store.root}.quarantine.ndjson` });
    expect(JSON.parse(readFileSync(report.quarantine as string, 'utf8'))).toMatchObject({
      line: 20_002,
      value: 'oops',
    });
    const clean = await ingestInto(await newStore(), fileWith(folder, 'clean.csv', people(9)), {
      workers: 0,
      badRows: 'quarantine',
    });
    expect(clean.quarantine).toBeUndefined();
    expect(existsSync(`${folder}/s${stores - 1}.sora.quarantine.ndjson`)).toBe(false);
  });

  it('computes partials while particles are at hand', async () => {
    const store = await newStore();
    const module = new URL('../summary/moments.ts', import.meta.url).href;
    const seen: { hash: string; id: string; bytes: Uint8Array }[] = [];
    await ingestInto(store, fileWith(folder, 'partials.csv', people(10_000)), {
      workers: 0,
      partials: [{ module, name: 'moments' }],
      onPartial: ({ particle, summaryId, bytes }) => seen.push({ hash: particle.hash, id: summaryId, bytes }),
    });
    const { particles } = await store.snapshot();
    expect(seen.map(({ hash }) => hash)).toEqual(particles.map(({ hash }) => hash));
    const summary = moments();
    const state = summary.empty();
    summary.observe(state, await store.loadParticle(particles[1]));
    expect(seen[1]).toMatchObject({ id: summary.id });
    expect(Buffer.from(seen[1].bytes).equals(Buffer.from(summary.codec.encode(state)))).toBe(true);
  });

  it('stops at once when told to, leaving nothing behind', async () => {
    const store = await newStore();
    const path = fileWith(folder, 'long.csv', people(600_000));
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const work = ingestInto(store, path, { signal: controller.signal, onProgress });
    expect(await failureOf(work)).toMatchObject({ code: 'cancelled' });
    expect(await store.log()).toHaveLength(0);
  });

  it('tells how far it is', async () => {
    const store = await newStore();
    const path = fileWith(folder, 'progress.csv', people(300_000));
    const told: { rows: number; bytesRead?: number; totalBytes?: number }[] = [];
    await ingestInto(store, path, { workers: 0, onProgress: (progress) => told.push(progress) });
    const size = readFileSync(path).length;
    expect(told.at(-1)).toMatchObject({ rows: 300_000, bytesRead: size, totalBytes: size });
    expect(told.every((progress, i) => i === 0 || progress.rows >= told[i - 1].rows)).toBe(true);
  });
});
