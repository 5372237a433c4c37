/**
 * Plain twins of kernels/csr.ts: products with CSR rows [first, first + rows), sums in f64.
 * A row sums entry j of its own into lane j mod 4, then (0+2)+(1+3); scatters go entry by entry. Same bits.
 */

/** The arrays of a CSR matrix; entries of row r are [starts[r], starts[r + 1]). */
export interface CsrArrays {
  readonly starts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

/** margins[r] += Σ_j values[j] · coefficients[indices[j]]. */
export function csrMargins(
  { starts, indices, values }: CsrArrays,
  first: number,
  coefficients: Float64Array,
  coefficientsAt: number,
  margins: Float64Array,
  marginsAt: number,
  rows: number,
): void {
  for (let r = 0; r < rows; r++) {
    const start = starts[first + r];
    const end = starts[first + r + 1];
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let j = start;
    for (; j + 4 <= end; j += 4) {
      s0 += values[j] * coefficients[coefficientsAt + indices[j]];
      s1 += values[j + 1] * coefficients[coefficientsAt + indices[j + 1]];
      s2 += values[j + 2] * coefficients[coefficientsAt + indices[j + 2]];
      s3 += values[j + 3] * coefficients[coefficientsAt + indices[j + 3]];
    }
    if (j < end) s0 += values[j] * coefficients[coefficientsAt + indices[j]];
    if (j + 1 < end) s1 += values[j + 1] * coefficients[coefficientsAt + indices[j + 1]];
    if (j + 2 < end) s2 += values[j + 2] * coefficients[coefficientsAt + indices[j + 2]];
    margins[marginsAt + r] += s0 + s2 + (s1 + s3);
  }
}

/** gradient[indices[j]] += values[j] · residuals[r]. */
export function csrGradient(
  { starts, indices, values }: CsrArrays,
  first: number,
  residuals: Float64Array,
  residualsAt: number,
  gradient: Float64Array,
  gradientAt: number,
  rows: number,
): void {
  for (let r = 0; r < rows; r++) {
    const residual = residuals[residualsAt + r];
    const end = starts[first + r + 1];
    for (let j = starts[first + r]; j < end; j++) gradient[gradientAt + indices[j]] += values[j] * residual;
  }
}

/** diagonal[indices[j]] += values[j]² · curvatures[r]. */
export function csrDiagonal(
  { starts, indices, values }: CsrArrays,
  first: number,
  curvatures: Float64Array,
  diagonal: Float64Array,
  diagonalAt: number,
  rows: number,
): void {
  for (let r = 0; r < rows; r++) {
    const end = starts[first + r + 1];
    for (let j = starts[first + r]; j < end; j++) {
      diagonal[diagonalAt + indices[j]] += values[j] * values[j] * curvatures[r];
    }
  }
}

/** Upper triangle of X' diag(curvatures) X with the intercept as the last feature; layout: kernels/csr.ts. */
export function csrCurvature(
  { starts, indices, values }: CsrArrays,
  first: number,
  curvatures: Float64Array,
  triangle: Float64Array,
  triangleAt: number,
  features: number,
  rows: number,
): void {
  const width = features + 1;
  const corner = triangleAt + (width * (width + 1)) / 2 - 1;
  for (let r = 0; r < rows; r++) {
    const end = starts[first + r + 1];
    for (let j = starts[first + r]; j < end; j++) {
      const a = indices[j];
      const scaled = values[j] * curvatures[r];
      const row = triangleAt + a * width - (a * (a + 1)) / 2;
      for (let i = j; i < end; i++) triangle[row + indices[i]] += values[i] * scaled;
      triangle[row + features] += scaled;
    }
    triangle[corner] += curvatures[r];
  }
}
