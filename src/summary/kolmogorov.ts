/**
 * The test of Kolmogorov and Smirnov for two samples: the greatest distance of their distribution functions, and how often
 * chance alone gives as much. Exact for small samples of values without ties (Hodges, Arkiv för Matematik 3, 1958: paths on a
 * lattice), otherwise the limiting distribution with the correction of Stephens (JRSS B 32, 1970). Ties make it cautious.
 */
import { exp, log } from '../kernel/elementary.ts';

/** Greatest distance of the distribution functions of two ascending samples. O(a + b). */
export function ksDistance(a: Float64Array, b: Float64Array): number {
  let i = 0;
  let j = 0;
  let greatest = 0;
  while (i < a.length && j < b.length) {
    const value = a[i] <= b[j] ? a[i] : b[j];
    while (i < a.length && a[i] === value) i++;
    while (j < b.length && b[j] === value) j++;
    const distance = Math.abs(i / a.length - j / b.length);
    if (distance > greatest) greatest = distance;
  }
  return greatest;
}

/** Samples whose sizes multiply to this at most are tested exactly. */
const EXACT_CELLS = 40_000;

/** How often two samples of these sizes from one distribution lie at this distance or further. */
export function ksProbability(distance: number, a: number, b: number): number {
  if (a === 0 || b === 0 || distance <= 0) return 1;
  if (a === b && a <= 1000) return equalSizesProbability(Math.round(distance * a), a);
  if (a * b <= EXACT_CELLS) return latticeProbability(distance, a, b);
  const root = Math.sqrt((a / (a + b)) * b);
  return limitingProbability((root + 0.12 + 0.11 / root) * distance);
}

/** 2 Σ (−1)^(k−1) e^(−2 k² x²), for small x in its other form: √(2π) / x Σ e^(−(2k−1)² π² / 8x²), taken from 1. */
function limitingProbability(x: number): number {
  if (x < 1) {
    let sum = 0;
    for (let k = 1; k <= 7; k += 2) sum += exp((-k * k * Math.PI * Math.PI) / (8 * x * x));
    return Math.min(1, Math.max(0, 1 - (Math.sqrt(2 * Math.PI) / x) * sum));
  }
  let sum = 0;
  for (let k = 1; k <= 6; k++) sum += (k % 2 === 1 ? 2 : -2) * exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}

/** Samples of n values each, distance at least h / n: 2 Σ (−1)^(k−1) C(2n, n − k h) / C(2n, n). O(n). */
function equalSizesProbability(h: number, n: number): number {
  if (h <= 0) return 1;
  // Logarithms of C(2n, n − j) / C(2n, n), j = 0 … n.
  let sum = 0;
  let ratio = 0;
  for (let j = 1; j <= n; j++) {
    ratio += log((n - j + 1) / (n + j));
    if (j % h === 0) sum += ((j / h) % 2 === 1 ? 2 : -2) * exp(ratio);
  }
  return Math.min(1, Math.max(0, sum));
}

/** Least distance of two samples of n values each that chance gives no more often than `alpha`; above 1 where none is. */
export function equalSizesDistance(n: number, alpha: number): number {
  let low = 1;
  let high = n + 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (equalSizesProbability(middle, n) > alpha) low = middle + 1;
    else high = middle;
  }
  return low / n - 1e-12;
}

/** Share of the lattice paths from (0, 0) to (a, b) that leave the band |i / a − j / b| < distance. O(a b). */
function latticeProbability(distance: number, a: number, b: number): number {
  // Shares of paths that stayed inside, by j; each step weighted as a draw without replacement, so that they are shares.
  const inside = new Float64Array(b + 1);
  const within = (i: number, j: number) => Math.abs(i / a - j / b) < distance - 1e-12;
  inside[0] = 1;
  for (let i = 0; i <= a; i++) {
    for (let j = 0; j <= b; j++) {
      if (i === 0 && j === 0) continue;
      const left = a + b - (i + j - 1);
      const across = i > 0 ? inside[j] * ((a - i + 1) / left) : 0;
      const up = j > 0 ? inside[j - 1] * ((b - j + 1) / left) : 0;
      inside[j] = within(i, j) ? across + up : 0;
    }
  }
  return Math.min(1, Math.max(0, 1 - inside[b]));
}
