import { expect, it } from 'vitest';
import { categoryColumn, numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { counts } from './counts.ts';
import { extremes } from './extremes.ts';
import { product } from './product.ts';
import { partial } from './summary.ts';

it('keeps the laws that its parts keep', () => {
  expect(() => lawful(product({ extremes: extremes(), counts: counts() }))).not.toThrow();
});

it('reads each part under its name, with its type', () => {
  const both = product({ range: extremes(), often: counts() });
  const { range, often } = both.read(
    partial(both, particleOf({ x: numberColumn([1, 5]), c: categoryColumn(['a', 'a']) })),
  );
  expect(range.x.max).toBe(5);
  expect(often.c.values).toEqual([{ value: 'a', count: 2 }]);
});

it('has an id of the ids of its parts, whatever their order', () => {
  expect(product({ a: counts(), b: extremes() }).id).toBe(product({ b: extremes(), a: counts() }).id);
  expect(product({ a: counts() }).id).not.toBe(product({ a: counts({ cap: 3 }) }).id);
});
