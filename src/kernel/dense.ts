/**
 * Plain twins of kernels/dense.ts: products with a block of dense features, column-major f32, sums in f64.
 * Column f of the block starts at `at + f · stride`; `rows` is a multiple of 4. Same lanes, same order, same bits.
 */

/** margins[r] += Σ_f x[f][r] · coefficients[f]: columns in eights as ((0+1)+(2+3))+((4+5)+(6+7)), a four, then singly. */
export function denseMargins(
  x: Float32Array,
  at: number,
  stride: number,
  features: number,
  coefficients: Float64Array,
  first: number,
  margins: Float64Array,
  marginsAt: number,
  rows: number,
): void {
  let f = 0;
  for (; f + 8 <= features; f += 8) {
    const p0 = at + f * stride;
    const p1 = p0 + stride;
    const p2 = p1 + stride;
    const p3 = p2 + stride;
    const p4 = p3 + stride;
    const p5 = p4 + stride;
    const p6 = p5 + stride;
    const p7 = p6 + stride;
    const w0 = coefficients[first + f];
    const w1 = coefficients[first + f + 1];
    const w2 = coefficients[first + f + 2];
    const w3 = coefficients[first + f + 3];
    const w4 = coefficients[first + f + 4];
    const w5 = coefficients[first + f + 5];
    const w6 = coefficients[first + f + 6];
    const w7 = coefficients[first + f + 7];
    for (let r = 0; r < rows; r++) {
      const a = x[p0 + r] * w0 + x[p1 + r] * w1;
      const b = x[p2 + r] * w2 + x[p3 + r] * w3;
      const c = x[p4 + r] * w4 + x[p5 + r] * w5;
      const d = x[p6 + r] * w6 + x[p7 + r] * w7;
      margins[marginsAt + r] += a + b + (c + d);
    }
  }
  for (; f + 4 <= features; f += 4) {
    const p0 = at + f * stride;
    const p1 = p0 + stride;
    const p2 = p1 + stride;
    const p3 = p2 + stride;
    const w0 = coefficients[first + f];
    const w1 = coefficients[first + f + 1];
    const w2 = coefficients[first + f + 2];
    const w3 = coefficients[first + f + 3];
    for (let r = 0; r < rows; r++) {
      margins[marginsAt + r] += x[p0 + r] * w0 + x[p1 + r] * w1 + (x[p2 + r] * w2 + x[p3 + r] * w3);
    }
  }
  for (; f < features; f++) {
    const column = at + f * stride;
    const w = coefficients[first + f];
    for (let r = 0; r < rows; r++) margins[marginsAt + r] += x[column + r] * w;
  }
}

/** Σ_r x[r] · factors[r]: row r adds to lane r mod 4, lanes end as (0+2)+(1+3). */
function laneDot(
  x: Float32Array,
  at: number,
  factors: Float64Array,
  factorsAt: number,
  rows: number,
): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let r = 0; r < rows; r += 4) {
    s0 += x[at + r] * factors[factorsAt + r];
    s1 += x[at + r + 1] * factors[factorsAt + r + 1];
    s2 += x[at + r + 2] * factors[factorsAt + r + 2];
    s3 += x[at + r + 3] * factors[factorsAt + r + 3];
  }
  return s0 + s2 + (s1 + s3);
}

/** gradient[f] += Σ_r x[f][r] · residuals[r]. */
export function denseGradient(
  x: Float32Array,
  at: number,
  stride: number,
  features: number,
  residuals: Float64Array,
  residualsAt: number,
  gradient: Float64Array,
  gradientAt: number,
  rows: number,
): void {
  for (let f = 0; f < features; f++) {
    gradient[gradientAt + f] += laneDot(x, at + f * stride, residuals, residualsAt, rows);
  }
}

/** Σ_r terms[r], lanes as in denseGradient. */
export function blockSum(terms: Float64Array, at: number, rows: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let r = 0; r < rows; r += 4) {
    s0 += terms[at + r];
    s1 += terms[at + r + 1];
    s2 += terms[at + r + 2];
    s3 += terms[at + r + 3];
  }
  return s0 + s2 + (s1 + s3);
}

function scaleColumn(
  x: Float32Array,
  at: number,
  factors: Float64Array,
  scaled: Float64Array,
  rows: number,
): void {
  for (let r = 0; r < rows; r++) scaled[r] = x[at + r] * factors[r];
}

/** diagonal[f] += Σ_r x[f][r] · (x[f][r] · curvatures[r]). */
export function denseDiagonal(
  x: Float32Array,
  at: number,
  stride: number,
  features: number,
  curvatures: Float64Array,
  diagonal: Float64Array,
  diagonalAt: number,
  scaled: Float64Array,
  rows: number,
): void {
  for (let f = 0; f < features; f++) {
    const column = at + f * stride;
    scaleColumn(x, column, curvatures, scaled, rows);
    diagonal[diagonalAt + f] += laneDot(x, column, scaled, 0, rows);
  }
}

/** Upper triangle of X' diag(curvatures) X with the intercept as the last feature; layout: kernels/csr.ts. */
export function denseCurvature(
  x: Float32Array,
  at: number,
  stride: number,
  features: number,
  curvatures: Float64Array,
  triangle: Float64Array,
  triangleAt: number,
  scaled: Float64Array,
  rows: number,
): void {
  let next = triangleAt;
  for (let a = 0; a < features; a++) {
    const column = at + a * stride;
    scaleColumn(x, column, curvatures, scaled, rows);
    denseGradient(x, column, stride, features - a, scaled, 0, triangle, next, rows);
    next += features - a;
    triangle[next++] += blockSum(scaled, 0, rows);
  }
  triangle[next] += blockSum(curvatures, 0, rows);
}
