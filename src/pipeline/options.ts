/**
 * Every option of every command, declared once: the schemas below give the types of the API, the flags and help of
 * the command line, their validation, and `docs/options.md`.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import { LOSS_NAMES } from '../loss/registry.ts';
import type { Model } from '../model/model.ts';
import { COLUMN_TYPES } from '../particle/schema.ts';
import { textOptions } from '../recipe/options.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Decay } from '../recipe/view.ts';
import type { Reference } from '../run/reference.ts';
import { factorOptions } from './factor-options.ts';
import { treeOptions } from './tree-options.ts';

const COLUMN = 'column';

/** How input is read. */
export const readShape = z.object({
  types: z
    .record(z.string(), z.enum(COLUMN_TYPES))
    .optional()
    .describe('Column types that override the inferred ones, e.g. zip=category,note=text.'),
  names: z.array(z.string()).optional().describe('Column names for input that has none, in order.'),
  header: z
    .boolean()
    .optional()
    .describe('Whether the first line holds column names; found out when not given.'),
  delimiter: z.string().optional().describe('Delimiter of CSV input; found out when not given.'),
  vwBits: z
    .int()
    .min(1)
    .max(30)
    .optional()
    .describe('Vowpal Wabbit text: features are hashed into two to this power slots; default 18.'),
  vwInteractions: z
    .array(z.string())
    .optional()
    .describe(
      'Vowpal Wabbit text: first letters of two namespaces whose products become features, e.g. ab,bc.',
    ),
  sql: z
    .string()
    .optional()
    .describe("SQL query to read instead of the files, e.g. SELECT * FROM 'x.parquet' WHERE y > 0."),
  badRows: z
    .enum(['fail', 'skip', 'quarantine'])
    .default('fail')
    .describe('What to do with rows that cannot be read: stop, leave them out, or set them aside in a file.'),
  quarantine: z
    .string()
    .optional()
    .describe('File for quarantined rows; default: beside the store or the output.'),
});

/** What the columns are for. */
export const roleShape = z.object({
  target: z.string().optional().describe('Column to predict.').meta({ value: COLUMN }),
  weight: z.string().optional().describe('Column with the weight of each row.').meta({ value: COLUMN }),
  exposure: z
    .string()
    .optional()
    .describe('Column with the exposure of each row, for counts.')
    .meta({ value: COLUMN }),
  time: z.string().optional().describe('Column that says when a row happened.').meta({ value: COLUMN }),
  key: z
    .string()
    .optional()
    .describe('Column that names a row; it is not learned from.')
    .meta({ value: COLUMN }),
  group: z
    .string()
    .optional()
    .describe(
      'Column that says which rows belong together: on one side of the hold-out; queries, for rankings.',
    )
    .meta({ value: COLUMN }),
  ignore: z.array(z.string()).optional().describe('Columns to leave out.').meta({ value: 'columns' }),
});

/** What the machine may be used for. */
export const resourceShape = z.object({
  workers: z
    .int()
    .min(0)
    .max(256)
    .optional()
    .describe('Worker threads; 0 works inline; default: one per core, inline for very little data.'),
  memory: z
    .string()
    .regex(/^\d+(\.\d+)?\s*(B|KB|MB|GB|KiB|MiB|GiB)?$/i)
    .optional()
    .describe('Memory budget of the whole process, e.g. 512MB; default: half of the free memory.'),
});

const storeOption = z.string().optional().describe('Store directory; default: the input name with .sora.');
export const atOption = z
  .string()
  .optional()
  .describe('Commit number, time, or steps back (-1) of a store to read; default: the latest.');

/** `sora ingest`. */
export const ingestShape = z.object({
  ...readShape.shape,
  ...roleShape.shape,
  ...resourceShape.shape,
  store: storeOption,
  append: z
    .boolean()
    .default(false)
    .describe('Add the rows to what the store holds instead of replacing it.'),
  precision: z
    .enum(['f32', 'f64'])
    .default('f32')
    .describe('Precision that fractional features are stored with; learners use f32.'),
});

/** What rows are told of earlier ones, and which of them are learned from. */
export const timeShape = z.object({
  lags: z
    .array(z.string())
    .optional()
    .describe(
      'Values of earlier rows as features: column:distance, in rows or time, e.g. demand:1,24,price:7d.',
    )
    .meta({ value: 'lags' }),
  rolling: z
    .array(z.string())
    .optional()
    .describe(
      'Statistics of the rows before as features: column:statistic:window with mean, std, min, max or count, e.g. demand:mean:24.',
    )
    .meta({ value: 'windows' }),
  since: z
    .array(z.string())
    .optional()
    .describe(
      'Time since an event as a feature: a column that is not 0, or column=value, e.g. status=failed.',
    )
    .meta({ value: 'events' }),
  by: z
    .string()
    .optional()
    .describe('Column that says which series a row belongs to, for features over time; default: the key.')
    .meta({ value: COLUMN }),
  horizon: z
    .string()
    .optional()
    .describe(
      'How far ahead is predicted, in rows or time (24, 24h): the target, and columns that are no features, are known so far back; default: 1.',
    )
    .meta({ value: 'distance' }),
  gap: z
    .string()
    .optional()
    .describe('Rows or time left out between the rows to learn from and those held out by time.')
    .meta({ value: 'distance' }),
  window: z
    .string()
    .optional()
    .describe('Learn from the newest rows only: so many (10000), or those of so long (30d).')
    .meta({ value: 'distance' }),
  halfLife: z
    .string()
    .optional()
    .describe(
      'Weights of rows halve with every such age, in rows or time (30d), counted from the newest row.',
    )
    .meta({ value: 'distance' }),
});

/** Losses that a name is enough for. */
const NAMED_LOSSES = LOSS_NAMES.filter((name) => name !== 'own');

/** What is learned, and how. */
export const learnShape = z.object({
  task: z
    .enum(['auto', 'binary', 'multiclass', 'regression', 'count'])
    .default('auto')
    .describe('Kind of prediction; auto looks at the target.'),
  loss: z
    .enum(['auto', ...NAMED_LOSSES])
    .default('auto')
    .describe('Loss to minimise; auto follows from the task.'),
  quantile: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('Loss quantile: share of the targets that should lie below the prediction; default: 0.5.'),
  tweediePower: z
    .number()
    .gt(1)
    .lt(2)
    .optional()
    .describe('Loss tweedie: power of the mean that the variance goes by; default: 1.5.'),
  learner: z
    .enum(['auto', 'linear', 'trees', 'factor'])
    .default('auto')
    .describe(
      'What is fitted: gradient-boosted trees, a linear model, or a factorization machine (factor: for ids and what is known of them); auto takes trees for tables, and linear models for text, for sparse features beyond 1,024 and for fewer than 200 rows.',
    ),
  l1: z.number().nonnegative().default(0).describe('Linear: strength of the L1 penalty on coefficients.'),
  l2: z
    .number()
    .nonnegative()
    .optional()
    .describe(
      'Strength of the L2 penalty on coefficients (default: 1 / sum of weights), or on the leaves of trees.',
    ),
  classWeight: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe('balanced gives every class the same total weight.'),
  maxRounds: z.int().positive().default(200).describe('Linear: most passes over the data.'),
  tolerance: z
    .number()
    .positive()
    .default(1e-4)
    .describe('Linear: stops when the largest gradient entry is below this.'),
  ...treeOptions,
  ...factorOptions,
  encode: z
    .record(z.string(), z.string())
    .optional()
    .describe('How to encode columns, overriding the default, e.g. city=target,age=standard.'),
  parents: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Categories whose levels lie in those of others, coarsest first, e.g. user=age+occupation,item=genre: they are encoded by the mean of the label, shrunk to that of their parents.',
    ),
  numeric: z
    .enum(['auto', 'standard', 'basis'])
    .default('auto')
    .describe(
      'Linear: numbers as they are (standard), with bends at quantiles (basis), or as their count allows.',
    ),
  transfer: z
    .string()
    .optional()
    .describe(
      'Directory of a model to start from, of other data: columns of the same name and type are mapped.',
    )
    .meta({ value: 'model' }),
  map: z
    .record(z.string(), z.string())
    .optional()
    .describe('With --transfer: columns of the model by their names here, e.g. old=new.'),
  adapt: z
    .enum(['tune', 'freeze'])
    .default('tune')
    .describe(
      'With --transfer: tune pulls coefficients to those of the model, or adds trees after moving its leaves; freeze leaves them, and learns what is new on top.',
    ),
  pull: z
    .number()
    .positive()
    .optional()
    .describe('With --transfer, linear: how many rows the coefficients of the model weigh; default: 10.'),
  ...textOptions,
  testFraction: z.number().min(0).max(0.9).default(0.2).describe('Share of rows held out for evaluation.'),
  split: z
    .enum(['auto', 'random', 'time'])
    .default('auto')
    .describe(
      'Which rows are held out: any, or the newest by --time, else by position; auto: the newest with features over time, a window, a half-life or a gap.',
    ),
  ...timeShape.shape,
  folds: z
    .int()
    .min(2)
    .max(100)
    .optional()
    .describe('Also cross-validate over this many folds of particles.'),
  calibrate: z
    .boolean()
    .default(false)
    .describe('Rescale probabilities on half of the held-out rows (Platt); the other half judges.'),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .default(1)
    .describe('Seed of the hold-out and of every random choice.'),
});

/** `sora train`. */
export const trainShape = z.object({
  ...ingestShape.shape,
  ...learnShape.shape,
  at: atOption,
  out: z.string().optional().describe('Model directory; default: models/<target> in the store.'),
  report: z.boolean().default(true).describe('Write an HTML report beside the model.'),
  cache: z.boolean().default(true).describe('Reuse and keep partial results in the store.'),
});

/** `sora backtest`. */
export const backtestShape = z.object({
  ...ingestShape.shape,
  ...learnShape.omit({ testFraction: true, split: true, calibrate: true, folds: true }).shape,
  folds: z.int().min(1).max(100).default(5).describe('How many times the model is fitted and judged.'),
  testSpan: z
    .string()
    .optional()
    .describe('Rows or time that are predicted in each fold (24, 30d); default: equal shares of the rows.')
    .meta({ value: 'distance' }),
  season: z
    .string()
    .optional()
    .describe('Rows or time after which the target comes again (24, 7d): also compared with a season ago.')
    .meta({ value: 'distance' }),
  at: atOption,
  cache: z.boolean().default(true).describe('Reuse and keep partial results in the store.'),
});

/** `sora predict`. */
export const predictShape = z.object({
  ...readShape.shape,
  ...resourceShape.shape,
  out: z
    .string()
    .optional()
    .describe('Output file (.csv, .ndjson or .parquet); default: standard output as CSV.'),
  keep: z.array(z.string()).optional().describe('Input columns to copy beside the predictions.'),
  at: atOption,
  modelAt: z
    .string()
    .optional()
    .describe('Followed models: commit number, time, or steps back (-1) of the version that predicts.'),
});

/** `sora evaluate`. */
export const evaluateShape = z.object({
  ...readShape.shape,
  ...resourceShape.shape,
  at: atOption,
});

/** `sora explain`. */
export const explainShape = z.object({
  ...readShape.shape,
  ...resourceShape.shape,
  out: z
    .string()
    .optional()
    .describe('Output file (.csv, .ndjson or .parquet) with what each column gave to each row.'),
  interactions: z.boolean().default(false).describe('Trees: also what each pair of columns gives together.'),
  limit: z
    .int()
    .positive()
    .optional()
    .describe('Explain so many rows: the first with --out, else about so many spread over the data.'),
  permutations: z
    .int()
    .nonnegative()
    .max(100)
    .default(0)
    .describe('Labelled data: also how much the loss grows when a column is exchanged, so many times over.'),
  seed: z.int().min(0).max(0xffff_ffff).default(1).describe('Seed of the permutations.'),
  keep: z.array(z.string()).optional().describe('Input columns to copy into the output file.'),
  at: atOption,
});

/** `sora update`. */
export const updateShape = z.object({
  ...readShape.shape,
  ...resourceShape.shape,
  store: z.string().optional().describe('Store that the model learned from; default: the one it lies in.'),
  at: atOption,
  again: z
    .boolean()
    .default(false)
    .describe(
      'Append files also where the store holds the same content already: their rows then count twice.',
    ),
  polish: z
    .int()
    .nonnegative()
    .max(10_000)
    .optional()
    .describe(
      'Linear: passes over all rows after those over the new ones; default: none, and 6 for wide models.',
    ),
  recipe: z
    .enum(['keep', 'refit'])
    .default('keep')
    .describe('keep prepares columns as before; refit does it anew, and goes over all rows.'),
  trees: z
    .enum(['add', 'refit'])
    .default('add')
    .describe('Trees: add rounds, or keep the splits and move the leaves.'),
  rows: z
    .enum(['all', 'new'])
    .default('all')
    .describe('Trees: which rows added rounds, or leaves, learn from.'),
  rounds: z
    .int()
    .positive()
    .max(100_000)
    .optional()
    .describe('Trees: rounds to add; default: a tenth of those there, and as many as are dropped.'),
  dropRounds: z.int().nonnegative().default(0).describe('Trees: oldest rounds to drop first.'),
  decay: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('Trees: with --trees refit, share of its value that a leaf keeps.'),
  evaluate: z
    .boolean()
    .default(true)
    .describe('Score the model before and after on held-out rows, and the one before on the new rows.'),
  heldOut: z
    .enum(['some', 'all'])
    .default('some')
    .describe('Held-out rows to score: those of new particles and about 5,000 of old ones, or all.'),
  report: z.boolean().default(true).describe('Write report.html beside the model.'),
  undo: z.boolean().default(false).describe('Put back the model as it was before its last update.'),
  out: z
    .string()
    .optional()
    .describe('Model directory to write; default: in place, the model before stays beside it as <name>.<n>.'),
  cache: z.boolean().default(true).describe('Reuse and keep partial results in the store.'),
});

/** `sora inspect`. */
export const inspectShape = z.object({
  ...readShape.shape,
  ...resourceShape.shape,
  at: atOption,
  summary: z.string().optional().describe('Name of a summary to compute and print.'),
});

/** `sora drift`. */
export const driftShape = z.object({
  ...readShape.omit({ sql: true }).shape,
  ...resourceShape.shape,
  against: z.string().optional().describe('Newer data to compare with: a file, folder, glob or store.'),
  reference: z.string().optional().describe('Older data to compare with, where the path is the newer.'),
  window: z
    .int()
    .min(1)
    .optional()
    .describe('Rows at each end of one store (default: half and half), or the latest of the newer data.'),
  at: z
    .string()
    .optional()
    .describe('Commit of a store: its rows as of then are the reference, those since are compared.'),
  target: z.string().optional().describe('Column that is the label; default: as it is stored.').meta({
    value: COLUMN,
  }),
  ignore: z.array(z.string()).optional().describe('Columns to leave out.').meta({ value: 'columns' }),
  failOver: z
    .number()
    .positive()
    .optional()
    .describe('Exit with code 1 if the score of some column is this or more, e.g. 0.25.'),
});

/** `sora verify`. */
export const verifyShape = z.object({
  repair: z
    .boolean()
    .default(false)
    .describe('Remove damaged caches, and what writers that died left an hour ago or more.'),
});

/** `sora compact`. */
export const compactShape = z.object({
  dryRun: z.boolean().default(false).describe('Say what would be done, and do nothing.'),
  workers: resourceShape.shape.workers,
});

const forceOption = z.boolean().default(false).describe('Replace what is there under that name.');

/** `sora import`. */
export const importShape = z.object({
  out: z
    .string()
    .optional()
    .describe('Model directory; default: the name of the file with .model, in the working directory.'),
  target: z
    .string()
    .default('label')
    .describe('Name of the column that the model predicts, which its file does not say.')
    .meta({ value: COLUMN }),
  classes: z
    .array(z.string())
    .optional()
    .describe('Names of the classes in the order of the outputs; default: 0, 1, …'),
  force: forceOption,
});

/** `sora export`. */
export const exportShape = z.object({
  format: z
    .enum(['lightgbm', 'onnx'])
    .optional()
    .describe('Form of the file; default: by the ending of --out, .txt or .onnx.'),
  out: z
    .string()
    .optional()
    .describe('File to write; default: the name of the model with .txt or .onnx, in the working directory.'),
  force: forceOption,
});

export type ReadOptions = z.input<typeof readShape>;
export type IngestOptions = z.input<typeof ingestShape>;
/** A reference as the loss names one of the user's own: a module (URL) and a factory of {@link OwnLoss} in it. */
export type TrainOptions = Omit<z.input<typeof trainShape>, 'loss'> & {
  readonly loss?: z.input<typeof trainShape>['loss'] | Reference;
};
/** Options of an update, checked. */
export type CheckedUpdate = z.output<typeof updateShape>;
/** Options of a training, checked. */
export type CheckedTrain = z.output<typeof trainShape> & {
  readonly ownLoss?: Reference;
  /** The model that `from` names, read. */
  readonly fromModel?: Model;
  /** Whether rows are in order of time: the column of times then gives calendar features. */
  readonly timed?: boolean;
  /** Weights by age. */
  readonly ageing?: Decay;
  /** The model that `transfer` names, read. */
  readonly transferModel?: Model;
  /** Parameters that a linear fit starts from, by its recipe and outputs. */
  readonly start?: (recipe: Recipe, outputs: number) => Float64Array | undefined;
  /** Where the L2 penalty of a linear fit pulls to, and how many times as strongly. */
  readonly centre?: { readonly centre: Float64Array; readonly strengths: Float64Array };
};
export type BacktestOptions = z.input<typeof backtestShape>;
export type PredictOptions = z.input<typeof predictShape>;
export type EvaluateOptions = z.input<typeof evaluateShape>;
export type ExplainOptions = z.input<typeof explainShape>;
export type UpdateOptions = z.input<typeof updateShape>;
export type InspectOptions = z.input<typeof inspectShape>;
export type DriftOptions = z.input<typeof driftShape>;
export type CompactOptions = z.input<typeof compactShape>;
export type ImportOptions = z.input<typeof importShape>;
export type ExportOptions = z.input<typeof exportShape>;

/** Name of the flag of an option: camelCase to kebab-case. */
export function flagName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Options checked by their schema; throws `bad-option` naming the option, the value and the limit. */
export function checkOptions<T extends z.ZodObject>(shape: T, given: Record<string, unknown>): z.output<T> {
  const result = shape.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = String(issue.path[0] ?? '');
  const value = JSON.stringify(given[key]);
  throw new SoraError('bad-option', `Option --${flagName(key)} is ${value}: ${issue.message}. See --help.`, {
    cause: result.error,
    details: { option: key, value: given[key] },
  });
}
