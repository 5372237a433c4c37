/** Evaluation of a saved model on labelled data: the same round as after training, over all rows. */

import { SoraError } from '../errors.ts';
import type { Baseline } from '../evaluate/baseline.ts';
import { evaluate as evaluateSession } from '../evaluate/evaluate.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import { verdict } from '../evaluate/verdict.ts';
import { loadModel } from '../model/files.ts';
import { modelParameters, recordedLoss } from '../model/model.ts';
import { learnerViewReference } from '../recipe/view.ts';
import { type Hooks, type Inputs, openSession } from './data.ts';
import { openForModel } from './model-data.ts';
import { checkOptions, type EvaluateOptions, evaluateShape } from './options.ts';
import { openExecutor } from './resources.ts';

export interface EvaluateResult {
  readonly model: string;
  readonly evaluation: EvaluationResult;
  readonly verdict: string;
  readonly notes: readonly string[];
}

/**
 * Metrics of a model on labelled rows, each with its interval and the training baseline beside it.
 * @example
 * const { evaluation } = await evaluate('people.sora/models/income', 'later.csv');
 */
export async function evaluate(
  directory: string,
  inputs: Inputs,
  given: EvaluateOptions & Hooks = {},
): Promise<EvaluateResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks = { signal, onProgress, onNote };
  const options = checkOptions(evaluateShape, plain);
  const model = await loadModel(directory);
  if (model.baseline === undefined) {
    throw new SoraError(
      'bad-data',
      `The model in ${directory} carries no baseline to compare with; train it again.`,
    );
  }
  const data = await openForModel(model, inputs, options, hooks);
  const executor = openExecutor(options, data.snapshot);
  try {
    const session = await openSession(executor, data, hooks, !data.temporary);
    const evaluation = await evaluateSession(session, {
      learner: model.learner.name,
      loss: model.learner.loss,
      spec: recordedLoss(model.learner),
      outputs: model.learner.outputs,
      features: model.learner.features,
      threshold: model.learner.threshold,
      parameters: modelParameters(model),
      baseline: model.baseline as unknown as Baseline,
      view: learnerViewReference({ recipe: model.recipe, purpose: 'score' }),
    });
    await session.close();
    return {
      model: directory,
      evaluation,
      verdict: verdict(evaluation, { heldOut: false }).sentence,
      notes: data.notes,
    };
  } finally {
    await executor.close();
    await data.dispose();
  }
}
