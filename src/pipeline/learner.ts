/**
 * What every learner is to the rest of the pipeline: parameters to score with, a record for the model, a history for
 * the report. Which learner is used is decided here and nowhere else.
 */
import type { z } from 'zod';
import { SoraError } from '../errors.ts';
import type { LossSpec } from '../loss/registry.ts';
import type { LearnerRecord } from '../model/model.ts';
import type { Parameters } from '../model/scorer.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Reference } from '../run/reference.ts';
import { type CheckedTrain, flagName, trainShape } from './options.ts';

type Checked = z.output<typeof trainShape>;

/** Families of learners; each reads features of its own kind. */
export type Family = 'linear' | 'trees';

/** What a learner is given. */
export interface LearnerProblem {
  readonly recipe: Recipe;
  /** Reference of the training view. */
  readonly view: Reference;
  readonly loss: LossSpec;
  readonly outputs: number;
}

/** What a learner gives. */
export interface FittedLearner {
  readonly record: LearnerRecord;
  readonly parameters: Parameters;
  readonly history: readonly RoundLoss[];
}

/** Where the fit stood after a round: objective or mean loss of training rows, and of rows kept back. */
export interface RoundLoss {
  readonly round: number;
  readonly objective: number;
  readonly holdOut?: number;
}

const TREES_ONLY: readonly Checked['loss'][] = ['quantile', 'lambdarank'];

/**
 * The family that fits when `asked` for one, or left to choose: a linear model for now, trees for quantiles, whose loss
 * has no curvature for a linear fit to go by, and for rankings, whose rows have none of their own, and for losses of the user's own. Throws `bad-option` where that is asked for.
 */
export function chooseLearner({
  learner: asked,
  loss,
  ownLoss,
  from,
}: Pick<CheckedTrain, 'learner' | 'loss' | 'ownLoss' | 'from'>): Family {
  if (from !== undefined && asked === 'auto') return 'trees';
  if (ownLoss === undefined && !TREES_ONLY.includes(loss)) return asked === 'auto' ? 'linear' : asked;
  if (asked !== 'linear') return 'trees';
  throw new SoraError(
    'bad-option',
    `Option --loss ${ownLoss?.name ?? loss} is for gradient-boosted trees: leave --learner linear out, or choose another loss.`,
    { details: { option: 'loss', value: loss } },
  );
}

/** Options that mean something to one family only. */
const OWN: Record<Family, readonly (keyof Checked)[]> = {
  linear: ['l1', 'tolerance', 'maxRounds', 'numeric'],
  trees: [
    ...(['rounds', 'learningRate', 'leaves', 'maxDepth', 'minRows', 'bins'] as const),
    ...(['rowShare', 'columnShare', 'earlyStopping', 'stoppingShare'] as const),
    ...([
      'boosting',
      'growth',
      'from',
      'refit',
      'decay',
      'checkpointSeconds',
      'topShare',
      'otherShare',
      'levelColumnShare',
      'monotone',
      'interactions',
    ] as const),
  ],
};
const NAME: Record<Family, string> = { linear: 'linear models', trees: 'gradient-boosted trees' };

/** Throws `bad-option` on an option of another family that differs from its default: it would do nothing. */
export function checkFamily(family: Family, options: Checked): void {
  const other = family === 'linear' ? 'trees' : 'linear';
  for (const key of OWN[other]) {
    if (options[key] === trainShape.shape[key].parse(undefined)) continue;
    throw new SoraError(
      'bad-option',
      `Option --${flagName(key)} is for ${NAME[other]}, and the learner is ${family}: add --learner ${other}, or leave it out.`,
      { details: { option: key, value: options[key] } },
    );
  }
}
