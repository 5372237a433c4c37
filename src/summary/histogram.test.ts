import { expect, it } from 'vitest';
import { numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { histogram } from './histogram.ts';
import { partial } from './summary.ts';

it('keeps the laws exactly', () => {
  expect(() => lawful(histogram({ edges: [-10, 0, 5, 1e6] }))).not.toThrow();
});

it('counts values in half-open bins, the last one closed', () => {
  const values = [-1, 0, 0.5, 1, 1.5, 2, 2.1, null, Number.POSITIVE_INFINITY];
  const p = particleOf({ x: numberColumn(values), other: numberColumn(values) });
  const summary = histogram({ edges: { x: [0, 1, 2] } });
  const read = summary.read(partial(summary, p));
  expect(Object.keys(read)).toEqual(['x']);
  expect(read.x).toEqual({ edges: [0, 1, 2], counts: [2, 3], below: 1, above: 1, missing: 1, infinite: 1 });
});

it.each([[[1]], [[1, 1]], [[2, 1]], [[0, Number.POSITIVE_INFINITY]]])('refuses the edges %j', (edges) => {
  expect(() => histogram({ edges })).toThrow(/two or more finite numbers/);
  expect(() => histogram({ edges: { x: edges } })).toThrow(/Edges of column "x"/);
});
