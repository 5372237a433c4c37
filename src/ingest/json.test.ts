import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();
let files = 0;
const json = (content: string | Uint8Array, name = `t${files++}.ndjson`) => fileWith(folder, name, content);

const objects = [
  { n: 1, s: 'x', b: true, t: '2020-01-02T03:04:05Z' },
  { n: 2.5, s: null, b: false, t: null },
  { s: 'y', t: '2021-01-01' },
];
const expected = [
  { n: 1, s: 'x', b: true, t: Date.UTC(2020, 0, 2, 3, 4, 5) },
  { n: 2.5, s: null, b: false, t: null },
  { n: null, s: 'y', b: null, t: Date.UTC(2021, 0, 1) },
];
const lines = objects.map((row) => JSON.stringify(row)).join('\n');

describe('layouts', () => {
  it.each([
    ['lines', lines],
    ['lines with blank ones and a byte order mark', `\ufeff${lines.replaceAll('\n', '\n\n')}\n`],
    ['CRLF', lines.replaceAll('\n', '\r\n')],
    ['a list', JSON.stringify(objects)],
    ['a list over many lines', JSON.stringify(objects, null, 2)],
    ['objects over many lines', objects.map((row) => JSON.stringify(row, null, 2)).join('\n')],
  ])('%s', async (_, content) => {
    const { rows, types } = await readWhole(json(content));
    expect(rows).toEqual(expected);
    expect(types).toEqual({ n: 'number', s: 'category', b: 'boolean', t: 'timestamp' });
  });

  it('gzip', async () => {
    expect((await readWhole(json(gzipSync(lines), 'x.ndjson.gz'))).rows).toEqual(expected);
  });

  it('nested objects by dotted names, lists left out', async () => {
    const content =
      '{"id2":1,"at":{"city":"Oslo","geo":{"lat":59.5}},"tags":[1],"a.b":7}\n{"id2":2,"at":{"city":"Rome"}}\n';
    const { rows, notes } = await readWhole(json(content));
    expect(rows).toEqual([
      { id2: 1, 'at.city': 'Oslo', 'at.geo.lat': 59.5, 'a.b': 7 },
      { id2: 2, 'at.city': 'Rome', 'at.geo.lat': null, 'a.b': null },
    ]);
    expect(notes.join()).toContain('tags: left out');
  });

  it('keys with quotes and odd characters', async () => {
    const { rows } = await readWhole(json(`{"it's \\"x\\"":1,"ключ":"я"}\n`));
    expect(rows).toEqual([{ 'it\'s "x"': 1, ключ: 'я' }]);
  });

  it('categories of numbers and booleans are the same strings, however they are read', async () => {
    const content = '{"a":1,"b":"x"}\n{"a":"z","b":"y"}\n{"a":true,"b":"y"}\n{"a":1.5,"b":"y"}\n';
    const { rows } = await readWhole(json(content), { types: { a: 'category' } });
    expect(rows.map((row) => row.a)).toEqual(['1', 'z', 'true', '1.5']);
  });
});

describe('bad rows', () => {
  const many = (bad: Record<number, string>) =>
    `${Array.from({ length: 20_000 }, (_, i) => bad[i] ?? `{"n":${i},"s":"w${i % 5}"}`).join('\n')}\n`;

  it('stop at the first with its line', async () => {
    const path = json(many({ 15000: '{"n":"oops","s":"w"}' }));
    const error = await failureOf(readWhole(path));
    expect(error).toMatchObject({ code: 'bad-input', details: { line: 15_001, column: 'n', value: 'oops' } });
    expect(error.message).toContain(`${path}:15001:1: column "n" holds "oops", expected a number.`);
  });

  it('a line that is not JSON, or not an object', async () => {
    expect((await failureOf(readWhole(json(many({ 15000: '{"n":1,' }))))).message).toMatch(
      /:15001: not JSON/,
    );
    expect((await failureOf(readWhole(json(many({ 15000: '[1,2]' }))))).message).toMatch(
      /:15001: the row is a list, not an object/,
    );
  });

  it('are skipped and counted; all other rows are there, in order', async () => {
    const path = json(many({ 3: '{"n":{}}', 9000: 'nonsense', 15000: '{"n":"oops"}', 19999: '17' }));
    const { rows, report } = await readWhole(path, { badRows: 'skip', types: { n: 'number' } });
    expect(rows).toHaveLength(19_996);
    expect(report.examples.map((row) => row.line)).toEqual([4, 9001, 15_001, 20_000]);
    expect(rows.at(-1)).toEqual({ n: 19_998, s: 'w3' });
    expect(rows.every((row, i) => i === 0 || (row.n as number) > (rows[i - 1].n as number))).toBe(true);
  });

  it('missing markers in strings of number columns are no mistakes', async () => {
    const { rows } = await readWhole(json(many({ 19000: '{"n":"NA","s":"?"}' })));
    expect(rows).toHaveLength(20_000);
    expect(rows[19_000]).toEqual({ n: null, s: null });
  });

  it('in a list have a row number', async () => {
    const list = `[${Array.from({ length: 300 }, (_, i) => (i === 250 ? '{"n":"oops"}' : `{"n":${i}}`)).join(',\n')}]`;
    const error = await failureOf(readWhole(json(list), { sample: 100 }));
    expect(error.message).toContain('row 251: column "n" holds "oops"');
    const { rows, report } = await readWhole(json(list), { sample: 100, badRows: 'skip' });
    expect(rows).toHaveLength(299);
    expect(report.badRows).toBe(1);
  });

  it('a list that is cut short is an error', async () => {
    const error = await failureOf(readWhole(json('[{"n":1},{"n":2}', 'cut.json')));
    expect(error).toMatchObject({ code: 'bad-input' });
  });
});
