/**
 * Boosting with dropouts: DART (Rashmi & Gilad-Bachrach, "DART: Dropouts meet Multiple Additive Regression Trees",
 * 2015). Some iterations are left out while the next is learned; it then counts 1 / (dropped + 1), and each of those
 * that were left out dropped / (dropped + 1) of what it did, so that together they reach as far as before.
 */
import { combine32 } from '../../random.ts';
import type { FitTreesOptions } from './options.ts';

/** Iterations, of `count` so far, that are left out of a round. */
export function droppedIn(options: FitTreesOptions, round: number, count: number): number[] {
  const { mode, dropRate = 0.1, skipDrop = 0.5, seed = 1 } = options;
  if (mode !== 'dart' || count === 0) return [];
  const key = combine32(combine32(seed, 0xda27), round);
  const chance = (index: number): number => combine32(key, index) / 2 ** 32;
  if (chance(0) < skipDrop) return [];
  const dropped = Array.from({ length: count }, (_, i) => i).filter((i) => chance(i + 1) < dropRate);
  // Where chance left none out, one is, as in LightGBM and XGBoost.
  return dropped.length > 0 ? dropped : [Math.floor(chance(count + 1) * count)];
}
