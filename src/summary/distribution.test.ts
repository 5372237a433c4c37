import { expect, it } from 'vitest';
import { categoryColumn, numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { createParticle } from '../particle/create.ts';
import { distribution } from './distribution.ts';
import { checkLaws } from './laws.ts';
import { partial } from './summary.ts';

it('keeps the laws exactly', () => {
  const edges = { n: [-1, 0, 2], d: [0, 1, 1e12] };
  expect(() => lawful(distribution({ edges, categories: ['c', 'b'] }))).not.toThrow();
  const input = createParticle({
    columns: { n: [1, null, -4, 2], c: ['a', null, 'b', 'a'], b: [true, false, null, true] },
  });
  expect(() =>
    checkLaws(distribution({ edges: { n: [-1, 0, 2] }, categories: ['c', 'b'] }), { inputs: [input, input] }),
  ).not.toThrow();
});

it('counts numbers over edges and categories by value, and the columns that were named only', () => {
  const summary = distribution({ edges: { x: [0, 1, 2] }, categories: ['c'] });
  const read = summary.read(
    partial(
      summary,
      particleOf({
        x: numberColumn([0, 1, 5, null]),
        y: numberColumn([0, 1, 5, null]),
        c: categoryColumn(['a', 'a', null, 'b']),
      }),
    ),
  );
  expect(read.numbers).toEqual({
    x: { edges: [0, 1, 2], counts: [1, 1], below: 0, above: 1, missing: 1, infinite: 0 },
  });
  expect(Object.keys(read.categories)).toEqual(['c']);
  expect(read.categories.c.values[0]).toEqual({ value: 'a', count: 2 });
});
