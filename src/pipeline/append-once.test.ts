/** Appends that happen once, where two come at the same moment or a file is not finished. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { ingestInto } from '../ingest/ingest.ts';
import { openStore } from '../store/store.ts';
import { checkUnchanged, heldParticles, notYetHeld, standingCommits } from './append-once.ts';

const folder = temporaryFolder();
const rows = (count: number, from: number) =>
  `a,b\n${Array.from({ length: count }, (_, i) => `${from + i},${i % 7}`).join('\n')}\n`;
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

it('lets one of two appends of the same rows through', async () => {
  const store = await openStore(join(folder, 'two.sora'), { create: true });
  await ingestInto(store, file('base.csv', rows(50, 0)), { workers: 0 });
  const { schema } = await store.snapshot();
  const path = file('more.csv', rows(20, 100));
  let others = 0;
  const append = () =>
    ingestInto(store, path, {
      ...{ workers: 0, mode: 'append', schema, firstIndex: 0 },
      heldBy: (particles, since) => {
        if (since !== undefined) others += since.length;
        return since && heldParticles(since, particles);
      },
    });
  const ends = await Promise.allSettled([append(), append()]);
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
  expect(others).toBe(1);
  expect((await store.snapshot()).rows).toBe(70);
});

it('refuses a file that is no longer what it was', async () => {
  const path = file('growing.csv', rows(10, 0));
  const { files } = await notYetHeld(path, []);
  expect(() => checkUnchanged(files)).not.toThrow();
  appendFileSync(path, '1,1\n');
  expect(() => checkUnchanged(files)).toThrow(/growing\.csv changed while it was read/);
});

it('does not count on rows that were removed or replaced', async () => {
  const store = await openStore(join(folder, 'removed.sora'), { create: true });
  const [one, two] = [file('one.csv', rows(10, 0)), file('two.csv', rows(10, 20))];
  const held = async () => (await notYetHeld([one, two], standingCommits(await store.log()))).held;
  await ingestInto(store, one, { workers: 0 });
  await ingestInto(store, two, { workers: 0, mode: 'append' });
  expect((await held()).map(({ commit }) => commit)).toEqual([1, 2]);
  const { particles } = await store.snapshot();
  await store.commit({ remove: [{ hash: particles[0].hash }] });
  expect((await held()).map(({ commit }) => commit)).toEqual([2]);
  await ingestInto(store, one, { workers: 0 });
  expect((await held()).map(({ commit }) => commit)).toEqual([4]);
});
