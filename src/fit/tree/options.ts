/** Options of tree fits, and their limits. */
import { SoraError } from '../../errors.ts';
import type { LossName, LossSpec } from '../../loss/registry.ts';
import type { Forest } from '../../model/forest.ts';
import type { Reference } from '../../run/reference.ts';
import { MOST_BINS } from './bins.ts';
import type { GrowthOrder } from './grow.ts';

export type TreesMode = 'boosted' | 'dart' | 'forest';

/** Where a fit keeps what another of the same data, options and version can go on from, under its identity. */
export interface Checkpoints {
  /** Whether to save after this iteration; asked after each. */
  due(round: number): boolean;
  /** It waits for this. */
  save(identity: string, bytes: Uint8Array): Promise<void> | void;
  /** What an earlier fit saved under the identity, if anything. */
  load(identity: string): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** Called when the fit has ended: nothing is to go on from. */
  done?(identity: string): Promise<void> | void;
}

/** What to fit, and how. */
export interface FitTreesOptions {
  /** Huber without a δ: from the spread of the labels. A reference names a loss of the user's own ({@link OwnLoss}). */
  readonly loss: LossName | LossSpec | Reference;
  /** Classes for softmax, else 1. */
  readonly outputs: number;
  readonly features: number;
  /** Reference of a view kind of dense learner views, NaN where a value is missing: the training rows. */
  readonly view: Reference;
  /** By feature: whether its values are codes 0, 1, 2 … of categories. */
  readonly categorical: readonly boolean[];
  /** Share of each tree that counts; 0.1 by default. */
  readonly learningRate?: number;
  /** Most iterations, of one tree an output; 300 by default. */
  readonly rounds?: number;
  /** Most leaves of a tree; 31 by default. */
  readonly leaves?: number;
  /** Least rows of a leaf; 20 by default. */
  readonly minRows?: number;
  /** Least Σ Hessian of a leaf; 1e-3 by default. */
  readonly minHessian?: number;
  /** Penalty on squared leaf values; 1 by default. */
  readonly l2?: number;
  /** Least gain of a split; 0 by default. */
  readonly minGain?: number;
  /** Most bins of a feature, 2 … 255; 255 by default. */
  readonly bins?: number;
  /** Most splits between root and leaf; no limit by default. */
  readonly maxDepth?: number;
  /**
   * How trees come together: each learns what those before it left (`boosted`, the default); so that some are left out
   * each time (`dart`); or each learns alone from rows at random, and their mean counts (`forest`).
   */
  readonly mode?: TreesMode;
  /** Which leaf is split next: the one that gains most (`gain`, the default), or level by level. */
  readonly order?: GrowthOrder;
  /** Share of rows that each iteration learns from; 1 by default, 0.632 for a forest. */
  readonly rowShare?: number;
  /** Share of features that each tree may ask; 1 by default. */
  readonly columnShare?: number;
  /** Share of those that each level of a tree may ask; 1 by default. */
  readonly levelColumnShare?: number;
  /** Gradient-based one-side sampling: this share of the rows, those of largest gradients, is always kept; 0: not used. */
  readonly topShare?: number;
  /** With `topShare`, the share of all rows that are kept of the others; 0.1 by default. */
  readonly otherShare?: number;
  /** By feature 1 where margins must not fall as it rises, −1 where they must not rise, else 0. Not for categories. */
  readonly monotone?: readonly number[];
  /** Sets of features that may stand on one path of a tree; a feature in none stands with no other. Absent: no limit. */
  readonly interactions?: readonly (readonly number[])[];
  /** Share of trees that are left out of an iteration, and the chance that none is, of `dart`; 0.1 and 0.5 by default. */
  readonly dropRate?: number;
  readonly skipDrop?: number;
  /** A forest to go on from: trees are added to it. Its features and outputs must be those of the view. */
  readonly from?: Forest;
  /** Where to keep what a fit that is interrupted goes on from. */
  readonly checkpoint?: Checkpoints;
  /** Stops after so many iterations without a lower loss on the rows held out; 0, the default, never. */
  readonly earlyStopping?: number;
  /** Share of the training rows that are held out to stop early; 0.1 by default where that is wanted. */
  readonly holdOut?: number;
  readonly seed?: number;
  /** Whether exclusive features may share bytes of records; true by default. The forest is the same either way. */
  readonly bundle?: boolean;
  readonly signal?: AbortSignal;
  readonly onRound?: (round: TreesProgress) => void;
}

/** One iteration: mean losses after it. */
export interface TreesRound {
  readonly round: number;
  readonly trainLoss: number;
  readonly holdOutLoss?: number;
}

/** The same while the fit goes on; within a forest, whose trees are looked at when it is whole, without losses. */
export type TreesProgress = Pick<TreesRound, 'round'> & Partial<TreesRound>;

/** Why no more trees were added. */
export type TreeStop = 'rounds' | 'early' | 'no-gain';

/** Throws `bad-option` for what is out of range or does not go together. */
export function checkOptions(options: FitTreesOptions): void {
  const limits: [keyof FitTreesOptions, (value: number) => boolean, string][] = [
    ['learningRate', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
    ['rounds', (x) => Number.isInteger(x) && x > 0, 'a positive whole number'],
    ['leaves', (x) => Number.isInteger(x) && x >= 2 && x <= 4096, 'a whole number from 2 to 4096'],
    ['minRows', (x) => x >= 1, 'at least 1'],
    ['minHessian', (x) => x >= 0, 'at least 0'],
    ['l2', (x) => x >= 0 && Number.isFinite(x), 'a number of at least 0'],
    ['minGain', (x) => x >= 0, 'at least 0'],
    ['bins', (x) => Number.isInteger(x) && x >= 2 && x <= MOST_BINS, `a whole number from 2 to ${MOST_BINS}`],
    ['maxDepth', (x) => x >= 1, 'at least 1'],
    ['rowShare', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
    ['columnShare', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
    ['levelColumnShare', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
    ['topShare', (x) => x >= 0 && x < 1, 'at least 0 and below 1'],
    ['otherShare', (x) => x > 0 && x < 1, 'above 0 and below 1'],
    ['dropRate', (x) => x >= 0 && x <= 1, 'from 0 to 1'],
    ['skipDrop', (x) => x >= 0 && x <= 1, 'from 0 to 1'],
    ['earlyStopping', (x) => Number.isInteger(x) && x >= 0, 'a whole number of at least 0'],
    ['holdOut', (x) => x >= 0 && x < 1, 'at least 0 and below 1'],
  ];
  for (const [option, allows, limit] of limits) {
    const value = options[option] as number | undefined;
    if (value === undefined || allows(value)) continue;
    throw new SoraError('bad-option', `Option ${option} is ${String(value)}; it must be ${limit}.`, {
      details: { option },
    });
  }
  checkTogether(options);
  checkFeatures(options);
}

function refuse(option: keyof FitTreesOptions, message: string): never {
  throw new SoraError('bad-option', message, { details: { option } });
}

/** Options that would undo or ignore each other. */
function checkTogether({
  mode,
  earlyStopping = 0,
  topShare = 0,
  otherShare = 0.1,
  rowShare = 1,
}: FitTreesOptions) {
  if (mode !== undefined && mode !== 'boosted' && earlyStopping > 0) {
    refuse(
      'earlyStopping',
      `Option earlyStopping does not go with mode ${mode}, whose trees change what they count: leave it out.`,
    );
  }
  if (topShare === 0) return;
  if (mode === 'forest') refuse('topShare', 'Option topShare is for boosting: leave it out of a forest.');
  if (rowShare < 1) refuse('topShare', 'Options topShare and rowShare both choose rows: give one of them.');
  if (topShare + otherShare > 1) {
    refuse(
      'topShare',
      `Options topShare ${topShare} and otherShare ${otherShare} are more than all rows together.`,
    );
  }
}

function checkFeatures({
  features,
  outputs,
  categorical,
  monotone,
  interactions,
  from,
}: FitTreesOptions): void {
  if (monotone !== undefined) {
    const wrong = monotone.findIndex((d, f) => ![-1, 0, 1].includes(d) || (d !== 0 && categorical[f]));
    if (monotone.length !== features || wrong >= 0) {
      refuse(
        'monotone',
        `Option monotone needs 1, -1 or 0 for each of ${features} features, and 0 for categories; it has ${monotone.length}${wrong < 0 ? '' : `, and ${monotone[wrong]} at ${wrong}`}.`,
      );
    }
  }
  const outside = interactions?.flat().find((f) => !Number.isInteger(f) || f < 0 || f >= features);
  if (outside !== undefined)
    refuse(
      'interactions',
      `Option interactions names feature ${outside}; features are 0 to ${features - 1}.`,
    );
  if (from !== undefined && (from.outputs !== outputs || from.features !== features)) {
    refuse(
      'from',
      `The forest to go on from has ${from.features} features and ${from.outputs} outputs, and the data ${features} and ${outputs}.`,
    );
  }
}
