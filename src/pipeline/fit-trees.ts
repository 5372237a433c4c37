/** Gradient-boosted trees as a learner of the pipeline. */
import type { Baseline } from '../evaluate/baseline.ts';
import { classFactors, classWeightedReference } from '../fit/glm/class-weights.ts';
import { fitTrees, type TreesResult } from '../fit/tree/fit.ts';
import type { FitTreesOptions, TreesProgress } from '../fit/tree/options.ts';
import { categoricalFeatures } from '../recipe/recipe.ts';
import type { Session } from '../run/session.ts';
import type { Hooks } from './data.ts';
import type { FittedLearner, LearnerProblem } from './learner.ts';
import { lossOptions } from './loss-choice.ts';
import type { CheckedTrain as Checked } from './options.ts';
import { treeSettings } from './tree-defaults.ts';

const REPLAYED =
  'The rows did not all fit into the memory budget, so every round replayed the trees before it: a larger --memory, or --learner linear, is much faster.';

/** Plays the rounds of the fit. `baseline` knows the classes that class weights go by. */
export async function fitBoosted(
  session: Session,
  problem: LearnerProblem,
  options: Checked,
  hooks: Hooks,
  baseline: Baseline,
): Promise<FittedLearner> {
  const { recipe, loss, outputs } = problem;
  const settings = treeSettings(options, { rows: baseline.rows, features: recipe.width, outputs });
  const { rounds, fitAgain, ...chosen } = settings;
  const { maxDepth, l2, bins, stoppingShare, classWeight, calibrate } = options;
  const growth = { ...chosen, maxDepth, l2, bins };
  const { earlyStopping } = growth;
  const asked: FitTreesOptions = {
    ...growth,
    loss: options.ownLoss ?? loss,
    outputs,
    features: recipe.width,
    view: weighted(problem, classWeight, baseline),
    categorical: categoricalFeatures(recipe),
    rounds,
    holdOut: earlyStopping > 0 ? stoppingShare : 0,
    seed: options.seed,
    signal: hooks.signal,
    onRound: progressOf(hooks, rounds),
  };
  const found = await fitTrees(session, asked);
  const result = fitAgain ? await fittedAgain(session, asked, found, hooks) : found;
  if (result.replayed) hooks.onNote?.(REPLAYED);
  const last = result.history.findLast(({ round }) => round <= result.rounds);
  const fitted = lossOptions(result.loss);
  const used = { ...growth, rounds, fitAgain, stoppingShare, classWeight, calibrate, ...fitted };
  return {
    parameters: result.forest,
    record: {
      name: 'trees',
      loss: loss.name,
      outputs,
      features: recipe.width,
      options: Object.fromEntries(
        Object.entries(used).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
      ),
      converged: result.stopped !== 'rounds',
      reason: result.stopped,
      rounds: result.rounds,
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

/** The trees of all rows, in as many rounds as `found` kept; what is told of the rounds stays what `found` saw. */
async function fittedAgain(
  session: Session,
  asked: FitTreesOptions,
  found: TreesResult,
  hooks: Hooks,
): Promise<TreesResult> {
  const { rounds } = found;
  if (rounds === 0 || found.history.at(-1)?.holdOutLoss === undefined) return found;
  const all = { ...asked, rounds, earlyStopping: 0, holdOut: 0, onRound: progressOf(hooks, rounds) };
  return { ...found, forest: (await fitTrees(session, all)).forest };
}

/** Tells how far a fit of so many rounds is. */
function progressOf({ onProgress }: Hooks, total: number): (round: TreesProgress) => void {
  return (round) =>
    onProgress?.({ stage: 'fitting', done: round.round, total, unit: 'rounds', note: lossNote(round) });
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
