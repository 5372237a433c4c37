/**
 * Following by real processes that are killed: however often and wherever, the model is the one of a run that was not, to
 * the byte, and the store holds each row once. Needs the compiled modules (`npm run build`).
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DriftEvent } from '../src/fit/online/drift/events.ts';
import { createOnline } from '../src/fit/online/online.ts';
import { follow } from '../src/pipeline/follow/follow.ts';
import { randomUniform } from '../src/random.ts';
import { MAIN, sora, temporaryFolder } from './cli.ts';
import { delayed, elecLike, type Followed, followed, ndjson, runFollow, runKilled } from './followed.ts';
import { isThere, realPath } from './real-data.ts';

const cwd = temporaryFolder();
const rows = elecLike(3000);
const ids = rows.map(({ id }) => id);
const roles = ['--target', 'label', '--key', 'id', '--ignore', 'at', '--sample-rows', '300'];
const words = [...roles, '--learner', 'ftrl', '--particle-rows', '230'];
/** Commits after which a process is killed, and milliseconds more: in the midst of the next one. */
const KILLS = [
  [1, 0],
  [3, 2],
  [2, 9],
  [1, 25],
] as const;

const at = (store: string) => followed(join(cwd, store), 'label');

function expectSame(after: Followed, whole: Followed): void {
  expect(after.model).toBe(whole.model);
  expect(after.newest.state.scores).toEqual(whole.newest.state.scores);
  expect(after.newest.state.counts).toEqual(whole.newest.state.counts);
  expect(after.column('id')).toEqual(whole.column('id'));
  expect(after.column('label')).toEqual(whole.column('label'));
  expect(after.soundness).toMatchObject({ ok: true, unknown: [] });
}

describe.skipIf(!existsSync(MAIN))('sora follow', () => {
  let whole: Followed;

  beforeAll(async () => {
    const run = await runFollow(['-', '--store', 'whole.sora', ...words, '--particle-rows', '1000'], {
      cwd,
      input: ndjson(rows),
    });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.lines.at(-1)).toMatchObject({ ended: 'source', rows: 3000, commits: 3, learner: 'ftrl' });
    whole = await at('whole.sora');
    expect(whole.column('id')).toEqual(ids);
    expect(whole.column('price')).toEqual(rows.map(({ price }) => price));
    expect(whole.newest.state.counts).toMatchObject({ taken: 3000, learned: 3000, stored: 3000, bad: 0 });
  });

  it('goes on from standard input after kills as if there had been none', async () => {
    const { killed, last } = await runKilled(['-', '--store', 'stdin.sora', ...words], KILLS, {
      cwd,
      input: ndjson(rows),
    });
    expect(killed).toBe(KILLS.length);
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expectSame(await at('stdin.sora'), whole);
  });

  it('does so with the default learner, a stack of linear models and forests', async () => {
    const input = ndjson(rows.slice(0, 900));
    const base = [...roles, '--particle-rows', '150'];
    await runFollow(['-', '--store', 'stack.sora', ...base, '--particle-rows', '900'], { cwd, input });
    const { killed } = await runKilled(['-', '--store', 'stacked.sora', ...base], KILLS.slice(0, 2), {
      cwd,
      input,
    });
    expect(killed).toBe(2);
    const stack = await at('stack.sora');
    expect(stack.newest.state.plan.learner).toEqual({ name: 'stack' });
    expectSame(await at('stacked.sora'), stack);
  });

  it('goes on in a file that grows while it is read', async () => {
    const path = join(cwd, 'growing.ndjson');
    const text = ndjson(rows);
    let written = 0;
    const grow = (bytes: number) => {
      appendFileSync(path, text.slice(written, written + bytes));
      written += bytes;
    };
    grow(50_000);
    const { killed, last } = await runKilled(
      ['growing.ndjson', '--store', 'growing.sora', ...words, '--max-rows', '3000'],
      KILLS,
      { cwd, onCommit: () => grow(40_001) },
    );
    expect(killed).toBe(KILLS.length);
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expectSame(await at('growing.sora'), whole);
  });

  it('goes on in a folder where CSV and NDJSON land', async () => {
    const folder = join(cwd, 'landing');
    mkdirSync(folder);
    let part = 0;
    const land = () => {
      const some = rows.slice(part * 500, (part + 1) * 500);
      if (some.length === 0) return;
      const csv = part % 2 === 1;
      const cells = some.map(
        (row) =>
          `${Object.values(row)
            .map((cell) => cell ?? '')
            .join(',')}\n`,
      );
      const text = csv ? `${Object.keys(some[0]).join(',')}\n${cells.join('')}` : ndjson(some);
      writeFileSync(join(folder, `.${part}.part`), text);
      renameSync(join(folder, `.${part}.part`), join(folder, `${part}.${csv ? 'csv' : 'ndjson'}`));
      part++;
    };
    land();
    land();
    const all = ['landing', '--store', 'landing.sora', ...words];
    const { killed, last } = await runKilled([...all, '--max-rows', '3000'], KILLS, { cwd, onCommit: land });
    expect(killed).toBe(KILLS.length);
    expect(last).toMatchObject({ code: 0, stderr: '' });
    expectSame(await at('landing.sora'), whole);
  });

  it('joins labels that come later, and scores what was said before they came', async () => {
    const input = ndjson(delayed(rows, 40, 97));
    const all = ['-', ...words, '--label-delay', '--wait-rows', '90', '--types', 'label=category'];
    await runFollow([...all, '--store', 'late.sora', '--particle-rows', '2000'], { cwd, input });
    const late = await at('late.sora');
    const { killed } = await runKilled([...all, '--store', 'later.sora'], KILLS, { cwd, input });
    expect(killed).toBe(KILLS.length);
    expectSame(await at('later.sora'), late);
    const lost = rows.filter(({ id }) => id % 10 !== 9 && id % 97 === 0);
    const { counts, scores } = late.newest.state;
    expect(counts).toMatchObject({ taken: 5697 - lost.length + 3, bad: 0, unmatched: 0 });
    expect(counts.learned).toBe(3000 - lost.length);
    expect(counts.joined).toBe(2700 - lost.length);
    expect(counts.expired).toBeGreaterThan(lost.length - 3);
    expectOracle(input, scores.total.score, late);
  });

  it('logs each decision about drift once, killed or not, and prints it', async () => {
    const turned = ids.map((id) => {
      const [price, demand] = [randomUniform(9, 1, id), Math.round(1000 * randomUniform(9, 2, id)) / 8];
      const isTurned = id >= 1000 && id < 2000;
      return { id, price, demand, label: 125 * price > demand !== isTurned ? 'up' : 'down' };
    });
    const input = ndjson(turned);
    const plain = words.filter((word) => word !== '--ignore' && word !== 'at');
    const kinds: Record<string, number[]> = {};
    for (const [detector, policy] of [
      ['adwin', 'step'],
      ['hddm-a', 'swap'],
    ]) {
      const all = ['-', ...plain, '--drift', detector, '--policy', policy];
      const [one, other] = [`${policy}-whole.sora`, `${policy}-killed.sora`];
      const printed = await runFollow([...all, '--store', one, '--particle-rows', '3000'], { cwd, input });
      expect(printed).toMatchObject({ code: 0, stderr: '' });
      const { killed } = await runKilled([...all, '--store', other], KILLS.slice(1, 2), { cwd, input });
      expect(killed).toBe(1);
      const [before, after] = [await at(one), await at(other)];
      expect(after.model).toBe(before.model);
      expect(after.soundness).toMatchObject({ ok: true, unknown: [] });
      expect(after.events).toEqual(before.events);
      expect(printed.lines[0].events).toEqual(before.events);
      const decided = before.events.filter((event): event is DriftEvent => event.kind !== 'class');
      expect(decided.map(({ number }) => number)).toEqual(before.events.map((_, number) => number));
      kinds[policy] = decided.filter(({ action }) => action !== 'none').map(({ row }) => row);
    }
    // Each policy acts soon after the labels turn.
    for (const acts of Object.values(kinds)) expect(acts.some((row) => row >= 1000 && row < 1200)).toBe(true);
    const said = await sora(
      ['follow', '-', ...plain, '--drift', 'adwin', '--policy', 'step', '--store', 'said.sora'],
      { cwd, input },
    );
    expect(said.stderr).toMatch(
      /^row 1,\d{3} · drift: errors have become larger \(adwin: mean error .* → .*\): raised the step size$/m,
    );
    expect(said.stdout).toMatch(/drift +.*drift found/);
    const shown = await sora(['inspect', 'said.sora/models/label'], { cwd });
    expect(shown.stdout).toMatch(/drift +adwin, step/);
  });

  it('leaves rows out or sets them aside, once each, and says so', async () => {
    const bad = ['{"id":', '{"id":1,"price":"cheap","demand":1,"day":"mon","label":"up"}', '[1]'];
    const lines = ndjson(rows.slice(0, 1000)).split('\n');
    lines.splice(800, 0, ...bad);
    lines.splice(400, 0, '{"id":-1,"price":1,"demand":1,"day":"mon","label":"sideways"}');
    const input = lines.join('\n');
    const closed = [...words, '--new-classes', 'refuse'];
    const all = ['-', ...closed, '--bad-rows', 'quarantine', '--store', 'bad.sora'];
    const { killed } = await runKilled(all, KILLS.slice(0, 2), { cwd, input });
    expect(killed).toBe(2);
    const found = await at('bad.sora');
    expect(found.column('id')).toEqual(ids.slice(0, 1000));
    expect(found.newest.state.counts).toMatchObject({ taken: 1004, stored: 1000, bad: 4 });
    const files = await quarantined(join(cwd, 'bad.sora'));
    expect(files.map(({ row }) => row)).toEqual([401, 802, 803, 804]);
    expect(files[0]).toMatchObject({ column: 'label', value: 'sideways' });

    const failed = await runFollow(['-', ...closed, '--store', 'fail.sora'], { cwd, input });
    expect(failed.code).toBe(4);
    const { error } = failed.lines.at(-1) as { error: { message: string } };
    expect(error.message).toMatch(/standard input: row 401: column "label" holds "sideways".*--classes/);
    expect((await at('fail.sora')).column('id')).toEqual(ids.slice(0, 400));
  });

  it('learns classes that come later, once each, killed or not', async () => {
    const late = rows.map((row) => ({ ...row, label: laterClass(row) }));
    const delay = ['--label-delay', '--wait-rows', '90'];
    for (const [store, more, some] of [
      ['classes', [], late],
      ['classes-late', delay, delayed(late, 40, 13)],
    ] as const) {
      const input = ndjson(some);
      const all = ['-', ...words, ...more, '--bad-rows', 'skip'];
      const first = await runFollow([...all, '--store', `${store}.sora`], { cwd, input });
      expect(first.code).toBe(0);
      const { killed } = await runKilled([...all, '--store', `${store}-killed.sora`], KILLS, { cwd, input });
      expect(killed).toBe(KILLS.length);
      const [one, other] = [await at(`${store}.sora`), await at(`${store}-killed.sora`)];
      expectSame(other, one);
      expect(other.events).toEqual(one.events);
      const named = one.events.map((event) => 'label' in event && [event.label, event.classes]);
      expect(named).toEqual([
        ['flat', 3],
        ['steep', 4],
        ['odd', 5],
      ]);
      expect(first.lines.at(-1)).toMatchObject({ classes: ['down', 'up', 'flat', 'steep', 'odd'] });
      const shown = await sora(['inspect', `${store}.sora/models/label`], { cwd });
      expect(shown.stdout).toMatch(/label · down, up, flat, steep, odd/);
    }
  });

  it('commits and says where it stands when it is interrupted, and when nothing comes', async () => {
    const path = join(cwd, 'idle.ndjson');
    writeFileSync(path, ndjson(rows.slice(0, 500)));
    const all = ['idle.ndjson', ...words, '--store', 'idle.sora'];
    const run = await runFollow(all, {
      cwd,
      onCommit: (count, child) => {
        if (count === 2) child.kill('SIGINT');
      },
    });
    expect(run.code).toBe(0);
    expect(run.lines.at(-1)).toMatchObject({ ended: 'stopped', counts: { taken: 500 } });
    appendFileSync(path, ndjson(rows.slice(500, 600)));
    const idle = await runFollow([...all, '--until-idle', '0.3'], { cwd });
    expect(idle.lines.at(-1)).toMatchObject({ ended: 'idle', rows: 100, counts: { taken: 600 } });
    expect((await at('idle.sora')).column('id')).toEqual(ids.slice(0, 600));

    unlinkSync(path);
    const gone = await runFollow(all, { cwd });
    expect(gone.code).toBe(3);
    expect(JSON.stringify(gone.lines)).toContain('no such file');
  });

  it('predicts from the command line with any version that is kept', async () => {
    writeFileSync(join(cwd, 'ask.ndjson'), ndjson(rows.slice(2900).map(({ label: _, ...row }) => row)));
    await runFollow(['-', '--store', 'asked.sora', ...words], { cwd, input: ndjson(rows) });
    const model = 'asked.sora/models/label';
    const ask = (more: string[]) => sora(['predict', model, 'ask.ndjson', '--keep', 'id', ...more], { cwd });
    const newest = await ask([]);
    expect(newest).toMatchObject({ code: 0 });
    const [head, ...answers] = newest.stdout.trim().split('\n');
    expect(head).toBe('id,prediction,probability,p(down),p(up)');
    expect(answers.map((line) => Number(line.split(',')[0]))).toEqual(ids.slice(2900));
    const right = answers.filter((line, i) => line.split(',')[1] === rows[2900 + i].label).length;
    expect(right).toBeGreaterThan(80);
    const older = await ask(['--model-at', '-5']);
    expect(older.code).toBe(0);
    expect(older.stdout).not.toBe(newest.stdout);
    expect(await ask(['--model-at', '1'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--keep'),
    });
    const shown = await sora(['inspect', model], { cwd });
    expect(shown.stdout).toMatch(/3,000 learned/);
    const judged = await sora(['evaluate', model, 'ask.ndjson'], { cwd });
    expect(judged).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/online one of a followed stream.*sora train/),
    });
  });
});

const elec2 = 'elec2/elec.csv';

describe.skipIf(!isThere(elec2))('Elec2, followed as the file that it is', () => {
  it('gives the accuracy that the learner has on the stream', async () => {
    const { scores, counts } = await follow(realPath(elec2), {
      store: join(cwd, 'elec2.sora'),
      target: 'class',
      learner: 'passive-aggressive',
      learnerOptions: { variant: 'pa' },
      untilIdle: 0.5,
    });
    expect(counts).toMatchObject({ taken: 45_312, learned: 45_312, bad: 0 });
    // docs/online.md has both.
    expect(scores.accuracy).toBeCloseTo(0.9182, 4);
    expect(scores.sameAsLast).toBeCloseTo(0.8533, 4);
  });
});

/** A label of which there are more as the stream goes on; the last two come side by side. */
function laterClass({ id, label, demand }: (typeof rows)[number]): string {
  if (id === 1381 || (id > 1400 && demand > 110)) return 'odd';
  if (id === 1380 || (id > 1400 && demand > 95)) return 'steep';
  return id > 700 && demand < 20 ? 'flat' : label;
}

/** The same stream by hand: a map of waiting rows, and one model. */
function expectOracle(input: string, right: number, late: Followed): void {
  const model = createOnline({
    learner: 'ftrl',
    features: { price: 'number', demand: 'number', day: 'category' },
    classes: ['down', 'up'],
    hashBits: late.newest.state.plan.hashBits,
  });
  const waiting = new Map<number, { row: Record<string, never>; said: unknown; number: number }>();
  let correct = 0;
  const learned: number[] = [];
  input
    .trim()
    .split('\n')
    .forEach((line, number) => {
      const row = JSON.parse(line);
      for (const [id, { number: since }] of waiting) {
        if (number - since <= 90) break;
        waiting.delete(id);
        learned.push(id);
      }
      const found = waiting.get(row.id);
      if (row.label === null) waiting.set(row.id, { row, said: model.predictOne(row).value, number });
      else {
        const said = found === undefined ? model.predictOne(row).value : found.said;
        if (said === row.label) correct++;
        model.learnOne(found?.row ?? row, row.label);
        waiting.delete(row.id);
        learned.push(row.id);
      }
    });
  expect(right).toBe(correct);
  expect(late.column('id')).toEqual(learned);
}

/** Rows that the commits of a store set aside. */
async function quarantined(directory: string): Promise<{ row: number }[]> {
  const { openStore } = await import('../src/store/store.ts');
  const store = await openStore(directory);
  const files = (await store.log()).flatMap((commit) => commit.files).map(({ file }) => file);
  store.close();
  return files
    .filter((file) => file.startsWith('quarantine/'))
    .flatMap((file) => readFileSync(join(directory, file), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line));
}
