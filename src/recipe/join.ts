/**
 * A recipe that keeps what another model knows: the steps of its recipe whose columns are in the new data come first, as
 * they were fitted, so that its coefficients and splits mean the same; the other columns are prepared anew.
 */
import type { ColumnType, Field } from '../particle/schema.ts';
import type { Recipe } from './recipe.ts';
import type { Step } from './transform.ts';

/** A joined recipe, and how its columns came about. */
export interface JoinedRecipe {
  readonly recipe: Recipe;
  /** For each of its first features the feature of the old recipe; the features after them are new. */
  readonly from: readonly number[];
  /** New columns that are prepared as an old one was: new name, old name. */
  readonly mapped: readonly (readonly [column: string, old: string])[];
  /** New columns that the old model knows nothing of, and old ones that are not there, or of another type. */
  readonly added: readonly string[];
  readonly lost: readonly string[];
}

/** Joins by name and type; `names` says what old columns are called now. O(features). */
export function joinRecipes(
  old: Recipe,
  fresh: Recipe,
  names: Readonly<Record<string, string>> = {},
): JoinedRecipe {
  const typeOf = (fields: readonly Field[], name: string): ColumnType | undefined =>
    fields.find((field) => field.name === name)?.type;
  const usable = new Set(
    fresh.fields.filter(({ role }) => role === 'feature' || role === 'time').map(({ name }) => name),
  );
  const nameOf = (column: string) => names[column] ?? column;
  const isMapped = (column: string) =>
    usable.has(nameOf(column)) && typeOf(old.fields, column) === typeOf(fresh.fields, nameOf(column));
  const from: number[] = [];
  let feature = 0;
  for (const step of old.steps) {
    for (let i = 0; i < step.width; i++, feature++) if (isMapped(step.column)) from.push(feature);
  }
  const kept = old.steps.filter(({ column }) => isMapped(column));
  const taken = new Set(kept.map(({ column }) => nameOf(column)));
  const added = fresh.steps.filter(({ column }) => !taken.has(column));
  const foreign = ({ transform }: Step) => (transform === 'target' ? { foreign: true } : {});
  const steps = [
    ...kept.map((step) => ({ ...step, column: nameOf(step.column), ...foreign(step) })),
    ...added,
  ];
  const unique = (columns: readonly string[]) => [...new Set(columns)];
  return {
    recipe: {
      ...fresh,
      layout: old.layout,
      steps,
      width: steps.reduce((sum, { width }) => sum + width, 0),
      dropped: fresh.dropped.filter(({ column }) => !taken.has(column)),
    },
    from,
    mapped: unique(kept.map(({ column }) => column)).map((column) => [nameOf(column), column] as const),
    added: unique(added.map(({ column }) => column)),
    lost: unique(old.steps.map(({ column }) => column)).filter((column) => !isMapped(column)),
  };
}
