/** Pairs of features, and where they stand: (0,1), (0,2) …, (1,2) …. */

/** What attributions are of: each feature, or each pair of features i < j. */
export type Kind = 'features' | 'pairs';

/** Number of pairs i < j. */
export function pairCount(features: number): number {
  return (features * (features - 1)) / 2;
}

/** Place of the pair i < j. */
export function pairIndex(i: number, j: number, features: number): number {
  return (i * (2 * features - i - 1)) / 2 + (j - i - 1);
}

/** Slots of a leaf: its features, or pairs of them. */
export function slotCount(depth: number, kind: Kind): number {
  return kind === 'features' ? depth : pairCount(depth);
}
