/** The class that shares speak for. */

/** Index of the largest of `count` values from `from` on, counted from there; the first of equals. */
export function largest(values: Float64Array, from = 0, count = values.length): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[from + i] > values[from + best]) best = i;
  return best;
}

/** The same of shares; -1 where all are 0: nothing has been seen. */
export function largestShare(shares: Float64Array): number {
  const best = largest(shares);
  return shares[best] > 0 ? best : -1;
}
