/** Prequential scores against sums done by hand, of models whose answers are known; and the baseline beside them. */
import { describe, expect, it } from 'vitest';
import { createOnline } from '../fit/online/online.ts';
import { createParticle } from '../particle/create.ts';
import { prequential } from './prequential.ts';

const features = { x: 'number' } as const;

describe('prequential evaluation', () => {
  it('predicts each row before it learns it, and repeats the last label beside', () => {
    const labels = ['a', 'a', 'b', 'b', 'b', 'a'];
    const particle = createParticle({ features: labels.map(() => [1]), labels, names: ['x'] });
    const learner = { name: 'hoeffding-tree', leaf: 'majority' } as const;
    const result = prequential(createOnline({ learner, features, classes: ['a', 'b'] }), [particle], {
      stretch: 4,
    });
    // Majority so far: tie → a, a, a, a, tie → a, b: right in rows 0 and 1. Shares of the label: ½ 1 0 ⅓ ½ ⅖.
    expect(result.accuracy).toBeCloseTo(2 / 6, 12);
    const shares = [1 / 2, 1 - 1e-15, 1e-15, 1 / 3, 1 / 2, 2 / 5];
    expect(result.logLoss).toBeCloseTo(-shares.reduce((sum, share) => sum + Math.log(share), 0) / 6, 6);
    expect(result.sameAsLast).toBeCloseTo(4 / 6, 12);
    expect(result.stretches.map(({ rows, accuracy }) => [rows, accuracy])).toEqual([
      [4, 0.5],
      [2, 0],
    ]);
  });

  it('adds up absolute errors of numbers, over particles, and leaves out rows without a label', () => {
    const part = (labels: (number | null)[]) =>
      createParticle({ features: labels.map(() => [1]), labels, names: ['x'] });
    const model = createOnline({
      learner: { name: 'passive-aggressive', variant: 'pa', epsilon: 0 },
      features,
    });
    const result = prequential(model, [part([2, null, 5]), part([4])]);
    // Passive-aggressive without a margin of error meets each label exactly, so it repeats the last one.
    expect(result.rows).toBe(3);
    expect(result.mae).toBeCloseTo((2 + 3 + 1) / 3, 12);
    expect(result.sameAsLast).toBeCloseTo(result.mae ?? Number.NaN, 12);
    expect(model.rows).toBe(3);
  });

  it('counts a row by its weight, and one of weight 0 not at all', () => {
    const learner = { name: 'hoeffding-tree', leaf: 'majority' } as const;
    const rows = { features: [[1], [1], [1]], labels: ['a', 'b', 'a'], names: ['x'] };
    const result = prequential(createOnline({ learner, features, classes: ['a', 'b'] }), [
      createParticle({ ...rows, weights: [1, 3, 0] }),
    ]);
    expect(result.rows).toBe(2);
    expect(result.accuracy).toBe(1 / 4);
    expect(result.sameAsLast).toBe(1 / 4);
  });

  it('says nothing of no rows', () => {
    const model = createOnline({ learner: 'ftrl', features });
    expect(prequential(model, [])).toEqual({ rows: 0, mae: 0, sameAsLast: 0, stretches: [] });
  });
});
