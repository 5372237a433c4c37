/** Tables and queries of a real PostgreSQL, followed: nothing lost, nothing twice, whatever the server goes through. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noPostgres, PASSWORD, startPostgres, type TestServer } from '../../../test/servers.ts';
import { failure, take } from '../../../test/stream-rows.ts';
import { guessValues } from '../guess.ts';
import { postgresStream } from './postgres.ts';
import type { StreamPosition } from './stream.ts';

if (noPostgres !== undefined) console.warn(`skipped: ${noPostgres}`);

describe.skipIf(noPostgres !== undefined)('a stream from PostgreSQL', () => {
  let server: TestServer;
  let client: pg.Client;

  async function reconnect(): Promise<void> {
    client = new pg.Client(`${server.url}/postgres`);
    client.on('error', () => {});
    await client.connect();
  }

  beforeAll(async () => {
    server = await startPostgres();
    await reconnect();
  });

  afterAll(async () => {
    await client?.end().catch(() => {});
    await server?.remove();
  });

  const open = (parameters: string) =>
    postgresStream(`${server.url}/postgres?${parameters}${parameters.includes('poll=') ? '' : '&poll=10ms'}`);
  const openQuery = (query: string, rest: string) => open(`query=${encodeURIComponent(query)}&${rest}`);

  async function table(name: string, columns: string, rows = 0): Promise<void> {
    await client.query(`create table ${name} (${columns})`);
    if (rows > 0) await client.query(`insert into ${name} select from generate_series(1, ${rows})`);
  }

  async function connectAs(): Promise<pg.Client> {
    const other = new pg.Client(`${server.url}/postgres`);
    await other.connect();
    return other;
  }

  const ids = (rows: readonly Record<string, unknown>[]) => rows.map((row) => row.id);

  it('gives the rows of a table in order, and from each position exactly the remaining ones', async () => {
    await table('resumed', 'id bigserial primary key, x float8 default 0.5', 500);
    const stream = open('table=resumed&cursor=id&batch=50&once=true');
    const all = await take(stream, null);
    expect(ids(all.rows)).toEqual(Array.from({ length: 500 }, (_, k) => k + 1));
    expect(all.batches.length).toBeGreaterThanOrEqual(10);
    let taken = 0;
    for (const { rows, position } of all.batches) {
      taken += rows.length;
      expect(ids((await take(stream, position)).rows)).toEqual(ids(all.rows).slice(taken));
    }
    expect(stream.name).toBe(`postgres://127.0.0.1:${server.port}/postgres?table=resumed&cursor=id`);
    await stream.close();
  });

  it('follows what is inserted later, and gives empty batches while nothing comes', async () => {
    await table('growing', 'id serial primary key', 3);
    let empty = 0;
    const stream = open('table=growing&cursor=id');
    const { rows } = await take(stream, null, 5, async (batch) => {
      if (batch.rows.length === 0 && ++empty === 2)
        await client.query('insert into growing values (default), (default)');
    });
    expect(ids(rows)).toEqual([1, 2, 3, 4, 5]);
    expect(empty).toBeGreaterThanOrEqual(2);
  });

  it('ends when it is aborted or closed, while it waits and while it reads', async () => {
    await table('quiet', 'id serial primary key');
    for (const how of ['abort', 'close', 'at once']) {
      const stream = open('table=quiet&cursor=id&poll=1h');
      const stop = new AbortController();
      if (how === 'at once') stop.abort();
      let batches = 0;
      for await (const _ of stream.read(null, stop.signal)) {
        batches++;
        setImmediate(() => (how === 'abort' ? stop.abort() : stream.close()));
      }
      expect(batches).toBe(how === 'at once' ? 0 : 1);
    }
  });

  it('waits for a transaction that took a smaller number and ends later', async () => {
    await table('late', 'id bigserial primary key, who text');
    const slow = await connectAs();
    await slow.query('begin');
    await slow.query("insert into late (who) values ('slow')");
    await client.query("insert into late (who) values ('fast')");
    expect(ids((await take(open('table=late&cursor=id&settle=none&once=true'), null)).rows)).toEqual([2]);
    const seen: unknown[] = [];
    let batches = 0;
    const stream = open('table=late&cursor=id');
    const { rows } = await take(stream, null, 2, async (batch) => {
      seen.push(...batch.rows);
      if (++batches === 10) {
        expect(seen).toEqual([]);
        await slow.query('commit');
      }
    });
    expect(rows.map((row) => row.who)).toEqual(['slow', 'fast']);
    await slow.end();
  });

  it('waits for a number that was taken before its transaction had one itself', async () => {
    await table('early', 'id bigserial primary key, who text');
    await client.query("insert into early (who) values ('first')");
    const slow = await connectAs();
    // The number is taken at once and the row written a second later; until then the transaction has no number itself.
    const inserting = slow.query(
      "insert into early select nextval('early_id_seq'), 'slow' || pg_sleep(1)::text",
    );
    const last = async () => (await client.query('select last_value from early_id_seq')).rows[0].last_value;
    while ((await last()) !== '2');
    await client.query("insert into early (who) values ('fast')");
    const { rows: hasty } = await take(open('table=early&cursor=id&settle=none&once=true'), null);
    expect(ids(hasty)).toEqual([1, 3]);
    const { rows } = await take(open('table=early&cursor=id&once=true'), null);
    expect(rows.map((row) => row.who)).toEqual(['first', 'slow', 'fast']);
    await inserting;
    await slow.end();
  });

  it('is not held up by one who writes elsewhere, or whose transaction is rolled back', async () => {
    await table('own', 'id bigserial primary key');
    await table('other', 'id bigserial primary key');
    const slow = await connectAs();
    await slow.query('begin; insert into other values (default)');
    await client.query('insert into own values (default)');
    expect(ids((await take(open('table=own&cursor=id'), null, 1)).rows)).toEqual([1]);
    await slow.query('rollback; begin; insert into own values (default); rollback');
    await client.query('insert into own values (default)');
    expect(ids((await take(open('table=own&cursor=id&once=true'), null)).rows)).toEqual([1, 3]);
    await slow.end();
  });

  it('waits for prepared transactions, and for those that write into a partition or behind a query', async () => {
    await client.query(
      'create table parted (id bigint generated always as identity, primary key (id)) partition by range (id)',
    );
    await client.query('create table parted_1 partition of parted for values from (1) to (1000)');
    for (const parameters of ['table=parted&cursor=id', 'query=select * from parted&cursor=id']) {
      const slow = await connectAs();
      await slow.query('begin; insert into parted values (default)');
      await client.query('insert into parted values (default)');
      let batches = 0;
      let before = 0;
      const { rows } = await take(open(`${parameters}&once=true`), null, undefined, async (batch) => {
        before += batches < 6 ? batch.rows.length : 0;
        if (++batches === 3) await slow.query("prepare transaction 'slow'");
        if (batches === 6) await client.query("commit prepared 'slow'");
      });
      expect(before).toBe(0);
      expect(ids(rows)).toEqual(rows.map((_, k) => k + 1));
      expect(rows.length % 2).toBe(0);
      await slow.end();
    }
  });

  it('loses nothing and gives nothing twice while many write at once', async () => {
    await table('busy', 'id bigserial primary key, writer int');
    const writers = await Promise.all(Array.from({ length: 6 }, connectAs));
    const writing = writers.map(async (writer, number) => {
      for (let k = 0; k < 40; k++) {
        await writer.query('begin');
        for (let j = 0; j <= k % 3; j++)
          await writer.query('insert into busy (writer) values ($1)', [number]);
        await writer.query(`select pg_sleep(${((k * 7 + number * 3) % 5) / 500})`);
        await writer.query(k % 5 === 4 ? 'rollback' : 'commit');
      }
    });
    let position: StreamPosition | null = null;
    const rows: Record<string, unknown>[] = [];
    const stream = open('table=busy&cursor=id');
    let done = false;
    const all = Promise.all(writing).then(() => {
      done = true;
    });
    while (!done) {
      const next = await take(stream, position, 1);
      rows.push(...next.rows);
      position = next.position;
      if (rows.length > 300) break;
    }
    await all;
    rows.push(...(await take(open('table=busy&cursor=id&once=true'), position)).rows);
    const { rows: there } = await client.query('select id from busy order by id');
    expect(ids(rows)).toEqual(there.map((row) => Number(row.id)));
    await Promise.all(writers.map((writer) => writer.end()));
  });

  it('goes on where it was when the server is killed and started again', async () => {
    await table('survivor', 'id bigserial primary key, t timestamptz default now()', 2000);
    let killed = false;
    let empty = 0;
    const stream = open('table=survivor&cursor=id&batch=100');
    const { rows } = await take(stream, null, 2100, async (batch) => {
      if (!killed && batch.rows.length === 100) {
        killed = true;
        await server.kill();
      }
      if (killed && batch.rows.length === 0 && ++empty === 2) {
        await server.start();
        await reconnect();
        await client.query('insert into survivor select from generate_series(1, 100)');
      }
    });
    expect(rows.map((row) => Number(row.id) > 2000).filter(Boolean).length).toBe(100);
    expect(new Set(ids(rows)).size).toBe(2100);
    expect(ids(rows)).toEqual([...ids(rows)].sort((a, b) => Number(a) - Number(b)));
    await stream.close();
  });

  it('gives up a server that is not there, naming it and no secret', async () => {
    const error = await failure(
      postgresStream(
        `postgres://sora:${encodeURIComponent(PASSWORD)}@127.0.0.1:1/x?table=t&cursor=id&retries=1`,
      ),
    );
    expect(error).toMatchObject({
      code: 'io-failed',
      message: expect.stringMatching(/127\.0\.0\.1:1\/x.*2 tries.*ECONNREFUSED/),
    });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/s3cret/);
  });

  it('keeps values as they are', async () => {
    await table(
      'kinds',
      `id bigint primary key, n numeric, small int, f real, d double precision, yes boolean, at timestamptz,
       local timestamp, day date, doc jsonb, bytes bytea, name text, key uuid, list int[], nothing text`,
    );
    await client.query(`insert into kinds values
      (9007199254740993, 12345678901234567890.5, 7, 0.1, 1e-7, true, '2026-03-01 12:00:00.123456+02',
       '2026-03-01 12:00:00', '2026-03-01', '{"a": {"b": 1}, "c": "x"}', '\\x00ff', 'ä', gen_random_uuid(), '{1,2}', null),
      (9007199254740994, 1.50, -7, 'NaN', '-Infinity', false, '1999-01-01', '1999-01-01', '1999-01-01', '3', '', '', gen_random_uuid(), null, null)`);
    const stream = open('table=kinds&cursor=id&once=true');
    const { rows, batches } = await take(stream, null);
    const [first, second] = rows;
    expect(first).toMatchObject({
      id: '9007199254740993',
      n: '12345678901234567890.5',
      small: 7,
      f: 0.1,
      d: 1e-7,
      yes: true,
      at: '2026-03-01 10:00:00.123456+00',
      local: '2026-03-01 12:00:00',
      day: '2026-03-01',
      doc: { a: { b: 1 }, c: 'x' },
      bytes: Buffer.from([0, 255]),
      name: 'ä',
      list: ['1', '2'],
      nothing: null,
    });
    expect(second).toMatchObject({
      n: 1.5,
      f: Number.NaN,
      d: Number.NEGATIVE_INFINITY,
      yes: false,
      doc: 3,
      name: '',
      list: null,
    });
    for (const name of ['at', 'local', 'day']) {
      expect(guessValues(rows.map((row) => row[name])).type).toBe('timestamp');
    }
    expect(batches[0].position).toMatchObject({ after: ['9007199254740994'] });
    expect(
      ids((await take(stream, { postgres: 'kinds', cursor: ['id'], after: ['9007199254740993'] })).rows),
    ).toEqual(['9007199254740994']);
  });

  it('follows times to the microsecond, with a key where they are equal, and lets them settle', async () => {
    await table('timed', 'id int primary key, at timestamp not null default clock_timestamp()');
    await client.query(
      `insert into timed select k, '2026-01-01 00:00:00'::timestamp + (k / 3) * interval '1 microsecond' from generate_series(1, 300) k`,
    );
    const stream = open('table=timed&cursor=at,id&settle=0s&batch=7&once=true');
    const { rows, batches } = await take(stream, null);
    expect(ids(rows)).toEqual(Array.from({ length: 300 }, (_, k) => k + 1));
    let taken = 0;
    for (const batch of batches) {
      taken += batch.rows.length;
      if (taken % 5 === 0) expect((await take(stream, batch.position)).rows.length).toBe(300 - taken);
    }
    await client.query('insert into timed values (1000)');
    expect((await take(open('table=timed&cursor=at,id&settle=1h&once=true'), null)).rows.length).toBe(300);
    expect((await take(stream, null)).rows.length).toBe(301);
  });

  it('follows the numbers of transactions, whatever order they end in', async () => {
    await table(
      'numbered',
      'tx xid8 not null default pg_current_xact_id(), id bigserial, who text, primary key (tx, id)',
    );
    const slow = await connectAs();
    await slow.query('begin');
    await slow.query('select pg_current_xact_id()');
    await client.query("insert into numbered (who) values ('fast')");
    const stream = open('table=numbered&cursor=tx,id&once=true');
    expect((await take(stream, null)).rows).toEqual([]);
    await slow.query("insert into numbered (who) values ('slow')");
    await slow.query('commit');
    expect((await take(stream, null)).rows.map((row) => row.who)).toEqual(['slow', 'fast']);
    await slow.end();
  });

  it('keeps text cursors exactly, in the order of their collation', async () => {
    await client.query('create table worded (id text collate "C" primary key)');
    const words = ["it's", 'a"b', 'ä', 'B', 'b', ' x', '\\', '$1', 'null', '{1}', '😀'];
    for (const word of words) await client.query('insert into worded values ($1)', [word]);
    const stream = open('table=worded&cursor=id&batch=1&once=true');
    const { rows, batches } = await take(stream, null);
    const order = [...words].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(ids(rows)).toEqual(order);
    for (const [k, { position }] of batches.entries()) {
      expect(ids((await take(stream, position)).rows)).toEqual(order.slice(k + 1));
    }
  });

  it('follows a query, and finds rows that its cursor cannot tell apart', async () => {
    await table('base', 'id serial primary key, k int');
    await client.query('insert into base (k) select least(i, 200) from generate_series(1, 200) i');
    const fine = openQuery('select k, k * 2 as twice from base -- all of them', 'cursor=k&once=true&batch=9');
    const { rows, batches } = await take(fine, null);
    expect(rows.map((row) => row.twice)).toEqual(Array.from({ length: 200 }, (_, i) => 2 * (i + 1)));
    expect((await take(fine, batches[4].position)).rows.length).toBe(
      200 - batches.slice(0, 5).reduce((n, b) => n + b.rows.length, 0),
    );
    for (const place of [63, 64, 100]) {
      await client.query('update base set k = $1 where id = $2', [place, place + 1]);
      expect(await failure(openQuery('select * from base', 'cursor=k&once=true'))).toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(`two rows have the cursor ${place}`),
      });
      await client.query('update base set k = id');
    }
    await client.query('insert into base (k) values (null)');
    expect(await failure(openQuery('select * from base', 'cursor=k&once=true'))).toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('where k is not null'),
    });
  });

  it('makes pages of a size in bytes, and leaves no connection behind', async () => {
    await client.query("create table wide (id serial primary key, fat text default repeat('x', 100000))");
    await client.query('insert into wide select from generate_series(1, 400)');
    const { rows, batches } = await take(open('table=wide&cursor=id&once=true'), null);
    expect(rows.length).toBe(400);
    expect(Math.max(...batches.slice(1).map((batch) => batch.rows.length))).toBeLessThanOrEqual(64);
    const { rows: running } = await client.query(
      "select from pg_stat_activity where application_name = 'sora' and pid <> pg_backend_pid()",
    );
    expect(running.length).toBe(0);
  });

  it('refuses a standby, which does not know who writes, unless the cursor does', async () => {
    await table('copied', 'id serial primary key, tx xid8 not null default pg_current_xact_id()', 3);
    await client.end();
    await server.kill();
    const mark = join(server.folder, 'data', 'standby.signal');
    writeFileSync(mark, '');
    await server.start();
    const error = await failure(open('table=copied&cursor=id&once=true'));
    const rows = [];
    for (const parameters of ['cursor=id&settle=none', 'cursor=tx,id']) {
      rows.push(await take(open(`table=copied&${parameters}&once=true`), null));
    }
    await server.kill();
    rmSync(mark);
    await server.start();
    await reconnect();
    expect(error).toMatchObject({
      code: 'bad-option',
      message: expect.stringMatching(/standby.*Follow the primary/),
    });
    expect(rows.map((taken) => ids(taken.rows))).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  describe('refuses', () => {
    beforeAll(async () => {
      await table('users', 'id serial primary key, name text, at timestamptz not null default now()', 1);
      await client.query('create table keyless (id int not null)');
      await client.query(
        'create table cached (id bigint generated always as identity (cache 20) primary key)',
      );
      await client.query('create view seen as select * from users');
      await client.query("create role weak login password 'weak'");
    });

    const cases: readonly (readonly [string, string, RegExp])[] = [
      ['table=user&cursor=id', 'not-found', /no table "user".*Did you mean "users"/],
      ['table=users&cursor=idd', 'not-found', /no column "idd".*Did you mean "id"/],
      ['table=users&cursor=name', 'bad-option', /may be null.*set not null/],
      ['table=users&cursor=at', 'bad-option', /settle=1m/],
      ['table=users&cursor=at&settle=1s', 'bad-option', /cursor=at,id/],
      ['table=users&cursor=id&settle=1s', 'bad-option', /Leave settle out/],
      ['table=keyless&cursor=id', 'bad-option', /primary key, or a unique index/],
      ['table=cached&cursor=id', 'bad-option', /20 numbers in advance.*cache 1/],
      ['query=select 1 as a, 2 as a&cursor=a', 'bad-option', /two columns are called "a"/],
      ['query=selekt&cursor=a', 'bad-option', /syntax error/],
      ['query=select * from nowhere&cursor=a', 'not-found', /nowhere/],
      ['query=select 1/0 as a&cursor=a', 'bad-input', /division by zero/],
      ['query=select 1 as a; drop table users&cursor=a', 'bad-option', /syntax error/],
      ["query=select '{}'::json as a&cursor=a", 'bad-option', /ordering operator/],
      ["query=select nextval('users_id_seq') as a&cursor=a", 'bad-option', /read-only/],
    ];

    it.each(cases)('%s', async (parameters, code, message) => {
      const error = await failure(open(`${parameters}&once=true`));
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(String(error)).not.toContain('s3cret');
    });

    it('a wrong password, database or privilege', async () => {
      const at = `127.0.0.1:${server.port}`;
      const wrong = await failure(
        postgresStream(`postgres://sora:wr0ng@${at}/postgres?table=users&cursor=id`),
      );
      expect(wrong).toMatchObject({
        code: 'bad-option',
        message: expect.stringMatching(/password authentication failed/),
      });
      expect(String(wrong)).not.toContain('wr0ng');
      expect(
        await failure(postgresStream(`postgres://sora@${at}/postgres?table=users&cursor=id`)),
      ).toMatchObject({ code: 'bad-option' });
      expect(await failure(postgresStream(`${server.url}/nowhere?table=users&cursor=id`))).toMatchObject({
        code: 'not-found',
      });
      expect(
        await failure(postgresStream(`postgres://weak:weak@${at}/postgres?table=users&cursor=id`)),
      ).toMatchObject({
        code: 'bad-option',
        message: expect.stringMatching(/grant select/),
      });
    });

    it('positions that are not its own', () => {
      const stream = open('table=users&cursor=id');
      for (const position of [
        7,
        'x',
        {},
        { postgres: 'users', cursor: ['id'], after: [1] },
        { postgres: 'other', cursor: ['id'], after: ['1'] },
        { postgres: 'users', cursor: ['at'], after: ['1'] },
      ]) {
        expect(() => stream.read(position, new AbortController().signal)).toThrow(
          expect.objectContaining({ code: 'schema-mismatch' }),
        );
      }
    });
  });
});

describe('the address of a stream from PostgreSQL', () => {
  it.each([
    ['postgres://h/d?cursor=id', /either table= or query=/],
    ['postgres://h/d?table=t&query=q&cursor=id', /either table= or query=/],
    ['postgres://h/d?table=t', /"cursor" is missing/],
    ['postgres://h/d?table=t&cursor=id&polll=1s', /no parameter "polll".*"poll"/],
    ['postgres://h/d?table=t&cursor=id&poll=1', /250ms/],
    ['postgres://h/d?table=t&cursor=id&batch=0', /whole number from 1/],
    ['postgres://u:secret@h:port/d', /cannot be read/],
  ])('%s', (address, message) => {
    expect(() => postgresStream(address)).toThrow(
      expect.objectContaining({ code: 'bad-option', message: expect.stringMatching(message) }),
    );
    expect(() => postgresStream(address)).not.toThrow(/secret/);
  });
});
