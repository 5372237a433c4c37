/** Losses of amounts and quantiles from options to predictions: what is asked for is fitted, judged, saved and served. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { randomUniform } from '../random.ts';
import { evaluate } from './evaluate.ts';
import { loadModel } from './load-model.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

/** Amounts that grow with x, their spread too; a third are 0 in `cost`. */
const rows = Array.from({ length: 1500 }, (_, i) => {
  const x = randomUniform(7, i, 0);
  const scale = Math.exp(1 + 2 * x);
  const amount = Number((scale * (0.2 + 1.6 * randomUniform(7, i, 1))).toFixed(4));
  const cost = randomUniform(7, i, 2) < 0.33 ? 0 : amount;
  return { x, kind: i % 3 === 0 ? 'a' : 'b', amount, cost, years: 1 + (i % 4) };
});

const folder = temporaryFolder();
let stores = 0;
function trained(options: Partial<TrainOptions>, data: readonly object[] = rows) {
  const store = join(folder, `${stores++}.sora`);
  const trees = options.learner === 'trees' || options.loss === 'quantile';
  const common = { workers: 0, store, report: false, ...(trees ? { rounds: 60 } : {}) };
  return train(data as never, { target: 'amount', ...common, ...options });
}

describe('train --loss', () => {
  it('quantile fits trees below which the share of the labels lies', async () => {
    const { model, evaluation, directory, learner, verdict } = await trained({
      loss: 'quantile',
      quantile: 0.9,
      ignore: ['cost'],
    });
    expect(learner).toBe('gradient-boosted trees, quantile loss');
    expect(model.learner.options).toMatchObject({ quantile: 0.9 });
    const [pinball] = evaluation!.metrics;
    expect(pinball.name).toBe('pinballLoss');
    expect(pinball.value).toBeLessThan(0.6 * pinball.baseline!);
    expect(verdict).toMatch(/Better than the baseline.*pinball loss/);
    const saved = await loadModel(directory);
    const values = saved.predict(rows).map(({ value }) => value as number);
    const share = values.filter((value, i) => rows[i].amount <= value).length / rows.length;
    expect(share).toBeGreaterThan(0.86);
    expect(share).toBeLessThan(0.95);
    const again = await evaluate(directory, rows as never, { workers: 0 });
    expect(again.evaluation.metrics[0]).toMatchObject({ name: 'pinballLoss' });
  });

  it.each([
    ['gamma', 'amount', 'cost', 'gammaDeviance', {}],
    ['tweedie', 'cost', 'amount', 'tweedieDeviance', { tweediePower: 1.6 }],
  ] as const)('%s fits means by its link, with both learners', async (loss, target, other, name, more) => {
    for (const learner of ['linear', 'trees'] as const) {
      const result = await trained({ loss, target, ignore: [other], learner, ...more });
      expect(result.model.learner.options).toMatchObject(more);
      const [deviance, explained] = result.evaluation!.metrics;
      expect([deviance.name, explained.name]).toEqual([name, 'devianceExplained']);
      expect(explained.value).toBeGreaterThan(0.05);
      const bias = result.evaluation!.metrics.find((metric) => metric.name === 'bias')!;
      expect(Math.abs(bias.value)).toBeLessThan(0.8);
      const [low, high] = (await loadModel(result.directory)).predict([
        { x: 0.05, kind: 'a', years: 1 },
        { x: 0.95, kind: 'a', years: 1 },
      ]);
      expect(Number(low.value)).toBeGreaterThan(0);
      expect(Number(high.value)).toBeGreaterThan(3 * Number(low.value));
    }
  });

  it('takes an exposure as an offset where the link is a logarithm', async () => {
    const yearly = rows.map(({ cost, years, ...row }) => ({ ...row, years, cost: cost * years }));
    const options = { loss: 'tweedie', target: 'cost', exposure: 'years', learner: 'trees' } as const;
    const { directory, evaluation } = await trained({ ...options, ignore: ['amount'] }, yearly);
    expect(evaluation!.metrics[1].value).toBeGreaterThan(0.05);
    const model = await loadModel(directory);
    const [one, four] = model.predict([1, 4].map((years) => ({ x: 0.5, kind: 'a', years })));
    expect(Number(four.value) / Number(one.value)).toBeCloseTo(4, 6);
  });

  it('lambdarank orders rows within groups, and is judged by groups it has not seen', async () => {
    const results = Array.from({ length: 6000 }, (_, i) => {
      const query = Math.floor(i / 12);
      const [match, age] = [randomUniform(3, i, 0), randomUniform(3, i, 1)];
      const value = 3 * match + age + randomUniform(3, i, 2) + 2 * randomUniform(3, query, 3);
      return { query: `q${query}`, match, age, grade: Math.min(3, Math.floor(value / 1.7)) };
    });
    const options = { loss: 'lambdarank', target: 'grade', group: 'query' } as const;
    const {
      directory,
      evaluation,
      verdict,
      learner,
      rows: counts,
    } = await trained({ ...options, learner: 'trees' }, results);
    expect(learner).toBe('gradient-boosted trees, lambdarank loss');
    expect(counts.test % 12).toBe(0);
    expect(evaluation!.metrics.map(({ name }) => name)).toEqual(['ndcg@10', 'ndcg@5', 'ndcg@1']);
    const [reached] = evaluation!.metrics;
    expect(reached.value).toBeGreaterThan(reached.baseline! + 0.1);
    expect(verdict).toMatch(/Better than the baseline .* NDCG@10/);
    const model = await loadModel(directory);
    const [good, bad] = model.predict([
      { match: 0.9, age: 0.9 },
      { match: 0.1, age: 0.1 },
    ]);
    expect(Number(good.value)).toBeGreaterThan(Number(bad.value));
    const again = await evaluate(directory, results as never, { workers: 0 });
    expect(again.evaluation.metrics[0].value).toBeGreaterThan(reached.baseline! + 0.1);
    await expect(trained({ loss: 'lambdarank', target: 'grade' }, results)).rejects.toThrow(/--group COLUMN/);
  });

  it('refuses labels, losses and options that do not go together', async () => {
    const failure = (options: Partial<TrainOptions>) => trained(options).then(() => undefined, String);
    expect(await failure({ loss: 'gamma', target: 'cost', learner: 'trees' })).toMatch(
      /least label of the training rows is 0, which loss gamma cannot learn: .*tweedie/,
    );
    expect(await failure({ loss: 'squared', quantile: 0.9 })).toMatch(/--quantile is for loss quantile/);
    expect(await failure({ tweediePower: 1.5 })).toMatch(/--tweedie-power is for loss tweedie/);
    expect(await failure({ loss: 'quantile', learner: 'linear', rounds: undefined })).toMatch(
      /for gradient-boosted trees/,
    );
    expect(await failure({ loss: 'quantile', quantile: 1 })).toMatch(/--quantile is 1/);
    expect(await failure({ loss: 'gamma', target: 'kind' })).toMatch(/Task regression needs a number label/);
    expect(await failure({ loss: 'logistic' })).toMatch(/--loss is logistic, and the target "amount"/);
    expect(await failure({ loss: 'squared', task: 'count', exposure: 'years' })).toMatch(
      /exposure means nothing/,
    );
  });
});
