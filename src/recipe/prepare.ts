/**
 * Gathering what a recipe is fitted from: at most five rounds over the particles, then `fitRecipe`.
 * 1. the profile of every column; 2. word counts of text columns; 3. the label by level of columns that are
 * encoded by target; 4. and 5. paths of nested columns, and the label by path. Rounds that no column needs are not played. The recipe does not depend on the executor.
 */
import type { Json } from '../json.ts';
import type { Schema } from '../particle/schema.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import type { Counts } from '../summary/counts.ts';
import { parentPath } from '../summary/path.ts';
import { columnProfile, type Profile } from '../summary/profile.ts';
import type { Split } from '../summary/split.ts';
import type { TargetState, TargetStatistics } from '../summary/target.ts';
import { type Assignment, assignColumns, fitRecipe, MOST_WORDS } from './fit.ts';
import { inferLabel, type LabelOptions, type LabelSpec } from './label.ts';
import { type CheckedOptions, checkOptions, nestedPath, type RecipeOptions } from './options.ts';
import type { Recipe } from './recipe.ts';
import type { TextFrequency, TextFrequencyState } from './text-frequency.ts';
import { tokensFor } from './transforms/text.ts';

/** @byReference */
export { paths } from '../summary/path.ts';
// The summaries of the rounds, exported from here so that references to them name this module.
export { profile } from '../summary/profile.ts';
/** @byReference */
export { targets } from '../summary/target.ts';
/** @byReference */
export { textFrequency } from './text-frequency.ts';

export interface PrepareInput {
  /** Of the session's particles, with the roles that the recipe shall see. */
  readonly schema: Schema;
  /** Fit from the rows of one side of a hold-out only. */
  readonly split?: Split;
  readonly options?: RecipeOptions;
  readonly label?: LabelOptions;
  /** Seed of the folds of target encodings; default 1. */
  readonly seed?: number;
}

export interface Prepared {
  readonly recipe: Recipe;
  /** Of the rows that the recipe was fitted from. */
  readonly profile: Profile;
}

/** Folds of target encodings. */
const FOLDS = 5;
/** Most numbers of a target table by level, fold and output: keeps a recipe below a megabyte a column. */
const MOST_TARGETS = 30_000;

/** Plays the rounds a recipe needs and fits it. Throws `bad-data` if there is nothing to learn. */
export async function prepareRecipe(session: Session, input: PrepareInput): Promise<Prepared> {
  const { schema, split, seed = 1 } = input;
  const options = checkOptions(input.options);
  const { value: profile } = await session.reduce<unknown, Profile>({
    summary: reference('profile', split === undefined ? {} : { split }),
    keep: 'nodes',
    label: 'profile',
  });
  const label = inferLabel(schema, profile, input.label);
  const { assigned } = assignColumns(schema, profile, options, label);
  const words = await countWords(session, assigned, profile, options, split);
  const targets = label && (await sumTargets(session, assigned, profile, label, seed, split));
  const nested = label && (await sumNested(session, assigned, options, label, seed, split));
  const recipe = fitRecipe({ schema, profile, label: label ?? null, options, words, targets, nested });
  return { recipe, profile };
}

function reference(name: string, options: Json): Reference {
  return { module: import.meta.url, name, options };
}

/** Word counts of the text columns that are not hashed. */
async function countWords(
  session: Session,
  assigned: readonly Assignment[],
  profile: Profile,
  options: CheckedOptions,
  split: Split | undefined,
): Promise<Record<string, TextFrequency>> {
  const columns = assigned
    .filter(({ transform, encoding }) => transform === 'text' && encoding !== 'hash')
    .map(({ field, encoding }) => ({ name: field.name, tokens: tokensFor(encoding, options) }));
  if (columns.length === 0) return {};
  const least = Math.max(2, Math.min(8, Math.round(profile.rows / 5000)));
  const { value } = await session.reduce<TextFrequencyState, readonly TextFrequency[]>({
    summary: reference('textFrequency', { columns, split, least, limit: MOST_WORDS }),
    keep: 'nodes',
    label: 'words',
  });
  return Object.fromEntries(columns.map(({ name }, index) => [name, value[index]]));
}

/** The label by level and fold of the columns that are encoded by target. */
async function sumTargets(
  session: Session,
  assigned: readonly Assignment[],
  profile: Profile,
  label: LabelSpec,
  seed: number,
  split: Split | undefined,
): Promise<Record<string, TargetStatistics>> {
  const outputs = label.kind === 'multiclass' ? label.classes!.length : 1;
  const most = Math.floor(MOST_TARGETS / (outputs * FOLDS));
  const columns = assigned
    .filter(({ transform }) => transform === 'target')
    .map(({ field }) => ({ name: field.name, levels: commonLevels(profile, field.name, most) }));
  if (columns.length === 0) return {};
  const { column, kind, classes } = label;
  const { value } = await session.reduce<TargetState, readonly TargetStatistics[]>({
    summary: reference('targets', { columns, label: { column, kind, classes }, folds: FOLDS, seed, split }),
    keep: 'nodes',
    label: 'target statistics',
  });
  return Object.fromEntries(columns.map(({ name }, index) => [name, value[index]]));
}

/** The label by path and fold of nested columns: paths are counted, then the label is summed by the commonest. */
async function sumNested(
  session: Session,
  assigned: readonly Assignment[],
  options: CheckedOptions,
  label: LabelSpec,
  seed: number,
  split: Split | undefined,
): Promise<Record<string, readonly TargetStatistics[]>> {
  const names = assigned.filter(({ transform }) => transform === 'nested').map(({ field }) => field.name);
  if (names.length === 0) return {};
  const places = names.flatMap((name) => {
    const path = nestedPath(name, options.parents);
    return path.map((_, depth) => ({ name, path: path.slice(0, depth + 1) }));
  });
  const { value: counted } = await session.reduce<unknown, readonly Counts[]>({
    summary: reference('paths', { paths: places.map(({ path }) => path), split }),
    keep: 'nodes',
    label: 'paths',
  });
  const outputs = label.kind === 'multiclass' ? label.classes!.length : 1;
  const most = Math.floor(MOST_TARGETS / (outputs * FOLDS));
  const columns: { name: string; path: string[]; levels: string[] }[] = [];
  let above: ReadonlySet<string | undefined> = new Set();
  for (const [i, { name, path }] of places.entries()) {
    // Every level lies in a listed one, which is as common: more levels than the limit leave rare ones out.
    const listed = counted[i].values.filter(
      ({ value, count }) => count > 1 && (path.length === 1 || above.has(parentPath(value))),
    );
    const levels = listed.slice(0, most).map(({ value }) => value);
    columns.push({ name, path, levels });
    above = new Set(levels);
  }
  const { column, kind, classes } = label;
  const { value } = await session.reduce<TargetState, readonly TargetStatistics[]>({
    summary: reference('targets', { columns, label: { column, kind, classes }, folds: FOLDS, seed, split }),
    keep: 'nodes',
    label: 'target statistics',
  });
  return Object.fromEntries(names.map((name) => [name, value.filter((_, i) => places[i].name === name)]));
}

/** The commonest levels of a category, most frequent first; those of a single row say nothing out of fold. */
function commonLevels(profile: Profile, name: string, most: number): string[] {
  const column = columnProfile(profile, name);
  if (column?.type !== 'category') return [];
  return column.values
    .filter(({ count }) => count > 1)
    .slice(0, most)
    .map(({ value }) => value);
}
