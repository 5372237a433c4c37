/**
 * Folds of rows for statistics of a label that must not see the row's own label (target encodings).
 * A fold follows from the hash of a row, as the sides of a hold-out do, so it never depends on workers.
 * Rows of equal content are spread: the second one of a particle goes by another hash than the first. Without that,
 * rows that differ in the label alone would lie apart by label, and each would be encoded by the other label.
 * A key names one thing: its rows stay in one fold.
 */
import type { Particle } from '../particle/particle.ts';
import { rowHashes } from '../particle/row-hash.ts';
import { roleIndex } from '../particle/schema.ts';
import { combine32 } from '../random.ts';
import { foldOf } from './split.ts';

/** Fold of each row, 0 … folds - 1 with folds ≤ 256. O(rows × columns) for the hash. */
export function rowFolds(particle: Particle, seed: number, folds: number): Uint8Array {
  const hashes = rowHashes(particle, seed);
  const spread = roleIndex(particle.schema, 'key') < 0 ? spreadRepeats(hashes) : hashes;
  return Uint8Array.from(spread, (hash) => foldOf(hash, folds));
}

/** Folds the number of times a hash stood before into it. Open addressing at half load; O(rows). */
function spreadRepeats(hashes: Uint32Array): Uint32Array {
  const mask = 2 ** (33 - Math.clz32(hashes.length)) - 1;
  const keys = new Uint32Array(mask + 1);
  const seen = new Uint32Array(mask + 1);
  const out = new Uint32Array(hashes.length);
  for (let row = 0; row < hashes.length; row++) {
    const hash = hashes[row];
    let at = hash & mask;
    while (seen[at] > 0 && keys[at] !== hash) at = (at + 1) & mask;
    keys[at] = hash;
    out[row] = seen[at] === 0 ? hash : combine32(hash, seen[at]);
    seen[at]++;
  }
  return out;
}
