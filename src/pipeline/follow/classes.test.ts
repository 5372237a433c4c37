/** Classes that come while a stream is followed: learned, said once, or refused. Kills are in test/follow.test.ts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { elecLike, ndjson } from '../../../test/followed.ts';
import { prequential } from '../../evaluate/prequential.ts';
import { createOnline } from '../../fit/online/online.ts';
import { openStore } from '../../store/store.ts';
import { ingest } from '../ingest.ts';
import { follow } from './follow.ts';
import { openFollowed } from './followed.ts';
import type { FollowOptions } from './options.ts';
import type { FollowCommit } from './result.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-classes-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** The third class comes at row 300, the fourth at row 500. */
const rows = elecLike(800).map((row) => {
  const { id, demand, label } = row;
  if (id === 500 || (id > 500 && demand > 110)) return { ...row, label: 'odd' };
  return { ...row, label: id === 300 || (id > 300 && demand < 20) ? 'flat' : label };
});
const CLASSES = ['down', 'up', 'flat', 'odd'];
const FEATURES = { price: 'number', demand: 'number', day: 'category' } as const;
const USUAL = {
  target: 'label',
  key: 'id',
  ignore: ['at'],
  sampleRows: 200,
  learner: 'ftrl',
};
let files = 0;

async function followed(lines: readonly unknown[], options: FollowOptions = {}, store?: string) {
  const path = join(base, `${files++}.ndjson`);
  writeFileSync(path, ndjson(lines));
  const commits: FollowCommit[] = [];
  const into = store ?? path.replace('.ndjson', '.sora');
  const onCommit = (commit: FollowCommit) => void commits.push(commit);
  // It ends with the last row, however busy the machine is.
  const ends = { maxRows: lines.length, particleRows: 170 };
  const result = await follow(path, { ...USUAL, ...ends, store: into, onCommit, ...options });
  const events = commits.flatMap((commit) => commit.events.filter(({ kind }) => kind === 'class'));
  return { store: into, result, events, model: (await openFollowed(join(into, 'models/label'))).model };
}

describe('a class that was not among the first rows', () => {
  it('is learned from its first row on, and said once with its row', async () => {
    const { store, result, events, model } = await followed(rows);
    expect(result).toMatchObject({ classes: CLASSES, counts: { learned: 800, bad: 0 } });
    expect(events).toEqual([
      { kind: 'class', row: 300, label: 'flat', classes: 3 },
      { kind: 'class', row: 500, label: 'odd', classes: 4 },
    ]);
    const again = createOnline({
      learner: 'ftrl',
      features: FEATURES,
      classes: ['down', 'up'],
      hashBits: 14,
    });
    const opened = await openStore(store);
    const { particles } = await opened.snapshot();
    const loaded = await Promise.all(particles.map((ref) => opened.loadParticle(ref)));
    opened.close();
    const { stretches: _, ...scores } = prequential(again, loaded);
    expect(result.scores).toEqual(scores);
    expect(Buffer.compare(again.save(), model.save())).toBe(0);
  });

  it.each([
    'stack',
    'adaptive-forest',
    'nearest',
    'factorization-machine',
  ])('%s: gives the same model wherever particles are cut', async (learner) => {
    const some = rows.slice(250, 560);
    const small = { learner, ...(learner === 'nearest' ? { learnerOptions: { window: '50' } } : {}) };
    const one = await followed(some, { ...small, sampleRows: 40, particleRows: 7 });
    const other = await followed(some, { ...small, sampleRows: 40, particleRows: 500 });
    expect([...one.model.classes].sort()).toEqual([...CLASSES].sort());
    expect(Buffer.compare(one.model.save(), other.model.save())).toBe(0);
    expect(one.events).toEqual(other.events);
    expect(one.result.scores).toEqual(other.result.scores);
  });

  it('may be the second: a stream may begin with one class alone', async () => {
    const first = rows.slice(0, 300).map((row, at) => ({ ...row, label: at < 250 ? 'up' : row.label }));
    const { result, events } = await followed(first);
    expect(result.classes).toEqual(['up', 'down']);
    expect(events).toMatchObject([{ label: 'down', classes: 2 }]);
    expect(result.scores.accuracy).toBeGreaterThan(0.8);
  });

  it('may come with a label that comes later, of a row that was asked for before', async () => {
    const late = rows.flatMap((row) => [
      { ...row, label: null },
      ...(row.id >= 30 ? [{ id: row.id - 30, label: rows[row.id - 30].label }] : []),
    ]);
    const options = { labelDelay: true, waitRows: 100, sampleRows: 300 };
    const one = await followed(late, options);
    const other = await followed(late, { ...options, particleRows: 41 });
    expect(one.events).toMatchObject([{ label: 'flat' }, { label: 'odd' }]);
    expect(one.model.classes).toEqual(CLASSES);
    expect(one.result.counts.learned).toBe(770);
    expect(Buffer.compare(one.model.save(), other.model.save())).toBe(0);
    expect(one.result.scores).toEqual(other.result.scores);
  });

  it('may come with rows of the store that are caught up with', async () => {
    const path = join(base, 'history.ndjson');
    writeFileSync(path, ndjson(rows.slice(0, 400)));
    const store = join(base, 'history.sora');
    await ingest(path, { store, target: 'label', key: 'id', ignore: ['at'] });
    const { events, model } = await followed(
      rows.slice(400),
      { catchUp: true, classes: ['up', 'down'] },
      store,
    );
    expect(events).toMatchObject([
      { row: 300, label: 'flat', classes: 3 },
      { row: 500, label: 'odd', classes: 4 },
    ]);
    expect(model.classes).toEqual(['up', 'down', 'flat', 'odd']);
  });
});

describe('a class that is refused', () => {
  const skip = { newClasses: 'refuse', badRows: 'skip' } as const;

  it('makes its row a bad one, wherever particles are cut', async () => {
    const { result, events, model } = await followed(rows, skip);
    const known = rows.filter(({ label }) => label === 'up' || label === 'down').length;
    expect(result.counts).toMatchObject({ learned: known, bad: 800 - known });
    expect([events, model.classes]).toEqual([[], ['down', 'up']]);
    await expect(followed(rows, { newClasses: 'refuse' })).rejects.toThrow(
      /row 301: column "label" holds "flat".*refuses new ones.*--new-classes learn/s,
    );
  });

  it('is so by a learner that cannot have it, and the row says why', async () => {
    const options = { badRows: 'skip', learnerOptions: { loss: 'logistic' } } as const;
    const { result, model } = await followed(rows, options);
    expect(result.counts.bad).toBeGreaterThan(50);
    expect(model.classes).toEqual(['down', 'up']);
    await expect(followed(rows, { ...options, badRows: 'fail' })).rejects.toThrow(
      /the learner can have no more: Loss logistic does not suit 3 classes/,
    );
  });
});
