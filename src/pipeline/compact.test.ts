/** Compaction: the same rows in other particles, whatever else happens to the store meanwhile. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createParticle } from '../particle/create.ts';
import { mergeParticles } from '../particle/merge.ts';
import type { Particle } from '../particle/particle.ts';
import { sliceParticle } from '../particle/select.ts';
import { randomUniform } from '../random.ts';
import { particleKey } from '../store/particle-file.ts';
import { openStore, type Store } from '../store/store.ts';
import { compact } from './compact.ts';
import { ingest } from './ingest.ts';
import { train } from './train.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-compact-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let stores = 0;
const newPlace = () => join(folder, `${++stores}.sora`);

const pick = (stream: number, row: number, count: number) =>
  Math.floor(randomUniform(stream, 0, row) * count);

/** A row with a value of every kind, some missing, and a label that follows from them. */
function row(id: number) {
  const [x, shop] = [pick(1, id, 50), `s${pick(2, id, 5)}`];
  return {
    x: id % 13 === 0 ? null : x,
    y: x / 7 + randomUniform(3, 0, id),
    shop: id % 17 === 0 ? null : shop,
    note: `${['good', 'bad', 'fair'][pick(4, id, 3)]} ${shop} day`,
    open: pick(5, id, 2) === 1,
    when: new Date(Date.UTC(2024, 0, 1) + 3_600_000 * pick(6, id, 5000)),
    blob: Uint8Array.from({ length: 3 + pick(7, id, 5) }, (_, i) => pick(8, 10 * id + i, 256)),
    label: x + (shop === 's1' ? 20 : 0) + 10 * randomUniform(9, 0, id) > 30 ? 'yes' : 'no',
  };
}
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));

/** A store of `commits` appends of `size` rows. */
async function grown(commits: number, size: number): Promise<string> {
  const place = newPlace();
  for (let i = 0; i < commits; i++) {
    const options = { store: place, append: i > 0, workers: 0, types: { note: 'text' } } as const;
    await ingest(rows(i * size, (i + 1) * size), options);
  }
  return place;
}

/** A store of one commit a slice of `size` rows of one particle. */
async function sliced(count: number, size: number): Promise<string> {
  const place = newPlace();
  const store = await openStore(place, { create: true });
  const list = rows(0, size);
  const columns = Object.fromEntries(
    Object.keys(list[0]).map((name) => [name, list.map((one) => one[name as keyof typeof one])]),
  );
  const particle = createParticle({ columns });
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * size) / count);
    const part = sliceParticle(particle, from, Math.floor(((i + 1) * size) / count));
    await store.commit({ schema: part.schema, add: [await store.putParticle(part)] });
  }
  return place;
}

async function wholeOf(store: Store, at?: number): Promise<Particle> {
  const { particles } = await store.snapshot(at);
  return mergeParticles(await Promise.all(particles.map((ref) => store.loadParticle(ref))));
}

const filesIn = (place: string) => readdirSync(place, { recursive: true }).map(String).sort();

describe('many appends, compacted', () => {
  it('are the same rows in the same order, in fewer particles; earlier commits stay', async () => {
    const place = await grown(30, 40);
    const store = await openStore(place);
    const before = await wholeOf(store);
    const result = await compact(place, { workers: 0 });
    expect(result).toMatchObject({
      ...{ changed: true, dryRun: false, commit: 31, rows: 1200 },
      particles: { before: 30, after: 1, kept: 0, merged: 30, split: 0 },
      written: { particles: 1 },
    });
    expect(result.bytes.after).toBeLessThan(result.bytes.before / 2);
    expect(await wholeOf(store)).toEqual(before);
    expect(await wholeOf(store, 30)).toEqual(before);
    expect((await store.snapshot(12)).rows).toBe(480);
    expect(await store.verify()).toMatchObject({ ok: true, problems: [], orphans: [], leftovers: [] });
    expect(await compact(place)).toMatchObject({ changed: false, commit: 31, particles: { after: 1 } });
    expect((await store.log()).at(-1)).toMatchObject({ why: 'compact: 30 particles → 1', recut: true });
  });

  it('train to the same coefficients, where quantiles are exact', async () => {
    const place = await grown(12, 40);
    const options = { target: 'label', learner: 'linear', workers: 0, report: false, cache: false } as const;
    const parametersOf = async () => {
      const { model } = await train(place, options);
      return [...(Object.values(model.tensors)[0].values as Float64Array)];
    };
    const before = await parametersOf();
    await compact(place, { workers: 0 });
    const after = await parametersOf();
    expect(after).toHaveLength(before.length);
    const differences = after.map((value, i) => Math.abs(value - before[i]));
    expect(Math.max(...differences)).toBeLessThan(1e-9);
  });

  it('on threads give the same files', async () => {
    const [place, other] = [await sliced(60, 12_000), await sliced(60, 12_000)];
    const [inline, threads] = [await compact(place, { workers: 0 }), await compact(other, { workers: 2 })];
    expect(inline.particles).toMatchObject({ before: 60, after: 3 });
    expect(threads.bytes).toEqual(inline.bytes);
    const [one, two] = [await openStore(place), await openStore(other)];
    expect((await two.snapshot()).id).toBe((await one.snapshot()).id);
    expect(await wholeOf(two)).toEqual(await wholeOf(one, 60));
  });
});

describe('a compaction', () => {
  it('splits what is too large', async () => {
    const place = newPlace();
    const store = await openStore(place, { create: true });
    const x = Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 1000);
    const particle = createParticle({ columns: { x } });
    await store.commit({ schema: particle.schema, add: [await store.putParticle(particle)] });
    const { particles } = await compact(place, { workers: 0 });
    expect(particles).toMatchObject({ before: 1, after: 5, split: 1, merged: 0 });
    expect(await wholeOf(store)).toEqual(particle);
  });

  it('has nothing to do for what was just ingested, or for nothing', async () => {
    const place = newPlace();
    await ingest(rows(0, 9000), { store: place, workers: 0 });
    expect(await compact(place)).toMatchObject({
      changed: false,
      commit: 1,
      particles: { before: 3, after: 3 },
    });
    const empty = newPlace();
    await openStore(empty, { create: true });
    expect(await compact(empty)).toMatchObject({ changed: false, commit: 0, rows: 0 });
    await expect(compact(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('leaves large particles before small ones alone', async () => {
    const place = await grown(1, 4096);
    const store = await openStore(place);
    for (let i = 0; i < 5; i++) {
      const [ref] = (await store.snapshot()).particles;
      const small = await store.putParticle(sliceParticle(await store.loadParticle(ref), 7 * i, 7 * i + 1));
      await store.commit({ add: [small] });
    }
    const [first] = (await store.snapshot()).particles;
    const before = await wholeOf(store);
    expect(await compact(place, { workers: 0 })).toMatchObject({
      particles: { before: 6, after: 2, kept: 1, merged: 5 },
      written: { particles: 1 },
    });
    const { particles } = await store.snapshot();
    expect([particles[0].hash, particles[0].commit]).toEqual([first.hash, 1]);
    expect(await wholeOf(store)).toEqual(before);
  });

  it('says what it would do without doing it', async () => {
    const place = await grown(4, 10);
    const before = filesIn(place);
    expect(await compact(place, { dryRun: true })).toMatchObject({
      ...{ changed: true, dryRun: true, commit: 4 },
      particles: { before: 4, after: 1, merged: 4 },
      bytes: { before: expect.any(Number) },
      written: { particles: 0, bytes: 0 },
    });
    expect(filesIn(place)).toEqual(before);
  });

  it('takes the roles and widths of the newest commit', async () => {
    const place = newPlace();
    const store = await openStore(place, { create: true });
    const sparse = (width: number, role: 'feature' | 'label'): Particle => ({
      schema: {
        fields: [
          { name: 'm', type: 'sparse', role: 'feature', width },
          { name: 'y', type: 'number', role },
        ],
      },
      rows: 1,
      columns: [
        {
          ...{ type: 'sparse', starts: Uint32Array.of(0, 1), indices: Uint32Array.of(width - 1) },
          ...{ values: Float32Array.of(2), width },
        },
        { type: 'number', values: Int8Array.of(width) },
      ],
    });
    for (const particle of [sparse(3, 'feature'), sparse(5, 'label')]) {
      await store.commit({ schema: particle.schema, add: [await store.putParticle(particle)] });
    }
    await compact(place, { workers: 0 });
    const whole = await wholeOf(store);
    expect(whole.schema).toEqual(sparse(5, 'label').schema);
    expect(whole.columns[0]).toMatchObject({ width: 5, indices: Uint32Array.of(2, 4) });
  });

  it('keeps saying where rows came from, and is no reason to believe that a file is there already', async () => {
    const place = newPlace();
    const [a, b] = ['a.csv', 'b.csv'].map((name) => join(folder, name));
    writeFileSync(a, 'x,y\n1,2\n3,4\n');
    writeFileSync(b, 'x,y\n5,6\n');
    for (const [index, file] of [a, a, b].entries()) {
      await ingest(file, { store: place, append: index > 0, workers: 0 });
    }
    await compact(place, { workers: 0 });
    const store = await openStore(place);
    const [merged] = (await store.snapshot()).particles;
    expect(merged.source?.name).toMatch(/a\.csv, .*b\.csv$/);
    await ingest(a, { store: place, workers: 0 });
    expect((await store.snapshot()).rows).toBe(2);
    await ingest(b, { store: place, workers: 0 });
    await ingest(b, { store: place, append: true, workers: 0 });
    await compact(place, { workers: 0 });
    expect((await ingest(b, { store: place, workers: 0 })).rows).toBe(1);
  });

  it('that is stopped leaves the store as it was', async () => {
    const place = await sliced(60, 12_000);
    const store = await openStore(place);
    const controller = new AbortController();
    const stopped = compact(place, {
      workers: 0,
      signal: controller.signal,
      onProgress: ({ stage }) => stage === 'compacting' && controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect((await store.snapshot()).commit).toBe(60);
    expect(await store.verify()).toMatchObject({ ok: true, problems: [], leftovers: [] });
    expect(await compact(place)).toMatchObject({ particles: { before: 60, after: 3 } });
    expect((await store.verify()).orphans).toEqual([]);
  });

  it('names what is damaged, and verification where its rows are besides', async () => {
    const place = await grown(3, 10);
    const store = await openStore(place);
    await compact(place, { workers: 0 });
    const file = join(place, particleKey((await store.snapshot()).particles[0].hash));
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(file, bytes);
    const { problems } = await store.verify();
    expect(problems.map(({ remedy }) => remedy)).toEqual([
      'Its rows are also in commit 3 (--at 3); restore the file from a backup.',
    ]);
    await expect(compact(place)).rejects.toMatchObject({ code: 'corrupt' });
    expect((await wholeOf(store, 3)).rows).toBe(30);
  });
});

describe('other writers', () => {
  const one = (value: number) => createParticle({ columns: { x: [value] } });
  const valuesOf = async (store: Store) => {
    const [column] = (await wholeOf(store)).columns;
    return column.type === 'number' ? [...column.values] : [];
  };

  async function ones(count: number): Promise<{ place: string; store: Store }> {
    const place = newPlace();
    const store = await openStore(place, { create: true });
    for (let i = 0; i < count; i++) await append(store, i);
    return { place, store };
  }

  async function append(store: Store, value: number, base?: number) {
    const particle = one(value);
    const add = [await store.putParticle(particle)];
    return store.commit({ schema: particle.schema, add, base });
  }

  it('append meanwhile: their rows come last, once', async () => {
    const { place, store } = await ones(5);
    const notes: string[] = [];
    let appended: Promise<unknown> | undefined;
    const result = await compact(place, {
      workers: 0,
      onNote: (note) => notes.push(note),
      onProgress: ({ stage }) => {
        if (stage === 'compacting') appended ??= append(store, 5);
      },
    });
    await appended;
    expect(await valuesOf(store)).toEqual([0, 1, 2, 3, 4, 5]);
    // Whether the append came before the commit of the compaction is up to the file system.
    expect(notes.length === 0 || result.particles.before === 6).toBe(true);
    expect(await store.verify()).toMatchObject({ ok: true, problems: [] });
  });

  it('that began before may append after', async () => {
    const { place, store } = await ones(5);
    await compact(place, { workers: 0 });
    expect(await append(store, 5, 5)).toMatchObject({ commit: 7, rows: 6 });
    expect(await valuesOf(store)).toEqual([0, 1, 2, 3, 4, 5]);
    await expect(store.commit({ base: 5, remove: 'all' })).rejects.toMatchObject({ code: 'conflict' });
  });

  it('compact at once: one does it, the others have nothing left to do', async () => {
    const { place, store } = await ones(40);
    const results = await Promise.all([0, 0, 0].map((workers) => compact(place, { workers })));
    expect(results.filter(({ changed }) => changed)).toHaveLength(1);
    expect((await store.snapshot()).commit).toBe(41);
    expect(await valuesOf(store)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(await store.verify()).toMatchObject({ ok: true, problems: [], orphans: [] });
  });

  it('cannot claim to keep rows that they do not keep', async () => {
    const { store } = await ones(3);
    const { particles } = await store.snapshot();
    await expect(
      store.commit({
        recut: true,
        remove: 'all',
        add: particles.slice(1).map(({ source: _, ...ref }) => ref),
      }),
    ).rejects.toThrow(/it removes 3 and adds 2/);
  });
});
