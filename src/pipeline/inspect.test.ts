/** What inspect finds, and what it refuses: by the API; the screens are tested in cli/inspect.test.ts. */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { tableFromArrays, tableToIPC } from '@uwdata/flechette';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { particleKey } from '../store/particle-file.ts';
import { openStore } from '../store/store.ts';
import { ingest } from './ingest.ts';
import { inspect } from './inspect.ts';
import { train } from './train.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const store = join(folder, 'data.sora');
const model = join(store, 'models', 'y');
const csv = join(folder, 'data.csv');
let particle: string;

beforeAll(async () => {
  const lines = Array.from({ length: 200 }, (_, i) => `${i},${i % 3 === 0 ? 'yes' : 'no'}`);
  writeFileSync(csv, `x,y\n${lines.join('\n')}\n`);
  await train(csv, { target: 'y', learner: 'linear', store, workers: 0, report: false });
  const [{ hash }] = (await (await openStore(store)).snapshot()).particles;
  particle = join(store, particleKey(hash));
});

describe('inspect', () => {
  it('tells a store, its models and commits', async () => {
    const found = await inspect(store);
    expect(found).toMatchObject({ kind: 'data', isStore: true, models: ['y'], commits: [{ commit: 1 }] });
    expect(await inspect(join(store, 'store.json'))).toMatchObject({
      kind: 'data',
      isStore: true,
      path: store,
    });
  });

  it('tells a model, by its folder or its file', async () => {
    expect(await inspect(model)).toMatchObject({ kind: 'model', path: model });
    expect(await inspect(join(model, 'model.json'))).toMatchObject({ kind: 'model', path: model });
  });

  it('tells a data file, with a summary', async () => {
    const found = await inspect(csv, { summary: 'moments' });
    expect(found).toMatchObject({ kind: 'data', isStore: false, models: [], commits: [] });
    expect(found).toMatchObject({ summary: { name: 'moments', value: { x: { n: 200, mean: 99.5 } } } });
  });

  it('tells a particle from other Arrow files, and reads its summary', async () => {
    const copy = join(folder, 'copy.arrow');
    copyFileSync(particle, copy);
    expect(await inspect(copy, { summary: 'moments' })).toMatchObject({
      ...{ kind: 'particle', hash: basename(particle, '.arrow') },
      summary: { name: 'moments', value: { x: { n: 200 } } },
    });
    const other = join(folder, 'other.arrow');
    // A column that only talks of particles does not make one.
    const table = tableFromArrays({ s: ['sora.schema', 'SORASEAL', 'x'], n: [1, 2, 3] });
    writeFileSync(other, tableToIPC(table, { format: 'file' }) as Uint8Array);
    expect(await inspect(other)).toMatchObject({ kind: 'data', snapshot: { rows: 3 } });
    for (const size of [8, 300, 1200]) {
      writeFileSync(other, readFileSync(particle).subarray(0, size));
      await expect(inspect(other)).rejects.toThrow(/other\.arrow: the Arrow data is damaged: cut short/);
    }
  });

  it('names a damaged particle', async () => {
    const damaged = join(folder, 'damaged.sora');
    cpSync(store, damaged, { recursive: true });
    const file = join(damaged, particle.slice(store.length));
    truncateSync(file, 500);
    await expect(inspect(file)).rejects.toMatchObject({ code: 'corrupt', details: { path: file } });
    await expect(inspect(damaged, { summary: 'moments' })).rejects.toMatchObject({ code: 'corrupt' });
  });

  it('refuses options that say nothing of what it finds, before it reads data', async () => {
    const refused = (path: string, options: Parameters<typeof inspect>[1]) =>
      expect(inspect(path, options)).rejects.toMatchObject({ code: 'bad-option' });
    await refused(model, { summary: 'moments' });
    await refused(model, { at: '1' });
    await refused(particle, { at: '1' });
    await refused(csv, { at: '1' });
    const stages: string[] = [];
    await refused(store, { summary: 'momnts', onProgress: ({ stage }) => void stages.push(stage) });
    await refused(store, { summary: 'histogram', onProgress: ({ stage }) => void stages.push(stage) });
    expect(stages).toEqual([]);
  });

  it('says what has no rows', async () => {
    const head = join(folder, 'head.csv');
    writeFileSync(head, 'x,y\n');
    await expect(inspect(head)).rejects.toThrow(/head\.csv has no rows: no line of data follows/);
    const empty = join(folder, 'empty.sora');
    await openStore(empty, { create: true });
    await expect(inspect(empty)).rejects.toThrow(/empty\.sora has no rows as of commit 0: add some/);
  });

  it('of a folder reads data, not the stores and models that lie in it', async () => {
    const found = await inspect(folder, { types: { x: 'number' } }).catch((error) => error);
    expect(found).not.toMatchObject({ code: 'schema-mismatch' });
    const mixed = mkdtempSync(join(folder, 'mixed-'));
    copyFileSync(csv, join(mixed, 'data.csv'));
    cpSync(store, join(mixed, 'data.sora'), { recursive: true });
    cpSync(model, join(mixed, 'model'), { recursive: true });
    expect(await inspect(mixed)).toMatchObject({ snapshot: { rows: 200 } });
    writeFileSync(join(mixed, 'model.json'), '[{"x":1,"y":"no"}]');
    const { rows } = await ingest(mixed, { store: join(folder, 'both.sora'), workers: 0 });
    expect(rows).toBe(201);
  });
});
