/**
 * Options of a recipe, declared once: types, checks and help texts come from this schema.
 * Everything has a default that is meant to be right; `encode` overrides one column at a time.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';

/** Ways to prepare a column; each transform says which of them it serves. */
export const ENCODINGS = [
  'auto',
  'ignore',
  'standard',
  'log',
  'basis',
  'onehot',
  'ordinal',
  'hash',
  'target',
  'nested',
  'words',
  'bigrams',
  'calendar',
  'cyclic',
  'maxabs',
  'raw',
  'codes',
  'bytes',
] as const;
export type Encoding = (typeof ENCODINGS)[number];

const shape = z.strictObject({
  for: z
    .enum(['linear', 'trees', 'factor'])
    .default('linear')
    .describe(
      'Learner that reads the features. For trees numbers stay as they are, NaN where missing, and categories become codes; for factorization machines every category has a feature, and rows are sparse.',
    ),
  encode: z
    .record(z.string(), z.enum(ENCODINGS))
    .default({})
    .describe('How to prepare a column, by name: {"zip": "target", "id": "ignore"}.'),
  parents: z
    .record(z.string(), z.array(z.string()).min(1))
    .default({})
    .describe(
      'Categories whose levels lie in those of others, coarsest first: {"user": ["age", "occupation"]}. They are encoded by their label mean, shrunk to the mean of age and occupation, that to the mean of the age, and that to all.',
    ),
  numeric: z
    .enum(['auto', 'standard', 'log', 'basis'])
    .default('auto')
    .describe(
      'Number columns of linear models: "standard" only standardises, "log" takes signed log1p first, "basis" adds hinges so that a linear model follows curves; "auto" is basis where it fits the budget, with log for heavy tails.',
    ),
  layout: z
    .enum(['auto', 'dense', 'csr'])
    .default('auto')
    .describe('Layout of views: column-major dense, sparse rows, or by width and density.'),
  knots: z.int().min(1).max(32).default(6).describe('Most hinges a number column gets.'),
  basisBudget: z
    .int()
    .min(0)
    .default(400)
    .describe('Most hinge features over all number columns; knots a column shrink to fit.'),
  onehotLevels: z
    .int()
    .min(2)
    .max(100_000)
    .default(64)
    .describe('Categories with more levels than this are target encoded instead of one-hot.'),
  rowBands: z
    .array(z.string())
    .default([])
    .describe(
      'Factorization machines: categories for which the number of rows of a level has features too, so that levels of few rows shrink to what levels as rare have in common. For a trait of the level (how popular a film is), not for its age (how new a user is).',
    ),
  minCount: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Levels with fewer rows are grouped as "other"; default: 5, or 1 in 20,000 rows if that is more.',
    ),
  hashBits: z
    .int()
    .min(4)
    .max(22)
    .optional()
    .describe('Hash space of text and hashed categories, as a power of two; default: by size of the data.'),
  textNgrams: z
    .int()
    .min(1)
    .max(3)
    .default(1)
    .describe('Text: neighbouring words that are joined, up to so many.'),
  textCharacters: z
    .int()
    .min(0)
    .max(8)
    .default(0)
    .describe('Text: runs of 3 up to so many characters within words are features too; 0: none.'),
  textTfidf: z
    .boolean()
    .default(true)
    .describe('Text: words count by their rarity (inverse document frequency).'),
  textSegmenter: z
    .boolean()
    .default(false)
    .describe(
      'Text: Chinese, Japanese and Thai are cut into words by the dictionaries of ICU instead of into characters.',
    ),
  smoothing: z
    .number()
    .positive()
    .optional()
    .describe(
      'Target encoding: rows of the overall mean that are mixed into each level; default: by how much levels differ (empirical Bayes).',
    ),
  calendarFromTime: z
    .boolean()
    .default(false)
    .describe('Whether the column with role time also gives calendar features.'),
});

/** Options as a caller gives them. */
/** Options of texts, which commands take as they stand here. */
export const textOptions = shape.pick({
  textNgrams: true,
  textCharacters: true,
  textTfidf: true,
  textSegmenter: true,
}).shape;

export type RecipeOptions = z.input<typeof shape>;
/** Options with defaults filled in. */
export type CheckedOptions = z.output<typeof shape>;

/** Fills in defaults; throws `bad-option` naming the place and value. */
export function checkOptions(options: RecipeOptions = {}): CheckedOptions {
  const result = shape.safeParse(options);
  if (result.success) return result.data;
  throw new SoraError('bad-option', `Recipe options: ${z.prettifyError(result.error)}`, {
    cause: result.error,
  });
}

/**
 * Columns whose levels together are a level of `column`, coarsest first, itself last; parents of parents come before them.
 * Throws `bad-option` on a column that lies in itself.
 */
export function nestedPath(
  column: string,
  parents: CheckedOptions['parents'],
  below: string[] = [],
): string[] {
  if (below.includes(column)) {
    throw new SoraError(
      'bad-option',
      `Option parents goes round in a circle: ${[...below, column].join(' in ')}. Leave one of them out.`,
      { details: { option: 'parents', value: column } },
    );
  }
  const own = Object.hasOwn(parents, column) ? parents[column] : [];
  return [...new Set([...own.flatMap((one) => nestedPath(one, parents, [...below, column])), column])];
}

/** Name, default and help of each option, for documentation and command-line help. */
export function describeOptions(): { name: string; help: string }[] {
  return Object.entries(shape.shape).map(([name, item]) => ({ name, help: item.description ?? '' }));
}
