import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashParticle } from '../particle/hash.ts';
import type { Particle } from '../particle/particle.ts';
import { openStore } from '../store/store.ts';
import { ingestInto } from './ingest.ts';
import { narrowParticle } from './narrow.ts';
import { parseBlock } from './plain-block.ts';
import { SMALLEST_BYTES } from './plain-csv.ts';
import type { TextBlock } from './plain-text.ts';
import { type ReadSettings, readTable } from './table.ts';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();
let count = 0;
const fileOf = (content: string | Uint8Array, name = `t${count++}.csv`) => fileWith(folder, name, content);
const newStore = () => openStore(`${folder}/s${count++}.sora`, { create: true });
const hashOf = (block: Particle) => hashParticle(narrowParticle(block, 'f32'));

/** Lines of four columns, 34 bytes each, about: a number, a code, a string, a label. */
const line = (i: number) =>
  `${(i * 0.37).toFixed(4)},${i % 977},${i % 13 === 0 ? '' : `city ${i % 41} of many`},${i % 2}`;
const NAMES = 'value,code,city,label';
const lines = (rows: number) => Array.from({ length: rows }, (_, i) => line(i));
const ROWS = 100_000;
const textOf = (body: readonly string[], newline = '\n') => `${[NAMES, ...body].join(newline)}${newline}`;

/** Hashes of the particles that plain text gives, and whether all of it is plain. */
async function byText(inputs: string | string[], settings: ReadSettings = {}) {
  const table = await readTable(inputs, settings);
  const hashes: string[] = [];
  let plain = true;
  for await (const block of table.textBlocks()) {
    const parsed = block && parseBlock(block);
    plain &&= parsed !== undefined;
    if (!plain) break;
    hashes.push(hashOf(parsed as Particle));
  }
  await table.close();
  return { hashes, plain };
}

/** Hashes of the particles that DuckDB gives. */
async function byDatabase(inputs: string | string[], settings: ReadSettings = {}) {
  const table = await readTable(inputs, settings);
  const hashes: string[] = [];
  for await (const block of table.blocks()) hashes.push(hashOf(block));
  return hashes;
}

/** What an ingest leaves in a store, in whatever way it reads. */
async function ingested(inputs: string | string[], settings: ReadSettings = {}, workers = 0) {
  const store = await newStore();
  const report = await ingestInto(store, inputs, { ...settings, workers });
  return { hashes: (await store.snapshot()).particles.map(({ hash }) => hash), report };
}

describe('plain text', () => {
  const body = lines(ROWS);
  const late = (at: number, text: string) => textOf([...body.slice(0, at), text, ...body.slice(at)]);

  it.each([
    ['line feeds', textOf(body)],
    ['CRLF', textOf(body, '\r\n')],
    ['CR only', textOf(body, '\r')],
    ['no line end at the end', textOf(body).slice(0, -1)],
    ['no line end at the end, CRLF', textOf(body, '\r\n').slice(0, -2)],
    ['a byte order mark', `\ufeff${textOf(body)}`],
    ['blank lines', `${textOf(body.flatMap((text, i) => (i % 5000 === 0 ? ['', text] : [text])))}\n\n`],
    ['no header', `${body.join('\n')}\n`],
    ['tabs', textOf(body).replaceAll(',', '\t')],
    ['spaces after delimiters', textOf(body).replaceAll(',', ', ')],
    ['letters beyond ASCII', textOf(body).replaceAll('city', 'Žižkov')],
    ['markers of missing values', textOf(body.map((text, i) => (i % 9 === 0 ? `NA,?,NA,${i % 2}` : text)))],
    [
      'numbers to 17 digits',
      textOf(body.map((text, i) => `${Math.sqrt(i)}${text.slice(text.indexOf(','))}`)),
    ],
    [
      'booleans',
      textOf(body.map((text, i) => text.replace(/,\d*,/, i % 7 ? `,${i % 3 ? 'True' : 'false'},` : ',,'))),
    ],
    [
      'long lines',
      textOf(body.map((text, i) => (i % 1000 === 0 ? text.replace('city', 'city '.repeat(9000)) : text))),
    ],
  ])('gives the particles that DuckDB gives: %s', async (_, text) => {
    const path = fileOf(text);
    expect(Buffer.byteLength(text)).toBeGreaterThan(SMALLEST_BYTES);
    const expected = await byDatabase(path);
    expect(expected.length).toBeGreaterThan(8);
    expect(await byText(path)).toEqual({ plain: true, hashes: expected });
    for (const workers of [0, 2]) expect((await ingested(path, {}, workers)).hashes).toEqual(expected);
  });

  it.each([
    ['a quote', late(80_000, '1,2,"a, b",0')],
    ['a quoted line end', late(80_000, '1,2,"a\nb",0')],
    ['an escaped quote in the last row', `${textOf(body)}1,2,"a ""b""",1`],
    ['infinity', late(80_000, 'inf,2,a,0')],
    ['a line of 300 kB', late(80_000, `1,2,${'a'.repeat(300_000)},0`)],
    ['a value that is not UTF-8', late(80_000, '1,2,a,0').replace('1,2,a,0', '1,2,é,0')],
  ])('is given up where it is not plain: %s', async (name, text) => {
    const path = fileOf(Buffer.from(text, name.includes('UTF-8') ? 'latin1' : 'utf8'));
    const settings: ReadSettings = name.includes('UTF-8') ? { badRows: 'skip' } : {};
    const expected = await byDatabase(path, settings);
    const { plain, hashes } = await byText(path, settings);
    expect(plain).toBe(false);
    expect(hashes.length).toBeGreaterThan(0);
    expect(hashes).toEqual(expected.slice(0, hashes.length));
    for (const workers of [0, 2]) {
      const { hashes: all, report } = await ingested(path, settings, workers);
      expect(all).toEqual(expected);
      expect(report.badRows).toBe(name.includes('UTF-8') ? 1 : 0);
    }
  });

  it('with bad rows far behind tells their lines, columns and values', async () => {
    const bad = [...body];
    bad[85_000] = 'oops,1,a,0';
    bad[85_001] = '1,2,3';
    bad[99_999] = '1,none of it,b,1';
    const path = fileOf(textOf(bad));
    expect(await failureOf(ingested(path))).toMatchObject({
      code: 'bad-input',
      details: { file: path, line: 85_002, column: 'value', position: 1, value: 'oops' },
    });
    const quarantine = `${folder}/bad.ndjson`;
    const { hashes, report } = await ingested(path, { badRows: 'quarantine', quarantine }, 2);
    expect(hashes).toEqual(await byDatabase(path, { badRows: 'skip' }));
    expect(report).toMatchObject({ rows: ROWS - 3, badRows: 3 });
    const rows = readFileSync(quarantine, 'utf8')
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(rows).toMatchObject([
      { line: 85_002, column: 'value', value: 'oops', raw: 'oops,1,a,0' },
      { line: 85_003, reason: 'the row has 3 values, expected 4', raw: '1,2,3' },
      { line: 100_001, column: 'code', value: 'none of it' },
    ]);
  });

  it('of several files has the particles of all of them, one behind the other', async () => {
    const parts = [body.slice(0, 33_000), body.slice(33_000, 36_000), body.slice(36_000)].map((part) =>
      textOf(part),
    );
    parts[2] = parts[2].replace(NAMES, 'code,value,city,label').replace(/^([\d.]+),(\d+),/gm, '$2,$1,');
    const paths = parts.map((text) => fileOf(text));
    const whole = await byDatabase(fileOf(textOf(body)));
    expect(await byDatabase(paths)).toEqual(whole);
    for (const workers of [0, 2]) expect((await ingested(paths, {}, workers)).hashes).toEqual(whole);
    // The second file is too small to be cut; large enough, all three are.
    expect((await byText(paths)).plain).toBe(false);
    const large = [0, 1, 2].map((i) => fileOf(textOf(lines(40_000 + i))));
    expect(await byText(large)).toEqual({ plain: true, hashes: await byDatabase(large) });
  });

  it('goes on in the file where it was given up, with the bad rows of files behind', async () => {
    const parts = [lines(40_000), lines(80_000), lines(40_000)];
    parts[1][75_000] = '1,2,"quoted",0';
    parts[2][20_000] = 'oops,2,a,0';
    const paths = parts.map((part) => fileOf(textOf(part)));
    const { hashes, report } = await ingested(paths, { badRows: 'skip' });
    expect(hashes).toEqual(await byDatabase(paths, { badRows: 'skip' }));
    expect(report).toMatchObject({ rows: 159_999, badRows: 1 });
    expect(report.examples).toMatchObject([{ file: paths[2], line: 20_002, value: 'oops' }]);
  });

  it('with other marks of missing values in a file behind is given up there', async () => {
    const other = lines(40_000).map((text, i) => (i % 9 === 0 ? `-${text.slice(text.indexOf(','))}` : text));
    const paths = [fileOf(textOf(lines(40_000))), fileOf(textOf(other))];
    expect((await byText(paths)).plain).toBe(false);
    expect((await ingested(paths)).hashes).toEqual(await byDatabase(paths));
  });

  it('of columns in a given schema, in whatever order', async () => {
    const path = fileOf(textOf(body));
    const { schema } = await readWhole(path);
    const given = { schema: { fields: [schema.fields[3], schema.fields[0]] } };
    const expected = await byDatabase(path, given);
    expect(await byText(path, given)).toEqual({ plain: true, hashes: expected });
  });

  it.each([
    ['a time', (i: number) => `${i % 90},2024-01-02T03:04:05,x`],
    ['quotes', (i: number) => `${i % 90},"city ${i}",some more of it`],
  ])('is not what begins with %s', async (_, row) => {
    const path = fileOf(`a,b,c\n${Array.from({ length: ROWS }, (_, i) => row(i)).join('\n')}\n`);
    expect(await byText(path)).toEqual({ plain: false, hashes: [] });
    expect((await ingested(path)).hashes).toEqual(await byDatabase(path));
  });

  it('does not part the rows of a group', async () => {
    const path = fileOf(textOf(body));
    expect((await byText(path, { group: 'code' })).plain).toBe(false);
  });

  it('tells how far it is, and stops when told to', async () => {
    const path = fileOf(textOf(lines(300_000)));
    const size = readFileSync(path).length;
    const told: { rows: number; bytesRead?: number }[] = [];
    const before = readdirSync(folder).length;
    await ingested(path, { onProgress: (progress) => told.push(progress) });
    expect(told.at(-1)).toMatchObject({ rows: 300_000, bytesRead: size });
    for (const workers of [0, 2]) {
      const controller = new AbortController();
      const store = await newStore();
      const onProgress = () => controller.abort();
      const work = ingestInto(store, path, { signal: controller.signal, onProgress, workers });
      expect(await failureOf(work)).toMatchObject({ code: 'cancelled' });
      expect(await store.log()).toHaveLength(0);
    }
    expect(readdirSync(folder).length).toBe(before + 3);
  });

  it('is read of one file: another of the same name is an error, rows that are added are not', async () => {
    const path = fileOf(textOf(body));
    const blocks: TextBlock[] = [];
    const table = await readTable(path);
    for await (const block of table.textBlocks()) blocks.push(block as TextBlock);
    await table.close();
    appendFileSync(path, 'oops\n');
    expect(parseBlock(blocks[3])?.rows).toBe(blocks[3].rows);
    renameSync(fileOf(textOf(body)), path);
    expect(() => parseBlock(blocks[3])).toThrow(/replaced or removed/);
    rmSync(path);
    expect(() => parseBlock(blocks[3])).toThrow(/replaced or removed/);
    expect(existsSync(path)).toBe(false);
  });

  it('of any fields is what DuckDB reads, or is not plain', async () => {
    const number = fc.oneof(
      fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
      fc.integer().map(String),
      fc.stringMatching(/^-?\d{1,22}\.?\d{0,22}$/),
      fc.constantFrom('', 'NA', '007', '.5', '1.', '-0', '1e400', ' 3', '3 '),
    );
    const text = fc.oneof(
      fc.constantFrom('a', 'b', ' a', 'a ', '', 'NULL', ' NA', '?', 'é'),
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => value.replace(/["\n\r\0,]/g, '.')),
    );
    const strange = fc.constantFrom('x', '"q"', 'inf', '1_000', '+5', 'nan', '0x1', '1 2');
    const row = fc.tuple(
      number,
      text,
      fc.oneof({ weight: 400, arbitrary: number }, { weight: 1, arbitrary: strange }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 50, maxLength: 200 }), async (rows) => {
        const lead = Array.from({ length: 8000 }, (_, i) => [
          `${i / 7}`,
          `city ${i % 9} ${'of many '.repeat(20)}`,
          i,
        ]);
        const content = [...lead, ...rows].map((own) => own.join(','));
        const path = fileOf(`a,b,c\n${content.join('\n')}\n`, 'any.csv');
        const settings: ReadSettings = { badRows: 'skip' };
        const expected = await byDatabase(path, settings);
        const { plain, hashes } = await byText(path, settings);
        expect(hashes).toEqual(plain ? expected : expected.slice(0, hashes.length));
        expect((await ingested(path, settings)).hashes).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });
});
