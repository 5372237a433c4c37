/**
 * Which rows of a particle a summary looks at: all of them, or one side of a hold-out by row hash.
 * The hash is of a row's content (or key), so the side of a row never depends on how the data is cut; where there is a
 * group column it is of the group, so that the rows of one are on one side.
 */
import { SoraError } from '../errors.ts';
import { groupHashes } from '../particle/group-runs.ts';
import type { Particle } from '../particle/particle.ts';
import { rowHashes } from '../particle/row-hash.ts';
import { fieldIndex } from '../particle/schema.ts';
import { mix32 } from '../random.ts';
import { columnNumbers } from './label-values.ts';

/** A hold-out: a row is on the test side iff its hash (of this seed), as a share of the range, is in [from, fraction). */
export type Split = {
  readonly seed: number;
  /** Share below which rows are on the test side, 0 … 1. */
  readonly fraction: number;
  /** Share from which they are; default 0. */
  readonly from?: number;
  readonly side: 'train' | 'test';
  /** Rows only whose number or time in a column is in [from, to); those where it is missing are on no side. */
  readonly within?: Range;
};

/** A range of the values of a number or timestamp column, open where an end is absent. */
export type Range = { readonly column: string; readonly from?: number; readonly to?: number };

/** Ascending indices of the rows on the split's side; undefined means all rows. O(rows × columns) for the hash. */
export function splitRows(particle: Particle, split: Split | undefined): Uint32Array | undefined {
  if (split === undefined) return undefined;
  const { within } = split;
  const values = within && rangeValues(particle, within);
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = within ?? {};
  const on = sideOf(particle, split);
  const rows = new Uint32Array(particle.rows);
  let count = 0;
  for (let row = 0; row < rows.length; row++) {
    if (values !== undefined && !(values[row] >= from && values[row] < to)) continue;
    if (on(row)) rows[count++] = row;
  }
  return rows.subarray(0, count);
}

/** Whether a row is on the side of the split by its hash; not asked where one side has all of them. */
function sideOf(particle: Particle, { seed, from = 0, fraction, side }: Split): (row: number) => boolean {
  const test = side === 'test';
  if (fraction <= from) return () => !test;
  if (from === 0 && fraction >= 1) return () => test;
  const hashes = groupHashes(particle, seed) ?? rowHashes(particle, seed);
  const first = from * 0x1_0000_0000;
  const limit = fraction * 0x1_0000_0000;
  return (row) => (hashes[row] >= first && hashes[row] < limit) === test;
}

function rangeValues({ schema, columns }: Particle, { column }: Range): Float64Array {
  const index = fieldIndex(schema, column);
  if (index < 0) throw new SoraError('schema-mismatch', `There is no column "${column}" to split by.`);
  return columnNumbers(columns[index], column);
}

/** Fold 0 … folds - 1 of a row hash; mixed again, so that folds are independent of a split by the same hash. */
export function foldOf(hash: number, folds: number): number {
  return Math.floor((mix32(hash ^ 0x5bd1e995) / 0x1_0000_0000) * folds);
}
