/** What stands in a cell of the rows that are written. */
import { expect, it } from 'vitest';
import { randomUniform } from '../random.ts';
import { cellOf } from './predict.ts';

it('writes an f32 as it came: the shortest decimal that is it', () => {
  const given = [14.46, 0.1, -3.25e-7, 16_777_216, 123_456.7, 3.4e38, 1 / 3];
  const values = Float32Array.from(given);
  const written = given.map((_, row) => cellOf({ type: 'number', values }, row));
  expect(written.slice(0, 6)).toEqual(given.slice(0, 6));
  const any = Float32Array.from({ length: 2000 }, (_, i) => (randomUniform(1, 0, i) - 0.5) * 10 ** (i % 30));
  const read = Array.from(any, (_, row) => cellOf({ type: 'number', values: any }, row) as number);
  expect(Float32Array.from(read)).toEqual(any);
  expect(cellOf({ type: 'number', values: Float64Array.of(1 / 3) }, 0)).toBe(1 / 3);
});
