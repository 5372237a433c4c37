/**
 * Fitting a recipe: each column of the schema goes to one transform, which decides from statistics.
 * Pure: the same statistics give the same recipe. The rounds that gather them are in prepare.ts.
 */
import { SoraError } from '../errors.ts';
import type { Field, Schema } from '../particle/schema.ts';
import { columnProfile, type Profile } from '../summary/profile.ts';
import type { TargetStatistics } from '../summary/target.ts';
import { inferLabel, type LabelOptions, type LabelSpec } from './label.ts';
import {
  type CheckedOptions,
  checkOptions,
  type Encoding,
  nestedPath,
  type RecipeOptions,
} from './options.ts';
import { RECIPE_VERSION, type Recipe, transformNamed } from './recipe.ts';
import { type ColumnStatistics, statisticsOf } from './statistics.ts';
import type { TextFrequency } from './text-frequency.ts';
import type { Dropped, Step, Transform } from './transform.ts';
import { defaultMinCount } from './transforms/category.ts';
import { MAX_CODES } from './transforms/codes.ts';
import { TRANSFORMS } from './transforms/index.ts';
import { MAX_OUTPUTS } from './transforms/target.ts';

/** Everything a recipe is fitted from. */
export interface FitInput {
  readonly schema: Schema;
  readonly profile: Profile;
  /** Inferred from schema and profile when absent; null: a recipe without a label. */
  readonly label?: LabelSpec | null;
  readonly labelOptions?: LabelOptions;
  readonly options?: RecipeOptions;
  /** Word counts by column, where counted. */
  readonly words?: Readonly<Record<string, TextFrequency>>;
  /** Target statistics by column, where summed. */
  readonly targets?: Readonly<Record<string, TargetStatistics>>;
  /** Target statistics of the paths of nested columns by column, coarsest first. */
  readonly nested?: Readonly<Record<string, readonly TargetStatistics[]>>;
}

/** What is to be done with a column, decided from the profile alone. */
export interface Assignment {
  readonly field: Field;
  readonly transform: string;
  readonly encoding: Encoding;
}

/** Widest dense view; beyond it rows are sparse. */
const MAX_DENSE_WIDTH = 1024;
/** Most words over all text columns of a recipe for trees, whose columns are dense. */
const TREE_WORDS = 512;
/** Most words of a text column. */
export const MOST_WORDS = 32_768;
/** Share of values that are not zero from which dense columns cost less than CSR entries. */
const DENSE_SHARE = 0.2;
/** Up to this width, dense is never much dearer. */
const ALWAYS_DENSE = 64;

/** The recipe of a data set. Throws `bad-option` on an impossible encoding, `bad-data` if no feature is left. */
export function fitRecipe(input: FitInput): Recipe {
  const { schema, profile } = input;
  const options = checkOptions(input.options);
  const label =
    input.label === null ? undefined : (input.label ?? inferLabel(schema, profile, input.labelOptions));
  const { assigned, dropped } = assignColumns(schema, profile, options, label);
  const fitted = (centred: boolean) => fitSteps(input, options, label, assigned, centred);
  const centred = fitted(true);
  const layout = layoutOf(options, centred, input);
  const { steps, dropped: unusable } = layout === 'dense' ? centred : fitted(false);
  const width = steps.reduce((sum, step) => sum + step.width, 0);
  const folds = foldsOf(steps, input);
  const recipe: Recipe = {
    version: RECIPE_VERSION,
    layout,
    width,
    fields: schema.fields,
    label,
    steps,
    dropped: [...dropped, ...unusable],
    folds,
  };
  if (width === 0) throw nothingLeft(recipe);
  return recipe;
}

/** The layout asked for, or the cheaper one; trees read dense columns only. */
function layoutOf(options: CheckedOptions, steps: FittedSteps, input: FitInput): Recipe['layout'] {
  if (options.for === 'linear')
    return options.layout === 'auto' ? chooseLayout(steps, input) : options.layout;
  if (options.for === 'factor') return 'csr';
  if (options.layout !== 'csr') return 'dense';
  throw new SoraError('bad-option', 'Option layout is csr, and trees read dense columns only: leave it out.');
}

function nothingLeft({ dropped }: Recipe): SoraError {
  const reasons = dropped.map(({ column, reason }) => `"${column}": ${reason}`).join('; ');
  return new SoraError('bad-data', `No column gives a feature (${reasons || 'there is none'}).`);
}

/** Which transform takes each column, and which columns are left out by role or request. */
export function assignColumns(
  schema: Schema,
  profile: Profile,
  options: CheckedOptions,
  label: LabelSpec | undefined,
): { assigned: Assignment[]; dropped: { column: string; reason: string }[] } {
  for (const name of Object.keys(options.encode)) requireColumn(schema, name, 'encode');
  for (const name of options.rowBands) requireColumn(schema, name, 'rowBands');
  checkParents(schema, options);
  const assigned: Assignment[] = [];
  const dropped: { column: string; reason: string }[] = [];
  for (const field of schema.fields) {
    if (!isUsed(field, options, label)) continue;
    const nested = Object.hasOwn(options.parents, field.name) ? 'nested' : 'auto';
    const encoding = options.encode[field.name] ?? nested;
    if (encoding === 'ignore') dropped.push({ column: field.name, reason: 'as asked' });
    else assigned.push(assign(field, encoding, profile, options, label));
  }
  return { assigned, dropped };
}

function isUsed(field: Field, options: CheckedOptions, label: LabelSpec | undefined): boolean {
  if (field.name === label?.column) return false;
  if (field.role === 'time') {
    return (
      (options.calendarFromTime && field.type === 'timestamp') || options.encode[field.name] !== undefined
    );
  }
  return field.role === 'feature';
}

/** Throws `bad-option` unless parents are categories, and none lies in itself. */
function checkParents(schema: Schema, { parents }: CheckedOptions): void {
  for (const column of Object.keys(parents)) {
    for (const name of [column, ...parents[column]]) {
      requireColumn(schema, name, 'parents');
      const { type } = schema.fields.find((field) => field.name === name)!;
      if (type === 'category') continue;
      throw new SoraError(
        'bad-option',
        `Option parents names "${name}", which is of type ${type}: levels lie in categories, so read it as one (--types ${name}=category).`,
        { details: { option: 'parents', value: name, type } },
      );
    }
    nestedPath(column, parents);
  }
}

function requireColumn(schema: Schema, name: string, option: string): void {
  if (schema.fields.some((field) => field.name === name)) return;
  const names = schema.fields.map((field) => field.name).join(', ');
  throw new SoraError(
    'bad-option',
    `Option ${option} names "${name}", which is no column; the columns are: ${names}.`,
  );
}

function assign(
  field: Field,
  asked: Encoding,
  profile: Profile,
  options: CheckedOptions,
  label: LabelSpec | undefined,
): Assignment {
  const encoding = asked === 'auto' ? usualEncoding(field, profile, options, label) : asked;
  const candidates = TRANSFORMS.filter(({ types }) => types.includes(field.type));
  const found = candidates.find(
    ({ name, encodings }) =>
      encodings.includes(encoding) &&
      canRead(options, encoding) &&
      (encoding !== 'cyclic' || (name === 'instant') === (options.for === 'trees')),
  );
  if (found !== undefined) {
    const open = asked === 'auto' && (encoding === 'target' || encoding === 'codes');
    return { field, transform: found.name, encoding: open ? 'auto' : encoding };
  }
  const possible = candidates.flatMap(({ encodings }) => encodings).filter((one) => canRead(options, one));
  throw new SoraError(
    'bad-option',
    `Column "${field.name}" is of type ${field.type}, which cannot be encoded as "${encoding}": choose among ${[...new Set(possible)].join(', ')}, ignore.`,
  );
}

/** Whether the learner can read what an encoding gives: NaN for missing values is for trees alone. */
function canRead(options: CheckedOptions, encoding: Encoding): boolean {
  return options.for === 'trees' || !(encoding === 'raw' || encoding === 'codes');
}

/** The encoding of a column that none was asked for; `auto` is the first transform of its type. */
function usualEncoding(
  field: Field,
  profile: Profile,
  options: CheckedOptions,
  label: LabelSpec | undefined,
): Encoding {
  const encode = options.for === 'trees' ? treeEncoding : categoryEncoding;
  if (field.type === 'category') return encode(field, profile, options, label);
  // What comes after the rows to learn from lies beyond every time they had: a trend says nothing of it.
  if (field.role === 'time') return 'cyclic';
  const asItIs = field.type === 'number' || field.type === 'boolean' || field.type === 'timestamp';
  if (options.for === 'factor' && field.type === 'number' && options.numeric === 'auto') return 'standard';
  return options.for === 'trees' && asItIs ? 'raw' : 'auto';
}

/** Codes if every level can have one, else by target; where there is no label to encode by, codes all the same. */
function treeEncoding(
  field: Field,
  profile: Profile,
  _options: CheckedOptions,
  label: LabelSpec | undefined,
): Encoding {
  const column = columnProfile(profile, field.name);
  const many = column?.type === 'category' && column.distinct.estimate > MAX_CODES;
  return many && canEncodeBy(label) ? 'target' : 'codes';
}

/** Whether there is a label, and not one of too many classes, that levels can be encoded by. */
function canEncodeBy(label: LabelSpec | undefined): boolean {
  return label !== undefined && !(label.kind === 'multiclass' && label.classes!.length > MAX_OUTPUTS);
}

/**
 * One-hot if levels that are not rare fit the limit and cover nine rows in ten, else by target;
 * hashed where there is no label to encode by, or one of too many classes.
 */
function categoryEncoding(
  field: Field,
  profile: Profile,
  options: CheckedOptions,
  label: LabelSpec | undefined,
): Encoding {
  const column = columnProfile(profile, field.name);
  if (column?.type !== 'category' || column.distinct.estimate <= options.onehotLevels) return 'onehot';
  const least = options.minCount ?? defaultMinCount(profile.rows);
  const frequent = column.values.filter(({ count }) => count >= least);
  const covered = frequent.reduce((sum, { count }) => sum + count, 0);
  if (frequent.length <= options.onehotLevels && covered >= 0.9 * column.present) return 'onehot';
  return canEncodeBy(label) ? 'target' : 'hash';
}

interface FittedSteps {
  readonly steps: Step[];
  readonly dropped: { column: string; reason: string }[];
}

/** A column of few whole numbers may have this many times the knots of another: hours, months, ratings. */
const FEW_VALUES = 4;

function fitSteps(
  input: FitInput,
  options: CheckedOptions,
  label: LabelSpec | undefined,
  assigned: readonly Assignment[],
  centred: boolean,
): FittedSteps {
  const steps: Step[] = [];
  const dropped: { column: string; reason: string }[] = [];
  const numbers = assigned.filter(({ transform }) => transform === 'number').length;
  const share = Math.floor(options.basisBudget / Math.max(1, numbers));
  const knots = { most: Math.min(options.knots, share), few: Math.min(FEW_VALUES * options.knots, share) };
  const texts = assigned.filter(({ transform }) => transform === 'text').length;
  const words = options.for === 'trees' ? Math.ceil(TREE_WORDS / Math.max(1, texts)) : MOST_WORDS;
  for (const { field, transform, encoding } of assigned) {
    const statistics = statisticsFor(input, field.name);
    if (statistics === undefined) {
      dropped.push({ column: field.name, reason: 'it is in no particle' });
      continue;
    }
    const context = { field, statistics, encoding, options, knots, words, centred, label };
    const { fit: learn } = transformNamed(transform);
    const fitted: Step | Dropped = learn(context);
    if ('dropped' in fitted) dropped.push({ column: field.name, reason: fitted.dropped });
    else steps.push(fitted);
  }
  return { steps, dropped };
}

function statisticsFor(input: FitInput, name: string): ColumnStatistics | undefined {
  const profile = columnProfile(input.profile, name);
  return profile && statisticsOf(profile, input.words?.[name], input.targets?.[name], input.nested?.[name]);
}

/** Dense when narrow, or when not too wide and at least a fifth of the values are not zero. */
function chooseLayout({ steps }: FittedSteps, input: FitInput): 'dense' | 'csr' {
  const width = steps.reduce((sum, step) => sum + step.width, 0);
  if (width <= ALWAYS_DENSE) return 'dense';
  if (width > MAX_DENSE_WIDTH) return 'csr';
  const entries = steps.reduce((sum, step) => sum + entriesOf(step, input), 0);
  return entries >= DENSE_SHARE * width ? 'dense' : 'csr';
}

/** Values of a step that are not zero, a row, about. */
function entriesOf(step: Step, input: FitInput): number {
  const { entries }: Pick<Transform, 'entries'> = transformNamed(step.transform);
  const statistics = statisticsFor(input, step.column);
  return statistics === undefined ? 0 : Math.min(step.width, entries(step, statistics));
}

/** Seed and number of the folds that target tables were summed by; absent when no step encodes by target. */
function foldsOf(steps: readonly Step[], input: FitInput): Recipe['folds'] {
  const first = steps.find((step) => step.transform === 'target' || step.transform === 'nested');
  const table = first && (input.nested?.[first.column]?.[0] ?? input.targets?.[first.column]);
  return table && { seed: table.seed, count: table.folds };
}
