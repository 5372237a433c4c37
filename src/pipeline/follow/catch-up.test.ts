/** Following into a store that has rows: they are learned first where that is asked for, once, and never scored. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { elecLike, ndjson } from '../../../test/followed.ts';
import { createOnline } from '../../fit/online/online.ts';
import type { Role } from '../../particle/schema.ts';
import { openStore } from '../../store/store.ts';
import { ingest } from '../ingest.ts';
import { follow } from './follow.ts';
import type { FollowOptions } from './options.ts';
import type { FollowCommit } from './result.ts';
import { newestState } from './state.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-catch-up-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const rows = elecLike(1000);
const [early, late] = [join(base, 'early.ndjson'), join(base, 'late.ndjson')];
writeFileSync(early, ndjson(rows.slice(0, 600)));
writeFileSync(late, ndjson(rows.slice(600)));
const ROLES = { target: 'label', key: 'id', ignore: ['at'] } as const;
const usual = (store: string): FollowOptions => ({
  ...ROLES,
  ignore: ['at'],
  store: join(base, store),
  learner: 'ftrl',
  untilIdle: 0.2,
  particleRows: 150,
});

async function left(name: string) {
  const store = await openStore(join(base, name));
  const log = await store.log();
  const { particles } = await store.snapshot();
  const loaded = await Promise.all(particles.map((ref) => store.loadParticle(ref)));
  store.close();
  const state = newestState(log, 'label')!.state;
  return { log, loaded, state, model: readFileSync(join(base, name, state.model)) };
}

function bulk(name: string, roles: object = { ...ROLES, ignore: ['at'] }) {
  return ingest(early, { store: join(base, name), ...roles });
}

it('learns the rows of the store first, whatever roles they were stored with', async () => {
  for (const [name, roles] of [
    ['told.sora', undefined],
    ['untold.sora', {}],
  ] as const) {
    await bulk(name, roles);
    const notes: string[] = [];
    const commits: FollowCommit[] = [];
    const result = await follow(late, {
      ...usual(name),
      catchUp: true,
      onNote: (note) => notes.push(note),
      onCommit: (commit) => commits.push(commit),
    });
    expect(result.counts).toMatchObject({ taken: 400, learned: 400, stored: 400, caughtUp: 600 });
    expect(result.scores.rows).toBe(400);
    expect(commits.map(({ counts }) => counts.taken)).toEqual([0, 150, 300, 400]);
    expect(notes).toContain('caught up: 600 rows of the store learned');
    const { loaded, model } = await left(name);
    expect(loaded.reduce((sum, particle) => sum + particle.rows, 0)).toBe(1000);
    const again = createOnline({
      learner: 'ftrl',
      features: { price: 'number', demand: 'number', day: 'category' },
      classes: ['down', 'up'],
      hashBits: 14,
    });
    const labelled = loaded.map((particle) => ({
      ...particle,
      schema: { fields: particle.schema.fields.map((field) => ({ ...field, role: roleOf(field.name) })) },
    }));
    for (const particle of labelled) again.learnMany(particle);
    expect(Buffer.compare(again.save(), model)).toBe(0);
  }
});

function roleOf(name: string): Role {
  return name === 'label' ? 'label' : name === 'id' ? 'key' : name === 'at' ? 'ignore' : 'feature';
}

it('does so once, though it is stopped right after and called again with the same words', async () => {
  await bulk('stopped.sora');
  const options = { ...usual('stopped.sora'), catchUp: true };
  const fail = () => {
    throw new Error('killed');
  };
  await expect(follow(late, { ...options, onCommit: fail })).rejects.toThrow('killed');
  expect((await left('stopped.sora')).state.counts).toMatchObject({ taken: 0, caughtUp: 600 });
  const last = await follow(late, options);
  expect(last.counts).toMatchObject({ taken: 400, learned: 400, caughtUp: 600 });
  expect((await left('stopped.sora')).model.equals((await left('told.sora')).model)).toBe(true);
});

it('knows the classes of the rows that it catches up with', async () => {
  const path = join(base, 'three.ndjson');
  writeFileSync(
    path,
    ndjson(rows.slice(0, 90).map((row, i) => (i % 9 === 0 ? { ...row, label: 'same' } : row))),
  );
  await ingest(path, { store: join(base, 'three.sora'), ...ROLES, ignore: ['at'] });
  await follow(late, { ...usual('three.sora'), catchUp: true });
  expect((await left('three.sora')).state.plan.classes).toEqual(['down', 'same', 'up']);
});

it('says that rows are not learned where it was not asked to, and refuses those that come again', async () => {
  await bulk('unasked.sora');
  const notes: string[] = [];
  const result = await follow(late, { ...usual('unasked.sora'), onNote: (note) => notes.push(note) });
  expect(result.counts.caughtUp).toBeUndefined();
  expect(notes.some((note) => /^600 rows .* not learned; begin with --catch-up/.test(note))).toBe(true);
  await expect(follow(late, { ...usual('unasked.sora'), catchUp: true })).rejects.toThrow(
    /--catch-up is true, and "label" was begun with false/,
  );
  await bulk('again.sora');
  await expect(follow(early, { ...usual('again.sora'), catchUp: true })).rejects.toThrow(
    /600 rows of the store came from .*early\.ndjson.*twice/,
  );
  expect((await follow(late, { ...usual('new.sora'), catchUp: true })).counts.caughtUp).toBeUndefined();
});
