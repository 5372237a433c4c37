/** The pure parts of ingest: names, times, guesses, records, narrowing, cutting. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, NumberColumn } from '../particle/column.ts';
import { isPresent } from '../particle/column.ts';
import type { Schema } from '../particle/schema.ts';
import { particleRows } from '../particle/size.ts';
import { cutBlocks } from './block.ts';
import type { Chunk } from './chunk.ts';
import { sliceChunk } from './chunk.ts';
import { guessTexts, guessValues, isNumberText, parseNumber } from './guess.ts';
import { closestNames, editDistance, uniqueNames } from './names.ts';
import { narrowParticle } from './narrow.ts';
import { lineEndUnifier } from './normalise.ts';
import { RecordSplitter, splitRecord } from './records.ts';
import { bytesPerRow, formatSchema, inferSchema } from './schema.ts';
import { parseTime } from './time.ts';

describe('names', () => {
  it('near ones are found', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(closestNames('incom', ['age', 'income', 'outcome'])).toEqual(['income']);
    expect(closestNames('LABEL', ['label', 'table'])[0]).toBe('label');
  });

  it('are unique whatever is given', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'a_2', '', ' ', 'column1', 'a ', 'b')), (raw) => {
        const { names } = uniqueNames(raw);
        expect(new Set(names).size).toBe(raw.length);
        expect(names.every((name) => name.length > 0)).toBe(true);
      }),
    );
  });
});

describe('times', () => {
  it.each([
    ['2020-02-29', Date.UTC(2020, 1, 29)],
    ['2020-02-29T12:30', Date.UTC(2020, 1, 29, 12, 30)],
    ['2020-02-29 12:30:15.123456', Date.UTC(2020, 1, 29, 12, 30, 15) + 123.456],
    ['2020-02-29T12:30:15Z', Date.UTC(2020, 1, 29, 12, 30, 15)],
    ['2020-02-29T12:30:15-05:30', Date.UTC(2020, 1, 29, 18, 0, 15)],
    ['0099-01-01', Date.parse('0099-01-01T00:00:00Z')],
    ['2021-02-29', undefined],
    ['2020-13-01', undefined],
    ['20200229', undefined],
    ['today', undefined],
  ])('%s', (text, time) => {
    expect(parseTime(text)).toBe(time);
  });

  it('what a date prints is read back', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(parseTime(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });
});

describe('guesses', () => {
  it('numbers are what Number reads, and a little more', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parseNumber(String(value))).toBe(value);
      }),
    );
    for (const text of ['', '+', '1e', '0x10', '1,5', '1 2', 'e5', '.'])
      expect(isNumberText(text)).toBe(false);
  });

  it.each([
    [['1', '2', '3.5'], 'number'],
    [['true', 'False'], 'boolean'],
    [['yes', 'no'], 'category'],
    [['1', 'x'], 'category'],
    [['', 'NA', null], 'category'],
    [['2020-01-01', '2020-01-02T00:00:00Z'], 'timestamp'],
    [['007', '123'], 'category'],
    [['07', '123'], 'number'],
  ])('%j are %s', (values, type) => {
    expect(guessTexts(values).type).toBe(type);
  });

  it('of values of JavaScript', () => {
    expect(guessValues([1, 2n, null]).type).toBe('number');
    expect(guessValues([true, undefined]).type).toBe('boolean');
    expect(guessValues([new Date()]).type).toBe('timestamp');
    expect(guessValues([new Uint8Array(3)]).type).toBe('binary');
    expect(guessValues([1, 'x']).type).toBe('category');
    expect(guessValues(['1', 2]).type).toBe('number');
  });
});

describe('schema', () => {
  const guess = guessTexts(['1', '2']);

  it('is printed a line a column', () => {
    const { schema } = inferSchema(
      [
        { name: 'age', guess },
        { name: 'y', guess },
      ],
      { target: 'y' },
    );
    expect(formatSchema(schema)).toBe('age  number  feature\ny    number  label');
    expect(bytesPerRow(schema, [guess, guess])).toBe(12);
  });
});

describe('records', () => {
  const dialect = { delimiter: ',', quote: '"', escape: '"' };
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é') });

  it('what is quoted and joined is split into the same fields, however it is cut', () => {
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.nat(), (table, cut) => {
        const text = table
          .map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(','))
          .join('\n');
        const splitter = new RecordSplitter(dialect);
        const at = cut % (text.length + 1);
        const records = [...splitter.push(text.slice(0, at)), ...splitter.push(text.slice(at), true)];
        expect(records.map((record) => splitRecord(record.text, dialect).fields)).toEqual(table);
      }),
    );
  });

  it('lines are counted through quotes', () => {
    const splitter = new RecordSplitter(dialect);
    const records = splitter.push('a\n"b\r\nc"\r\nd\re', true);
    expect(records.map((record) => record.line)).toEqual([1, 2, 4, 5]);
    expect(splitter.ends).toEqual({ lf: 1, cr: 1, crlf: 1 });
  });

  it('line ends are unified outside quotes, however the text is cut', () => {
    const text = 'a\r\n"b\r\nc"\rd\n';
    for (let at = 0; at <= text.length; at++) {
      const unify = lineEndUnifier('"');
      expect(unify(text.slice(0, at)) + unify(text.slice(at))).toBe('a\n"b\r\nc"\nd\n');
    }
  });
});

const narrow = (
  values: number[],
  role: 'feature' | 'label' = 'feature',
  validity?: Uint8Array,
): NumberColumn => {
  const schema: Schema = { fields: [{ name: 'n', type: 'number', role }] };
  const column: Column = { type: 'number', values: Float64Array.from(values), validity };
  return narrowParticle({ schema, rows: values.length, columns: [column] }, 'f32').columns[0] as NumberColumn;
};

describe('narrowing', () => {
  it.each([
    [[1, -128, 127], 'feature', Int8Array],
    [[1, 128], 'feature', Int16Array],
    [[1, 40_000], 'feature', Int32Array],
    [[1, 2 ** 31], 'feature', Float32Array],
    [[1, 0.1], 'feature', Float32Array],
    [[1, 1e39], 'feature', Float64Array],
    [[1, Infinity, 0.5], 'feature', Float32Array],
    [[1, 0.1], 'label', Float64Array],
    [[1, 0.5], 'label', Float32Array],
    [[1, Number.NaN], 'label', Int8Array],
  ] as const)('%j as %s', (values, role, type) => {
    expect(narrow([...values], role).values).toBeInstanceOf(type);
  });

  it('NaN becomes missing, and what lies under missing rows does not matter', () => {
    const column = narrow([1, Number.NaN, 3]);
    expect([0, 1, 2].map((row) => isPresent(column.validity, row))).toEqual([true, false, true]);
    const garbage = narrow([1, 1e300, 3], 'feature', new Uint8Array([0b101]));
    expect(garbage.values).toEqual(new Int8Array([1, 0, 3]));
    expect(narrow([1, 2], 'feature', new Uint8Array([0xff])).validity).toBeUndefined();
  });
});

describe('cutting', () => {
  const schema: Schema = {
    fields: [
      { name: 'n', type: 'number', role: 'feature' },
      { name: 'c', type: 'category', role: 'feature' },
      { name: 'b', type: 'boolean', role: 'feature' },
    ],
  };

  function chunk(from: number, rows: number): Chunk {
    const range = Array.from({ length: rows }, (_, i) => from + i);
    const validity = new Uint8Array((rows + 7) >> 3);
    range.forEach((value, i) => {
      if (value % 5 !== 0) validity[i >> 3] |= 1 << (i & 7);
    });
    return {
      rows,
      parts: [
        {
          kind: 'numbers',
          values: Float64Array.from(range),
          validity: rows % 2 === 0 ? validity : undefined,
        },
        { kind: 'texts', values: range.map((value) => (value % 3 === 0 ? null : `c${value % 11}`)) },
        { kind: 'booleans', values: Uint8Array.from(range, (value) => value & 1), validity },
      ],
    };
  }

  async function cut(sizes: readonly number[]) {
    async function* chunks() {
      let from = 0;
      for (const size of sizes) {
        yield chunk(from, size);
        from += size;
      }
    }
    const blocks = [];
    const normalise = () => (text: string) => text;
    for await (const block of cutBlocks(chunks(), { schema, bytesPerRow: 9, normalise })) blocks.push(block);
    return blocks;
  }

  it('goes by the size policy, whatever the chunks', async () => {
    const one = await cut([2000, 3000, 3192, 808]);
    expect(one.map((block) => block.rows)).toEqual([particleRows(0, 9), particleRows(1, 9), 9000 - 2 * 4096]);
    const numbers = one.flatMap((block) => [...(block.columns[0] as NumberColumn).values]);
    expect(numbers).toEqual(Array.from({ length: 9000 }, (_, i) => i));
    const other = await cut([8000, 1000]);
    expect(other).toEqual(one);
  });

  it('a slice of a chunk is its rows', () => {
    const whole = chunk(0, 40);
    const slice = sliceChunk(whole, 11, 30);
    expect(slice.rows).toBe(19);
    const [numbers, texts] = slice.parts;
    expect(numbers.kind === 'numbers' && [...numbers.values]).toEqual(
      Array.from({ length: 19 }, (_, i) => 11 + i),
    );
    expect(numbers.kind === 'numbers' && isPresent(numbers.validity, 4)).toBe(false);
    expect(texts.kind === 'texts' && texts.values[0]).toBe('c0');
  });
});
