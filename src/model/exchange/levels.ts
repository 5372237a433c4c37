/**
 * Categories of foreign models: whole numbers, with or without names, become codes 0 … 254.
 * A category that no set names goes where all unnamed ones go, so only named ones need codes of their own.
 */
import { MAX_CODES } from '../../recipe/transforms/codes.ts';
import { type ImportedFeature, unsupported } from './build.ts';

/** The codes of a categorical feature. */
export interface FeatureCodes {
  readonly feature: ImportedFeature;
  /** Code of a foreign category that a set names. */
  codeOf(category: number): number;
}

/**
 * Codes of a feature: of all its known categories if there are few enough, else of those that sets name; throws
 * `unsupported-format` if those are more than {@link MAX_CODES}.
 */
export function featureCodes(
  name: string,
  named: ReadonlySet<number>,
  known: readonly number[],
  text: (category: number) => string,
  where: string,
  other: boolean,
): FeatureCodes {
  const all = new Set([...named, ...known]);
  const chosen = all.size <= MAX_CODES ? all : named;
  if (chosen.size > MAX_CODES) {
    throw unsupported(
      where,
      `feature "${name}", whose splits name ${chosen.size} categories (at most ${MAX_CODES}),`,
      'Train it with fewer levels (max_cat_threshold, max_cat_to_onehot), or encode the column as numbers before.',
    );
  }
  const categories = [...chosen].sort((a, b) => a - b);
  const codes = new Map(categories.map((category, code) => [category, code]));
  const feature = { name, levels: categories.map(text), other };
  return { feature, codeOf: (category) => codes.get(category)! };
}
