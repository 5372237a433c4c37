/** k-fold cross-validation by particle: recipe and parameters are fitted anew without each fold, then judged on it. */
import type { z } from 'zod';
import type { EvaluationResult } from '../evaluate/result.ts';
import { kFolds } from '../evaluate/split.ts';
import type { Executor } from '../run/session.ts';
import { type Data, type Hooks, openSession } from './data.ts';
import { evaluateOn, fitOn } from './fit.ts';
import type { trainShape } from './options.ts';

/** A metric over the folds. */
export interface FoldMetric {
  readonly name: string;
  readonly values: readonly number[];
  readonly mean: number;
  /** Sample standard deviation over the folds. */
  readonly deviation: number;
}

/** Fits and evaluates `options.folds` times. Cost: about that many trainings. */
export async function crossValidate(
  executor: Executor,
  data: Data,
  options: z.output<typeof trainShape>,
  hooks: Hooks,
): Promise<FoldMetric[]> {
  const results: EvaluationResult[] = [];
  for (const fold of kFolds(data.snapshot.particles, options.folds as number, options.seed)) {
    const training = await openSession(executor, data, hooks, options.cache, fold.train);
    const fitted = await fitOn(training, data.schema, options, undefined, hooks);
    await training.close();
    const testing = await openSession(executor, data, hooks, options.cache, fold.test);
    results.push(await evaluateOn(testing, fitted, undefined));
    await testing.close();
  }
  return results[0].metrics.map(({ name }) => summarise(name, results));
}

function summarise(name: string, results: readonly EvaluationResult[]): FoldMetric {
  const values = results.flatMap(({ metrics }) =>
    metrics.filter((one) => one.name === name).map((one) => one.value),
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { name, values, mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}
