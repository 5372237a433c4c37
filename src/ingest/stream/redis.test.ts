/** A stream of a real Redis, followed: nothing lost unseen, nothing twice, whatever the server goes through. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noRedis, PASSWORD, startRedis, type TestServer } from '../../../test/servers.ts';
import { failure, take } from '../../../test/stream-rows.ts';
import { redisStream } from './redis.ts';
import type { StreamPosition } from './stream.ts';

if (noRedis !== undefined) console.warn(`skipped: ${noRedis}`);

describe.skipIf(noRedis !== undefined)('a stream from Redis', () => {
  let server: TestServer;
  let redis: Redis;

  const reconnect = () => {
    redis = new Redis({ host: '127.0.0.1', port: server.port, password: PASSWORD });
    redis.on('error', () => {});
  };

  beforeAll(async () => {
    server = await startRedis();
    reconnect();
  });

  afterAll(async () => {
    redis?.disconnect();
    await server?.remove();
  });

  const open = (parameters: string) => redisStream(`${server.url}/0?${parameters}&poll=20ms`);

  /** Adds entries `from` … `to`, each with its number. */
  async function add(key: string, from: number, to: number): Promise<void> {
    const pipeline = redis.pipeline();
    for (let k = from; k <= to; k++) pipeline.call('XADD', key, `${k}-1`, 'k', String(k), 'name', `ä${k}`);
    await pipeline.exec();
  }

  const numbers = (rows: readonly Record<string, unknown>[]) => rows.map((row) => Number(row.k));
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, k) => from + k);

  it('gives the entries in order, and from each position exactly the remaining ones', async () => {
    await add('resumed', 1, 500);
    const stream = open('stream=resumed&batch=50&once=true');
    const all = await take(stream, null);
    expect(numbers(all.rows)).toEqual(range(1, 500));
    expect(all.rows[4]).toEqual({ k: '5', name: 'ä5' });
    let taken = 0;
    for (const { rows, position } of all.batches) {
      taken += rows.length;
      expect(numbers((await take(stream, position)).rows)).toEqual(range(taken + 1, 500));
    }
    expect(stream.name).toBe(`redis://127.0.0.1:${server.port}/0?stream=resumed`);
    await stream.close();
  });

  it('waits for a stream, follows it, and gives empty batches while nothing comes', async () => {
    let empty = 0;
    const { rows } = await take(open('stream=growing'), null, 6, async (batch) => {
      if (batch.rows.length === 0 && ++empty === 2) await add('growing', 1, 3);
      if (batch.rows.length === 0 && empty === 4) await add('growing', 4, 6);
    });
    expect(numbers(rows)).toEqual(range(1, 6));
  });

  it('ends when it is aborted or closed, while it waits', async () => {
    for (const how of ['abort', 'close']) {
      const stream = redisStream(`${server.url}/0?stream=quiet&poll=1h`);
      const stop = new AbortController();
      let batches = 0;
      for await (const _ of stream.read(null, stop.signal)) {
        batches++;
        setTimeout(() => (how === 'abort' ? stop.abort() : stream.close()), 50);
      }
      expect(batches).toBe(1);
    }
  });

  it('goes on where it was when the server is killed and started again', async () => {
    await add('survivor', 1, 1000);
    let killed = false;
    let empty = 0;
    const stream = open('stream=survivor&batch=100');
    const { rows } = await take(stream, null, 1050, async (batch) => {
      if (!killed && batch.rows.length === 100) {
        killed = true;
        redis.disconnect();
        await server.kill();
      } else if (killed && batch.rows.length === 0 && ++empty === 2) {
        await server.start();
        reconnect();
        await add('survivor', 1001, 1050);
      }
    });
    expect(numbers(rows)).toEqual(range(1, 1050));
    await stream.close();
  });

  it('reads rows of JSON', async () => {
    await redis.xadd('json', '*', 'data', '{"a": 1, "b": {"c": [true]}}', 'other', 'x');
    expect((await take(open('stream=json&json=data&once=true'), null)).rows).toEqual([
      { a: 1, b: { c: [true] } },
    ]);
    for (const rubbish of ['{"a": ', '7', '[1]', 'null', '']) {
      await redis.del('rubbish');
      await redis.xadd('rubbish', '5-5', 'data', rubbish);
      expect(await failure(open('stream=rubbish&json=data&once=true'))).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(/entry 5-5 has no JSON object/),
      });
    }
    expect(await failure(open('stream=json&json=dat&once=true'))).toMatchObject({
      message: expect.stringMatching(/no field "dat".*data, other/),
    });
    await redis.xadd('twins', '7-0', 'a', '1', 'a', '2');
    expect(await failure(open('stream=twins&once=true'))).toMatchObject({
      message: expect.stringMatching(/entry 7-0 has two fields "a"/),
    });
  });

  describe('of which entries were removed', () => {
    const read = async (key: string, most: number) =>
      (await take(open(`stream=${key}&batch=10`), null, most)).position;
    const rest = (key: string, position: StreamPosition | null) =>
      take(open(`stream=${key}&once=true`), position);

    it('goes on if all of them had been read', async () => {
      await add('trimmed', 1, 30);
      const position = await read('trimmed', 20);
      for (const first of [5, 20, 21]) {
        await redis.call('XTRIM', 'trimmed', 'MINID', '=', `${first}-1`);
        expect(numbers((await rest('trimmed', position)).rows)).toEqual(range(21, 30));
      }
    });

    it('fails if one had not, saying how many', async () => {
      await add('lost', 1, 30);
      const position = await read('lost', 20);
      await redis.call('XTRIM', 'lost', 'MINID', '=', '23-1');
      const error = await failure(open('stream=lost&once=true'), position);
      expect(error).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(/2 entries after 20-1 .*first that is left is 23-1/),
        details: { removed: 2 },
      });
      await redis.call('XTRIM', 'lost', 'MAXLEN', '=', 0);
      expect(await failure(open('stream=lost&once=true'), position)).toMatchObject({
        code: 'bad-input',
        details: { removed: 10 },
      });
    });

    it('fails while it follows, if the taker is too slow', async () => {
      await add('slow', 1, 30);
      const reading = take(open('stream=slow&batch=10'), null, 30, () =>
        redis.call('XTRIM', 'slow', 'MAXLEN', '=', 5),
      );
      await expect(reading).rejects.toMatchObject({ code: 'bad-input', details: { removed: 15 } });
    });

    it('knows one at the end from one that lost what came since', async () => {
      await add('end', 1, 20);
      const { position } = await take(open('stream=end&once=true'), null);
      await redis.call('XTRIM', 'end', 'MAXLEN', '=', 0);
      expect((await rest('end', position)).rows).toEqual([]);
      await add('end', 21, 22);
      expect(numbers((await rest('end', position)).rows)).toEqual([21, 22]);
      await redis.call('XTRIM', 'end', 'MAXLEN', '=', 1);
      expect(await failure(open('stream=end&once=true'), position)).toMatchObject({
        details: { removed: 1 },
      });
    });

    it('does without those that were deleted one by one', async () => {
      await add('holes', 1, 30);
      await redis.xdel('holes', '3-1', '4-1');
      const position = await read('holes', 20);
      await redis.xdel('holes', '25-1');
      expect(numbers((await rest('holes', position)).rows)).toEqual([23, 24, ...range(26, 30)]);
    });

    it('fails if it was deleted, or begun again', async () => {
      await add('again', 100, 130);
      const position = await read('again', 20);
      await redis.del('again');
      expect(await failure(open('stream=again&once=true'), position)).toMatchObject({
        message: expect.stringMatching(/deleted since/),
      });
      await add('again', 1, 5);
      expect(await failure(open('stream=again&once=true'), position)).toMatchObject({
        message: expect.stringMatching(/begun again/),
      });
      await add('again', 1000, 1003);
      expect(await failure(open('stream=again&once=true'), position)).toMatchObject({
        message: expect.stringMatching(/begun again/),
      });
    });
  });

  it('trims what was taken only if it is asked to, and can go on from there', async () => {
    await add('kept', 1, 30);
    const keeping = open('stream=kept&batch=10&once=true');
    const trimming = open('stream=kept&batch=10&once=true&trim=true');
    const { position } = (await take(keeping, null)).batches[0];
    await keeping.taken?.(position);
    expect(await redis.xlen('kept')).toBe(30);
    await trimming.taken?.(position);
    await trimming.taken?.(position);
    expect(await redis.xlen('kept')).toBe(21);
    expect(numbers((await take(trimming, position)).rows)).toEqual(range(11, 30));
    await trimming.close();
    await keeping.close();
  });

  it('reads on only when asked, in pages of a size in bytes', async () => {
    const fat = 'x'.repeat(100_000);
    for (let k = 1; k <= 200; k++) await redis.xadd('wide', `${k}-1`, 'fat', fat);
    const { rows, batches } = await take(open('stream=wide&once=true'), null);
    expect(rows.length).toBe(200);
    expect(Math.max(...batches.slice(1).map((batch) => batch.rows.length))).toBeLessThanOrEqual(64);
    const asked = async () => Number(/cmdstat_xread:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
    await take(open('stream=wide'), null, 64, async () => {
      const before = await asked();
      await new Promise((done) => setTimeout(done, 100));
      expect(await asked()).toBe(before);
    });
  });

  it('refuses a wrong password, a key that is no stream, and positions that are not its own', async () => {
    const wrong = await failure(redisStream(`redis://:wr0ng@127.0.0.1:${server.port}/0?stream=s`));
    expect(wrong).toMatchObject({ code: 'bad-option', message: expect.stringMatching(/WRONGPASS/) });
    expect(`${wrong} ${JSON.stringify(wrong)}`).not.toContain('wr0ng');
    expect(await failure(redisStream(`redis://127.0.0.1:${server.port}/0?stream=s`))).toMatchObject({
      code: 'bad-option',
    });
    expect(await failure(redisStream(`${server.url}/99?stream=s&once=true`))).toMatchObject({
      code: 'bad-option',
      message: expect.stringMatching(/DB index/),
    });
    await redis.set('string', 'x');
    expect(await failure(open('stream=string'))).toMatchObject({ code: 'unsupported-format' });
    for (const position of [
      7,
      'x',
      {},
      { redis: 'other', id: '1-1', count: 1 },
      { redis: 's', id: 'x', count: 1 },
    ]) {
      expect(() => open('stream=s').read(position, new AbortController().signal)).toThrow(
        expect.objectContaining({ code: 'schema-mismatch' }),
      );
    }
  });

  it('gives up a server that is not there', async () => {
    const error = await failure(
      redisStream(`redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:1/0?stream=s&retries=1`),
    );
    expect(error).toMatchObject({
      code: 'io-failed',
      message: expect.stringMatching(/2 tries.*ECONNREFUSED/),
    });
    expect(`${error} ${JSON.stringify(error)}`).not.toContain('s3cret');
  });
});

describe('the address of a stream from Redis', () => {
  it.each([
    ['redis://h/0', /give the number/],
    ['redis://h/x?stream=s', /give the number/],
    ['redis://h?stream=s&trimm=true', /no parameter "trimm".*"trim"/],
    ['redis://h?stream=s&trim=yes', /true or false/],
    ['redis://:secret@h:port?stream=s', /cannot be read/],
  ])('%s', (address, message) => {
    expect(() => redisStream(address)).toThrow(
      expect.objectContaining({ code: 'bad-option', message: expect.stringMatching(message) }),
    );
    expect(() => redisStream(address)).not.toThrow(/secret/);
  });
});
