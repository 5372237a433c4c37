/**
 * Means of nested levels, each shrunk to its parent's: best linear unbiased predictions of the model
 *     y = root + effect of level 1 + … + effect of level K + row,   independent normal effects of one variance a depth
 * (Robinson, Statistical Science 6, 1991), given variances, in two sweeps over the tree: what levels say goes up, with
 * its precision, and what their parents are comes down. Variances are those of the nested analysis of variance by the
 * method of moments (Searle, Casella & McCulloch 1992, chapter 3). Rows of levels that are not listed count as levels of one row each.
 */

/** A depth of the tree, 0 the root alone; cells are the levels of that depth. */
export interface Depth {
  /** Cell of the depth above that each cell lies in. */
  readonly parents: readonly number[];
  /** Σ w, Σ w·y and Σ w·y² of the rows of each cell. */
  readonly weights: Float64Array;
  readonly sums: Float64Array;
  readonly squares: Float64Array;
}

/** Variances of effects, by depth (0 at the root, which has none), and of rows. */
export interface NestedVariances {
  readonly effects: readonly number[];
  readonly rows: number;
}

/** Cell at depth `at` that contains a cell of depth `from`. */
function ancestor(tree: readonly Depth[], cell: number, from: number, at: number): number {
  let found = cell;
  for (let depth = from; depth > at; depth--) found = tree[depth].parents[found];
  return found;
}

/** Estimates variances from the finest depth up; those that come out negative are 0. O(cells × depth²). */
export function nestedVariances(tree: readonly Depth[]): NestedVariances {
  const finest = tree.length - 1;
  const effects = tree.map(() => 0);
  let rows = 0;
  for (let depth = finest; depth >= 0; depth--) {
    const { weights, sums, squares } = tree[depth];
    let [spread, degrees] = [0, 0];
    for (const [cell, weight] of weights.entries()) {
      if (!(weight > 0)) continue;
      spread += Math.max(0, squares[cell] - (sums[cell] * sums[cell]) / weight);
      degrees += Math.max(0, weight - 1);
    }
    if (depth === finest) {
      rows = degrees > 0 ? spread / degrees : 0;
      continue;
    }
    spread -= rows * degrees;
    for (let below = finest; below > depth + 1; below--) spread -= effects[below] * pairs(tree, depth, below);
    const free = pairs(tree, depth, depth + 1);
    effects[depth + 1] = free > 1e-9 ? Math.max(0, spread / free) : 0;
  }
  return { effects, rows };
}

/** Σ over cells of n − Σ n_below² / n: what a unit of variance of effects `below` adds to the spread within cells. */
function pairs(tree: readonly Depth[], depth: number, below: number): number {
  const { weights } = tree[depth];
  const squares = new Float64Array(weights.length);
  const listed = new Float64Array(weights.length);
  for (const [cell, weight] of tree[below].weights.entries()) {
    const at = ancestor(tree, cell, below, depth);
    squares[at] += weight * weight;
    listed[at] += weight;
  }
  return weights.reduce(
    (sum, n, i) => (n > 0 ? sum + n - (squares[i] + Math.max(0, n - listed[i])) / n : sum),
    0,
  );
}

/** Predicted mean of each cell, by depth. O(cells). */
export function nestedMeans(tree: readonly Depth[], { effects, rows }: NestedVariances): Float64Array[] {
  const finest = tree.length - 1;
  const noise = Math.max(rows, 1e-12);
  const precision = tree.map(({ weights }) => new Float64Array(weights.length));
  const scaled = tree.map(({ weights }) => new Float64Array(weights.length));
  let below = 0;
  for (let depth = finest; depth >= 0; depth--) {
    const { weights, sums } = tree[depth];
    const rest = { weights: weights.slice(), sums: sums.slice() };
    if (depth < finest) {
      for (const [cell, parent] of tree[depth + 1].parents.entries()) {
        rest.weights[parent] -= tree[depth + 1].weights[cell];
        rest.sums[parent] -= tree[depth + 1].sums[cell];
        const said = precision[depth + 1][cell];
        if (!(said > 0)) continue;
        const heard = 1 / (1 / said + effects[depth + 1]);
        precision[depth][parent] += heard;
        scaled[depth][parent] += (heard * scaled[depth + 1][cell]) / said;
      }
      below += effects[depth + 1];
    }
    for (let cell = 0; cell < weights.length; cell++) {
      if (!(rest.weights[cell] > 1e-9)) continue;
      precision[depth][cell] += rest.weights[cell] / (noise + below);
      scaled[depth][cell] += rest.sums[cell] / (noise + below);
    }
  }
  const means = tree.map(({ weights }) => new Float64Array(weights.length));
  for (const [depth, { parents }] of tree.entries()) {
    for (let cell = 0; cell < means[depth].length; cell++) {
      const [said, sum] = [precision[depth][cell], scaled[depth][cell]];
      if (depth === 0) means[0][cell] = said > 0 ? sum / said : 0;
      else {
        const above = means[depth - 1][parents[cell]];
        const variance = effects[depth];
        means[depth][cell] = (above + variance * sum) / (1 + variance * said);
      }
    }
  }
  return means;
}
