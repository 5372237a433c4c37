/**
 * Which strings mean that a value is missing. White space around a value never counts, an empty value is missing.
 */

/** Strings that mean missing in any column. */
export const MISSING_MARKERS: readonly string[] = [
  '',
  'NA',
  'N/A',
  'n/a',
  '#N/A',
  '<NA>',
  'NaN',
  'nan',
  'NAN',
  'NaT',
  'null',
  'NULL',
  'Null',
  '?',
];

/** Strings that mean missing in columns that otherwise hold only numbers. */
export const NUMBER_MARKERS: readonly string[] = ['None', 'none', '-', '--', '.', '*', 'na'];

/** The value that a string of the source stands for: trimmed, or undefined if it means missing. */
export function normaliser(markers: readonly string[]): (text: string) => string | undefined {
  const missing = new Set(markers);
  return (text) => {
    const trimmed = text.trim();
    return trimmed === '' || missing.has(trimmed) ? undefined : trimmed;
  };
}
