/**
 * Which rows of a particle a summary looks at: all of them, or one side of a hold-out by row hash.
 * The hash is of a row's content (or key), so the side of a row never depends on how the data is cut; where there is a
 * group column it is of the group, so that the rows of one are on one side.
 */

import { groupHashes } from '../particle/group-runs.ts';
import type { Particle } from '../particle/particle.ts';
import { rowHashes } from '../particle/row-hash.ts';
import { mix32 } from '../random.ts';

/** A hold-out: a row is on the test side iff its hash (of this seed), as a share of the range, is in [from, fraction). */
export type Split = {
  readonly seed: number;
  /** Share below which rows are on the test side, 0 … 1. */
  readonly fraction: number;
  /** Share from which they are; default 0. */
  readonly from?: number;
  readonly side: 'train' | 'test';
};

/** Ascending indices of the rows on the split's side; undefined means all rows. O(rows × columns) for the hash. */
export function splitRows(particle: Particle, split: Split | undefined): Uint32Array | undefined {
  if (split === undefined) return undefined;
  const hashes = groupHashes(particle, split.seed) ?? rowHashes(particle, split.seed);
  const first = (split.from ?? 0) * 0x1_0000_0000;
  const limit = split.fraction * 0x1_0000_0000;
  const test = split.side === 'test';
  const rows = new Uint32Array(particle.rows);
  let count = 0;
  for (let row = 0; row < rows.length; row++) {
    if ((hashes[row] >= first && hashes[row] < limit) === test) rows[count++] = row;
  }
  return rows.subarray(0, count);
}

/** Fold 0 … folds - 1 of a row hash; mixed again, so that folds are independent of a split by the same hash. */
export function foldOf(hash: number, folds: number): number {
  return Math.floor((mix32(hash ^ 0x5bd1e995) / 0x1_0000_0000) * folds);
}
