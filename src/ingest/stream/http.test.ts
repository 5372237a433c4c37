/** Endpoints of three kinds on a real server of Node, followed: what they break, delay, repeat and hold back. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { failure, take } from '../../../test/stream-rows.ts';
import { httpStream } from './http.ts';

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, k) => from + k);
const ids = (rows: readonly Record<string, unknown>[]) => rows.map((row) => row.id);
const line = (id: number) => `${JSON.stringify({ id, name: `ä${id}` })}\n`;

describe('a stream over HTTP', () => {
  let server: Server | undefined;
  let port = 0;
  let asked: IncomingMessage[] = [];

  /** Serves with a function of the request, its query and how many came before. */
  async function serve(
    answer: (response: ServerResponse, query: URLSearchParams, number: number) => unknown,
  ): Promise<string> {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request);
      void answer(response, new URL(request.url ?? '', 'http://h').searchParams, asked.length);
    });
    await new Promise<void>((done) => server!.listen(port, '127.0.0.1', done));
    port = (server.address() as { port: number }).port;
    return `http://127.0.0.1:${port}/events`;
  }

  async function end(): Promise<void> {
    server?.closeAllConnections();
    await new Promise((done) => (server ? server.close(done) : done(undefined)));
    server = undefined;
  }

  afterEach(async () => {
    await end();
    port = 0;
  });

  const json = (response: ServerResponse, body: unknown, headers = {}) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  const ndjson = (response: ServerResponse) =>
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });

  describe('in lines', () => {
    it('gives rows as they come, and goes on by a field of the last one when it breaks off in a row', async () => {
      const url = await serve(async (response, query, number) => {
        ndjson(response);
        const first = Number(query.get('after') ?? 0) + 1;
        for (const id of range(first, Math.min(first + 6, 50))) response.write(line(id));
        await sleep(20);
        if (number % 2 === 0) response.end();
        else response.write('{"id": 99', () => response.destroy());
      });
      const stream = httpStream(`${url}?after={cursor}&key=1#cursor=id&poll=10ms`);
      const all = await take(stream, null, 50);
      expect(ids(all.rows)).toEqual(range(1, 50));
      expect(all.rows[6]).toEqual({ id: 7, name: 'ä7' });
      expect(asked[0].url).toBe('/events?key=1');
      for (const { position, rows } of all.batches.slice(0, 5)) {
        const last = Number(rows.at(-1)?.id);
        expect(ids((await take(stream, position, 50 - last)).rows)).toEqual(range(last + 1, 50));
      }
      expect(stream.name).toBe(url);
    });

    it('goes on by counting where the same rows come again, whatever pieces they come in', async () => {
      let there = 30;
      const url = await serve(async (response) => {
        ndjson(response);
        const bytes = Buffer.from(`\ufeff${range(1, there).map(line).join('\r\n')}`);
        for (let at = 0; at < bytes.length; at += 37) {
          response.write(bytes.subarray(at, at + 37));
          if (at % 5 === 0) await sleep(1);
        }
        response.end('{"id": ');
      });
      const stream = httpStream(`${url}#once=true&poll=10ms`);
      const all = await take(stream, null);
      expect(ids(all.rows)).toEqual(range(1, 30));
      there = 40;
      let taken = 0;
      for (const { position, rows } of all.batches.slice(0, 6)) {
        taken += rows.length;
        expect(ids((await take(stream, position)).rows)).toEqual(range(taken + 1, 40));
      }
      expect(ids((await take(stream, all.position)).rows)).toEqual(range(31, 40));
    });

    it('fails if other rows come, or fewer, than were taken', async () => {
      let rows = range(1, 10);
      const url = await serve((response) => ndjson(response).end(rows.map(line).join('')));
      const stream = () => httpStream(`${url}#once=true`);
      const { position } = await take(stream(), null);
      for (const other of [range(2, 11), [...range(1, 9), 12], range(1, 8)]) {
        rows = other;
        expect(await failure(stream(), position)).toMatchObject({
          code: 'bad-input',
          message: expect.stringMatching(/does not give the same rows/),
        });
      }
      rows = range(1, 12);
      expect(ids((await take(stream(), position)).rows)).toEqual([11, 12]);
    });

    it('leaves out the row of the cursor where the endpoint gives it again, and refuses equal cursors', async () => {
      let rows = range(1, 10);
      const url = await serve((response, query) => {
        ndjson(response).end(
          rows
            .filter((id) => id >= Number(query.get('from') ?? 0))
            .map(line)
            .join(''),
        );
      });
      const stream = () => httpStream(`${url}?from={cursor}#cursor=id&once=true`);
      const { position, rows: all } = await take(stream(), null);
      expect(ids(all)).toEqual(range(1, 10));
      rows = range(1, 12);
      expect(ids((await take(stream(), position)).rows)).toEqual([11, 12]);
      rows = [1, 2, 2, 3];
      expect(await failure(stream())).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(/rows 2 and 3 have the same cursor 2/),
      });
    });

    it('does not read on while rows are not taken', async () => {
      const fat = `${JSON.stringify({ id: 1, fat: 'x'.repeat(10_000) })}\n`;
      let sent = 0;
      const url = await serve((response) => {
        ndjson(response);
        const more = () => {
          while (!response.destroyed) {
            sent += fat.length;
            if (!response.write(fat)) return;
          }
        };
        response.on('drain', more);
        more();
      });
      let most = 0;
      let batches = 0;
      await take(httpStream(url), null, 500, async (batch) => {
        most = Math.max(most, JSON.stringify(batch.rows).length);
        if (++batches > 1) return;
        await sleep(200);
        const before = sent;
        await sleep(300);
        expect(sent).toBe(before);
        expect(sent).toBeLessThan(32 << 20);
      });
      expect(batches).toBeGreaterThan(1);
      expect(most).toBeLessThan(4 << 20);
    }, 20_000);
  });

  describe('in pages', () => {
    /** An endpoint of pages of three rows, with what leads to the next one where `lead` puts it. */
    const pages = (
      count: () => number,
      lead: (response: ServerResponse, rows: unknown[], next: string | undefined) => void,
    ) =>
      serve((response, query) => {
        const from = Number(query.get('from') ?? 1);
        const next = from + 3 <= count() ? String(from + 3) : undefined;
        lead(
          response,
          range(from, Math.min(from + 2, count())).map((id) => ({ id })),
          next,
        );
      });

    it.each([
      [
        'a field',
        '?from={cursor}#next=meta.next&rows=items',
        (response: ServerResponse, items: unknown[], next?: string) =>
          json(response, { items, meta: { next: next ?? null } }),
      ],
      [
        'a field with an address',
        '#next=next&rows=items',
        (response: ServerResponse, items: unknown[], next?: string) =>
          json(response, { items, next: next && `?from=${next}` }),
      ],
      [
        'a header',
        '?from={cursor}#next-header=x-next',
        (response: ServerResponse, items: unknown[], next?: string) =>
          json(response, items, next ? { 'x-next': next } : {}),
      ],
      [
        'Link',
        '',
        (response: ServerResponse, items: unknown[], next?: string) =>
          json(response, items, {
            link: `</events?from=1>; rel="first"${next ? `, <http://127.0.0.1:${port}/events?from=${next}>; title="a, b"; rel="last next"` : ''}`,
          }),
      ],
    ])('goes from one to the next by %s, and reads the rest of the last one when it grows', async (_, address, lead) => {
      let count = 10;
      const url = await pages(() => count, lead);
      const own = address.includes('#') ? '&' : '#';
      const stream = httpStream(`${url}${address}${own}once=true&poll=10ms`);
      const all = await take(stream, null);
      expect(ids(all.rows)).toEqual(range(1, 10));
      count = 11;
      let taken = 0;
      for (const { position, rows } of all.batches) {
        taken += rows.length;
        expect(ids((await take(stream, position)).rows)).toEqual(range(taken + 1, 11));
      }
      expect(JSON.stringify(all.position)).not.toContain('undefined');
      let empty = 0;
      const more = httpStream(`${url}${address}${own}poll=10ms`);
      const { rows } = await take(more, all.position, 7, (batch) => {
        if (batch.rows.length === 0 && ++empty === 2) count = 17;
      });
      expect(ids(rows)).toEqual(range(11, 17));
    });

    it('waits as the server asks, and asks for what has changed only', async () => {
      const times: number[] = [];
      let empty = 0;
      const url = await serve((response, _, number) => {
        times.push(performance.now());
        if (number === 1) json(response, [{ id: 1 }], { etag: '"a"' });
        else if (number === 2 || number === 3) response.writeHead(304).end();
        else if (number === 4) response.writeHead(503, { 'retry-after': '1' }).end();
        else if (number === 5)
          response.writeHead(429, { 'retry-after': new Date(Date.now() + 100).toUTCString() }).end();
        else json(response, [{ id: 1 }, { id: 2 }], { etag: '"b"' });
      });
      const { rows } = await take(httpStream(`${url}#poll=10ms`), null, 2, (batch) => {
        if (batch.rows.length === 0) empty++;
      });
      expect(ids(rows)).toEqual([1, 2]);
      expect(asked.slice(1, 4).map((request) => request.headers['if-none-match'])).toEqual([
        '"a"',
        '"a"',
        '"a"',
      ]);
      expect(times[4] - times[3]).toBeGreaterThan(950);
      expect(empty).toBeGreaterThan(2);
    });
  });

  describe('of server-sent events', () => {
    const events = (response: ServerResponse) =>
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });

    it('goes on from the last id, which it sends, over several lines of data and other types', async () => {
      const url = await serve((response, _, number) => {
        const last = Number(
          (asked[number - 1].headers['last-event-id'] as string | undefined)?.replace(/\D/g, '') ?? 0,
        );
        events(response).write(': hello\nretry: 10\n\n');
        for (const id of range(last + 1, last + 4)) {
          response.write(`event: other\ndata: {"id": 0}\n\nid: é${id}\ndata: {"id":\r\ndata:${id}}\n\n`);
        }
        if (number % 2) response.end('id: 9\ndata: {}\n');
        else response.write('data: {"id"', () => response.destroy());
      });
      const { rows, position } = await take(httpStream(`${url}#event=message&poll=10ms`), null, 20);
      expect(ids(rows)).toEqual(range(1, 20));
      expect(Buffer.from(asked[1].headers['last-event-id'] as string, 'latin1').toString()).toBe('é4');
      await end();
      const again = await serve((response, _, number) =>
        number > 1
          ? response.writeHead(204).end()
          : events(response).end('id: é20\ndata: {"id": 20}\n\nid: x\ndata: {"id": 21}\n\n'),
      );
      expect(ids((await take(httpStream(`${again}#event=message&once=true`), position)).rows)).toEqual([21]);
    });

    it('ends where the server says that nothing more comes, and refuses events without an id or object', async () => {
      let body = 'id: 1\ndata: {"id": 1}\n\n';
      const url = await serve((response, _, number) =>
        number === 2 ? response.writeHead(204).end() : events(response).end(body),
      );
      expect(ids((await take(httpStream(`${url}#format=events&poll=10ms`), null)).rows)).toEqual([1]);
      body = 'data: {"id": 1}\n\n';
      expect(await failure(httpStream(`${url}#poll=10ms`))).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(/event 1 has no id/),
      });
      body = 'id: 1\ndata: hello\n\n';
      expect(await failure(httpStream(`${url}#poll=10ms`))).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(/event 1 is no JSON object: hello/),
      });
    });
  });

  it('goes on where it was when the server is killed and started again', async () => {
    const answer = (response: ServerResponse, query: URLSearchParams) => {
      ndjson(response);
      const first = Number(query.get('after') ?? 0) + 1;
      for (const id of range(first, first + 9)) response.write(line(id));
    };
    const url = await serve(answer);
    let empty = 0;
    const { rows } = await take(
      httpStream(`${url}?after={cursor}#cursor=id&poll=10ms`),
      null,
      30,
      async (batch) => {
        if (batch.rows.some((row) => row.id === 10 || row.id === 20)) await end();
        else if (batch.rows.length === 0 && server === undefined && ++empty % 2 === 0) await serve(answer);
      },
    );
    expect(ids(rows)).toEqual(range(1, 30));
  });

  it('ends when it is aborted or closed, while it waits for the server and between answers', async () => {
    const url = await serve((response, _, number) =>
      number === 1 ? ndjson(response).write(line(1)) : json(response, [{ id: 1 }]),
    );
    for (const how of ['abort', 'close', 'abort', 'close']) {
      const stream = httpStream(`${url}#poll=1h`);
      const stop = new AbortController();
      let rows = 0;
      for await (const batch of stream.read(null, stop.signal)) {
        rows += batch.rows.length;
        setTimeout(() => (how === 'abort' ? stop.abort() : stream.close()), 30);
      }
      expect(rows).toBe(1);
    }
  });

  describe('refuses', () => {
    it.each([
      [401, 'bad-option', /access is refused/],
      [403, 'bad-option', /access is refused/],
      [404, 'not-found', /answers 404/],
      [418, 'bad-option', /answers 418/],
    ])('status %d', async (status, code, message) => {
      const url = await serve((response) => response.writeHead(status).end());
      expect(await failure(httpStream(url))).toMatchObject({
        code,
        message: expect.stringMatching(message),
        details: { status },
      });
      expect(asked.length).toBe(1);
    });

    it('a position that the server no longer has', async () => {
      const url = await serve((response) => response.writeHead(410).end());
      const stream = httpStream(`${url}?after={cursor}#cursor=id`);
      expect(await failure(stream, { http: url, at: '7', rows: 0 })).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(/what follows "7"/),
      });
    });

    it.each([
      ['lines', '{"id": 1}\nrubbish\n', /row 2 is no JSON object: rubbish/],
      ['lines', '[1]\n', /row 1 is no JSON object/],
      ['page', '[{"id": 1}, 7]', /row 2 is no JSON object: 7/],
      ['page', '{"id": 1}\n{"id": 2}\n', /no JSON.*format=lines/],
      ['page', '{"meta": 1, "items": []}', /#rows=items/],
      ['page', '', /no JSON/],
    ])('%s of rubbish: %j', async (format, body, message) => {
      const url = await serve((response) => response.writeHead(200).end(body));
      expect(await failure(httpStream(`${url}#format=${format}&once=true`))).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(message),
      });
    });

    it.each([
      'lines',
      'page',
      'events',
    ])('what is longer than the limit, without keeping it: %s', async (format) => {
      let sent = 0;
      const url = await serve((response) => {
        response.writeHead(200);
        const piece = `data: ${'x'.repeat(1 << 16)}${format === 'events' ? '\n' : ''}`;
        const more = () => {
          while (!response.destroyed && sent < 1 << 28) {
            sent += piece.length;
            if (!response.write(piece)) return;
          }
        };
        response.on('drain', more);
        more();
      });
      expect(await failure(httpStream(`${url}#format=${format}&limit=1000000`))).toMatchObject({
        code: 'bad-input',
        details: { limit: 1_000_000 },
      });
      expect(sent).toBeLessThan(1 << 26);
    });

    it('to ask another server for the next page', async () => {
      const url = await serve((response) =>
        json(response, [{ id: 1 }], { link: '<http://elsewhere.test/x>; rel=next' }),
      );
      expect(await failure(httpStream(url))).toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(/not on the same server/),
      });
    });

    it('to take a key where the server sends it', async () => {
      const url = await serve((response) =>
        response.writeHead(302, { location: 'http://elsewhere.test/x?secret' }).end(),
      );
      const error = await failure(httpStream(`${url}#header=X-Key: k3y`));
      expect(error).toMatchObject({
        code: 'bad-option',
        message: expect.stringMatching(/leads to http:\/\/elsewhere.test\/x,/),
      });
    });

    it('positions that are not its own', () => {
      const stream = httpStream('http://h/events');
      for (const position of [
        7,
        'x',
        {},
        { http: 'http://h/other', at: '1', rows: 0 },
        { http: 'http://h/events', at: 1, rows: 0 },
      ]) {
        expect(() => stream.read(position, new AbortController().signal)).toThrow(
          expect.objectContaining({ code: 'schema-mismatch' }),
        );
      }
    });
  });

  it('sends user, password and keys, and names none of them', async () => {
    const url = await serve((response) => response.writeHead(500).end());
    const secret = url.replace('http://', 'http://me:p%40ss@');
    const error = await failure(httpStream(`${secret}?token=t0ken#header=X-Key: k3y&retries=0`));
    expect(asked[0].headers).toMatchObject({
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
      'x-key': 'k3y',
    });
    expect(error).toMatchObject({ code: 'io-failed', message: expect.stringMatching(/answers 500/) });
    expect(`${error} ${JSON.stringify(error)}`).not.toMatch(/p@ss|p%40ss|t0ken|k3y/);
  });
});

describe('the address of a stream over HTTP', () => {
  it.each([
    ['http://h/x#cursor=id', /no place in the address/],
    ['http://h/x?a={cursor}', /"cursor" is missing/],
    ['http://h/x?a={cursor}#cursor=id&next=n', /one of them/],
    ['http://h/{cursor}#cursor=id', /"start" is missing/],
    ['http://h/x#format=csv', /lines, page, events/],
    ['http://h/x#header=secret', /Name: value/],
    ['http://h/x#polll=1s', /no parameter "polll".*"poll"/],
    ['http://u:secret@h:port/', /cannot be read/],
  ])('%s', (address, message) => {
    expect(() => httpStream(address)).toThrow(
      expect.objectContaining({ code: 'bad-option', message: expect.stringMatching(message) }),
    );
    expect(() => httpStream(address)).not.toThrow(/secret/);
  });
});
