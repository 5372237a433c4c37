/**
 * Folds of rows for out-of-fold encodings: by the hash of a row, as a hold-out is, so a fold never depends on workers.
 */
import type { Particle } from '../particle/particle.ts';
import { rowHashes } from '../particle/row-hash.ts';
import { foldOf } from '../summary/split.ts';

/** Fold of each row, 0 … count - 1. O(rows × columns) for the hash. */
export function rowFolds(particle: Particle, { seed, count }: { seed: number; count: number }): Uint8Array {
  return Uint8Array.from(rowHashes(particle, seed), (hash) => foldOf(hash, count));
}
