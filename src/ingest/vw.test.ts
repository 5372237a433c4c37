/** Vowpal Wabbit text: slots as Vowpal Wabbit has them, columns by what lines say, errors with their place. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { SparseColumn } from '../particle/column.ts';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';
import { numberOf } from './vw-rows.ts';

const folder = scratchFolder();
let files = 0;
const vw = (content: string, name = `t${files++}.vw`) => fileWith(folder, name, content);
const DATA = process.env.SORA_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

interface Golden {
  readonly bits: number;
  readonly interactions: string[];
  readonly line: string;
  readonly slots: Record<string, number>;
}
const golden: { cases: Golden[] } = JSON.parse(
  readFileSync(new URL('./fixtures/vw-slots.json', import.meta.url), 'utf8'),
);

describe('slots', () => {
  it.each(golden.cases)('are those of Vowpal Wabbit: $line', async ({ bits, interactions, line, slots }) => {
    const { particles } = await readWhole(vw(`${line}\n`), { vwBits: bits, vwInteractions: interactions });
    const column = particles[0].columns.at(-1) as SparseColumn;
    const expected = [...new Set(Object.values(slots))].sort((a, b) => a - b);
    expect([...column.indices]).toEqual(expected);
    expect(column.width).toBe(2 ** bits);
  });

  it('of one row that are one slot are added up', async () => {
    const { particles } = await readWhole(vw('1 |a x:0.5 x:2 y |b z\n'), { vwBits: 1 });
    const column = particles[0].columns.at(-1) as SparseColumn;
    expect(column.values.reduce((sum, value) => sum + value, 0)).toBe(4.5);
    expect(column.indices.length).toBeLessThanOrEqual(2);
  });
});

describe('lines', () => {
  it('give the columns that one of them has', async () => {
    const path = vw("1 |f 1\n-1 2 |f 2:0.5\n 0.5 3 0.25 'two|f 3\n|f 4\n\n1 three|f 5\r\n");
    const { rows, roles, schema } = await readWhole(path, { vwBits: 20 });
    expect(roles).toEqual({
      label: 'label',
      weight: 'weight',
      base: 'ignore',
      tag: 'ignore',
      features: 'feature',
    });
    expect(rows.map(({ label, weight, base, tag }) => [label, weight, base, tag])).toEqual([
      [1, 1, null, null],
      [-1, 2, null, null],
      [0.5, 3, 0.25, 'two'],
      [null, 1, null, null],
      [1, 1, null, 'three'],
    ]);
    expect(schema.fields.at(-1)).toMatchObject({ name: 'features', type: 'sparse', width: 2 ** 20 });
    expect(rows.map(({ features }) => Object.values(features as object))).toEqual([
      [1],
      [0.5],
      [1],
      [1],
      [1],
    ]);
  });

  it('scale the values of a namespace, and have no entries of value 0', async () => {
    const { rows } = await readWhole(vw('1 |f:2 a:0.5 b c:0\n1 |f\n'));
    expect(Object.values(rows[0].features as object).sort()).toEqual([1, 2]);
    expect(rows[1].features).toEqual({});
  });

  it('multiply the values of interactions', async () => {
    const { rows } = await readWhole(vw('1 |a x:2 |b y:3\n'), { vwInteractions: ['ab'] });
    expect(Object.values(rows[0].features as object).sort()).toEqual([2, 3, 6]);
  });

  it.each([
    ['x |f a', ':2:1: column "label" holds "x", expected a number'],
    ['1 y |f a', 'column "weight" holds "y", expected a number'],
    ["1 1 1 1 't|f a", 'holds "1"'],
    ['1 |f a b:nan c', 'column "features" holds "b:nan", expected name:number'],
    ['1 |f a b: c', 'holds "b:", expected name:number'],
    ['1 |f a:3x', 'expected name:number'],
    ['1 |f:x a', 'a number as scale'],
    ['1 f a', 'expected |features'],
  ])('a bad line: %s', async (line, message) => {
    const error = await failureOf(readWhole(vw(`1 |f a\n${line}\n1 |f b\n`)));
    expect(error).toMatchObject({ code: 'bad-input', details: { line: 2 } });
    expect(error.message).toContain(message);
  });

  it('are known by their looks, and files of bars are still files of bars', async () => {
    const named = await readWhole(vw('1 |f a:1 b\n-1 |f c\n', 'x.dat'));
    expect(named.schema.fields.map((field) => field.name)).toEqual(['label', 'features']);
    const bars = await readWhole(vw('a|b|c\n1|2|3\n4|5|6\n', 'x.txt'));
    expect(bars.schema.fields.map((field) => field.name)).toEqual(['a', 'b', 'c']);
  });

  it('refuse options that cannot be', async () => {
    expect(await failureOf(readWhole(vw('1 |f a\n'), { vwInteractions: ['abc'] }))).toMatchObject({
      code: 'bad-option',
    });
    expect(await failureOf(readWhole(vw('1 |f a\n'), { vwBits: 31 }))).toMatchObject({ code: 'bad-option' });
    const table = vw('a,b\n1,2\n', 'x.csv');
    expect(await failureOf(readWhole(table, { vwBits: 20 }))).toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining('--vw-bits is for Vowpal Wabbit text'),
    });
  });
});

it('numbers are the nearest doubles', () => {
  const of = (text: string) => numberOf(Buffer.from(text), 0, text.length);
  for (const text of [
    '0',
    '-0.5',
    '6.2699720e-02',
    '.25',
    '1.',
    '123456789012345.678',
    '1e300',
    '0.1',
    '+3',
  ]) {
    expect(of(text)).toBe(Number(text));
  }
  for (const text of ['', '.', '-', '1e', 'x', '1.2.3', '0x10', 'NaN']) expect(of(text)).toBeNaN();
});

const RCV1 = join(DATA, 'rcv1_vw', 'rcv1_small.dat');
it.skipIf(!existsSync(RCV1) && !existsSync(`${RCV1}.gz`))(
  'rcv1_small.dat: 1000 rows of 74.6 features',
  async () => {
    const content = existsSync(RCV1) ? readFileSync(RCV1) : gunzipSync(readFileSync(`${RCV1}.gz`));
    const { particles, report } = await readWhole(fileWith(folder, 'rcv1.dat', content));
    const columns = particles.map((particle) => particle.columns.at(-1) as SparseColumn);
    const names = new Set(content.toString().match(/\d+(?=:)/g));
    expect(report.rows).toBe(1000);
    expect(new Set(columns.flatMap((column) => [...column.indices])).size).toBe(names.size);
    expect(Math.max(...[...names].map(Number))).toBe(47_117);
  },
);
