/**
 * Variance components of the columns of a machine: how much the effects of a column's levels differ, beside what rows
 * differ by, from the equations of likeness.ts (method of moments: Searle, Casella & McCulloch, "Variance Components",
 * 1992, chapter 5; for crossed columns Gao & Owen 2017). Their ratio is the strength of the prior under which a level's
 * effect is the best linear unbiased prediction (Robinson, Statistical Science 6, 1991): rows of the mean that each level is mixed with.
 */
import type { Likeness } from './likeness.ts';

/** A column whose levels hardly differ is held so many times as hard as the one whose levels differ most. */
const MOST_STRENGTH = 100;
/** Where the levels of no column differ more than rows do by this share, weights say nothing of how columns matter. */
const LEAST_SHARE = 0.01;

/** Variances between levels, by column from column 1, and within them; none is below 0. */
export interface Components {
  readonly between: readonly number[];
  readonly within: number;
}

/** Solves the equations; a component that comes out negative is 0, and its equation is left out. O(columns⁴). */
export function variances({ spread, overlap, noise }: Likeness): Components {
  const side = spread.length;
  let kept = Array.from({ length: side - 1 }, (_, i) => i + 1);
  for (;;) {
    const rows = [0, ...kept];
    const matrix = rows.map((c) => [noise[c], ...kept.map((d) => overlap[c * side + d]), spread[c]]);
    const [within, ...found] = solve(matrix);
    const least = Math.min(...found);
    if (found.length === 0 || least >= 0) {
      const between = Array.from({ length: side - 1 }, () => 0);
      for (const [i, column] of kept.entries()) between[column - 1] = found[i];
      return { between, within: Math.max(0, within) };
    }
    kept = kept.filter((_, i) => found[i] !== least && !Number.isNaN(found[i]));
  }
}

/** Gaussian elimination with row pivots; the last column is the right side. Unknowns without an equation are -1. */
function solve(matrix: number[][]): number[] {
  const order = matrix.length;
  for (let k = 0; k < order; k++) {
    let best = k;
    for (let i = k + 1; i < order; i++) if (Math.abs(matrix[i][k]) > Math.abs(matrix[best][k])) best = i;
    [matrix[k], matrix[best]] = [matrix[best], matrix[k]];
    for (let i = k + 1; i < order; i++) {
      const share = matrix[i][k] / matrix[k][k];
      if (share !== 0 && Number.isFinite(share))
        for (let j = k; j <= order; j++) matrix[i][j] -= share * matrix[k][j];
    }
  }
  const found = new Array<number>(order).fill(0);
  for (let k = order - 1; k >= 0; k--) {
    const rest = matrix[k].slice(k + 1, order).reduce((sum, x, i) => sum + x * found[k + 1 + i], 0);
    const value = (matrix[k][order] - rest) / matrix[k][k];
    found[k] = Number.isFinite(value) ? value : -1;
  }
  return found;
}

/**
 * What priors are multiplied by, by column: 1 for the column whose levels differ most, for others how many times less
 * theirs differ. Where no column's levels differ to speak of (what matters may be how columns meet), 1 for all.
 */
export function strengthsOf({ between, within }: Components): number[] {
  const most = Math.max(...between);
  if (!(most > LEAST_SHARE * within)) return between.map(() => 1);
  return between.map((one) => most / Math.max(one, most / MOST_STRENGTH));
}
