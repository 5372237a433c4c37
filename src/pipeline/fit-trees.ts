/** Gradient-boosted trees as a learner of the pipeline. */
import type { Baseline } from '../evaluate/baseline.ts';
import { classFactors, classWeightedReference } from '../fit/glm/class-weights.ts';
import { fitTrees, type TreesResult } from '../fit/tree/fit.ts';
import type { Checkpoints, FitTreesOptions, TreesProgress } from '../fit/tree/options.ts';
import { refitForest } from '../fit/tree/refit.ts';
import { type Model, modelForest } from '../model/model.ts';
import { categoricalFeatures, markFeatures } from '../recipe/recipe.ts';
import type { Session } from '../run/session.ts';
import { checkpointFiles } from '../store/checkpoint-file.ts';
import type { Hooks, StoreHooks } from './data.ts';
import type { FittedLearner, LearnerProblem } from './learner.ts';
import { lossOptions } from './loss-choice.ts';
import type { CheckedTrain as Checked } from './options.ts';
import { treeSettings } from './tree-defaults.ts';
import { treeGrowth } from './tree-options.ts';

const REPLAYED =
  'The rows did not all fit into the memory budget, so every round replayed the trees before it: a larger --memory, or --learner linear, is much faster.';

/** Plays the rounds of the fit. `baseline` knows the classes that class weights go by. */
export async function fitBoosted(
  session: Session,
  problem: LearnerProblem,
  options: Checked,
  hooks: StoreHooks,
  baseline: Baseline,
): Promise<FittedLearner> {
  const { recipe, loss, outputs } = problem;
  const { l2, classWeight, calibrate, fromModel } = options;
  if (fromModel && options.refit) return refitted(session, problem, options, hooks, fromModel);
  // Trees that change what they count have nothing to stop by.
  const given = options.boosting === 'gradient' ? options : { ...options, earlyStopping: 0 };
  const settings = treeSettings(given, {
    rows: baseline.rows,
    features: recipe.width,
    marks: markFeatures(recipe),
    outputs,
  });
  const growth = treeGrowth(options, settings, recipe);
  const { rounds, fitAgain } = settings;
  const asked: FitTreesOptions = {
    ...growth,
    l2,
    loss: options.ownLoss ?? loss,
    outputs,
    features: recipe.width,
    view: weighted(problem, classWeight, baseline),
    categorical: categoricalFeatures(recipe),
    seed: options.seed,
    ...(fromModel ? { from: modelForest(fromModel) } : {}),
    ...(hooks.store === undefined
      ? {}
      : { checkpoint: checkpoints(hooks.store, options.checkpointSeconds, hooks) }),
    signal: hooks.signal,
  };
  const found = await stoppedFit(session, { ...asked, onRound: progress(hooks, rounds) }, settings.holdOuts);
  const result = fitAgain ? await fittedAgain(session, asked, found, hooks) : found;
  if (result.replayed) hooks.onNote?.(REPLAYED);
  const last = result.history.findLast(({ round }) => round <= result.rounds);
  const fitted = lossOptions(result.loss);
  const { holdOut: stoppingShare, monotone: _, interactions: __, ...grown } = growth;
  const { monotone, interactions } = options;
  const used = {
    ...{ ...grown, l2, fitAgain, stoppingShare, monotone, interactions, classWeight, calibrate },
    ...fitted,
  };
  return {
    parameters: result.forest,
    record: {
      name: 'trees',
      loss: loss.name,
      outputs,
      features: recipe.width,
      options: defined(used),
      converged: result.stopped !== 'rounds',
      reason: result.stopped,
      rounds: result.rounds + (fromModel?.learner.rounds ?? 0),
      ...(last === undefined ? {} : { trainLoss: last.trainLoss }),
      ...(last?.holdOutLoss === undefined ? {} : { holdOutLoss: last.holdOutLoss }),
    },
    history: result.history.map(({ round, trainLoss, holdOutLoss }) => ({
      round,
      objective: trainLoss,
      holdOut: holdOutLoss,
    })),
  };
}

/** Tells of rounds, of which there are so many at most. */
function progress({ onProgress }: Hooks, total: number): FitTreesOptions['onRound'] {
  return (round) =>
    onProgress?.({ stage: 'fitting', done: round.round, total, unit: 'rounds', note: lossNote(round) });
}

/** The fit with the median of rounds, of as many as there are hold-outs: each keeps other rows back. */
async function stoppedFit(session: Session, asked: FitTreesOptions, holdOuts: number): Promise<TreesResult> {
  const fits: TreesResult[] = [];
  for (let k = 0; k < holdOuts; k++) {
    fits.push(await fitTrees(session, { ...asked, seed: (asked.seed ?? 1) + HOLD_OUT_STRIDE * k }));
  }
  const byRounds = fits
    .map((fit, k) => ({ fit, k }))
    .sort((a, b) => a.fit.rounds - b.fit.rounds || a.k - b.k);
  return byRounds[holdOuts >> 1].fit;
}

/** Between the seeds of hold-outs, so that those of neighbouring seeds are others. */
const HOLD_OUT_STRIDE = 1_000_003;

/** The trees of all rows, in as many rounds as `found` kept; what is told of the rounds stays what `found` saw. */
async function fittedAgain(
  session: Session,
  asked: FitTreesOptions,
  found: TreesResult,
  hooks: Hooks,
): Promise<TreesResult> {
  if (found.rounds === 0 || found.history.at(-1)?.holdOutLoss === undefined) return found;
  const { forest } = await fitTrees(session, {
    ...asked,
    rounds: found.rounds,
    earlyStopping: 0,
    holdOut: 0,
    onRound: progress(hooks, found.rounds),
  });
  return { ...found, forest };
}

/** The model's forest, its leaves moved towards the rows. */
async function refitted(
  session: Session,
  { view, loss }: LearnerProblem,
  { l2, learningRate, decay }: Checked,
  hooks: Hooks,
  model: Model,
): Promise<FittedLearner> {
  const forest = modelForest(model);
  const { outputs, features, rounds, options } = model.learner;
  const rate = learningRate ?? options.learningRate;
  const settings = {
    decay,
    ...(typeof rate === 'number' ? { learningRate: rate } : {}),
    ...(l2 === undefined ? {} : { l2 }),
  };
  const parameters = await refitForest(session, { forest, loss, view, ...settings, signal: hooks.signal });
  return {
    parameters,
    // Losses of training are those of other rows now.
    record: {
      ...{ name: 'trees', loss: loss.name, outputs, features, rounds, converged: true, reason: 'refit' },
      options: { ...options, decay },
    },
    history: [],
  };
}

function defined<T>(options: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(Object.entries(options).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
}

/** Checkpoints in the store, from which the same training goes on if this one is killed. */
function checkpoints(store: string, seconds: number, hooks: Hooks): Checkpoints {
  const files = checkpointFiles(store);
  let last = performance.now();
  return {
    due: () => performance.now() - last >= 1000 * seconds,
    save(identity, bytes) {
      files.save(identity, bytes);
      last = performance.now();
    },
    load(identity) {
      const bytes = files.load(identity);
      if (bytes) hooks.onNote?.('Going on where the same training was interrupted.');
      return bytes;
    },
    done: (identity) => files.remove(identity),
  };
}

/** The training view, its rows weighted by class if that is asked for. */
function weighted({ view }: LearnerProblem, classWeight: Checked['classWeight'], baseline: Baseline) {
  const factors = classFactors(classWeight, { weight: 1, classes: Float64Array.from(baseline.shares) });
  return factors === undefined ? view : classWeightedReference(view, factors);
}

function lossNote({ trainLoss, holdOutLoss }: TreesProgress): string | undefined {
  if (trainLoss === undefined) return undefined;
  const kept = holdOutLoss === undefined ? '' : `, ${holdOutLoss.toFixed(6)} on rows kept back`;
  return `loss ${trainLoss.toFixed(6)}${kept}`;
}
