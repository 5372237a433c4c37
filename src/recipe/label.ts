/**
 * What is predicted: the kind of the label, its classes, and the loss that suits it.
 * Rules, in order: a boolean, category or text label is classes (2: binary, more: multiclass). A number label with
 * two values is binary; with an exposure column and counts, a count; with 3 to 20 whole numbers, multiclass (the note
 * names the way out); else a number, with Huber's loss where the squares of a few rows would outweigh all others.
 * Classes stand in code-point order (numbers by size), but for binary the positive one is last:
 * a word like "yes" or "true", or else the later one in order.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import { roleIndex, type Schema } from '../particle/schema.ts';
import { type ColumnProfile, columnProfile, type NumberProfile, type Profile } from '../summary/profile.ts';

export const TASKS = ['binary', 'multiclass', 'regression', 'count'] as const;
/** What a user may ask for. */
export type Task = (typeof TASKS)[number];

/** Most classes of one label. */
export const MAX_CLASSES = 1000;
/** Most whole numbers that are taken for classes unasked. */
const MAX_NUMBER_CLASSES = 20;

export const labelShape = z.object({
  column: z.string(),
  kind: z.enum(['binary', 'multiclass', 'number', 'count']),
  /** Names of the classes by index; the label in a view is the index. Absent for numbers and counts. */
  classes: z.array(z.string()).optional(),
  /** Class 1 of a binary label. */
  positive: z.string().optional(),
  loss: z.enum(['logistic', 'softmax', 'squared', 'huber', 'poisson']),
  /** What was inferred and why, and how to override it. */
  note: z.string(),
  /** Mean and standard deviation over the fitted rows, of numbers and counts. */
  mean: z.number().optional(),
  std: z.number().optional(),
});

/** The label of a recipe. */
export type LabelSpec = z.infer<typeof labelShape>;

export interface LabelOptions {
  readonly task?: Task;
  /** The class that a binary model scores; default: see the head of this file. */
  readonly positive?: string;
}

/** Lower-cased names that mean yes. */
const POSITIVE = new Set(['yes', 'y', 'true', 't', 'positive', 'pos', '是', '真']);

/** The label of a schema, from the profile of its column; undefined if no column has the role. */
export function inferLabel(
  schema: Schema,
  profile: Profile,
  options: LabelOptions = {},
): LabelSpec | undefined {
  const index = roleIndex(schema, 'label');
  if (index < 0) return undefined;
  const { name } = schema.fields[index];
  const column = columnProfile(profile, name);
  if (column === undefined || column.present === 0) {
    throw new SoraError(
      'bad-data',
      `Label column "${name}" has no value in any of the ${profile.rows} rows to learn from.`,
    );
  }
  const hasExposure = roleIndex(schema, 'exposure') >= 0;
  if (column.type === 'number') return numberLabel(column, options, hasExposure);
  return classLabel(name, classesOf(column, options.task), options, `a ${column.type} column`);
}

function classesOf(column: ColumnProfile, task: Task | undefined): string[] {
  const { name } = column;
  if (task === 'regression' || task === 'count') {
    throw new SoraError(
      'bad-option',
      `Task ${task} needs a number label, and "${name}" is a ${column.type} column: choose binary or multiclass, or read it as a number (--types ${name}=number).`,
    );
  }
  if (column.type === 'boolean') {
    return [column.trues < column.present ? ['false'] : [], column.trues > 0 ? ['true'] : []].flat();
  }
  if (column.type === 'category') {
    if (column.error > 0) throw tooManyClasses(name, column.distinct.estimate);
    return column.values.map(({ value }) => value).sort(byCodePoint);
  }
  throw new SoraError(
    'bad-data',
    `Label column "${name}" is a ${column.type} column: a label is a number, boolean or category. Name its type (--types ${name}=category) or choose another target.`,
  );
}

function tooManyClasses(name: string, count: number): SoraError {
  return new SoraError(
    'bad-data',
    `Label column "${name}" has ${count} classes; at most ${MAX_CLASSES} can be learned. Is it an identifier? Choose another target, or --task regression if it is a number.`,
    { details: { column: name, classes: count, limit: MAX_CLASSES } },
  );
}

function oneValue(name: string, value: string): SoraError {
  return new SoraError(
    'bad-data',
    `Label column "${name}" is always "${value}" in the rows to learn from: there is nothing to learn. Check the column and the filter of the data.`,
    { details: { column: name, value } },
  );
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function classLabel(column: string, names: string[], options: LabelOptions, why: string): LabelSpec {
  if (names.length < 2) throw oneValue(column, names[0] ?? '');
  if (names.length > MAX_CLASSES) throw tooManyClasses(column, names.length);
  if (names.length > 2 || options.task === 'multiclass') return manyClasses(column, names, options, why);
  const positive = options.positive ?? positiveOf(names);
  const negative = names.find((name) => name !== positive)!;
  if (!names.includes(positive)) {
    throw new SoraError(
      'bad-option',
      `"${positive}" is no class of label "${column}": the classes are ${names.map((name) => `"${name}"`).join(', ')}.`,
    );
  }
  const note = `binary from ${why}: "${positive}" against "${negative}"`;
  return { column, kind: 'binary', classes: [negative, positive], positive, loss: 'logistic', note };
}

function manyClasses(column: string, names: string[], options: LabelOptions, why: string): LabelSpec {
  if (options.task === 'binary') {
    throw new SoraError(
      'bad-option',
      `Task binary needs two classes, and label "${column}" has ${names.length}: use multiclass.`,
    );
  }
  const note = `${names.length} classes from ${why}`;
  return { column, kind: 'multiclass', classes: names, loss: 'softmax', note };
}

/** The one class that means yes, or else the later in order. */
function positiveOf(names: readonly string[]): string {
  const yes = names.filter((name) => POSITIVE.has(name.trim().toLowerCase()));
  return yes.length === 1 ? yes[0] : names[names.length - 1];
}

function numberLabel(column: NumberProfile, options: LabelOptions, hasExposure: boolean): LabelSpec {
  const { name, min, max, values } = column;
  if (min === null || max === null) {
    throw new SoraError('bad-data', `Label column "${name}" has no finite value.`);
  }
  if (min === max) throw oneValue(name, String(min));
  const counts = column.integers && min >= 0;
  const { task } = options;
  const classes = values?.map(({ value }) => String(value));
  if (task === 'count' || (task === undefined && hasExposure && counts))
    return countLabel(column, counts, min);
  if (task === 'regression') return plainNumber(column, 'as asked');
  if (task === 'binary' || task === 'multiclass') {
    if (classes === undefined) throw tooManyClasses(name, column.distinct.estimate);
    return classLabel(name, classes, options, 'a number column, as asked');
  }
  if (classes?.length === 2) return classLabel(name, classes, options, 'a number column of two values');
  if (classes !== undefined && classes.length <= MAX_NUMBER_CLASSES && column.integers) {
    return classLabel(
      name,
      classes,
      options,
      'whole numbers; if they measure something, say --task regression',
    );
  }
  return plainNumber(column, 'a number column');
}

function plainNumber(column: NumberProfile, why: string): LabelSpec {
  const { name, mean, std, min, max } = column;
  const common = { column: name, kind: 'number' as const, mean: mean ?? 0, std: std ?? 0 };
  if (!isExtreme(column)) return { ...common, loss: 'squared', note: `regression, ${why}` };
  const note = `regression, ${why}; extreme values (${min} to ${max}) would outweigh all others, so the loss is robust and fits the typical value (--loss squared fits the mean)`;
  return { ...common, loss: 'huber', note };
}

/** Tails are extreme above this excess kurtosis (a normal distribution has 0, an exponential 6) … */
const EXTREME_KURTOSIS = 100;
/** … if the squared deviations then weigh as much as those of fewer rows than this. */
const FEWEST_ROWS = 100;

/**
 * Whether a mean of squares says little about most rows. (Σd²)² / Σd⁴ = rows / kurtosis is the number of rows that
 * carry the variance: 5 of 542,000 for quantities of online retail, 18,000 of 231,000 for delays of flights.
 */
function isExtreme({ present, kurtosis }: NumberProfile): boolean {
  return kurtosis !== null && kurtosis > EXTREME_KURTOSIS && present / (kurtosis + 3) < FEWEST_ROWS;
}

function countLabel({ name, mean, std }: NumberProfile, counts: boolean, min: number): LabelSpec {
  if (!counts && min < 0) {
    throw new SoraError(
      'bad-data',
      `Task count needs labels of 0 or more, and the least of "${name}" is ${min}.`,
    );
  }
  const moments = { mean: mean ?? 0, std: std ?? 0 };
  return { column: name, kind: 'count', loss: 'poisson', note: 'counts, Poisson', ...moments };
}
