/** Following within a process: what is inferred, learned, kept and refused. Kills are in test/follow.test.ts. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ElecLike, elecLike, ndjson } from '../../../test/followed.ts';
import { prequential } from '../../evaluate/prequential.ts';
import { createOnline, resumeOnline } from '../../fit/online/online.ts';
import { openStore } from '../../store/store.ts';
import { compact } from '../compact.ts';
import { ingest } from '../ingest.ts';
import { predict } from '../predict.ts';
import { Ahead } from './ahead.ts';
import { follow } from './follow.ts';
import { openFollowed } from './followed.ts';
import type { FollowOptions } from './options.ts';
import type { FollowCommit } from './result.ts';
import { newestState } from './state.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-follow-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const rows = elecLike(1200);
let files = 0;

/** A file of these rows, and options to follow it to its end into a store of its own. */
function stream(lines: readonly unknown[], options: FollowOptions = {}) {
  const number = files++;
  const path = join(base, `${number}.ndjson`);
  writeFileSync(path, ndjson(lines));
  const store = join(base, `${number}.sora`);
  const all = { store, untilIdle: 0.2, learner: 'ftrl', particleRows: 200, ...options };
  return { path, store, options: all };
}

const USUAL: FollowOptions = { target: 'label', key: 'id', ignore: ['at'] };

async function followAll(lines: readonly unknown[], options: FollowOptions = {}) {
  const { path, store, options: all } = stream(lines, options);
  const commits: FollowCommit[] = [];
  const notes: string[] = [];
  const result = await follow(path, {
    ...all,
    onCommit: (commit) => commits.push(commit),
    onNote: (note) => notes.push(note),
  });
  return { path, store, options: all, result, commits, notes };
}

async function stateAt(store: string, name: string) {
  const opened = await openStore(store);
  const log = await opened.log();
  const { particles } = await opened.snapshot();
  const loaded = await Promise.all(particles.map((ref) => opened.loadParticle(ref)));
  const state = newestState(log, name)?.state;
  const bytes = readFileSync(join(store, state?.model ?? ''));
  const soundness = await opened.verify();
  opened.close();
  return { log, loaded, state, bytes, soundness };
}

describe('a followed stream', () => {
  it('has the model and the scores of its particles, played again', async () => {
    const { store, result, commits } = await followAll(rows, { ...USUAL, stretch: 150 });
    const { loaded, bytes, state, soundness } = await stateAt(store, 'label');
    const again = createOnline({
      learner: 'ftrl',
      features: { price: 'number', demand: 'number', day: 'category' },
      classes: ['down', 'up'],
      hashBits: 14,
    });
    const { stretches, ...scores } = prequential(again, loaded, { stretch: 150 });
    expect(Buffer.compare(again.save(), bytes)).toBe(0);
    expect(result.scores).toEqual(scores);
    expect(commits.flatMap((commit) => commit.stretches)).toEqual(stretches);
    expect(commits.map((commit) => commit.counts.taken)).toEqual([200, 400, 600, 800, 1000, 1200]);
    expect(state?.plan.schema.fields.map(({ role }) => role)).toEqual([
      'key',
      'ignore',
      'feature',
      'feature',
      'feature',
      'label',
    ]);
    expect(soundness).toMatchObject({ ok: true, unknown: [], orphans: [] });
    expect(resumeOnline(bytes).rows).toBe(1200);
  });

  it('does not depend on the clock that closes particles', async () => {
    const slow = await followAll(rows, USUAL);
    const quick = await followAll(rows, { ...USUAL, particleSeconds: 0.001, particleRows: 1_000_000 });
    const [one, other] = [await stateAt(slow.store, 'label'), await stateAt(quick.store, 'label')];
    expect(Buffer.compare(one.bytes, other.bytes)).toBe(0);
    expect(quick.result.ended).toBe('idle');
  });

  it('learns numbers, and keeps only so many versions of the model', async () => {
    const { store, result } = await followAll(rows, { target: 'demand', ignore: ['id', 'at'], keep: 2 });
    expect(result).toMatchObject({ learner: 'ftrl', name: 'demand', commit: 6 });
    expect(result.scores.mae).toBeGreaterThan(0);
    const { log, soundness } = await stateAt(store, 'demand');
    expect(log.map(({ drop }) => drop?.length ?? 0)).toEqual([0, 0, 0, 1, 1, 1]);
    expect(soundness).toMatchObject({ ok: true, unknown: [], orphans: [], leftovers: [] });
    const folder = join(store, 'models', 'demand');
    expect((await openFollowed(folder, -2)).model.rows).toBe(800);
    await expect(openFollowed(folder, 2)).rejects.toThrow(/not kept any more/);
    await expect(openFollowed(join(store, 'models', 'other'))).rejects.toThrow(/follows "other"/);
  });

  it('goes back to an earlier commit, and then takes the same rows again', async () => {
    const { path, store, options, result } = await followAll(rows, USUAL);
    const before = await stateAt(store, 'label');
    const again = await follow(path, { ...options, fromCommit: '3' });
    expect(again).toMatchObject({ rows: 600, commit: result.commit + 4, counts: result.counts });
    const after = await stateAt(store, 'label');
    expect(Buffer.compare(after.bytes, before.bytes)).toBe(0);
    expect(after.loaded).toEqual(before.loaded);
    expect(after.soundness).toMatchObject({ ok: true });
    await expect(follow(path, { ...options, fromCommit: '99' })).rejects.toThrow(/commits 1 to 10/);
  });

  it('goes on after its particles were cut anew', async () => {
    const { path, store, options } = await followAll(rows.slice(0, 700), { ...USUAL, particleRows: 50 });
    expect((await compact(store)).particles.after).toBeLessThan(14);
    appendFileSync(path, ndjson(rows.slice(700)));
    const again = await follow(path, options);
    expect(again).toMatchObject({ rows: 500, counts: { taken: 1200 } });
    const whole = await stateAt((await followAll(rows, USUAL)).store, 'label');
    const { bytes, loaded, soundness } = await stateAt(store, 'label');
    expect(Buffer.compare(bytes, whole.bytes)).toBe(0);
    expect(loaded.reduce((sum, particle) => sum + particle.rows, 0)).toBe(1200);
    expect(soundness).toMatchObject({ ok: true, unknown: [] });
    await expect(follow(path, { ...options, fromCommit: '14' })).rejects.toThrow(/cut the rows anew/);
  });

  it('takes the columns of a store that is there, and stands beside its rows', async () => {
    const { path, store, options } = stream(rows.slice(600), { ...USUAL, types: { price: 'number' } });
    writeFileSync(`${path}.old.ndjson`, ndjson(rows.slice(0, 600)));
    await ingest(`${path}.old.ndjson`, { store, target: 'label' });
    const result = await follow(path, options);
    expect(result.counts).toMatchObject({ stored: 600 });
    const { loaded } = await stateAt(store, 'label');
    expect(loaded.reduce((sum, particle) => sum + particle.rows, 0)).toBe(1200);
  });

  it('predicts, from the values as they were learned', async () => {
    const { store, path } = await followAll(rows, USUAL);
    const out = join(base, 'answers.ndjson');
    const answer = await predict(join(store, 'models', 'label'), path, { out, keep: ['id'] });
    expect(answer.rows).toBe(1200);
    const { model } = await openFollowed(join(store, 'models', 'label'));
    const lines = readFileSync(out, 'utf8').trim().split('\n');
    lines.slice(0, 50).forEach((line, i) => {
      const { price, demand, day } = rows[i];
      const { value, shares } = model.predictOne({ price, demand, day });
      expect(JSON.parse(line)).toEqual({
        id: i,
        prediction: value,
        probability: Math.max(...(shares ?? [])),
        'p(down)': shares?.[0],
        'p(up)': shares?.[1],
      });
    });
    await expect(predict(store, path, { modelAt: '1' })).rejects.toThrow(/followed models/);
  });
});

describe('labels that come later', () => {
  const late: FollowOptions = { ...USUAL, labelDelay: true, time: 'at', ignore: [] };
  const row = (id: number, minute: number, label: string | null): Partial<ElecLike> => ({
    ...rows[id],
    at: new Date(Date.UTC(2024, 0, 1, 0, minute)).toISOString(),
    label: label as string,
  });

  it('go to the oldest row of their key, within the time of the stream', async () => {
    const head = Array.from({ length: 30 }, (_, id) => row(id, id, id % 2 ? 'up' : 'down'));
    const lines = [
      ...head,
      row(100, 31, null),
      row(101, 32, null),
      row(100, 33, null),
      { id: 100, label: 'up' },
      { id: 555, label: 'up' },
      row(102, 43, 'down'), // eleven minutes after 101, ten after the second of 100
      { id: 101, label: 'up' },
      { id: 100, label: 'down' },
      row(103, 60, null),
    ];
    const { store, result } = await followAll(lines, { ...late, waitSeconds: 630 });
    expect(result.counts).toMatchObject({
      taken: 39,
      stored: 34,
      learned: 33,
      unlabelled: 1,
      joined: 2,
      expired: 1,
      unmatched: 2,
      waiting: 1,
    });
    const { loaded, state } = await stateAt(store, 'label');
    const [particle] = loaded;
    const key = particle.columns[0] as { values: ArrayLike<number> };
    expect(Array.from(key.values).slice(30)).toEqual([100, 101, 102, 100]);
    expect(state?.waiting).toMatch(/\.waiting$/);
  });

  it('needs a key, a time where it is asked for, and the type of labels that are not there yet', async () => {
    const none = rows.map(({ label: _, ...rest }) => rest);
    const cases: [readonly unknown[], FollowOptions, RegExp][] = [
      [rows, { target: 'label', labelDelay: true }, /--key/],
      [rows, { ...USUAL, labelDelay: true, waitSeconds: 5 }, /--time/],
      [none, { ...USUAL, labelDelay: true }, /None of the first 1000 rows has a label "label".*--types/],
    ];
    for (const [lines, options, message] of cases) {
      await expect(followAll(lines, options)).rejects.toThrow(message);
    }
    const told: FollowOptions = {
      ...USUAL,
      labelDelay: true,
      types: { label: 'category' },
      classes: ['up', 'down'],
    };
    const { result } = await followAll(none, told);
    expect(result.counts).toMatchObject({ taken: 1200, stored: 0, waiting: 1200 });
  });
});

describe('following', () => {
  it('chooses classes and learner by the target', async () => {
    const cases: [FollowOptions, string, unknown[]][] = [
      [{ target: 'label' }, 'stack', ['down', 'up']],
      [{ target: 'day' }, 'adaptive-forest', ['fri', 'mon', 'sat', 'sun', 'thu', 'tue', 'wed']],
      [{ target: 'demand' }, 'ftrl', []],
      [{ target: 'label', types: { day: 'text' } }, 'ftrl', ['down', 'up']],
      [{ target: 'label', classes: ['up', 'down', 'flat'] }, 'adaptive-forest', ['up', 'down', 'flat']],
    ];
    for (const [options, learner, classes] of cases) {
      const { result, store } = await followAll(rows.slice(0, 400), {
        ignore: ['id', 'at'],
        learner: undefined,
        ...options,
      });
      const { state } = await stateAt(store, options.target as string);
      expect([result.learner, state?.plan.classes]).toEqual([learner, classes]);
    }
    const binary = rows.slice(0, 300).map((row) => ({ ...row, label: row.label === 'up' ? 1 : 0 }));
    const { store } = await followAll(binary, USUAL);
    expect((await stateAt(store, 'label')).state?.plan.classes).toEqual([0, 1]);
  });

  it('refuses what it cannot follow, and says what to do', async () => {
    const one = rows.slice(0, 50).map((row) => ({ ...row, label: 'up' }));
    const cases: [readonly unknown[], FollowOptions, RegExp][] = [
      [rows, {}, /--target/],
      [rows, { target: 'lable' }, /Did you mean "label"/],
      [one, { ...USUAL, newClasses: 'refuse' }, /one class alone, "up".*--classes/],
      [[], USUAL, /No row has come/],
      [rows, { ...USUAL, learner: 'oracle' }, /no online learner "oracle"/],
      [rows, { ...USUAL, learnerOptions: { alpha: 'x' } }, /alpha/],
      [rows, { ...USUAL, task: 'numbers' }, /--types label=number/],
      [rows, { ...USUAL, name: 'a:b' }, /Not an object key/],
    ];
    for (const [lines, options, message] of cases) {
      await expect(followAll(lines, options)).rejects.toThrow(message);
      expect(existsSync(join(base, `${files - 1}.sora`))).toBe(false);
    }
  });

  it('refuses to go on otherwise than it began', async () => {
    const { path, options } = await followAll(rows, USUAL);
    await expect(follow(path, { ...options, learner: 'alma' })).rejects.toThrow(
      /--learner is "alma".*begun with "ftrl"/,
    );
    const other = stream(rows);
    await expect(follow(other.path, options)).rejects.toThrow(/follows .*give the same one/);
    appendFileSync(path, ndjson(rows.slice(0, 10)));
    const { target: _, key: __, ignore: ___, learner: ____, ...fewer } = options;
    expect(await follow(path, fewer)).toMatchObject({ rows: 10, name: 'label' });
    const beside = await follow(other.path, { ...options, name: 'second' });
    expect(beside).toMatchObject({ rows: 1200, name: 'second' });
    await expect(follow(path, fewer)).rejects.toThrow(/follows label, second: choose one with --name/);
  });

  it('lets one process at a time follow a stream', async () => {
    const { path, options } = stream(rows, { ...USUAL, sampleRows: 100 });
    const both = await Promise.allSettled([follow(path, options), follow(path, options)]);
    const failed = both.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(failed).toEqual(['conflict']);
    const { loaded } = await stateAt(options.store, 'label');
    expect(loaded.reduce((sum, particle) => sum + particle.rows, 0)).toBe(1200);
  });

  it('ends after as many rows as asked for, also over restarts', async () => {
    const { path, options } = stream(rows, USUAL);
    expect(await follow(path, { ...options, maxRows: 333 })).toMatchObject({ rows: 333, ended: 'rows' });
    expect(await follow(path, { ...options, maxRows: 500 })).toMatchObject({ rows: 167, commit: 3 });
    const all = await follow(path, options);
    expect(all.counts.taken).toBe(1200);
    const whole = await followAll(rows, USUAL);
    const [one, other] = [await stateAt(options.store, 'label'), await stateAt(whole.store, 'label')];
    // Another sample, the same columns.
    expect(Buffer.compare(one.bytes, other.bytes)).toBe(0);
  });
});

describe('reading ahead', () => {
  it('is bounded, and hands on failures after what came before', async () => {
    let given = 0;
    async function* source() {
      while (given < 20) yield given++;
      throw new Error('gone');
    }
    const queue = new Ahead(source(), 3);
    const taken: number[] = [];
    await expect(async () => {
      for (;;) {
        const item = await queue.next(1000);
        if (typeof item === 'object') taken.push(item.value);
        await new Promise((resolve) => setTimeout(resolve, 1));
        expect(given - taken.length).toBeLessThanOrEqual(4);
      }
    }).rejects.toThrow('gone');
    expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await queue.stop();
  });
});
