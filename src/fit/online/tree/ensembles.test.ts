/** Ensembles of trees: weights of rows, and what they do when the rule behind the labels turns round. */
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../../../random.ts';
import type { OnlineLearner, Shape } from '../learner.ts';
import { onlineLearner } from '../registry.ts';
import { RowBuffer } from '../row.ts';

const SHAPE: Shape = { width: 3, fields: 3, classes: 2, nominal: [false, false, false], seed: 4 };
const NAMES = ['adaptive-forest', 'leveraging-bagging'] as const;

function rowOf(i: number): RowBuffer {
  const row = new RowBuffer();
  for (let f = 0; f < 3; f++) row.push(f, randomUniform(8, f, i), 0);
  return row;
}

const make = (name: string, more: object = {}) => onlineLearner({ name, trees: 5, ...more }).create(SHAPE);

/** Share of the rows from `from` on that are predicted right, each before it is learned, where `turned` says the rule. */
function run(learner: OnlineLearner, from: number, to: number, turned: boolean): number {
  const out = new Float64Array(2);
  let right = 0;
  for (let i = from; i < to; i++) {
    const row = rowOf(i);
    const label = row.values[0] + row.values[1] > 1 !== turned ? 1 : 0;
    learner.predict(row, out);
    if (out[1] > out[0] === (label === 1)) right++;
    learner.learn(row, label, 1);
  }
  return right / (to - from);
}

/** Weights of the classes in the first tree, all leaves together: of a tree that has not split, what it has learned. */
function learned(learner: OnlineLearner): number {
  const arrays = learner.save();
  const numbers = arrays['0.tree.numbers'];
  return numbers[4] + numbers[5];
}

describe.each(NAMES)('%s', (name) => {
  it('learns a row in proportion to its weight', () => {
    const [whole, half] = [1, 0.5].map((weight) => {
      const learner = make(name, { grace: 1e9 });
      for (let i = 0; i < 100; i++) learner.learn(rowOf(i), i & 1, weight);
      return learned(learner);
    });
    expect(whole).toBeGreaterThan(400);
    expect(half).toBeCloseTo(whole / 2, 9);
  });

  it('has forgotten the old rule soon after it turned round', () => {
    const learner = make(name);
    run(learner, 0, 3000, false);
    const before = run(learner, 3000, 4000, false);
    const turning = run(learner, 4000, 5000, true);
    const after = run(learner, 5000, 6000, true);
    expect(before).toBeGreaterThan(0.9);
    expect(turning).toBeLessThan(before);
    expect(after).toBeGreaterThan(0.85);
  });

  it('is another with another seed, and the same with the same', () => {
    const bytes = [SHAPE, SHAPE, { ...SHAPE, seed: 5 }].map((shape) => {
      const learner = onlineLearner({ name, trees: 3 }).create(shape);
      run(learner, 0, 500, false);
      return JSON.stringify(learner.save());
    });
    expect(bytes[1]).toBe(bytes[0]);
    expect(bytes[2]).not.toBe(bytes[0]);
  });
});

it('one tree that never forgets stays behind where ensembles follow', () => {
  const tree = onlineLearner('hoeffding-tree').create(SHAPE);
  const forest = make('adaptive-forest');
  const [alone, together] = [tree, forest].map((learner) => {
    run(learner, 0, 4000, false);
    return run(learner, 4000, 6000, true);
  });
  expect(together).toBeGreaterThan(alone);
});
