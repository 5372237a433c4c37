/**
 * What each column gives to the margin of a factorization machine: its weights, what its features give together, and half
 * of what it gives with every other column. A margin is a polynomial of degree two, so this is each column's exact
 * Shapley value against rows in which absent columns have no entries. They add up to the margin less the intercept.
 */
import type { FactorModel } from '../model/factor.ts';
import type { CsrView } from '../particle/view.ts';

/** Part of column c and output k of row r at (k · columns + c) · rows + r. O(entries × factors × outputs). */
export function factorParts(
  model: FactorModel,
  view: CsrView,
  columnOf: readonly number[],
  columns: number,
): Float64Array {
  const outputs = model.intercepts.length;
  const out = new Float64Array(outputs * columns * view.rows);
  const sums = new Float64Array((columns + 1) * model.factors);
  for (let row = 0; row < view.rows; row++) {
    for (let k = 0; k < outputs; k++) addRow(model, view, row, k, columnOf, columns, sums, out);
  }
  return out;
}

function addRow(
  { factors, weights, vectors, intercepts }: FactorModel,
  view: CsrView,
  row: number,
  k: number,
  columnOf: readonly number[],
  columns: number,
  sums: Float64Array,
  out: Float64Array,
): void {
  const outputs = intercepts.length;
  const slot = (column: number) => (k * columns + column) * view.rows + row;
  const all = columns * factors;
  sums.fill(0);
  for (let j = view.starts[row]; j < view.starts[row + 1]; j++) {
    const [at, x] = [view.indices[j] * outputs + k, view.values[j]];
    const column = columnOf[view.indices[j]];
    let own = 0;
    for (let f = 0; f < factors; f++) {
      const part = vectors[at * factors + f] * x;
      sums[column * factors + f] += part;
      sums[all + f] += part;
      own += part * part;
    }
    out[slot(column)] += weights[at] * x - 0.5 * own;
  }
  for (let column = 0; column < columns; column++) {
    // ½ |s|² − ½ Σ own within the column, and ½ <s, rest> with the others: ½ <s, all> − ½ Σ own.
    let together = 0;
    for (let f = 0; f < factors; f++) together += sums[column * factors + f] * sums[all + f];
    out[slot(column)] += 0.5 * together;
  }
}
