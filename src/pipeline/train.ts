/**
 * Training from end to end: data → store → recipe → fit → evaluation on held-out rows → model and report.
 * Every step is a few rounds of one session; this file only puts them in order.
 */
import { join, resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import { holdOut } from '../evaluate/split.ts';
import { isTooGood, verdict } from '../evaluate/verdict.ts';
import { type FeatureCoefficient, largestCoefficients } from '../explain/coefficients.ts';
import { type ColumnStrength, columnStrengths } from '../explain/contribution.ts';
import { columnContributions } from '../explain/explained.ts';
import { forestSize, gainShares } from '../explain/importance.ts';
import { isOwn } from '../fit/own-loss.ts';
import type { Json } from '../json.ts';
import { parametersHash, saveModel } from '../model/files.ts';
import { type LearnerRecord, type Model, parameterTensors } from '../model/model.ts';
import { isFactors } from '../model/scorer.ts';
import type { Schema } from '../particle/schema.ts';
import { asksHistory } from '../recipe/history/spec.ts';
import { servingRecipe } from '../recipe/recipe.ts';
import { learnerViewReference } from '../recipe/view.ts';
import type { Session } from '../run/session.ts';
import type { Split } from '../summary/split.ts';
import { calibrate } from './calibrate.ts';
import { withModel } from './continue.ts';
import { crossValidate } from './cross-validate.ts';
import { type Hooks, type Inputs, openData, openSession } from './data.ts';
import { learnerName } from './describe.ts';
import { evaluateOn, type Fitted, fitOn } from './fit.ts';
import { askedLearner, checkFamily, chooseLearner } from './learner.ts';
import { checkLossOptions } from './loss-choice.ts';
import { type CheckedTrain as Checked, checkOptions, type TrainOptions, trainShape } from './options.ts';
import { removeReport, writeReport } from './report.ts';
import { openExecutor, peakMemory } from './resources.ts';
import { checkTimeOptions, isTimed, planTime, type TimedData, type TimePlan, timedData } from './time.ts';
import type { TrainResult } from './train-result.ts';
import { withTransfer } from './transfer.ts';
import { preparePast } from './update-linear.ts';
import { VERSION } from './version.ts';

function assemble(
  schema: Schema,
  fitted: Fitted,
  options: Checked,
  snapshot: string,
  split: Split | undefined,
  evaluation: EvaluationResult | undefined,
  kept: TimedData['kept'],
): Model {
  const { recipe, learner, baseline } = fitted;
  const { seed } = options;
  return {
    schema,
    recipe: servingRecipe(recipe),
    learner: learner.record,
    baseline: baseline as unknown as Json,
    ...(evaluation ? { metrics: evaluation as unknown as Json } : {}),
    provenance: {
      sora: VERSION,
      snapshot,
      seed,
      ...(split ? { split: splitRecord(split) } : {}),
      ...(options.ageing ? { ageing: { ...options.ageing } } : {}),
      ...(options.transferModel ? { transfer: parametersHash(options.transferModel) } : {}),
    },
    ...(kept ? { history: kept.history } : {}),
    tensors: { ...parameterTensors(learner.parameters, learner.record), ...kept?.tensors },
  };
}

/** How the rows that were learned from were chosen: by a share of their hashes, or by time. */
function splitRecord({ seed, fraction, within }: Split): Model['provenance']['split'] {
  return within ? { seed, within: { ...within } } : { seed, fraction };
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

/** Columns by what they do: the spread of their part of a linear model, or their share of the gain of trees. */
async function strengths(
  session: Session,
  { recipe, view, learner }: Fitted,
): Promise<{ readonly strengths: ColumnStrength[]; readonly means?: readonly number[] }> {
  const { parameters, record } = learner;
  if (isFactors(parameters)) {
    const rows = { view, rows: FACTOR_ROWS };
    const { columns } = await columnContributions(session, { recipe, learner: record, parameters }, rows);
    return { strengths: [...columns] };
  }
  if (!(parameters instanceof Float64Array)) return { strengths: gainShares(recipe, parameters) };
  return columnStrengths(session, recipe, parameters, record.outputs, view);
}

/** The record of a linear model with the means that explanations are counted from. */
function withMeans(record: LearnerRecord, means: readonly number[] | undefined): LearnerRecord {
  return record.name === 'glm' && means ? { ...record, means: [...means] } : record;
}

/** Rows that the strengths of columns in a factorization machine are the mean parts of. */
const FACTOR_ROWS = 10_000;

/** Leaves times rows that the contributions of a report may cost: about half a second. */
const REPORT_LEAVES = 10_000_000;

/** Mean contributions of the columns of trees over held-out rows, as many as are had at little cost. */
async function contributions(
  session: Session,
  { recipe, learner }: Fitted,
  split: Split,
): Promise<TrainResult['contributions']> {
  const { parameters, record } = learner;
  if (parameters instanceof Float64Array || isFactors(parameters)) return undefined;
  const { leaves } = forestSize(parameters);
  const held = Math.max(200, REPORT_LEAVES / Math.max(1, leaves));
  return columnContributions(
    session,
    { recipe, learner: record, parameters },
    {
      view: learnerViewReference({ recipe, split, purpose: 'score' }),
      // The share of a sample is one of all rows, of which the view has a fraction.
      rows: held / split.fraction,
    },
  );
}

/** The largest coefficients of words and entries; trees have none. */
function coefficients({ recipe, learner }: Fitted): FeatureCoefficient[] {
  const { parameters, record } = learner;
  if (!(parameters instanceof Float64Array)) return [];
  return largestCoefficients(recipe, parameters, record.outputs, COEFFICIENTS);
}

/**
 * Trains a model on files, a query, an iterable or a store, and writes it.
 * @example
 * const { metrics, directory } = await train('people.csv', { target: 'income' });
 */
export async function train(inputs: Inputs, given: TrainOptions & Hooks): Promise<TrainResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks: Hooks = { signal, onProgress, onNote };
  const own = isOwn(plain.loss) ? plain.loss : undefined;
  const checked = checkOptions(trainShape, own ? { ...plain, loss: undefined } : plain);
  let options = await withTransfer(await withModel(own ? { ...checked, ownLoss: own } : checked));
  const asked = askedLearner(options);
  if (asked) checkFamily(asked, options);
  checkLossOptions(options);
  checkTimeOptions(options);
  if (options.fromModel && (options.fromModel.history || asksHistory(options))) {
    throw new SoraError(
      'bad-option',
      'Option --from cannot go on with features over time yet: train on all rows instead.',
    );
  }
  if (options.calibrate && options.testFraction === 0) {
    throw new SoraError(
      'bad-option',
      'Option --calibrate needs held-out rows: raise --test-fraction above 0.',
    );
  }
  const started = performance.now();
  const timed = isTimed(options);
  const random =
    options.testFraction > 0 && !timed
      ? holdOut({ seed: options.seed, fraction: options.testFraction })
      : undefined;
  const opened = await openData(inputs, { ...options, profiled: random?.train }, hooks, {
    needTarget: true,
    needFeatures: !asksHistory(options),
  });
  const ordered = await timedData(opened, options, hooks);
  const { data } = ordered;
  const ingested = performance.now();
  const choice = asked === undefined ? chooseLearner(data.schema, data.snapshot.rows) : undefined;
  const notes = choice ? [...data.notes, `${choice.family}: ${choice.why}`] : data.notes;
  if (choice) {
    onNote?.(notes.at(-1) as string);
    checkFamily(choice.family, options);
    options = { ...options, learner: choice.family };
  }
  const { bytes, rows } = data.snapshot;
  const isTrees = (asked ?? choice?.family) === 'trees';
  const executor = openExecutor(options, {
    bytes,
    ...(isTrees ? { cells: rows * data.schema.fields.length } : {}),
  });
  try {
    const session = await openSession(executor, data, hooks, options.cache);
    const { schema, snapshot } = data;
    const plan: TimePlan = timed ? await planTime(session, ordered, options) : { ...random };
    const { train: learned, test: held } = plan;
    options = { ...options, timed, ...(plan.ageing ? { ageing: plan.ageing } : {}) };
    let prepared = ingested;
    const within = { ...hooks, store: data.store.root };
    let fitted = await fitOn(session, schema, options, learned, within, () => {
      prepared = performance.now();
    });
    if (options.cache && options.transferModel === undefined) await preparePast(session, fitted);
    const fitEnd = performance.now();
    const calibration = options.calibrate && held ? await calibrate(session, fitted, held) : undefined;
    if (calibration) fitted = calibration.fitted;
    const evaluation = held && (await evaluateOn(session, fitted, calibration?.rest ?? held));
    const folds =
      options.folds === undefined ? undefined : await crossValidate(executor, data, options, hooks);
    const { strengths: features, means } = await strengths(session, fitted);
    const { learner } = fitted;
    fitted = { ...fitted, learner: { ...learner, record: withMeans(learner.record, means) } };
    const shap = options.report && held ? await contributions(session, fitted, held) : undefined;
    await session.close();
    const model = assemble(opened.schema, fitted, options, snapshot.id, learned, evaluation, ordered.kept);
    const directory = resolve(
      options.out ?? join(data.store.root as string, 'models', folderName(fitted.label.column)),
    );
    const done = performance.now();
    const { converged, reason, rounds } = model.learner;
    const result: TrainResult = {
      directory,
      store: data.store.root as string,
      commit: snapshot.commit,
      target: `${fitted.label.column} · ${fitted.label.note}`,
      learner: learnerName(model.learner),
      featureCount: fitted.recipe.width,
      rows: {
        total: snapshot.rows,
        train: fitted.baseline.rows,
        ...(calibration ? { calibration: calibration.rows } : {}),
        test: evaluation?.rows ?? 0,
      },
      fit: { converged, reason, rounds },
      evaluation,
      folds,
      verdict: evaluation
        ? verdict(evaluation).sentence
        : 'No rows were held out: nothing is known of how good it is.',
      features,
      strength: model.learner.name === 'trees' ? 'gain' : 'spread',
      ...(shap ? { contributions: shap } : {}),
      coefficients: coefficients(fitted),
      notes: [
        ...notes,
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
