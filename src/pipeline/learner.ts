/**
 * What every learner is to the rest of the pipeline: parameters to score with, a record for the model, a history for
 * the report. Which learner is used is decided here and nowhere else.
 */
import type { z } from 'zod';
import { SoraError } from '../errors.ts';
import { formatCount } from '../explain/format.ts';
import type { LossSpec } from '../loss/registry.ts';
import type { LearnerRecord } from '../model/model.ts';
import type { Parameters } from '../model/scorer.ts';
import type { ColumnType, Schema } from '../particle/schema.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { DENSE_WIDTH } from '../recipe/transforms/sparse.ts';
import type { Reference } from '../run/reference.ts';
import type { Split } from '../summary/split.ts';
import { type CheckedTrain, flagName, trainShape } from './options.ts';

type Checked = z.output<typeof trainShape>;

/** Families of learners; each reads features of its own kind. */
export type Family = 'linear' | 'trees' | 'factor';

/** What a learner is given. */
export interface LearnerProblem {
  readonly recipe: Recipe;
  /** Reference of the training view. */
  readonly view: Reference;
  readonly loss: LossSpec;
  readonly outputs: number;
  /** Side of the hold-out that the view shows; absent: all rows. */
  readonly split?: Split;
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
 * The family that was asked for, or that a loss asks for: trees for quantiles, whose loss has no curvature for a linear
 * fit to go by, for rankings, whose rows have none of their own, and for losses of the user's own. Undefined: the data
 * decides. Throws `bad-option` where a loss does not suit what was asked for.
 */
export function askedLearner({
  learner: asked,
  loss,
  ownLoss,
  from,
}: Pick<CheckedTrain, 'learner' | 'loss' | 'ownLoss' | 'from'>): Family | undefined {
  if (from !== undefined && asked === 'auto') return 'trees';
  if (ownLoss === undefined && !TREES_ONLY.includes(loss)) return asked === 'auto' ? undefined : asked;
  if (asked !== 'linear' && asked !== 'factor') return 'trees';
  throw new SoraError(
    'bad-option',
    `Option --loss ${ownLoss?.name ?? loss} is for gradient-boosted trees: leave --learner ${asked} out, or choose another loss.`,
    { details: { option: 'loss', value: loss } },
  );
}

/** With fewer rows a tree has next to nothing to split: its leaves hold 20 rows or more. */
const FEW_ROWS = 200;

/**
 * The family that suits a data set, and why in a few words: linear models for sparse features that are too many to
 * stand in columns, for tables that are mostly text, and for very few rows; trees for every other table.
 */
export function chooseLearner(
  { fields }: Schema,
  rows: number,
): { readonly family: Family; readonly why: string } {
  const features = fields.filter(({ role }) => role === 'feature');
  const of = (type: ColumnType) => features.filter((field) => field.type === type);
  const size = `${formatCount(rows)} rows × ${formatCount(features.length)} column${features.length === 1 ? '' : 's'}`;
  const sparse = of('sparse').reduce((sum, { width = 0 }) => sum + width, 0);
  if (sparse > DENSE_WIDTH) {
    return { family: 'linear', why: `${formatCount(rows)} rows × ${formatCount(sparse)} sparse features` };
  }
  const texts = of('text').length;
  if (texts > 0 && 2 * texts >= features.length) return { family: 'linear', why: `${size}, mostly text` };
  if (rows < FEW_ROWS) return { family: 'linear', why: `${size}, few rows` };
  return { family: 'trees', why: `${size}, tabular` };
}

/** Options that mean something to one family only. */
const OWN: Record<Family, readonly (keyof Checked)[]> = {
  linear: ['l1', 'l2', 'classWeight', 'tolerance', 'maxRounds', 'numeric', 'pull'],
  factor: [
    ...(['factors', 'epochs', 'patience', 'stepSize', 'prior', 'factorPrior', 'rowBands'] as const),
    ...(['stoppingShare', 'fitAgain', 'numeric'] as const),
  ],
  trees: [
    ...(['l2', 'classWeight'] as const),
    ...(['rounds', 'learningRate', 'leaves', 'maxDepth', 'minRows', 'bins'] as const),
    ...(['rowShare', 'columnShare', 'earlyStopping', 'stoppingShare', 'fitAgain'] as const),
    ...(['boosting', 'growth', 'from', 'refit', 'decay', 'checkpointSeconds'] as const),
    ...(['topShare', 'otherShare', 'levelColumnShare', 'monotone', 'interactions'] as const),
  ],
};
const NAME: Record<Family, string> = {
  linear: 'linear models',
  trees: 'gradient-boosted trees',
  factor: 'factorization machines',
};

/** Throws `bad-option` on an option of another family that differs from its default: it would do nothing. */
export function checkFamily(family: Family, options: Checked): void {
  const others = (Object.keys(OWN) as Family[]).filter((one) => one !== family);
  for (const [other, key] of others.flatMap((one) => OWN[one].map((key) => [one, key] as const))) {
    if (OWN[family].includes(key) || options[key] === trainShape.shape[key].parse(undefined)) continue;
    throw new SoraError(
      'bad-option',
      `Option --${flagName(key)} is for ${NAME[other]}, and the learner is ${family}: add --learner ${other}, or leave it out.`,
      { details: { option: key, value: options[key] } },
    );
  }
}
