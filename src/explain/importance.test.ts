import { describe, expect, it } from 'vitest';
import { forestOf } from '../../test/forests.ts';
import { fitted } from '../../test/recipe-data.ts';
import { createParticle } from '../particle/create.ts';
import { forestSize, gainShares, splitShares } from './importance.ts';

const recipe = fitted(
  createParticle({ columns: { a: [1, 2], b: [1, 2], at: [new Date(0), new Date(1e12)] } }),
  {
    for: 'trees',
  },
);
const at = (feature: number, gain: number) => ({ feature, gain, at: 0, left: 0, right: 1 });

describe('gainShares', () => {
  it('adds up the splits of a column, over features and trees', () => {
    const deep = { ...at(1, 1), left: { ...at(2, 2), right: at(3, 3) } };
    const forest = forestOf([deep, at(1, 4)], { features: recipe.width });
    expect(gainShares(recipe, forest)).toEqual([
      { name: 'at', strength: 0.5 },
      { name: 'b', strength: 0.5 },
      { name: 'a', strength: 0 },
    ]);
    expect(forestSize(forest)).toEqual({ trees: 2, leaves: 6, depth: 3 });
    expect(splitShares(recipe, forest)).toEqual([
      { name: 'at', strength: 0.5 },
      { name: 'b', strength: 0.5 },
      { name: 'a', strength: 0 },
    ]);
  });

  it('of no trees, and of splits without a gain, are 0', () => {
    const none = forestOf([], { features: recipe.width });
    expect(gainShares(recipe, none).map(({ strength }) => strength)).toEqual([0, 0, 0]);
    expect(forestSize(none)).toEqual({ trees: 0, leaves: 0, depth: 0 });
    const idle = forestOf([at(0, 0), at(0, -1e-9)], { features: recipe.width });
    expect(gainShares(recipe, idle).every(({ strength }) => strength === 0)).toBe(true);
  });
});
