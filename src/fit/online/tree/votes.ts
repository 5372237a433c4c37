/** The class that shares speak for. */

/** Index of the largest share, the first of equals; -1 where all are 0: nothing has been seen. */
export function largestShare(shares: Float64Array, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if (shares[c] > shares[best]) best = c;
  return shares[best] > 0 ? best : -1;
}
