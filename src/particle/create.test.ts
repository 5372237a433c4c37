import { describe, expect, test } from 'vitest';
import { SoraError } from '../errors.ts';
import { createParticle, processParticle, updateWeights } from './create.ts';
import { describeParticle } from './describe.ts';
import { mergeParticles } from './merge.ts';
import type { Particle } from './particle.ts';

/** Numbers of a column by name; missing ones are null. */
function numbers(particle: Particle, name: string): (number | null)[] {
  const column = particle.columns[particle.schema.fields.findIndex((field) => field.name === name)];
  if (column.type !== 'number') throw new Error(`${name} is ${column.type}`);
  return Array.from(column.values, (value, row) =>
    column.validity === undefined || column.validity[row >> 3] & (1 << (row & 7)) ? value : null,
  );
}

describe('createParticle', () => {
  test('from rows of numbers, typed arrays and objects alike', () => {
    const particle = createParticle({ features: [[1, 2], [3, 4]], labels: [0, 1] }); // biome-ignore format: a matrix
    expect(particle.schema.fields).toEqual([
      { name: 'x1', type: 'number', role: 'feature' },
      { name: 'x2', type: 'number', role: 'feature' },
      { name: 'label', type: 'number', role: 'label' },
    ]);
    expect([particle.rows, numbers(particle, 'x1'), numbers(particle, 'x2')]).toEqual([2, [1, 3], [2, 4]]);
    const typed = createParticle({
      features: [new Float32Array([1, 2]), new Float32Array([3, 4])],
      labels: [0, 1],
    });
    expect(typed).toEqual(particle);
    const objects = createParticle({ features: [{ x1: 1, x2: 2 }, { x1: 3, x2: 4 }], labels: [0, 1] }); // biome-ignore format: a matrix
    expect(objects).toEqual(particle);
  });

  test('NaN, null and absent values are missing', () => {
    const particle = createParticle({ features: [{ a: 1 }, { a: Number.NaN, b: 2 }, { a: null }] });
    expect(numbers(particle, 'a')).toEqual([1, null, null]);
    expect(numbers(particle, 'b')).toEqual([null, 2, null]);
  });

  test('the narrowest physical type that is exact', () => {
    const type = (...values: number[]) => {
      const column = createParticle({ columns: { values } }).columns[0];
      return column.type === 'number' && column.values.constructor.name;
    };
    expect(type(-128, 127)).toBe('Int8Array');
    expect(type(128)).toBe('Int16Array');
    expect(type(-32769)).toBe('Int32Array');
    expect(type(2 ** 31)).toBe('Float32Array');
    expect(type(-0)).toBe('Float32Array');
    expect(type(1, Number.POSITIVE_INFINITY)).toBe('Float32Array');
    expect(type(0.1)).toBe('Float64Array');
  });

  test.each([
    [{ features: [[1, 2], [3]] }, /Row 1 of features has 1 values, expected 2/],
    [{ features: [[1], 5 as never] }, /Row 1 of features has no list of values/],
    [{ features: [{ a: 1 }, [2]] }, /Row 1 of features is not an object/],
    [{ features: [[1], [2]], labels: [0] }, /There are 1 labels for 2 rows/],
    [{ features: [[1]], weights: [-1] }, /"weight", row 0: -1/],
    [{ features: [[1]], weights: [Number.POSITIVE_INFINITY] }, /"weight", row 0: Infinity/],
    [{ features: [[1], ['a']] }, /Column "x1", row 1: "a" is not a number/],
    [{ features: [[2n ** 80n + 1n]] }, /Column "x1", row 0: 1208925819614629174706177 is not a number/],
    [{ columns: { a: [1, 2], b: [1] } }, /Column "b" has 1 rows, expected 2/],
    [{ columns: { a: [1] }, roles: { z: 'label' as const } }, /no column "z"/],
    [{ columns: { a: [{} as never] } }, /Column "a", row 0: \[object Object\]/],
    [{ columns: { a: [new Date(Number.NaN)] } }, /row 0: Invalid Date is not a timestamp/],
  ])('refuses bad input %#, naming the place', (input, message) => {
    let error: unknown;
    try {
      createParticle(input);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SoraError);
    expect((error as SoraError).code).toBe('bad-input');
    expect((error as SoraError).message).toMatch(message);
  });
});

describe('processParticle', () => {
  const particle = createParticle({
    columns: { a: [0, 3, null], c: ['x', 'y', 'z'], y: [1, 2, 3] },
    roles: { y: 'label' },
  });

  test('applies to the numbers of each role; missing stays missing', () => {
    const processed = processParticle(particle, { features: (x) => x * 10, labels: (y) => y * y });
    expect(numbers(processed, 'a')).toEqual([0, 30, null]);
    expect(numbers(processed, 'y')).toEqual([1, 4, 9]);
    expect(processed.columns[1]).toBe(particle.columns[1]);
    expect(numbers(particle, 'a')).toEqual([0, 3, null]);
  });

  test('a result of NaN is missing; labels that are no numbers are refused', () => {
    expect(numbers(processParticle(particle, { features: Math.log1p }), 'a')).toEqual([
      0,
      Math.log1p(3),
      null,
    ]);
    expect(numbers(processParticle(particle, { features: (x) => x / 0 - x / 0 }), 'a')).toEqual([
      null,
      null,
      null,
    ]);
    const words = createParticle({ features: [[1]], labels: ['yes'] });
    expect(() => processParticle(words, { labels: (y) => y })).toThrow(/Labels "label" are of type category/);
  });
});

describe('updateWeights', () => {
  test('one step of weight decay', () => {
    const particle = createParticle({ features: [[1], [2]], weights: [0.5, 0.5] });
    expect(numbers(updateWeights(particle, 0.1), 'weight')).toEqual([0.45, 0.45]);
    expect(numbers(updateWeights(particle, 0), 'weight')).toEqual([0.5, 0.5]);
    expect(numbers(particle, 'weight')).toEqual([0.5, 0.5]);
  });

  test('rows without weights count as 1', () => {
    expect(numbers(updateWeights(createParticle({ features: [[1]] }), 0.25), 'weight')).toEqual([0.75]);
  });

  test.each([-0.1, 1.1, Number.NaN])('learning rate %d is refused', (rate) => {
    expect(() => updateWeights(createParticle({ features: [[1]] }), rate)).toThrow(/is not from 0 to 1/);
  });
});

test('a description shows rows, columns, statistics and values', () => {
  const particle = createParticle({
    columns: {
      n: [1, 2.5, null],
      c: ['x', null, 'y'],
      t: ['long '.repeat(20), '', 'a'],
      w: [new Date(0), null, new Date(1500)],
    },
    types: { t: 'text' },
  });
  const lines = describeParticle(mergeParticles([particle, particle])).split('\n');
  expect(lines[0]).toMatch(/^Particle [0-9a-f]{12}: 6 rows, 4 columns$/);
  expect(lines[2]).toMatch(/^n +number +feature +2 +1 +2.5 +1.75 +1, 2.5, missing, 1, 2.5, …$/);
  expect(lines[3]).toMatch(/^c +category +feature +2 +x, missing, y, x, missing, …$/);
  expect(lines[4]).toMatch(/"long long long long lo…, "", "a"/);
  expect(lines[5]).toMatch(/1970-01-01T00:00:00.000Z, missing, 1970-01-01T00:00:01.500Z/);
  expect(describeParticle(createParticle({ columns: {} }))).toMatch(/0 rows, 0 columns/);
});
