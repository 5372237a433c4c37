/** Which rows an iteration learns from, of what is known of their gradients. */
import type { RowSampling } from './round.ts';
import { leastOfClass } from './slopes.ts';
import type { Watched } from './statistics.ts';

/**
 * A share of the rows at random; or, where `topShare` is above 0, that share of largest gradients and `otherShare` of
 * all rows from the others, which then count for all the others. Undefined: all rows.
 */
export function rowSampling(
  { sizes }: Watched,
  share: number,
  topShare: number,
  otherShare: number,
): RowSampling | undefined {
  if (topShare > 0 && sizes !== undefined) return oneSided(sizes, topShare, otherShare);
  return share < 1 ? { share } : undefined;
}

/** Rows are told apart by classes of sizes: those of the class in which the share is reached are all kept. */
function oneSided(sizes: Float64Array, topShare: number, otherShare: number): RowSampling | undefined {
  const total = sizes.reduce((sum, count) => sum + count, 0);
  let kept = 0;
  let least = sizes.length;
  while (least > 0 && kept < topShare * total) kept += sizes[--least];
  const others = total - kept;
  const share = others > 0 ? (otherShare * total) / others : 1;
  return share < 1 ? { share, keepFrom: leastOfClass(least) } : undefined;
}
