/**
 * Training from end to end: data → store → recipe → fit → evaluation on held-out rows → model and report.
 * Every step is a few rounds of one session; this file only puts them in order.
 */
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { SoraError } from '../errors.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import { holdOut } from '../evaluate/split.ts';
import { isTooGood, verdict } from '../evaluate/verdict.ts';
import { largestCoefficients } from '../explain/coefficients.ts';
import { type ColumnStrength, columnStrengths } from '../explain/contribution.ts';
import type { Json } from '../json.ts';
import { saveModel } from '../model/files.ts';
import { glmTensors, type Model } from '../model/model.ts';
import type { Schema } from '../particle/schema.ts';
import { servingRecipe } from '../recipe/recipe.ts';
import type { Split } from '../summary/split.ts';
import { calibrate } from './calibrate.ts';
import { crossValidate } from './cross-validate.ts';
import { type Hooks, type Inputs, openData, openSession } from './data.ts';
import { evaluateOn, type Fitted, fitOn, type Loss } from './fit.ts';
import { checkOptions, type TrainOptions, trainShape } from './options.ts';
import { removeReport, writeReport } from './report.ts';
import { openExecutor, peakMemory } from './resources.ts';
import type { TrainResult } from './train-result.ts';
import { VERSION } from './version.ts';

type Checked = z.output<typeof trainShape>;

function assemble(
  schema: Schema,
  fitted: Fitted,
  options: Checked,
  snapshot: string,
  split: Split | undefined,
  evaluation: EvaluationResult | undefined,
): Model {
  const { recipe, loss, outputs, result, baseline } = fitted;
  const { l1, classWeight, tolerance, maxRounds, calibrate, seed } = options;
  return {
    schema,
    recipe: servingRecipe(recipe),
    learner: {
      name: 'glm',
      loss,
      outputs,
      features: recipe.width,
      options: { l1, l2: result.l2, classWeight, tolerance, maxRounds, calibrate },
      converged: result.converged,
      reason: result.reason,
      rounds: result.rounds,
      objective: result.objective,
      gradientNorm: result.gradientNorm,
    },
    baseline: baseline as unknown as Json,
    ...(evaluation ? { metrics: evaluation as unknown as Json } : {}),
    provenance: {
      sora: VERSION,
      snapshot,
      seed,
      ...(split ? { split: { seed, fraction: split.fraction } } : {}),
    },
    tensors: glmTensors(result.parameters, outputs, recipe.width),
  };
}

/** Words and entries that are named one by one. */
const COEFFICIENTS = 8;

/** What the evaluation asks to be told, and a warning of what looks too good. */
function remarks(evaluation: EvaluationResult, features: readonly ColumnStrength[]): string[] {
  if (!isTooGood(evaluation)) return [...evaluation.notes];
  const strongest = features.slice(0, 2).map(({ name }) => name);
  return [
    ...evaluation.notes,
    `Almost perfect: is ${strongest.join(' or ')} known only once the target is? Then leave it out (--ignore ${strongest[0]}).`,
  ];
}

/** Folder name of a target: letters, digits, `.`, `_` and `-` stay. */
function folderName(target: string): string {
  return target.replace(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^[.]+/, '_') || 'model';
}

const LEARNER: Record<Loss, string> = {
  squared: 'linear regression',
  huber: 'robust linear regression',
  logistic: 'logistic regression',
  softmax: 'multinomial logistic regression',
  poisson: 'Poisson regression',
};

/**
 * Trains a model on files, a query, an iterable or a store, and writes it.
 * @example
 * const { metrics, directory } = await train('people.csv', { target: 'income' });
 */
export async function train(inputs: Inputs, given: TrainOptions & Hooks): Promise<TrainResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks: Hooks = { signal, onProgress, onNote };
  const options = checkOptions(trainShape, plain);
  if (options.calibrate && options.testFraction === 0) {
    throw new SoraError(
      'bad-option',
      'Option --calibrate needs held-out rows: raise --test-fraction above 0.',
    );
  }
  const started = performance.now();
  const sides =
    options.testFraction > 0 ? holdOut({ seed: options.seed, fraction: options.testFraction }) : undefined;
  const data = await openData(inputs, { ...options, profiled: sides?.train }, hooks, { needTarget: true });
  const ingested = performance.now();
  const executor = openExecutor(options, data.snapshot.bytes);
  try {
    const session = await openSession(executor, data, hooks, options.cache);
    const { schema, snapshot } = data;
    let prepared = ingested;
    let fitted = await fitOn(session, schema, options, sides?.train, hooks, () => {
      prepared = performance.now();
    });
    const fitEnd = performance.now();
    const calibration = options.calibrate && sides ? await calibrate(session, fitted, sides.test) : undefined;
    if (calibration) fitted = calibration.fitted;
    const evaluation = sides && (await evaluateOn(session, fitted, calibration?.rest ?? sides.test));
    const folds =
      options.folds === undefined ? undefined : await crossValidate(executor, data, options, hooks);
    const features = await columnStrengths(
      session,
      fitted.recipe,
      fitted.result.parameters,
      fitted.outputs,
      fitted.view,
    );
    await session.close();
    const model = assemble(schema, fitted, options, snapshot.id, sides?.train, evaluation);
    const directory = resolve(
      options.out ?? join(data.store.root as string, 'models', folderName(fitted.label.column)),
    );
    const done = performance.now();
    const result: TrainResult = {
      directory,
      store: data.store.root as string,
      commit: snapshot.commit,
      target: `${fitted.label.column} · ${fitted.label.note}`,
      learner: LEARNER[fitted.loss],
      featureCount: fitted.recipe.width,
      rows: {
        total: snapshot.rows,
        train: fitted.baseline.rows,
        ...(calibration ? { calibration: calibration.rows } : {}),
        test: evaluation?.rows ?? 0,
      },
      fit: { converged: fitted.result.converged, reason: fitted.result.reason, rounds: fitted.result.rounds },
      evaluation,
      folds,
      verdict: evaluation
        ? verdict(evaluation).sentence
        : 'No rows were held out: nothing is known of how good it is.',
      features,
      coefficients: largestCoefficients(
        fitted.recipe,
        fitted.result.parameters,
        fitted.outputs,
        COEFFICIENTS,
      ),
      notes: [
        ...data.notes,
        ...(calibration ? [calibration.note] : []),
        ...(evaluation ? remarks(evaluation, features) : []),
      ],
      seconds: {
        ingest: (ingested - started) / 1000,
        recipe: (prepared - ingested) / 1000,
        fit: (fitEnd - prepared) / 1000,
        evaluate: (done - fitEnd) / 1000,
      },
      peakMemory: peakMemory(),
      workers: executor.workers,
      schema,
      model,
    };
    await removeReport(directory);
    await saveModel(directory, model);
    const report = options.report ? await writeReport(result, fitted) : undefined;
    return report === undefined ? result : { ...result, report };
  } finally {
    await executor.close();
  }
}
