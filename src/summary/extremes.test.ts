import { expect, it } from 'vitest';
import { numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { extremes } from './extremes.ts';
import { partial } from './summary.ts';

const read = (values: (number | null)[]) => {
  const p = particleOf({ x: numberColumn(values) });
  return extremes().read(partial(extremes(), p)).x;
};

it('keeps the laws exactly', () => {
  expect(() => lawful(extremes())).not.toThrow();
});

it('counts what is missing, infinite, zero, and tells whole numbers', () => {
  expect(read([3, null, 0, -0, Number.NEGATIVE_INFINITY, 2])).toEqual({
    ...{ present: 5, missing: 1, infinite: 1, zeros: 2, integers: true, min: 0, max: 3 },
  });
  expect(read([3, 0.5]).integers).toBe(false);
  expect(Object.is(read([-0]).min, 0)).toBe(true);
});

it('has no extremes where nothing is present', () => {
  expect(read([null, null])).toMatchObject({ present: 0, missing: 2, min: null, max: null, integers: false });
  expect(read([])).toMatchObject({ present: 0, missing: 0, min: null });
  expect(read([Number.POSITIVE_INFINITY])).toMatchObject({ present: 1, infinite: 1, min: null });
});

it('sees every value of a long column, whatever is missing in it', () => {
  const values = Array.from({ length: 10_000 }, (_, i) => (i % 7 === 0 ? null : i));
  expect(read(values)).toMatchObject({ present: 8571, missing: 1429, min: 1, max: 9999 });
});
