/** Options of gradient-boosted trees, for every command, and what they mean for a fit. */
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import type { FitTreesOptions } from '../fit/tree/options.ts';
import { categoricalFeatures, featureColumns, type Recipe } from '../recipe/recipe.ts';
import type { TreeSettings } from './tree-defaults.ts';

const share = (shape: z.ZodNumber) => shape.gt(0).max(1).optional();

/** How gradient-boosted trees grow. */
export const treeOptions = {
  rounds: z
    .int()
    .positive()
    .max(100_000)
    .optional()
    .describe(
      'Trees: most rounds of boosting; default: by learning rate and size of the data, 100 to 2,000.',
    ),
  learningRate: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      'Trees: share of each tree that is added; lower needs more rounds. Default: 0.05, and 0.1 for large data.',
    ),
  leaves: z
    .int()
    .min(2)
    .max(65_536)
    .optional()
    .describe('Trees: most leaves a tree; default: 31, and 8 or 16 for few rows.'),
  maxDepth: z
    .int()
    .positive()
    .optional()
    .describe('Trees: most splits from the root to a leaf; default: no limit but the leaves.'),
  minRows: z
    .int()
    .positive()
    .optional()
    .describe('Trees: fewest training rows in a leaf; default: 20, and 10 for few rows.'),
  bins: z
    .int()
    .min(2)
    .max(255)
    .default(255)
    .describe('Trees: most groups of values that a split tells apart.'),
  rowShare: share(z.number()).describe(
    'Trees: share of the rows that each round looks at; default: all, and 0.7 of few rows.',
  ),
  columnShare: share(z.number()).describe(
    'Trees: share of the features that each tree may ask; default: 0.6, and 0.4 of more than 40.',
  ),
  earlyStopping: z
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Trees: stops after this many rounds that do not help rows kept back; 0 plays all rounds; default: 2.5 / learning rate, and more for few rows.',
    ),
  fitAgain: z
    .boolean()
    .optional()
    .describe(
      'Trees: fit once more, on all training rows, when it is known after how many rounds to stop; default: unless the data is large.',
    ),
  stoppingShare: z
    .number()
    .gt(0)
    .max(0.9)
    .default(0.1)
    .describe('Trees: share of the training rows kept back to stop early.'),
  boosting: z
    .enum(['gradient', 'dart', 'forest'])
    .default('gradient')
    .describe(
      'Trees: each learns what those before left (gradient), with some left out each time (dart), or alone, and their mean counts (forest).',
    ),
  growth: z
    .enum(['gain', 'level'])
    .default('gain')
    .describe('Trees: which leaf is split next: the one that gains most, or level by level.'),
  topShare: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      'Trees: gradient-based sampling: share of the rows, those of largest gradients, that each round keeps.',
    ),
  otherShare: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe('Trees: with --top-share, share of all rows that is kept of the others.'),
  levelColumnShare: share(z.number()).describe(
    'Trees: share of those features that each level of a tree may ask.',
  ),
  from: z
    .string()
    .optional()
    .describe(
      'Trees: directory of a model to go on from: its columns and loss are kept, and rounds are added.',
    )
    .meta({ value: 'model' }),
  refit: z
    .boolean()
    .default(false)
    .describe('Trees: with --from, keeps its splits, and moves the leaves towards what the new rows say.'),
  decay: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('Trees: with --refit, share of its old value that each leaf keeps.'),
  checkpointSeconds: z
    .number()
    .nonnegative()
    .default(15)
    .describe(
      'Trees: least seconds between checkpoints, from which the same training goes on if it is interrupted.',
    ),
  monotone: z
    .record(z.string(), z.enum(['increasing', 'decreasing']))
    .optional()
    .describe(
      'Trees: columns that a prediction must not fall, or not rise, with, e.g. age=increasing,price=decreasing.',
    ),
  interactions: z
    .array(z.string())
    .optional()
    .describe(
      'Trees: sets of columns that may stand together in a tree, e.g. age+hours,sex; the others stand alone.',
    )
    .meta({ value: 'sets' }),
};

/** What options of the command say of a fit. */
type Growth = Pick<
  FitTreesOptions,
  | 'rounds'
  | 'learningRate'
  | 'leaves'
  | 'maxDepth'
  | 'minRows'
  | 'bins'
  | 'columnShare'
  | 'levelColumnShare'
  | 'mode'
  | 'order'
  | 'rowShare'
  | 'topShare'
  | 'otherShare'
  | 'earlyStopping'
  | 'holdOut'
  | 'monotone'
  | 'interactions'
>;

/** What the options say of how trees grow, by feature where they say it by column. Throws `bad-option`. */
export function treeGrowth(
  options: z.output<z.ZodObject<typeof treeOptions>>,
  { learningRate, rounds, leaves, minRows, rowShare, columnShare, earlyStopping }: TreeSettings,
  recipe: Recipe,
): Growth {
  const { maxDepth, bins, boosting, growth, topShare, otherShare, levelColumnShare } = options;
  const isSampled = options.rowShare !== undefined || (boosting !== 'forest' && topShare === 0);
  return {
    ...{ rounds, learningRate, leaves, maxDepth, minRows, bins, columnShare, levelColumnShare },
    mode: boosting === 'gradient' ? 'boosted' : boosting,
    order: growth,
    // Forests and gradient-based sampling have shares of their own.
    ...(isSampled ? { rowShare } : {}),
    ...(topShare > 0 ? { topShare, otherShare } : {}),
    earlyStopping,
    holdOut: earlyStopping > 0 ? options.stoppingShare : 0,
    ...(options.monotone ? { monotone: directions(options.monotone, recipe) } : {}),
    ...(options.interactions ? { interactions: sets(options.interactions, recipe) } : {}),
  };
}

function directions(
  monotone: Readonly<Record<string, 'increasing' | 'decreasing'>>,
  recipe: Recipe,
): number[] {
  const categorical = categoricalFeatures(recipe);
  for (const column of Object.keys(monotone)) {
    const [first] = featuresOf(column, recipe, 'monotone');
    if (!categorical[first]) continue;
    throw new SoraError(
      'bad-option',
      `Option --monotone names "${column}", a category: only numbers have a direction.`,
      { details: { option: 'monotone', column } },
    );
  }
  const sign = { increasing: 1, decreasing: -1 };
  return featureColumns(recipe).map((column) => (column in monotone ? sign[monotone[column]] : 0));
}

function sets(interactions: readonly string[], recipe: Recipe): number[][] {
  return interactions.map((set) =>
    set.split('+').flatMap((column) => featuresOf(column.trim(), recipe, 'interactions')),
  );
}

/** Features of a column; throws `bad-option` where it has none. */
function featuresOf(column: string, recipe: Recipe, option: string): number[] {
  const columns = featureColumns(recipe);
  const features = columns.flatMap((name, f) => (name === column ? [f] : []));
  if (features.length > 0) return features;
  throw new SoraError(
    'bad-option',
    `Option --${option} names "${column}", which is no feature; features are made of ${[...new Set(columns)].join(', ')}.`,
    { details: { option, column } },
  );
}
