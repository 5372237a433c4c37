import { describe, expect, it } from 'vitest';
import { fitted } from '../../test/recipe-data.ts';
import { createParticle } from '../particle/create.ts';
import { applyRecipe } from './apply.ts';

describe('rows of a learner', () => {
  it('leaves out rows without a label, of an unknown class, or without weight', () => {
    const train = createParticle({ columns: { x: [1, 2, 3], y: ['a', 'b', 'a'] }, roles: { y: 'label' } });
    const recipe = fitted(train);
    const data = createParticle({
      columns: { x: [1, 2, 3, 4, 5], y: ['a', null, 'c', 'b', 'b'], w: [2, 1, 1, 0, 3] },
      roles: { y: 'label', w: 'weight' },
    });
    const { view, rows, leftOut } = applyRecipe(recipe, data, undefined, 'score');
    expect([...rows!]).toEqual([0, 4]);
    expect(leftOut).toEqual({ label: 2, weight: 1, exposure: 0 });
    expect([...view.labels]).toEqual([0, 1]);
    expect([...view.weights!]).toEqual([2, 3]);
    const all = applyRecipe(recipe, data);
    expect(all.view.rows).toBe(5);
    expect(all.view.labels).toHaveLength(0);
  });

  it('turns the exposure of a count into an offset', () => {
    const data = createParticle({
      columns: { x: [1, 2, 3], n: [0, 1, 2], e: [1, 0.5, 2] },
      roles: { n: 'label', e: 'exposure' },
    });
    const { view } = applyRecipe(fitted(data), data, undefined, 'fit');
    expect([...view.offsets!]).toEqual([0, -Math.LN2, Math.LN2]);
  });
});
