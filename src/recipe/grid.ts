/**
 * A distribution as a grid: its values at evenly spaced quantiles, ascending.
 * Everything that decides on a number column (knots, tails, spikes, scales of hinges) reads this grid.
 */

/** Index of the grid value at quantile `share` (0 … 1). */
export function shareOf(grid: ArrayLike<number>, share: number): number {
  return Math.min(grid.length - 1, Math.floor(share * grid.length));
}

/** Share of all rows from which a single value counts as a spike. */
const SPIKE_SHARE = 0.25;

/**
 * The most frequent value if it holds at least a quarter of the rows and stands at the edge of the range or
 * holds at least half: 0 in amounts and counts. Undefined if there is none.
 */
export function spikeOf(grid: Float64Array): number | undefined {
  let best = 0;
  let value = 0;
  let run = 0;
  for (let i = 0; i < grid.length; i++) {
    run = i > 0 && grid[i] === grid[i - 1] ? run + 1 : 1;
    if (run > best) [best, value] = [run, grid[i]];
  }
  if (best === grid.length || best < SPIKE_SHARE * grid.length) return undefined;
  const atEdge = value === grid[0] || value === grid[grid.length - 1];
  return atEdge || best >= grid.length / 2 ? value : undefined;
}

/** The grid without its spike: the distribution of all other values. */
export function conditionalGrid(grid: Float64Array, spike: number): Float64Array {
  return grid.filter((x) => x !== spike);
}
