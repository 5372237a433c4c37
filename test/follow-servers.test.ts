/**
 * Following real servers by real processes: both are killed, and the model is the one of a run that nothing disturbed, to
 * the byte, and each row is in the store once. Needs the compiled modules (`npm run build`).
 */
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, sora, temporaryFolder } from './cli.ts';
import { elecLike, type Followed, followed, ndjson, runFollow, runKilled } from './followed.ts';
import { noPostgres, noRedis, PASSWORD, startPostgres, startRedis, type TestServer } from './servers.ts';

const cwd = temporaryFolder();
const COUNT = 1500;
/** Rows that are there before anybody follows. */
const EARLY = 900;
const rows = elecLike(COUNT).map((row) => ({
  ...row,
  price: row.price === null ? null : Math.round(1e4 * row.price) / 1e4,
}));
const ids = rows.map(({ id }) => id);
const roles = ['--target', 'label', '--key', 'id', '--time', 'at', '--sample-rows', '300'];
const words = [...roles, '--learner', 'ftrl', '--particle-rows', '130', '--max-rows', String(COUNT)];
const whole = [...words, '--particle-rows', '5000'];
/** Commits after which a process is killed, and milliseconds more: in the midst of the next one. */
const KILLS = [
  [1, 0],
  [3, 5],
  [1, 20],
] as const;

const at = (store: string) => followed(join(cwd, store), 'label');

for (const reason of [noPostgres, noRedis]) if (reason !== undefined) console.warn(`skipped: ${reason}`);

function expectRows(found: Followed, prices = 'price'): void {
  expect(found.column('id')).toEqual(ids);
  expect(found.column(prices)).toEqual(rows.map(({ price }) => price));
  expect(found.column('at')).toEqual(rows.map((row) => Date.parse(row.at)));
  expect(found.column('label')).toEqual(rows.map(({ label }) => label));
  expect(found.soundness).toMatchObject({ ok: true, unknown: [] });
}

function expectSame(after: Followed, before: Followed): void {
  expect(after.model).toBe(before.model);
  expect(after.newest.state.scores).toEqual(before.newest.state.scores);
  expect(after.newest.state.counts).toEqual(before.newest.state.counts);
}

/** Follows an address, is killed again and again, and breaks the server once, after the second commit. */
async function disturbed(address: string, store: string, breakServer: () => Promise<void>): Promise<void> {
  let commits = 0;
  let broken: Promise<void> | undefined;
  const onCommit = () => {
    if (++commits === 2) broken = breakServer();
  };
  const { killed, last } = await runKilled([address, '--store', store, ...words], KILLS, { cwd, onCommit });
  await broken;
  expect(broken).toBeDefined();
  expect(killed).toBe(KILLS.length);
  expect(last).toMatchObject({ code: 0, stderr: '' });
  expect(last.lines.at(-1)).toMatchObject({ ended: 'rows', counts: { taken: COUNT, bad: 0 } });
}

/** A row after the last, of which there is news once the server is back. */
const extra = { ...rows[COUNT - 1], id: COUNT };
const upTo = (from: number, to: number) => [...rows, extra].slice(from, to);
/** How long a server is away, in milliseconds. */
const AWAY_MS = 1500;
const patient = [...roles, '--learner', 'ftrl', '--particle-rows', '1000', '--particle-seconds', '0.4'];
const oneMore = [...patient, '--max-rows', String(COUNT + 1)];

/** Follows an address of which all rows are there; the server goes away, and comes back with one more. */
async function interrupted(
  address: string,
  store: string,
  down: () => Promise<void>,
  up: () => Promise<void>,
): Promise<void> {
  let broken: Promise<void> | undefined;
  const onCommit = (count: number) => {
    if (count === 2) broken = down().then(() => sleep(AWAY_MS).then(up));
  };
  const run = await runFollow([address, '--store', store, ...oneMore], { cwd, onCommit });
  await broken;
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.lines.at(-1)).toMatchObject({ ended: 'rows', counts: { taken: COUNT + 1 } });
  const [away, back] = run.outages;
  expect(run.outages.map(({ kind }) => kind)).toEqual(['away', 'back']);
  expect(away.reason.length).toBeGreaterThan(5);
  expect(back).toMatchObject({ source: away.source, since: away.since, reason: away.reason });
  expect(back.seconds).toBeGreaterThan(0);
  expect(away.source).toContain('://127.0.0.1');
  expect(JSON.stringify(run.outages)).not.toContain(PASSWORD);
  expect(JSON.stringify((await at(store)).newest)).not.toContain(away.since);
}

const typesOf = ({ newest }: Followed) =>
  Object.fromEntries(newest.state.plan.schema.fields.map(({ name, type }) => [name, type]));

describe.skipIf(!existsSync(MAIN) || noPostgres !== undefined)('sora follow postgres://', () => {
  let server: TestServer;
  const table = `create table readings (id bigint primary key, at timestamptz not null, price numeric(12, 4), doc jsonb, sold boolean, label text)`;

  beforeAll(async () => {
    server = await startPostgres();
    await run(table);
    await insert(0, EARLY);
  });

  afterAll(() => server?.remove());

  async function run(text: string, values: unknown[] = []): Promise<void> {
    const client = new pg.Client(`${server.url}/postgres`);
    await client.connect();
    await client.query(text, values);
    await client.end();
  }

  function insert(from: number, to: number): Promise<void> {
    const some = upTo(from, to).map(({ demand, day, ...row }) => ({
      ...row,
      doc: { demand, when: { day } },
      sold: row.id % 3 === 0,
    }));
    return run('insert into readings select * from json_populate_recordset(null::readings, $1)', [
      JSON.stringify(some),
    ]);
  }

  it('takes each row once though processes and the server are killed, with its types, and predicts', async () => {
    const address = `${server.url}/postgres?table=readings&cursor=id&poll=20ms&batch=100`;
    await disturbed(address, 'table.sora', async () => {
      await server.kill();
      await server.start();
      await insert(EARLY, COUNT);
    });
    const all = await runFollow([address, ...whole], { cwd });
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.stringify(all.lines)).not.toContain(encodeURIComponent(PASSWORD));
    const found = await at('table.sora');
    expectSame(found, await at('readings.sora'));
    expectRows(found);
    expect(typesOf(found)).toEqual({
      id: 'number',
      at: 'timestamp',
      price: 'number',
      'doc.demand': 'number',
      'doc.when.day': 'category',
      sold: 'boolean',
      label: 'category',
    });
    expect(found.column('doc.demand')).toEqual(rows.map(({ demand }) => demand));
    expect(found.column('doc.when.day')).toEqual(rows.map(({ day }) => day));

    const asked = rows.slice(-200).map(({ label: _, demand, day, ...row }) => ({
      ...row,
      doc: { demand, when: { day } },
      sold: row.id % 3 === 0,
    }));
    writeFileSync(join(cwd, 'ask.ndjson'), ndjson(asked));
    const said = await sora(['predict', 'table.sora/models/label', 'ask.ndjson', '--keep', 'id'], { cwd });
    expect(said.code).toBe(0);
    const answers = said.stdout.trim().split('\n').slice(1);
    expect(answers.map((line) => Number(line.split(',')[0]))).toEqual(ids.slice(-200));
    const right = answers.filter((line, i) => line.split(',')[1] === rows[COUNT - 200 + i].label).length;
    expect(right).toBeGreaterThan(150);
  });

  it('says once that the server is away, and once that it is back', () =>
    interrupted(
      `${server.url}/postgres?table=readings&cursor=id&poll=20ms`,
      'table-away.sora',
      () => server.kill(),
      async () => {
        await server.start();
        await insert(COUNT, COUNT + 1);
      },
    ));

  it('says in one line what is wrong with the address', async () => {
    const wrong = await runFollow([`${server.url}/postgres?table=reading&cursor=id`, ...words], { cwd });
    expect(wrong.code).toBe(3);
    expect(JSON.stringify(wrong.lines)).toMatch(/reading/);
    const denied = await runFollow(
      [`postgres://sora:nothing@127.0.0.1:${server.port}/postgres?table=readings&cursor=id`, ...words],
      { cwd },
    );
    expect(denied.code).toBe(2);
    expect(JSON.stringify(denied.lines)).not.toContain('nothing');
  });
});

/** Rows as flat records: the same from Redis and over HTTP as on standard input. */
describe.skipIf(!existsSync(MAIN))('sora follow', () => {
  let input: Followed;

  beforeAll(async () => {
    const run = await runFollow(['-', '--store', 'input.sora', ...whole], { cwd, input: ndjson(rows) });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    input = await at('input.sora');
    expectRows(input);
  });

  describe.skipIf(noRedis !== undefined)('redis://', () => {
    let server: TestServer;

    beforeAll(async () => {
      server = await startRedis();
      await add(0, EARLY);
    });

    afterAll(() => server?.remove());

    async function add(from: number, to: number): Promise<void> {
      const redis = new Redis({ host: '127.0.0.1', port: server.port, password: PASSWORD });
      const pipeline = redis.pipeline();
      for (const row of upTo(from, to)) {
        const cells = Object.entries(row).filter(([, value]) => value !== null);
        pipeline.call('XADD', 'readings', '*', ...cells.flat().map(String));
      }
      await pipeline.exec();
      redis.disconnect();
    }

    it('takes each entry once though processes and the server are killed, as on standard input', async () => {
      const address = `${server.url}/0?stream=readings&poll=20ms&batch=100`;
      await disturbed(address, 'entries.sora', async () => {
        await server.kill();
        await server.start();
        await add(EARLY, COUNT);
      });
      const found = await at('entries.sora');
      expectSame(found, input);
      expectRows(found);
      expect(typesOf(found)).toEqual(typesOf(input));
    });

    it('says once that the server is away, and once that it is back', () =>
      interrupted(
        `${server.url}/0?stream=readings&poll=20ms`,
        'entries-away.sora',
        () => server.kill(),
        async () => {
          await server.start();
          await add(COUNT, COUNT + 1);
        },
      ));
  });

  describe('http://', () => {
    let server: Server;
    let there = EARLY;
    let port = 0;

    async function serve(): Promise<void> {
      server = createServer((request, response) => {
        const after = new URL(request.url ?? '', 'http://h').searchParams.get('after');
        const from = after === null ? 0 : Number(after) + 1;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ data: upTo(from, Math.min(there, from + 100)) }));
      });
      await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
      port = (server.address() as { port: number }).port;
    }

    async function end(): Promise<void> {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }

    beforeAll(serve);
    afterAll(end);

    it('takes each row of a page once though processes and the server go away', async () => {
      const address = `http://127.0.0.1:${port}/readings?after={cursor}#cursor=id&rows=data&poll=20ms`;
      await disturbed(address, 'pages.sora', async () => {
        await end();
        there = COUNT;
        await serve();
      });
      const found = await at('pages.sora');
      expectSame(found, input);
      expectRows(found);
    });

    const address = () => `http://127.0.0.1:${port}/readings?after={cursor}#cursor=id&rows=data&poll=20ms`;
    const back = async () => {
      there = COUNT + 1;
      await serve();
    };

    it('says once that the server is away, and once that it is back', async () => {
      there = COUNT;
      await interrupted(address(), 'pages-away.sora', end, back);
    });

    it('says so to people on standard error, in a line each', async () => {
      there = COUNT;
      const run = sora(['follow', address(), '--store', 'pages-said.sora', ...oneMore], { cwd });
      while (!existsSync(join(cwd, 'pages-said.sora', 'log', '00000000000000000002.json'))) await sleep(50);
      await end();
      await sleep(AWAY_MS);
      await back();
      const { code, stderr } = await run;
      expect(code).toBe(0);
      const said = stderr.split('\n').filter((line) => line.includes('/readings is '));
      expect(said).toEqual([
        expect.stringMatching(/readings is away since \d{4}-.*Z \(.+\); it is tried again until it is back$/),
        expect.stringMatching(/readings is back after /),
      ]);
    });
  });
});
