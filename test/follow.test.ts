/**
 * Following real processes that are killed: however often and wherever, the model is the one of a run that was not, to
 * the byte, and the store holds each row once. Needs the compiled modules (`npm run build`).
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MAIN, sora, temporaryFolder } from './cli.ts';
import { delayed, elecLike, followed, ndjson, runFollow, runKilled } from './followed.ts';

const cwd = temporaryFolder();
const rows = elecLike(6000);
const words = ['--target', 'label', '--key', 'id', '--ignore', 'at', '--sample-rows', '300'];
const KILLS = [
  [1, 0],
  [3, 2],
  [2, 9],
  [1, 25],
] as const;
const ids = rows.map(({ id }) => id);

describe.skipIf(!existsSync(MAIN))('sora follow', () => {
  let whole: Awaited<ReturnType<typeof followed>>;

  beforeAll(async () => {
    const run = await runFollow(['-', '--store', 'whole.sora', ...words], { cwd, input: ndjson(rows) });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    whole = await followed(join(cwd, 'whole.sora'), 'label');
    expect(whole.column('id')).toEqual(ids);
    expect(whole.newest.state.counts).toMatchObject({ taken: 6000, learned: 6000, stored: 6000, bad: 0 });
    expect(run.lines.at(-1)).toMatchObject({ ended: 'source', rows: 6000, learner: 'stack' });
  });

  it('goes on from standard input after kills as if there had been none', async () => {
    const all = ['-', '--store', 'stdin.sora', '--particle-rows', '450', ...words];
    const { killed, last } = await runKilled(all, KILLS, { cwd, input: ndjson(rows) });
    expect(killed).toBe(KILLS.length);
    expect(last).toMatchObject({ code: 0, stderr: '' });
    const after = await followed(join(cwd, 'stdin.sora'), 'label');
    expect(after.model).toBe(whole.model);
    expect(after.newest.state.scores).toEqual(whole.newest.state.scores);
    expect(after.column('id')).toEqual(ids);
    expect(after.column('price')).toEqual(rows.map(({ price }) => price));
    expect(after.soundness).toMatchObject({ ok: true, unknown: [] });
  });
});
