/** What a frozen model leaves to learn: its margin is in the offsets, and only the features after its own remain. */
import { expect, it } from 'vitest';
import type { Json } from '../json.ts';
import type { Particle } from '../particle/particle.ts';
import { frozenReference, frozenView } from './frozen-view.ts';

const module = new URL('./fixtures/small-views.ts', import.meta.url).href;
/** Margin 10 x₀ − x₁ + 0.5. */
const FROZEN = [10, -1, 0.5];

async function viewOf(name: string) {
  const { options } = frozenReference({ module, name }, FROZEN);
  const kind = await frozenView(options as Json);
  return { id: kind.id, view: kind.derive({} as Particle) };
}

it('sums dense features into offsets', async () => {
  const { id, view } = await viewOf('denseRows');
  expect(view).toMatchObject({ kind: 'dense', features: 1, stride: 4 });
  expect([...view.values]).toEqual([3, 6, 0, 0]);
  expect([...view.offsets!]).toEqual([10 - 2 + 0.5, 40 + 0.5]);
  expect(id).toContain('dense rows');
});

it('adds to the offsets that sparse rows have, and moves the entries that stay', async () => {
  const { view } = await viewOf('sparseRows');
  if (view.kind !== 'csr') throw new Error('not sparse');
  expect(view.features).toBe(1);
  expect([...view.offsets!]).toEqual([100 + 8.5, 200 + 40.5]);
  expect([[...view.starts], [...view.indices], [...view.values]]).toEqual([
    [0, 1, 2],
    [0, 0],
    [3, 6],
  ]);
});
