/**
 * Cholesky factor of a symmetric positive definite matrix, row-major, and solves with it.
 * Golub & Van Loan, Matrix Computations, 4th ed., 4.2. O(n³ / 6) multiplications to factor, O(n²) to solve.
 */

/** Lower triangle L with L·Lᵀ = matrix, in the lower half of an n × n array. */
export interface Cholesky {
  readonly order: number;
  readonly lower: Float64Array;
}

/**
 * Factors `matrix` + `ridge`·diag. A pivot that is not safely positive (a constant or repeated column) is
 * lifted by adding to the diagonal: the ridge grows tenfold until the factor exists.
 */
export function cholesky(matrix: Float64Array, order: number, ridge = 0): Cholesky {
  let mean = 0;
  for (let i = 0; i < order; i++) mean += Math.abs(matrix[i * order + i]) / order;
  if (!(mean > 0 && mean < Number.POSITIVE_INFINITY)) mean = 1;
  for (let lift = ridge; ; lift = lift === 0 ? 1e-12 : lift * 10) {
    const lower = factor(matrix, order, lift * mean, 1e-13 * mean);
    if (lower !== undefined) return { order, lower };
    if (lift > 1e12) return { order, lower: identity(order) };
  }
}

/** Solves L·Lᵀ·x = b in place. */
export function solveCholesky({ order, lower }: Cholesky, b: Float64Array): void {
  for (let i = 0; i < order; i++) {
    let sum = b[i];
    for (let j = 0; j < i; j++) sum -= lower[i * order + j] * b[j];
    b[i] = sum / lower[i * order + i];
  }
  for (let i = order - 1; i >= 0; i--) {
    let sum = b[i];
    for (let j = i + 1; j < order; j++) sum -= lower[j * order + i] * b[j];
    b[i] = sum / lower[i * order + i];
  }
}

function factor(matrix: Float64Array, order: number, lift: number, floor: number): Float64Array | undefined {
  const lower = new Float64Array(order * order);
  for (let i = 0; i < order; i++) {
    const row = i * order;
    for (let j = 0; j <= i; j++) {
      const other = j * order;
      let sum = matrix[row + j];
      for (let k = 0; k < j; k++) sum -= lower[row + k] * lower[other + k];
      if (j < i) {
        lower[row + j] = sum / lower[other + j];
      } else {
        sum += lift;
        if (!(sum > floor)) return undefined;
        lower[row + i] = Math.sqrt(sum);
      }
    }
  }
  return lower;
}

function identity(order: number): Float64Array {
  const out = new Float64Array(order * order);
  for (let i = 0; i < order; i++) out[i * order + i] = 1;
  return out;
}
