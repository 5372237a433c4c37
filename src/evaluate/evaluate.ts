/**
 * Evaluation of a fitted model on the rows of a view: one round, one result.
 * Which summary is played follows from the task; the result is the same on any executor.
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import type { LossSpec } from '../loss/registry.ts';
import { encodeParameters, type Parameters, type ScorerOptions } from '../model/scorer.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import type { Baseline, Task } from './baseline.ts';
import type { EvaluationResult } from './result.ts';

/** What to evaluate, on which rows. */
export interface EvaluateOptions extends ScorerOptions {
  readonly parameters: Parameters;
  /** Reference of a {@link ViewKind} of learner views, usually the held-out side of a row split. */
  readonly view: Reference;
  /** The loss with its parameter, where it has one. */
  readonly spec?: LossSpec;
  /** Constant predictions of the training rows. */
  readonly baseline: Baseline;
  /** Binary only: rows with at least this probability are called positive; 0.5 by default. */
  readonly threshold?: number;
}

const SUMMARY: Record<Task, { file: string; name: string }> = {
  binary: { file: './binary', name: 'binaryMetrics' },
  multiclass: { file: './multiclass', name: 'multiclassMetrics' },
  regression: { file: './regression', name: 'regressionMetrics' },
  count: { file: './regression', name: 'regressionMetrics' },
  ranking: { file: './ndcg', name: 'ndcgMetrics' },
};

/** Reference of the metric summary of a task; its parameters are the model's. */
export function metricsReference(
  options: ScorerOptions & {
    readonly baseline: Baseline;
    readonly spec?: LossSpec;
    readonly threshold?: number;
  },
): Reference {
  const { learner, loss, spec, outputs, features, baseline, threshold } = options;
  const { file, name } = SUMMARY[baseline.task];
  const own = import.meta.url;
  const module = new URL(`${file}${own.slice(own.lastIndexOf('.'))}`, own).href;
  const json = {
    learner,
    loss,
    ...(spec === undefined || Object.keys(spec).length === 1 ? {} : { spec: { ...spec } }),
    outputs,
    features,
    baseline,
    ...(threshold === undefined ? {} : { threshold }),
  };
  return { module, name, options: json as unknown as Json };
}

/**
 * Metrics with 95 % intervals beside the baseline. Throws `bad-data` when the view has no rows.
 * @example
 * const baseline = await fitBaseline(session, { task: 'binary', classes: 2, view: trainView });
 * const result = await evaluate(session, { ...glm, parameters, view: testView, baseline });
 */
export async function evaluate(session: Session, options: EvaluateOptions): Promise<EvaluationResult> {
  const { value } = await session.reduce<unknown, EvaluationResult>({
    summary: metricsReference(options),
    view: options.view,
    parameters: encodeParameters(options.parameters),
    keep: 'root',
    label: 'evaluate',
  });
  if (value.rows === 0) {
    throw new SoraError(
      'bad-data',
      'There are no rows to evaluate on: the target is missing in all of them, or too few rows are held out (raise --test-fraction; 0 evaluates none).',
    );
  }
  return value;
}
