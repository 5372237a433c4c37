import { expect, it } from 'vitest';
import { particleOf, sparseColumn } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { sparse } from './sparse.ts';
import { partial } from './summary.ts';

const rows = [
  [
    [0, 2],
    [3, -4],
  ],
  [],
  null,
  [[3, 1]],
] as const;

it('keeps the laws', () => {
  expect(() => lawful(sparse(), 1e-12)).not.toThrow();
  expect(() => lawful(sparse({ width: 5 }))).not.toThrow();
});

it('reads entries, sums and greatest values by feature', () => {
  const p = particleOf({ x: sparseColumn(rows, 4) });
  expect(sparse().read(partial(sparse(), p)).x).toEqual({
    ...{ present: 3, missing: 1, entries: 3, width: 4 },
    features: { stored: [1, 0, 0, 2], sums: [2, 0, 0, -3], squares: [4, 0, 0, 17], greatest: [2, 0, 0, 4] },
  });
});

it('grows when a later particle is wider, and gives up features beyond the bound', () => {
  const summary = sparse({ width: 6 });
  const state = partial(summary, particleOf({ x: sparseColumn([[[1, 1]]], 3) }));
  summary.merge(state, partial(summary, particleOf({ x: sparseColumn([[[5, 2]]], 6) })));
  expect(summary.read(state).x.features?.sums).toEqual([0, 1, 0, 0, 0, 2]);
  summary.merge(state, partial(summary, particleOf({ x: sparseColumn([[[9, 2]]], 10) })));
  expect(summary.read(state).x).toMatchObject({ entries: 3, width: 10, features: null });
});
