import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Database } from './duckdb.ts';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();
let files = 0;
const csv = (content: string | Uint8Array, name = `t${files++}.csv`) => fileWith(folder, name, content);

describe('how delimited text is written', () => {
  const plain = 'a,b\n1,x\n2,y\n3,z\n';
  const expected = [
    { a: 1, b: 'x' },
    { a: 2, b: 'y' },
    { a: 3, b: 'z' },
  ];

  it.each([
    ['comma', plain],
    ['no line end at the end', plain.slice(0, -1)],
    ['CRLF', plain.replaceAll('\n', '\r\n')],
    ['CR only', plain.replaceAll('\n', '\r')],
    ['mixed line ends', 'a,b\r\n1,x\n2,y\r3,z\r\n'],
    ['byte order mark', `\ufeff${plain}`],
    ['blank lines around', `\n\n${plain}\n\n`],
    ['tab', plain.replaceAll(',', '\t')],
    ['semicolon', plain.replaceAll(',', ';')],
    ['bar', plain.replaceAll(',', '|')],
    ['space after the delimiter', plain.replaceAll(',', ', ')],
    ['quoted', '"a","b"\n"1","x"\n"2","y"\n"3","z"\n'],
  ])('%s', async (_, content) => {
    const { rows, types } = await readWhole(csv(content));
    expect(rows).toEqual(expected);
    expect(types).toEqual({ a: 'number', b: 'category' });
  });

  it('a delimiter of more than one character', async () => {
    const { rows } = await readWhole(csv(plain.replaceAll(',', '::')), { delimiter: '::' });
    expect(rows).toEqual(expected);
  });

  it('gzip, of several members too', async () => {
    const half = Buffer.concat([gzipSync(plain.slice(0, 9)), gzipSync(plain.slice(9))]);
    expect((await readWhole(csv(gzipSync(plain), 'g.csv.gz'))).rows).toEqual(expected);
    expect((await readWhole(csv(half, 'members.csv.gz'))).rows).toEqual(expected);
  });

  it('zstd', async () => {
    const source = csv(plain);
    const database = await Database.open();
    await database.run(
      `COPY (SELECT * FROM read_csv('${source}')) TO '${folder}/z.csv.zst' (FORMAT csv, COMPRESSION zstd)`,
    );
    database.close();
    expect(readFileSync(`${folder}/z.csv.zst`).readUInt32LE(0)).toBe(0xfd2fb528);
    expect((await readWhole(`${folder}/z.csv.zst`)).rows).toEqual(expected);
  });

  it('delimiters, quotes and line ends inside quotes', async () => {
    const { rows } = await readWhole(csv('id2,text\n1,"a, ""b""\nc"\n2,"d\r\ne"\n3,f\n'));
    expect(rows.map((row) => row.text)).toEqual(['a, "b"\nc', 'd\r\ne', 'f']);
  });

  it('quotes escaped by a backslash', async () => {
    const { rows } = await readWhole(csv('a,b\n1,"x \\"y\\", z"\n2,"w"\n'));
    expect(rows.map((row) => row.b)).toEqual(['x "y", z', 'w']);
  });

  it('quotes that are no quotes', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `ham\t"well ${i}" he said, 5" nails`);
    const { rows } = await readWhole(csv(`${lines.join('\n')}\n`));
    expect(rows).toHaveLength(30);
    expect(rows[3].column2).toBe('"well 3" he said, 5" nails');
  });

  it('Latin-1 and UTF-16', async () => {
    const text = 'name,n\ncafé,1\nnaïve,2\n';
    const latin = await readWhole(csv(Buffer.from(text, 'latin1')));
    expect(latin.rows[0].name).toBe('café');
    expect(latin.notes.join()).toContain('Latin-1');
    const wide = await readWhole(
      csv(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])),
    );
    expect(wide.rows).toEqual(latin.rows);
  });

  it('glob characters and quotes in the name of a file', async () => {
    csv('a,b\n9,wrong\n', 'x1.csv');
    const { rows } = await readWhole(csv(plain, "it's x[1]*.csv"));
    expect(rows).toEqual(expected);
  });
});

describe('names', () => {
  it('are made unique, and what was changed is said', async () => {
    const { schema, notes } = await readWhole(csv('a,,a, b \n1,2,3,4\n5,6,7,8\n'));
    expect(schema.fields.map((field) => field.name)).toEqual(['a', 'column2', 'a_2', 'b']);
    expect(notes.join('\n')).toMatch(/column 2 has no name[\s\S]*"a" stands twice/);
  });

  it('are counted where there is no header', async () => {
    const content = '39, State-gov, ?\n50, Private, x\n38, Private, y\n';
    const { rows, notes } = await readWhole(csv(content));
    expect(rows[0]).toEqual({ column1: 39, column2: 'State-gov', column3: null });
    expect(notes.join()).toContain('--header');
  });

  it('can be given', async () => {
    const { rows } = await readWhole(csv('1,x\n2,y\n'), { names: ['n', 's'] });
    expect(rows).toEqual([
      { n: 1, s: 'x' },
      { n: 2, s: 'y' },
    ]);
    const error = await failureOf(readWhole(csv('1,x\n2,y\n'), { names: ['n'] }));
    expect(error).toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining('1 names were given for 2 columns'),
    });
  });

  it('header or not can be told', async () => {
    expect((await readWhole(csv('x,y\nu,v\n'), { header: false })).rows).toHaveLength(2);
    expect((await readWhole(csv('1,2\n3,4\n'), { header: true })).rows).toEqual([{ 1: 3, 2: 4 }]);
  });

  it('a header with one name less names the later columns', async () => {
    const { rows } = await readWhole(csv('x,y\nr1,1,2\nr2,3,4\n'));
    expect(rows).toEqual([
      { row: 'r1', x: 1, y: 2 },
      { row: 'r2', x: 3, y: 4 },
    ]);
  });
});

describe('types', () => {
  it('are found from the values', async () => {
    const { types, rows } = await readWhole(
      csv(
        'i,f,b,s,d,t,z\n1,1.5,true,x,2020-01-02,2020-01-02 03:04:05.678,01234\n-2,1e-3,FALSE,y,2021-03-04,2020-01-02T03:04:05+02:00,09876\n',
      ),
    );
    expect(types).toEqual({
      i: 'number',
      f: 'number',
      b: 'boolean',
      s: 'category',
      d: 'timestamp',
      t: 'timestamp',
      z: 'category',
    });
    expect(rows[0]).toMatchObject({
      i: 1,
      f: 1.5,
      b: true,
      d: Date.UTC(2020, 0, 2),
      t: Date.UTC(2020, 0, 2, 3, 4, 5, 678),
      z: '01234',
    });
    expect(rows[1].t).toBe(Date.UTC(2020, 0, 2, 1, 4, 5));
  });

  it.each([
    ['01/31/2020', '12/25/2021 ', Date.UTC(2020, 0, 31)],
    ['31/01/2020', '25/12/2021', Date.UTC(2020, 0, 31)],
    ['31.01.2020', '25.12.2021', Date.UTC(2020, 0, 31)],
    ['2020/01/31', '2021/12/25', Date.UTC(2020, 0, 31)],
    ['2020-01', '2021-12', Date.UTC(2020, 0, 1)],
    ['1/31/2020 4:05', '12/25/2021 13:59', Date.UTC(2020, 0, 31, 4, 5)],
    ['31.01.2020 04:05:06', '25.12.2021 13:59:59', Date.UTC(2020, 0, 31, 4, 5, 6)],
  ])('dates like %s', async (first, second, time) => {
    const { rows, types } = await readWhole(csv(`when,x\n${first},1\n${second},2\n`));
    expect(types.when).toBe('timestamp');
    expect(rows[0].when).toBe(time);
  });

  it('can be told', async () => {
    const { types, rows } = await readWhole(csv('a,b\n1,2020-01-01\n0,2020-01-02\n'), {
      types: { a: 'boolean', b: 'category' },
    });
    expect(types).toEqual({ a: 'boolean', b: 'category' });
    expect(rows[0]).toEqual({ a: true, b: '2020-01-01' });
  });

  it('tell texts from categories', async () => {
    const line = (i: number) => `${i % 3 === 0 ? 'red' : 'blue'},"Message number ${i} says hello to you"`;
    const content = `colour,message\n${Array.from({ length: 40 }, (_, i) => line(i)).join('\n')}\n`;
    const { types } = await readWhole(csv(content));
    expect(types).toEqual({ colour: 'category', message: 'text' });
  });

  it('missing values of many spellings', async () => {
    const { rows } = await readWhole(csv('n,s\n1,x\nNA,NA\n?,?\n,\nNaN,null\n nan, N/A \n-3,y\n'));
    expect(rows.map((row) => row.n)).toEqual([1, null, null, null, null, null, -3]);
    expect(rows.map((row) => row.s)).toEqual(['x', null, null, null, null, null, 'y']);
  });

  it('further spellings in columns of numbers only', async () => {
    const { rows, types, notes } = await readWhole(csv('n,s\n1,-\n-,-\n2,None\n3,x\n'));
    expect(types.n).toBe('number');
    expect(notes.join()).toContain('"-" means missing');
    expect(rows.map((row) => row.n)).toEqual([1, null, 2, 3]);
  });

  it('infinities stay, numbers of any spelling are read', async () => {
    const { rows } = await readWhole(csv('n,m\ninf,1\n-Infinity,+2\n.5,3.\n1e400,1_000\n'));
    expect(rows.map((row) => row.n)).toEqual([Infinity, -Infinity, 0.5, Infinity]);
    expect(rows.map((row) => row.m)).toEqual([1, 2, 3, 1000]);
  });

  it('keys beyond 2^53 stay exact', async () => {
    const content = 'k,x\n9007199254740993,1\n9007199254740992,2\n';
    const { rows, types, notes } = await readWhole(csv(content), { key: 'k' });
    expect(types.k).toBe('category');
    expect(rows.map((row) => row.k)).toEqual(['9007199254740993', '9007199254740992']);
    expect(notes.join()).toContain('2^53');
    const later = `k,x\n${Array.from({ length: 50 }, (_, i) => `${i},1`).join('\n')}\n9007199254740993,1\n`;
    const error = await failureOf(readWhole(csv(later), { key: 'k', sample: 10 }));
    expect(error).toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('--types k=category'),
    });
  });

  it('a few mistakes among numbers are bad rows, not a reason for categories', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => (i === 300 ? 'oops' : `${i}`));
    const path = csv(`n,x\n${lines.map((n) => `${n},a`).join('\n')}\n`);
    expect((await failureOf(readWhole(path))).message).toContain(':302:1: column "n" holds "oops"');
    const { notes, types } = await readWhole(path, { types: { n: 'category' } });
    expect(types.n).toBe('category');
    expect(notes).toEqual([]);
  });

  it('integers that turn fractional after the sample are still numbers', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => (i < 90 ? `${i}` : `${i}.5`));
    const { rows } = await readWhole(csv(`n,x\n${lines.map((n) => `${n},a`).join('\n')}\n`), { sample: 10 });
    expect(rows[95].n).toBe(95.5);
  });
});

describe('bad rows', () => {
  const long = (bad: Record<number, string>, rows = 30_000) =>
    `id3,v,s\n${Array.from({ length: rows }, (_, i) => bad[i] ?? `${i},${i / 4},${i % 7 === 0 ? '"two\nlines"' : 'w'}`).join('\n')}\n`;
  const lineOf = (row: number) => 2 + row + Math.ceil(row / 7);

  it('stop at the first, naming line, column, value and remedy', async () => {
    const path = csv(long({ 20000: '20000,oops,w', 25000: '25000,later,w' }));
    const error = await failureOf(readWhole(path));
    expect(error.code).toBe('bad-input');
    expect(error.message).toContain(
      `${path}:${lineOf(20_000)}:2: column "v" holds "oops", expected a number.`,
    );
    expect(error.message).toContain('--types v=category');
    expect(error.details).toMatchObject({ line: lineOf(20_000), column: 'v', value: 'oops' });
  });

  it('too few and too many values are found', async () => {
    const few = await failureOf(readWhole(csv(long({ 12345: '12345,1' }))));
    expect(few.message).toContain(`:${lineOf(12_345)}: the row has 2 values, expected 3`);
    const many = await failureOf(readWhole(csv(long({ 12345: '12345,1,2,3' }))));
    expect(many.message).toContain(`:${lineOf(12_345)}: the row has 4 values, expected 3`);
  });

  it('are skipped and counted, in order, with their lines', async () => {
    const bad = { 5: '5,a,w', 20000: '20000,b', 29999: '29999,1,2,3' };
    const { rows, report } = await readWhole(csv(long(bad)), { badRows: 'skip' });
    expect(rows).toHaveLength(29_997);
    expect(report.badRows).toBe(3);
    expect(report.examples.map((row) => row.line)).toEqual([lineOf(5), lineOf(20_000), lineOf(29_999)]);
    expect(report.examples[0]).toMatchObject({ column: 'v', value: 'a', raw: '5,a,w', expected: 'a number' });
  });

  it('are written out in quarantine', async () => {
    const file = `${folder}/quarantine.ndjson`;
    const path = csv(long({ 7: '7,"bad\nvalue",w', 9: '9' }));
    const { rows, report } = await readWhole(path, { badRows: 'quarantine', quarantine: file });
    const written = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toHaveLength(29_998);
    expect(report.quarantine).toBe(file);
    expect(written).toHaveLength(2);
    expect(written[0]).toMatchObject({
      file: path,
      line: lineOf(7),
      column: 'v',
      value: 'bad\nvalue',
      raw: '7,"bad\nvalue",w',
    });
  });

  it('in compressed files have lines too', async () => {
    const path = csv(gzipSync(long({ 20000: '20000,oops,w' })), 'bad.csv.gz');
    expect((await failureOf(readWhole(path))).message).toContain(`:${lineOf(20_000)}:2:`);
    const { report } = await readWhole(path, { badRows: 'skip' });
    expect(report.examples[0].line).toBe(lineOf(20_000));
  });

  it('text that is not UTF-8 after the sample', async () => {
    const head = `s,n\n${'abc,1\n'.repeat(600_000)}`;
    const path = csv(Buffer.concat([Buffer.from(head), Buffer.from([0x63, 0xe9, 0x2c, 0x31, 0x0a])]));
    const error = await failureOf(readWhole(path));
    expect(error.message).toMatch(/:600002: the row is not UTF-8/);
  });

  it('times that are none are bad rows too, with their lines', async () => {
    const row = (i: number) => `${i % 5 === 0 ? '"a\nb"' : 'x'},2020-01-0${1 + (i % 9)},${i}`;
    const bad: Record<number, string> = {
      12000: 'x,yesterday,1',
      12003: 'x,2020-01-01',
      12007: 'x,2020-02-30,1',
    };
    const content = `s,t,n\n${Array.from({ length: 15_000 }, (_, i) => bad[i] ?? row(i)).join('\n')}\n`;
    const path = csv(content);
    const line = (i: number) => 2 + i + Math.ceil(i / 5) - (i > 12_000 ? 1 : 0);
    const error = await failureOf(readWhole(path));
    expect(error.message).toContain(
      `${path}:${line(12_000)}:2: column "t" holds "yesterday", expected a date or time`,
    );
    const { rows, report, types } = await readWhole(path, { badRows: 'skip' });
    expect(types.t).toBe('timestamp');
    expect(rows).toHaveLength(14_997);
    expect(report.examples.map((example) => [example.line, example.raw])).toEqual([
      [line(12_000), bad[12_000]],
      [line(12_003), bad[12_003]],
      [line(12_007), bad[12_007]],
    ]);
  });

  it('times with a zone after the sample are read in that zone', async () => {
    const content = `t,n\n${'2020-01-01T00:00:00,1\n'.repeat(200)}2020-01-01T00:00:00+02:00,1\n`;
    const { rows } = await readWhole(csv(content), { sample: 50 });
    expect(rows[200].t).toBe(Date.UTC(2019, 11, 31, 22));
  });

  it('dates of several orders in one file', async () => {
    const { rows } = await readWhole(
      csv('us,eu,iso\n12/31/2020,31.12.2020,2020-12-31\n1/2/2021,2.1.2021,2021-01-02\n'),
    );
    expect(new Set(Object.values(rows[1]))).toEqual(new Set([Date.UTC(2021, 0, 2)]));
  });

  it('every row is counted once, good or bad', async () => {
    const bad: Record<number, string> = {};
    for (let i = 0; i < 30_000; i += 13) bad[i] = i % 2 === 0 ? `${i},x,y` : `${i}`;
    const { rows, report } = await readWhole(csv(long(bad)), { badRows: 'skip', types: { v: 'number' } });
    expect(rows.length + report.badRows).toBe(30_000);
    expect(report.badRows).toBe(Object.keys(bad).length);
  });
});

describe('cancelling', () => {
  it('is answered at once', async () => {
    const path = csv(`a,b\n${'1,2\n'.repeat(3_000_000)}`);
    const controller = new AbortController();
    const reading = readWhole(path, { signal: controller.signal });
    setTimeout(() => controller.abort(), 150);
    const started = performance.now();
    expect(await failureOf(reading)).toMatchObject({ code: 'cancelled' });
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
