/** Sources of text: whatever the pieces are cut into and wherever reading stops, each row comes once and in order. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openStream } from './registry.ts';
import { openStandardInput } from './standard-input.ts';
import { type RowStream, type StreamPosition, UnreadableRow } from './stream.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-streams-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let files = 0;
const place = (name: string) => {
  const folder = join(base, String(files++));
  mkdirSync(folder);
  return join(folder, name);
};

interface Taken {
  readonly rows: unknown[];
  readonly position: StreamPosition | null;
}

/** The rows until `count` have come, and the position after the batch that the last of them was in. */
async function take(stream: RowStream, count: number, from: StreamPosition | null = null): Promise<Taken> {
  const controller = new AbortController();
  const rows: unknown[] = [];
  let position = from;
  for await (const batch of stream.read(from, controller.signal)) {
    rows.push(...batch.rows);
    if (batch.rows.length > 0) position = batch.position;
    if (rows.length >= count) controller.abort();
  }
  return { rows, position };
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${JSON.stringify({ x: from + i, t: `é${from + i}` })}\n`).join(
    '',
  );
const objects = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ x: from + i, t: `é${from + i}` }));

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('standard input', () => {
  it('gives the same rows whatever the pieces', async () => {
    for (const size of [1, 7, 1000]) {
      const stream = openStandardInput(pieces(`${lines(0, 40)}\n  \n${lines(40, 60).trimEnd()}`, size));
      expect((await take(stream, 1000)).rows).toEqual(objects(0, 60));
    }
  });

  it('skips rows that were taken before, and says when fewer come', async () => {
    const stream = openStandardInput(pieces(lines(0, 30), 50));
    expect((await take(stream, 1000, { rows: 17 })).rows).toEqual(objects(17, 30));
    const short = openStandardInput(pieces(lines(0, 5), 50));
    await expect(take(short, 1000, { rows: 17 })).rejects.toThrow(/ended after 5 rows, and 17/);
    await expect(async () => take(short, 1, { offset: 3 })).rejects.toThrow(/another source/);
  });

  it('keeps the place of rows that cannot be read', async () => {
    const { rows } = await take(openStandardInput(pieces('{"x":1}\n{"x":\n{"x":3}\n', 4)), 3);
    expect(rows[1]).toBeInstanceOf(UnreadableRow);
    expect(rows[1]).toMatchObject({ raw: '{"x":', reason: expect.stringContaining('not JSON') });
    expect([rows[0], rows[2]]).toEqual([{ x: 1 }, { x: 3 }]);
  });
});

describe('a growing file', () => {
  it('goes on from any position, and waits for a half-written line', async () => {
    const path = place('events.ndjson');
    writeFileSync(path, `${lines(0, 5)}{"x":5,`);
    const stream = await openStream(path);
    const first = await take(stream, 5);
    expect(first.rows).toEqual(objects(0, 5));
    appendFileSync(path, `"t":"é5"}\n${lines(6, 9)}`);
    const second = await take(await openStream(path), 4, first.position);
    expect(second.rows).toEqual(objects(5, 9));
    appendFileSync(path, lines(9, 5000));
    const third = await take(stream, 4991, second.position);
    expect(third.rows).toEqual(objects(9, 5000));
  });

  it('reads CSV with a header, quotes and line ends inside of them', async () => {
    const path = place('events.csv');
    writeFileSync(path, '\ufeff"a";b;c d\n1;"two;\n2";é\r\n3;;"x""y"\n4;5\n6;7;"');
    const stream = await openStream(path);
    const { rows, position } = await take(stream, 3);
    expect(rows.slice(0, 2)).toEqual([
      { a: '1', b: 'two;\n2', 'c d': 'é' },
      { a: '3', b: '', 'c d': 'x"y' },
    ]);
    expect(rows[2]).toMatchObject({ reason: '2 fields, and the header has 3', raw: '4;5' });
    appendFileSync(path, '8\n"\n9;10;11\n');
    expect((await take(stream, 2, position)).rows).toEqual([
      { a: '6', b: '7', 'c d': '8\n' },
      { a: '9', b: '10', 'c d': '11' },
    ]);
  });

  it('takes a header alone as the start', async () => {
    const path = place('late.csv');
    writeFileSync(path, 'a,b');
    const stream = await openStream(path);
    const read = take(stream, 1);
    appendFileSync(path, ',c\n1,2,3\n');
    expect((await read).rows).toEqual([{ a: '1', b: '2', c: '3' }]);
  });

  it('says that it was rotated, cut short or removed', async () => {
    const path = place('log.ndjson');
    writeFileSync(path, lines(0, 10));
    const stream = await openStream(path);
    const { position } = await take(stream, 10);
    renameSync(path, `${path}.1`);
    writeFileSync(path, lines(10, 30));
    await expect(take(stream, 1, position)).rejects.toThrow(/other bytes stand before it/);
    truncateSync(path, 15);
    await expect(take(stream, 1, position)).rejects.toThrow(/it has 15 bytes/);

    const moving = take(stream, 1000);
    setTimeout(() => unlinkSync(path), 50);
    await expect(moving).rejects.toThrow(/removed after byte 0; its last 15 bytes are half a row/);
    await expect(take(stream, 1)).rejects.toThrow(/no such file/);
  });
});

describe('a folder', () => {
  it('reads files whole, in the order of their names, once they have landed', async () => {
    const folder = place('landing');
    mkdirSync(folder);
    writeFileSync(join(folder, 'b.ndjson'), lines(2, 2000).trimEnd());
    writeFileSync(join(folder, 'a.csv'), 'x,t\n0,é0\n1,é1');
    for (const name of ['.a.ndjson', 'c.ndjson.tmp', 'c.part']) writeFileSync(join(folder, name), '{"x":9');
    const stream = await openStream(folder);
    const first = await take(stream, 3);
    expect(first.rows.slice(0, 3)).toEqual([
      { x: '0', t: 'é0' },
      { x: '1', t: 'é1' },
      { x: 2, t: 'é2' },
    ]);
    const second = await take(stream, 2000 - first.rows.length, first.position);
    expect([...first.rows, ...second.rows].slice(2)).toEqual(objects(2, 2000));
    unlinkSync(join(folder, 'b.ndjson'));
    writeFileSync(join(folder, 'c.ndjson.tmp'), lines(2000, 2003));
    renameSync(join(folder, 'c.ndjson.tmp'), join(folder, 'c.ndjson'));
    expect((await take(stream, 3, second.position)).rows).toEqual(objects(2000, 2003));
  });

  it('refuses files that come too late, and those that cannot be followed', async () => {
    const folder = place('landing');
    mkdirSync(folder);
    writeFileSync(join(folder, 'b.ndjson'), lines(0, 3));
    const stream = await openStream(folder);
    const { position } = await take(stream, 3);
    writeFileSync(join(folder, 'a.ndjson'), lines(0, 3));
    await expect(take(stream, 1, position)).rejects.toThrow(/before its turn/);
    unlinkSync(join(folder, 'a.ndjson'));
    writeFileSync(join(folder, 'c.parquet'), 'PAR1');
    await expect(take(stream, 1, position)).rejects.toThrow(/only NDJSON and CSV/);
  });

  it('misses a file that it was in the middle of', async () => {
    const folder = place('landing');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.ndjson'), lines(0, 9000));
    const stream = await openStream(folder);
    const { position } = await take(stream, 1);
    unlinkSync(join(folder, 'a.ndjson'));
    await expect(take(stream, 1, position)).rejects.toThrow(/was being read, and is gone/);
  });
});

describe('openStream', () => {
  it('names what can be followed', async () => {
    await expect(openStream('ftp://user:secret@host/x')).rejects.toThrow(/"ftp:\/\/…@host\/x".*a folder/);
    await expect(openStream(join(base, 'x.bin'))).rejects.toThrow(/--format/);
  });
});
