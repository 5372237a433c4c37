/**
 * Distances of two distributions that are counts in the same places: population stability index, Jensen-Shannon divergence,
 * and the greatest distance of their distribution functions. Symmetric; 0 for equal shares.
 */
import { log } from '../kernel/elementary.ts';

type Counts = ArrayLike<number>;

function total(counts: Counts): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i];
  return sum;
}

/** Added to every count of the index, so that a place that one side lacks is not infinitely far (Jeffreys' prior). */
const PRIOR = 0.5;

/**
 * Population stability index: Σ (q − p) ln(q / p) of shares. By custom below 0.1 nothing has changed, from 0.25 on much.
 * Counts have ½ added. 0 where either side has no rows. O(places).
 */
export function stabilityIndex(reference: Counts, against: Counts): number {
  const places = reference.length;
  const [n, m] = [total(reference), total(against)];
  if (n === 0 || m === 0) return 0;
  let sum = 0;
  for (let i = 0; i < places; i++) {
    const p = (reference[i] + PRIOR) / (n + PRIOR * places);
    const q = (against[i] + PRIOR) / (m + PRIOR * places);
    sum += (q - p) * log(q / p);
  }
  return sum;
}

/** Standard normal quantile of 95 %. */
const Z95 = 1.6448536269514722;

/**
 * The index that chance alone exceeds once in twenty: (1 / n + 1 / m) times the 95 % quantile of χ² of places − 1 degrees
 * (Yurdakul & Naranjo, J. Risk Model Validation 14, 2020), that by Wilson & Hilferty's approximation.
 */
export function chanceIndex(places: number, n: number, m: number): number {
  const degrees = places - 1;
  if (degrees < 1 || n === 0 || m === 0) return 0;
  const spread = 2 / (9 * degrees);
  return (1 / n + 1 / m) * degrees * (1 - spread + Z95 * Math.sqrt(spread)) ** 3;
}

/** Jensen-Shannon divergence in bits, from 0 to 1 (Lin, IEEE Trans. Inf. Theory 37, 1991). O(places). */
export function jensenShannon(reference: Counts, against: Counts): number {
  const [n, m] = [total(reference), total(against)];
  if (n === 0 || m === 0) return 0;
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    const p = reference[i] / n;
    const q = against[i] / m;
    const middle = (p + q) / 2;
    if (p > 0) sum += (p * log(p / middle)) / 2;
    if (q > 0) sum += (q * log(q / middle)) / 2;
  }
  return Math.min(1, Math.max(0, sum / Math.LN2));
}

/** Greatest distance of the distribution functions at the borders between places, which are in order. */
export function countsDistance(reference: Counts, against: Counts): number {
  const [n, m] = [total(reference), total(against)];
  if (n === 0 || m === 0) return 0;
  let p = 0;
  let q = 0;
  let greatest = 0;
  for (let i = 0; i < reference.length; i++) {
    p += reference[i];
    q += against[i];
    greatest = Math.max(greatest, Math.abs(p / n - q / m));
  }
  return greatest;
}

/** P values as Holm corrects them for being several (Scand. J. Statistics 6, 1979): none is wrongly small in 95 % of tables. */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b] || a - b);
  const corrected = new Array<number>(values.length);
  let least = 0;
  for (const [rank, index] of order.entries()) {
    least = Math.max(least, Math.min(1, values[index] * (values.length - rank)));
    corrected[index] = least;
  }
  return corrected;
}
