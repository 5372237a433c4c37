/**
 * From the dictionary of a particle to the slots of a fitted step: one look-up per distinct level, not per row.
 */
import { type CategoryColumn, type Column, isPresent } from '../particle/column.ts';

/** Index of each level by its text, kept per list of levels. */
const tables = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

/** Index of each level of a list, by its text. Built once per list. */
export function levelTable(levels: readonly string[]): ReadonlyMap<string, number> {
  const known = tables.get(levels);
  if (known !== undefined) return known;
  const table = new Map(levels.map((level, index) => [level, index]));
  tables.set(levels, table);
  return table;
}

/**
 * Writes `slotOf(level)` for each row into `slots`, and `missing` where no value is present.
 * O(levels + rows); `slotOf` is called once per level of a dictionary.
 */
export function fillSlots(
  column: Column,
  rows: Uint32Array | undefined,
  slotOf: (level: string) => number,
  missing: number,
  slots: Int32Array,
): void {
  const { codes, dictionary, validity } = column as CategoryColumn;
  const ofCode = Int32Array.from(dictionary, slotOf);
  for (let i = 0; i < slots.length; i++) {
    const row = rows === undefined ? i : rows[i];
    slots[i] = isPresent(validity, row) ? ofCode[codes[row]] : missing;
  }
}

/** Number of entries equal to `value`. */
export function countOf(slots: Int32Array, value: number): number {
  let count = 0;
  for (let i = 0; i < slots.length; i++) count += slots[i] === value ? 1 : 0;
  return count;
}
