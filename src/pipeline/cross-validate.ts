/** k-fold cross-validation by particle: recipe and parameters are fitted anew without each fold, then judged on it. */
import type { z } from 'zod';
import type { EvaluationResult } from '../evaluate/result.ts';
import { kFolds } from '../evaluate/split.ts';
import type { Executor, Session } from '../run/session.ts';
import type { Split } from '../summary/split.ts';
import { calibrate } from './calibrate.ts';
import { type Data, type Hooks, openSession } from './data.ts';
import { evaluateOn, type Fitted, fitOn } from './fit.ts';
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
    results.push(await judge(testing, fitted, options));
    await testing.close();
  }
  return results[0].metrics.map(({ name }) => summarise(name, results));
}

/** Evaluates on the rows of the fold; where the model is calibrated, on half of them after the other half did that. */
async function judge(
  testing: Session,
  fitted: Fitted,
  { calibrate: asked, seed }: z.output<typeof trainShape>,
): Promise<EvaluationResult> {
  if (!asked) return evaluateOn(testing, fitted, undefined);
  const all: Split = { seed, fraction: 1, side: 'test' };
  const calibration = await calibrate(testing, fitted, all);
  return evaluateOn(testing, calibration.fitted, calibration.rest);
}

function summarise(name: string, results: readonly EvaluationResult[]): FoldMetric {
  const values = results.flatMap(({ metrics }) =>
    metrics.filter((one) => one.name === name).map((one) => one.value),
  );
  return foldMetric(name, values);
}

/** A metric by fold with its mean and deviation. */
export function foldMetric(name: string, values: readonly number[]): FoldMetric {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { name, values, mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}
