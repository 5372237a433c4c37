/**
 * The fitted recipe and its JSON form: what is done to each column, in feature order.
 * A recipe is a value: it holds no data, names no file, and applies to any particle that has its columns.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { type Field, parseSchema } from '../particle/schema.ts';
import { type LabelSpec, labelShape } from './label.ts';
import type { Step, Transform } from './transform.ts';
import { TRANSFORMS } from './transforms/index.ts';

/** Format version of the JSON form; changes when an older reader would misread it. */
export const RECIPE_VERSION = 1;

/** The prepared columns of a data set. Features of step i follow those of step i - 1. */
export interface Recipe {
  readonly version: typeof RECIPE_VERSION;
  readonly layout: 'dense' | 'csr';
  /** Number of features. */
  readonly width: number;
  /** Columns of the data it was fitted on. */
  readonly fields: readonly Field[];
  readonly label?: LabelSpec;
  readonly steps: readonly Step[];
  /** Columns that give no features, and why. */
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  /** Folds of out-of-fold encodings; absent when no step has one. */
  readonly folds?: { readonly seed: number; readonly count: number };
}

const recipeShape = z.object({
  version: z.int(),
  layout: z.enum(['dense', 'csr']),
  width: z.int().min(0),
  fields: z.array(z.unknown()),
  label: labelShape.optional(),
  steps: z.array(
    z.looseObject({ transform: z.string(), column: z.string(), width: z.int(), why: z.string() }),
  ),
  dropped: z.array(z.object({ column: z.string(), reason: z.string() })),
  folds: z.object({ seed: z.int(), count: z.int().min(2) }).optional(),
});

/** The transform of a step or name; throws `schema-mismatch` if this version has none of that name. */
export function transformNamed(name: string): Transform {
  const found = TRANSFORMS.find((one) => one.name === name);
  if (found === undefined) {
    throw new SoraError(
      'schema-mismatch',
      `This version has no transform "${name}" that the recipe asks for.`,
    );
  }
  return found;
}

/** A checked recipe from untrusted JSON; throws `newer-format` or `schema-mismatch` naming place and value. */
export function parseRecipe(json: unknown): Recipe {
  const version = (json as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > RECIPE_VERSION) {
    throw new SoraError(
      'newer-format',
      `The recipe has format version ${version}; this version of Sora reads up to ${RECIPE_VERSION}: update it.`,
    );
  }
  const recipe = checked(recipeShape, json, 'recipe');
  const steps = recipe.steps.map(
    (step) => checked(transformNamed(step.transform).shape, step, `step of column "${step.column}"`) as Step,
  );
  const width = steps.reduce((sum, step) => sum + step.width, 0);
  if (width !== recipe.width) {
    throw new SoraError(
      'schema-mismatch',
      `The steps of the recipe have ${width} features, it says ${recipe.width}.`,
    );
  }
  const { fields } = parseSchema({ fields: recipe.fields });
  return { ...recipe, version: RECIPE_VERSION, fields, steps };
}

function checked<T>(shape: z.ZodType<T>, json: unknown, what: string): T {
  const result = shape.safeParse(json);
  if (result.success) return result.data;
  throw new SoraError('schema-mismatch', `Not a ${what}: ${z.prettifyError(result.error)}`, {
    cause: result.error,
  });
}

/** The recipe as plain JSON, ready for `model.json` or a reference's options. */
export function recipeJson(recipe: Recipe): Json {
  return recipe as unknown as Json;
}

/** The recipe without what only fitting reads: the form that a model keeps to predict with. */
export function servingRecipe(recipe: Recipe): Recipe {
  const { folds: _, ...rest } = recipe;
  return { ...rest, steps: recipe.steps.map((step) => transformNamed(step.transform).strip?.(step) ?? step) };
}

/** Names of all features, in order. O(width). */
export function featureNames(recipe: Recipe): string[] {
  const names: string[] = [];
  for (const step of recipe.steps) {
    const { feature } = transformNamed(step.transform);
    for (let index = 0; index < step.width; index++) names.push(feature(step, index));
  }
  return names;
}

/** The column a feature comes from, by feature index: for reports that add up features of a column. O(width). */
export function featureColumns(recipe: Recipe): string[] {
  return recipe.steps.flatMap((step) => Array.from({ length: step.width }, () => step.column));
}

/**
 * Group of levels or words that each feature is one of, counted from 1; 0: of none, as numbers are. Step i has group 2i + 1,
 * and bands of how common its levels are group 2i + 2. O(width).
 */
export function levelGroups(recipe: Recipe): number[] {
  return recipe.steps.flatMap((step, i) => {
    const { group } = transformNamed(step.transform);
    return Array.from({ length: step.width }, (_, index) => (group ? 2 * i + group(step, index) : 0));
  });
}

/** Whether each feature is a code of a category, which trees split by sets instead of by order. O(width). */
export function categoricalFeatures(recipe: Recipe): boolean[] {
  return recipe.steps.flatMap(({ transform, width }) =>
    Array.from({ length: width }, () => transformNamed(transform).categorical === true),
  );
}

/** Features that are marks: one of two values, as each of many columns may be that stand for one category. */
export function markFeatures(recipe: Recipe): number {
  return recipe.steps.filter((step) => 'mark' in step && step.mark === true).length;
}

/** One line a column: what is done with it and why. */
export function describeRecipe(recipe: Recipe): string[] {
  const used = recipe.steps.map(
    (step) => `${step.column}: ${step.why} (${step.width} feature${step.width === 1 ? '' : 's'})`,
  );
  const dropped = recipe.dropped.map(({ column, reason }) => `${column}: not used, ${reason}`);
  const label = recipe.label === undefined ? [] : [`${recipe.label.column}: label, ${recipe.label.note}`];
  return [...label, ...used, ...dropped];
}
