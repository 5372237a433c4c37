import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schema } from '../particle/schema.ts';
import { objectsToParticle } from './objects.ts';
import { failureOf, readWhole, rowsOf } from './test-support.ts';

const schema: Schema = {
  fields: [
    { name: 'n', type: 'number', role: 'feature' },
    { name: 'b', type: 'boolean', role: 'feature' },
    { name: 'c', type: 'category', role: 'feature' },
    { name: 't', type: 'timestamp', role: 'feature' },
    { name: 'deep.x', type: 'number', role: 'feature' },
    { name: 'y', type: 'number', role: 'label' },
  ],
};

describe('objectsToParticle', () => {
  it('takes values of JavaScript and strings alike', () => {
    const particle = objectsToParticle(schema, [
      { n: 1.5, b: true, c: 'x', t: new Date(5), deep: { x: 3 }, extra: 1 },
      { n: ' 2 ', b: 'no', c: 7, t: '2020-01-01', 'deep.x': 4, y: 1 },
      { n: null, b: undefined, c: 'NA', t: null, deep: {} },
      { n: 10n, b: 1, c: true, t: 12.5, deep: { x: Number.NaN } },
    ]);
    expect(rowsOf(particle)).toEqual([
      { n: 1.5, b: true, c: 'x', t: 5, 'deep.x': 3, y: null },
      { n: 2, b: false, c: '7', t: Date.UTC(2020, 0, 1), 'deep.x': 4, y: 1 },
      { n: null, b: null, c: null, t: null, 'deep.x': null, y: null },
      { n: 10, b: true, c: 'true', t: 12.5, 'deep.x': null, y: null },
    ]);
  });

  it('names the row, the column and the value that does not fit', () => {
    expect(() =>
      objectsToParticle(schema, [{ n: 1, b: true, c: 'x', t: 0, deep: { x: 1 } }, { n: 'many' }]),
    ).toThrow('rows: row 2: column "n" holds "many", expected a number.');
  });

  it('names a column that no row has, and the nearest that there is', () => {
    expect(() => objectsToParticle(schema, [{ N: 1, b: true, c: 'x', t: 0, deep: { x: 1 } }])).toThrow(
      /No row has a value "n" \(number\)[\s\S]*Did you mean "N"/,
    );
  });

  it('any rows give a particle or a SoraError', () => {
    const value = fc.oneof(fc.anything(), fc.string(), fc.double(), fc.date());
    const row = fc.record({ n: value, b: value, c: value, t: value, deep: value, y: value });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
        try {
          expect(objectsToParticle(schema, rows as never).rows).toBe(rows.length);
        } catch (error) {
          expect((error as Error).name).toBe('SoraError');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('rows of the program', () => {
  const rows = [
    { a: 1, s: 'x', when: new Date(1000) },
    { a: 2, s: 'y', when: null },
  ];
  const expected = [
    { a: 1, s: 'x', when: 1000 },
    { a: 2, s: 'y', when: null },
  ];

  it.each([
    ['an array', () => rows],
    ['a generator', () => rows.values()],
    [
      'an async iterable',
      () =>
        (async function* () {
          yield* rows;
        })(),
    ],
    ['a stream of objects', () => Readable.from(rows)],
    [
      'a web stream of objects',
      () =>
        new ReadableStream({
          start(controller) {
            for (const row of rows) controller.enqueue(row);
            controller.close();
          },
        }),
    ],
  ])('%s', async (_, make) => {
    expect((await readWhole(make() as never)).rows).toEqual(expected);
  });

  it('strings are read as in delimited text', async () => {
    const { types } = await readWhole([
      { n: '1', d: '2020-01-01', s: 'x' },
      { n: '2.5', d: '2020-01-02', s: 'y' },
    ]);
    expect(types).toEqual({ n: 'number', d: 'timestamp', s: 'category' });
  });

  it.each([
    ['bytes', () => Readable.from([Buffer.from('a,b\n1,'), Buffer.from('x\n2,y\n')])],
    ['strings', () => Readable.from(['a,b\n1,', 'x\n2,y\n'])],
    ['a web stream of bytes', () => new Blob(['a,b\n1,x\n2,y\n']).stream()],
  ])('a stream of %s is read as a file', async (_, make) => {
    expect((await readWhole(make() as never)).rows).toEqual([
      { a: 1, b: 'x' },
      { a: 2, b: 'y' },
    ]);
  });

  it('bad rows have numbers', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => (i === 2500 ? { a: 'oops' } : { a: i }));
    const error = await failureOf(readWhole(many, { sample: 100 }));
    expect(error.message).toContain('rows: row 2501: column "a" holds "oops"');
    const { rows: good, report } = await readWhole(many, { sample: 100, badRows: 'skip' });
    expect(good).toHaveLength(2999);
    expect(report.examples).toMatchObject([{ row: 2501, raw: '{"a":"oops"}' }]);
  });

  it('a source that is left early is told to stop', async () => {
    let stopped = false;
    async function* source() {
      try {
        for (let i = 0; ; i++) yield { a: i };
      } finally {
        stopped = true;
      }
    }
    const controller = new AbortController();
    const reading = readWhole(source(), { signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    expect(await failureOf(reading)).toMatchObject({ code: 'cancelled' });
    expect(stopped).toBe(true);
  });
});
