import { describe, expect, it } from 'vitest';
import { profileOf, rowsOf, targetsOf } from '../../../test/recipe-data.ts';
import { createParticle } from '../../particle/create.ts';
import type { Particle } from '../../particle/particle.ts';
import type { DenseView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import { applyRecipe } from '../apply.ts';
import { fitRecipe } from '../fit.ts';
import { featureNames, parseRecipe, servingRecipe } from '../recipe.ts';

describe('target encoding', () => {
  const rows = 4000;
  const noise = Array.from({ length: rows }, (_, i) => `v${Math.floor(randomUniform(1, 11, i) * 800)}`);
  const labels = Array.from({ length: rows }, (_, i) => randomUniform(2, 12, i) < 0.4);
  const id = Array.from({ length: rows }, (_, i) => i);

  /** Area under the ROC curve by ranks; ties count half. */
  function auc(scores: ArrayLike<number>, truths: ArrayLike<number>): number {
    const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a] - scores[b]);
    let [below, wins] = [0, 0];
    for (let from = 0, to = 0; from < order.length; from = to) {
      let negatives = 0;
      let positives = 0;
      for (; to < order.length && scores[order[to]] === scores[order[from]]; to++) {
        if (truths[order[to]] === 1) positives++;
        else negatives++;
      }
      wins += positives * (below + negatives / 2);
      below += negatives;
    }
    return wins / (below * (order.length - below));
  }

  function encodedColumn(particle: Particle, purpose: 'fit' | 'score', smoothing?: number) {
    const targets = targetsOf([particle], 'c');
    const recipe = fitRecipe({
      schema: particle.schema,
      profile: profileOf([particle]),
      targets,
      options: { encode: { c: 'target', id: 'ignore' }, layout: 'dense', smoothing },
    });
    const { view } = applyRecipe(recipe, particle, undefined, purpose);
    const at = featureNames(recipe).indexOf('mean(c)');
    const dense = view as DenseView;
    return {
      recipe,
      scores: dense.values.subarray(at * dense.stride, at * dense.stride + rows),
      labels: view.labels,
    };
  }

  it('of pure noise says nothing about the rows it is fitted on', () => {
    const particle = createParticle({ columns: { c: noise, id, y: labels }, roles: { y: 'label' } });
    const inFold = encodedColumn(particle, 'score', 1);
    const outOfFold = encodedColumn(particle, 'fit', 1);
    expect(auc(inFold.scores, inFold.labels)).toBeGreaterThan(0.65);
    expect(Math.abs(auc(outOfFold.scores, outOfFold.labels) - 0.5)).toBeLessThan(0.04);
    const shrunk = encodedColumn(particle, 'fit');
    expect(Math.max(...shrunk.scores.map(Math.abs))).toBeLessThan(0.1);
  });

  it('of noise in rows that repeat does not turn the label round', () => {
    const few = noise.map((_, i) => `v${Math.floor(randomUniform(3, 13, i) * 40)}`);
    const particle = createParticle({ columns: { c: few, y: labels }, roles: { y: 'label' } });
    const targets = targetsOf([particle], 'c');
    const options = { encode: { c: 'target' }, layout: 'dense', smoothing: 1 } as const;
    const recipe = fitRecipe({ schema: particle.schema, profile: profileOf([particle]), targets, options });
    const { view } = applyRecipe(recipe, particle, undefined, 'fit');
    const scores = (view as DenseView).values.subarray(0, rows);
    expect(Math.abs(auc(scores, view.labels) - 0.5)).toBeLessThan(0.06);
  });

  it('of a telling column keeps what it tells, and predicts without the folds', () => {
    const telling = labels.map((y, i) => `v${Math.floor(randomUniform(4, 14, i) * 100) + (y ? 30 : 0)}`);
    const particle = createParticle({ columns: { c: telling, id, y: labels }, roles: { y: 'label' } });
    const { recipe, scores, labels: truths } = encodedColumn(particle, 'fit');
    expect(auc(scores, truths)).toBeGreaterThan(0.6);
    const serving = servingRecipe(recipe);
    const probe = createParticle({ columns: { c: ['v3', 'never', null], id: [1, 2, 3] } });
    const predicted = applyRecipe(parseRecipe(JSON.parse(JSON.stringify(serving))), probe);
    const [first, unknown] = rowsOf(predicted.view, featureNames(serving));
    expect(first['mean(c)']).toBeLessThan(0);
    expect(unknown['mean(c)']).toBeUndefined();
    expect(predicted.unknown).toEqual({ c: 1 });
    expect(JSON.stringify(serving).length).toBeLessThan(JSON.stringify(recipe).length / 2);
    expect(() => applyRecipe({ ...serving, folds: recipe.folds }, particle, undefined, 'fit')).toThrow(
      /stripped/,
    );
  });
});
