/**
 * The part of an update for trees: rounds are added after the trees that are there, the oldest are dropped first if
 * asked, or leaves move towards the rows. Options are those of the model; what the defaults are by is in docs/update.md.
 */
import { SoraError } from '../errors.ts';
import type { Baseline } from '../evaluate/baseline.ts';
import { iterationCount, withoutFirst } from '../model/forest-slice.ts';
import {
  type LearnerRecord,
  type Model,
  modelForest,
  parameterTensors,
  recordedLoss,
} from '../model/model.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import type { StoreHooks } from './data.ts';
import { fitBoosted } from './fit-trees.ts';
import type { FittedLearner } from './learner.ts';
import { type CheckedTrain, checkOptions, trainShape } from './options.ts';

export interface TreeUpdateOptions {
  readonly trees: 'add' | 'refit';
  readonly rounds?: number;
  readonly dropRounds: number;
  readonly decay: number;
  readonly seed: number;
}

/** Rounds that are added, as a share of those that are there. */
const ADDED_SHARE = 0.1;

/** Goes on from the forest of a model over the rows of a session. */
export async function updateTrees(
  session: Session,
  model: Model,
  view: Reference,
  baseline: Baseline,
  given: TreeUpdateOptions,
  hooks: StoreHooks,
): Promise<{ readonly learner: FittedLearner; readonly how: string }> {
  const forest = modelForest(model);
  const { outputs, options } = model.learner;
  const there = iterationCount(forest);
  const { trees, dropRounds, decay } = given;
  if (trees === 'refit' && (dropRounds > 0 || given.rounds !== undefined)) {
    throw new SoraError(
      'bad-option',
      'Options --rounds and --drop-rounds are for trees that are added: leave them out, or take --trees add.',
    );
  }
  if (dropRounds >= there) {
    throw new SoraError(
      'bad-option',
      `Option --drop-rounds is ${dropRounds}, and the model has ${there} rounds: at least one must stay.`,
      { details: { option: 'dropRounds', value: dropRounds, limit: there - 1 } },
    );
  }
  if (trees === 'add' && options.mode !== undefined && options.mode !== 'boosted') {
    throw new SoraError(
      'bad-option',
      `The trees of the model do not follow on one another (${String(options.mode)}), so none can be added: take --trees refit, or train anew.`,
    );
  }
  const kept = dropRounds === 0 ? forest : withoutFirst(forest, dropRounds * outputs);
  const record: LearnerRecord = { ...model.learner, rounds: there - dropRounds };
  const from: Model = { ...model, learner: record, tensors: parameterTensors(kept, record) };
  const rounds = given.rounds ?? dropRounds + Math.max(1, Math.round(ADDED_SHARE * there));
  const asked: CheckedTrain = {
    ...trainOptions(options, given.seed),
    ...(trees === 'refit' ? { refit: true, decay } : { rounds }),
    fromModel: from,
  };
  const problem = { recipe: model.recipe, view, loss: recordedLoss(model.learner), outputs };
  const learner = await fitBoosted(session, problem, asked, hooks, baseline);
  const dropped = dropRounds > 0 ? `${dropRounds} oldest dropped, ` : '';
  const how = trees === 'refit' ? `leaves refitted, decay ${decay}` : `${dropped}${rounds} rounds added`;
  return { learner, how };
}

/** Options of stopping and of what comes after a fit: nothing is held back, and nothing comes. */
const NOT_TAKEN: readonly string[] = ['calibrate', 'stoppingShare', 'earlyStopping', 'fitAgain'];

/** Options of a training as a model's record has them; nothing is held back to stop by. */
function trainOptions(recorded: LearnerRecord['options'], seed: number): CheckedTrain {
  const { mode, order, ...rest } = recorded;
  const known = Object.fromEntries(
    Object.keys(trainShape.shape).flatMap((key) =>
      rest[key] === undefined || rest[key] === null || NOT_TAKEN.includes(key) ? [] : [[key, rest[key]]],
    ),
  );
  return {
    ...checkOptions(trainShape, {
      ...known,
      ...(order === 'level' ? { growth: 'level' } : {}),
      seed,
    }),
    earlyStopping: 0,
    fitAgain: false,
  };
}
