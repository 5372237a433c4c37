import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type LineForm, withLineParser } from './csv.ts';
import { LineCounter } from './csv-lines.ts';
import { kernelRuns, setKernelMode } from './mode.ts';

afterEach(() => setKernelMode('wasm'));

const FORM: LineForm = {
  delimiter: ',',
  quote: '"',
  newline: '\n',
  columns: ['number', 'string', 'skip', 'number'],
  markers: ['', 'NA', ' NA', 'é'],
};

/** All that the parser makes of a text: the words of numbers, strings and hashes a row; undefined if it is not plain. */
function parsed(text: string, form: LineForm, mode: 'wasm' | 'plain') {
  setKernelMode(mode);
  const before = kernelRuns()[mode];
  const result = withLineParser(form, (parser) => {
    const bytes = new TextEncoder().encode(text);
    parser.text.set(bytes);
    const rows: unknown[][] = [];
    const plain = parser.parse(bytes.length, (count) => {
      const { buffer } = parser.text;
      for (let row = 0; row < count; row++) {
        rows.push(
          parser.columns.map(({ numbers, packed, hashes }, column) => {
            if (form.columns[column] === 'number') return numbers[row];
            if (form.columns[column] === 'skip') return undefined;
            const view = new DataView(buffer, packed.byteOffset + 16 * row, 16);
            const length = view.getUint32(0, true);
            const at = length <= 12 ? view.byteOffset + 4 : view.getUint32(8, true);
            const own = Buffer.from(buffer, at, length).toString('utf8');
            const start = Buffer.from(buffer, view.byteOffset + 4, Math.min(4, length)).toString('latin1');
            return [own, start, hashes[2 * row], hashes[2 * row + 1]];
          }),
        );
      }
      return true;
    });
    return plain ? rows : undefined;
  });
  expect(kernelRuns()[mode]).toBe(before + 1);
  return result;
}

function both(text: string, form: LineForm = FORM) {
  const result = parsed(text, form, 'wasm');
  expect(parsed(text, form, 'plain')).toEqual(result);
  return result;
}

const numbers = (text: string) => both(`${text},x,,1\n`)?.[0][0];

describe('rows of plain lines', () => {
  it.each(['\n', '\r', '\r\n'] as const)('are lines that are not blank, ended by %j', (newline) => {
    const form = { ...FORM, newline };
    const text = ['1,a,?,2', '', '3,b,??,4', '', ''].join(newline);
    expect(both(text, form)?.map((row) => [row[0], (row[1] as string[])[0], row[3]])).toEqual([
      [1, 'a', 2],
      [3, 'b', 4],
    ]);
  });

  it.each([
    ['too few fields', '1,a,b\n'],
    ['too many fields', '1,a,b,2,3\n'],
    ['a quote', '1,a"b,c,2\n'],
    ['a quote in a column that is left out', '1,a,"c",2\n'],
    ['a carriage return', '1,a\r,c,2\n'],
    ['a NUL', '1,a\0,c,2\n'],
    ['a word for a number', '1,a,c,two\n'],
    ['two signs', '--1,a,c,2\n'],
    ['a sign alone', '-,a,c,2\n'],
    ['a point alone', '.,a,c,2\n'],
    ['no exponent', '1e,a,c,2\n'],
    ['hexadecimal digits', '0x10,a,c,2\n'],
    ['a space within', '1 2,a,c,2\n'],
    ['spaces alone', '  ,a,c,2\n'],
    ['the wrong line end', '1,a,c,2\r\n'],
  ])('are none with %s', (_, text) => {
    expect(both(text)).toBeUndefined();
    expect(both(`1,a,c,2\n${text}`)).toBeUndefined();
  });

  it('have strings of any length', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 30 }),
        (raw) => {
          const texts = raw.map((text) => text.replace(/["\n\r\0,\ud800-\udfff]/g, '_'));
          const rows = both(texts.map((text) => `1,${text},,2\n`).join('')) as [number, string[]][];
          expect(rows.map((row) => row[1][0])).toEqual(texts);
          const hashes = new Map(rows.map(([, [text, , low, high]]) => [text, `${low} ${high}`]));
          expect(new Set(hashes.values()).size).toBe(new Set(texts).size);
        },
      ),
    );
  });

  it('may be more than the columns have room for', () => {
    const rows = both(Array.from({ length: 3000 }, (_, i) => `${i},a${i},,-${i}.5\n`).join(''));
    expect(rows?.map((row) => row[0])).toEqual(Array.from({ length: 3000 }, (_, i) => i));
  });
});

describe('numbers', () => {
  it.each([
    '0',
    '-0',
    '007',
    '1.',
    '.5',
    '-.5e-3',
    '1e5',
    '1E+05',
    '9007199254740992',
    '9007199254740993',
    '1e22',
    '1e23',
    '123456789012345678901234567890',
    '0.1234567890123456789',
    '1e400',
    '-1e400',
    '1e-400',
    '5e-324',
    '2e-324',
    '1.7976931348623157e308',
    '1.7976931348623159e308',
    '2.2250738585072011e-308',
    '0e999',
    '1e99999999999999999999',
    '1e-99999999999999999999',
    '18446744073709551615',
    '18446744073709551616',
    '8.5',
    '1.2345678901234567e-5',
    '00000000000000000000000000000.5',
    '9007199254740993e-22',
    '4503599627370497.5',
    '9007199254740991.4999999999',
  ])('%s is what Number says', (text) => {
    expect(numbers(text)).toBe(Number(text));
    expect(numbers(`  ${text} `)).toBe(Number(text));
  });

  it.each(['', 'NA', ' NA', 'é'])('%j is missing', (text) => expect(numbers(text)).toBeNaN());

  it('are rounded correctly, however they are written', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    const digits = fc.stringMatching(/^-?\d{1,24}(\.\d{0,24})?(e[+-]?\d{1,3})?$/);
    // Halfway between two doubles, exactly.
    const halfway = fc
      .tuple(fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }), fc.integer({ min: 0, max: 8 }), fc.nat(3))
      .map(([whole, twos, fives]) => {
        const middle = (2n * whole + 1n) * 2n ** BigInt(twos) * 5n ** BigInt(fives);
        return fives === 0 ? String(middle) : `${middle}e-${fives}`;
      });
    const text = fc.oneof(
      halfway,
      double.map(String),
      double.map((value) => value.toPrecision(17)),
      double.map((value) => value.toExponential()),
      fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value.toFixed(12)),
      digits,
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(numbers(value)).toBe(Number(value));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('counting lines', () => {
  it('is the same in pieces of any size, on both paths', () => {
    const text = fc.array(fc.constantFrom('a', 'bb', 'c'.repeat(40), '', '', 'd,e'), { maxLength: 60 });
    fc.assert(
      fc.property(
        text,
        fc.constantFrom('\n' as const, '\r' as const, '\r\n' as const),
        fc.boolean(),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 9 }),
        (lines, newline, ended, size, limit) => {
          const content = new TextEncoder().encode(lines.join(newline) + (ended ? newline : ''));
          const ends = (mode: 'wasm' | 'plain') => {
            setKernelMode(mode);
            const counter = new LineCounter(newline);
            const found: number[] = [];
            let rows = 0;
            for (let at = 0; at < content.length; ) {
              const { lines: more, end } = counter.take(content.subarray(at, at + size), limit - rows);
              rows += more;
              at += end;
              if (rows < limit) continue;
              found.push(at);
              rows = 0;
            }
            return { found, rows: rows + (counter.open ? 1 : 0) };
          };
          const result = ends('wasm');
          expect(ends('plain')).toEqual(result);
          const count = lines.filter((line) => line !== '').length;
          expect(result.found.length * limit + result.rows).toBe(count);
        },
      ),
      { numRuns: 500 },
    );
  });
});
