/**
 * Settings of gradient-boosted trees that nobody gave: from the number of training rows and of outputs. Small steps, many
 * rounds and a stop on rows kept back suit any table; small tables get small trees that see a part of rows and columns,
 * and a second fit on all rows; large tables get larger steps. Measured in docs/accuracy.md.
 */

/** The settings, all of them known. */
export interface TreeSettings {
  readonly learningRate: number;
  readonly rounds: number;
  readonly leaves: number;
  readonly minRows: number;
  readonly rowShare: number;
  readonly columnShare: number;
  readonly earlyStopping: number;
  /** Whether the trees are fitted once more, on all rows, when it is known after how many to stop. */
  readonly fitAgain: boolean;
  /** How many sets of rows are kept back, one after the other, to find after how many rounds to stop: their median. */
  readonly holdOuts: number;
}

type Given = { readonly [K in Exclude<keyof TreeSettings, 'holdOuts'>]?: TreeSettings[K] | undefined };

/** Rows times outputs from which time counts for more than the last tenth of a per cent. */
const LARGE = 100_000;
/**
 * Up to so many rows trees are small and learn from a sample of the rows each; and it takes longer to tell by the few
 * rows kept back that more rounds do not help.
 */
const SMALL = [
  { most: 4_000, leaves: 8, minRows: 10, rowShare: 0.7, patience: 3 },
  { most: 10_000, leaves: 16, minRows: 20, rowShare: 0.7, patience: 2 },
];
const USUAL = { leaves: 31, minRows: 20, rowShare: 1, patience: 1 };
/** A tenth of few rows may stop for the sake of one of them, so several tenths are asked. */
const FEW_HOLD_OUTS = 3;
/** Rows × features × outputs × rounds that take some minutes: large data gets as few rounds as stay below it. */
const MOST_WORK = 5e10;
/** From so many features, marks not counted, each tree may ask a smaller share of them. */
const MANY_FEATURES = 40;

/** Size of a problem; `marks` are the features of two values, `outputs` the trees a round. */
export interface TreeProblemSize {
  readonly rows: number;
  readonly features: number;
  readonly marks: number;
  readonly outputs: number;
}

/** The settings: what was given, else what suits a problem of this size. */
export function treeSettings(
  given: Given,
  { rows, features, marks, outputs }: TreeProblemSize,
): TreeSettings {
  const isLarge = rows * outputs > LARGE;
  const { leaves, minRows, rowShare, patience } = SMALL.find(({ most }) => rows <= most) ?? USUAL;
  const { learningRate = isLarge ? 0.1 : 0.05 } = given;
  const { earlyStopping = Math.min(200, Math.max(5, Math.ceil((patience * 2.5) / learningRate))) } = given;
  // Without rows kept back to say when to stop, as many rounds as seldom overfit.
  const reach = earlyStopping === 0 ? 10 : isLarge ? largeReach(rows * features * outputs) : 100;
  const fitAgain = given.fitAgain ?? (earlyStopping > 0 && !isLarge);
  const isSmall = SMALL.some(({ most }) => rows <= most);
  return {
    learningRate,
    earlyStopping,
    rounds: given.rounds ?? Math.ceil(reach / learningRate),
    leaves: given.leaves ?? leaves,
    minRows: given.minRows ?? minRows,
    rowShare: given.rowShare ?? rowShare,
    columnShare: given.columnShare ?? (features - marks > MANY_FEATURES ? 0.4 : 0.6),
    fitAgain,
    holdOuts: fitAgain && isSmall && earlyStopping > 0 ? FEW_HOLD_OUTS : 1,
  };
}

/** Rounds times rate for large data: 500 rounds of 0.1, and 100 where that would take too long. */
function largeReach(values: number): number {
  return Math.min(50, Math.max(10, Math.floor(MOST_WORK / values / 10)));
}
