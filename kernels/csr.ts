// Products with a block of CSR rows, sums in f64.
//
//   startsPtr → u32 starts[0 … rows]; entries of row r are [starts[r], starts[r + 1]) of
//   indicesPtr → u32 feature indices, valuesPtr → f32 values
//
// A row sums entry j of its own into lane j mod 4, then (0+2)+(1+3); gradients are added entry by entry in order.

/** margins[r] += Σ_j values[j] · coefficients[indices[j]]. */
export function csrMargins(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  coefficientsPtr: usize,
  marginsPtr: usize,
  rows: i32,
): void {
  let j = <usize>load<u32>(startsPtr) << 2;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    let s0: f64 = 0;
    let s1: f64 = 0;
    let s2: f64 = 0;
    let s3: f64 = 0;
    for (; j + 16 <= end; j += 16) {
      s0 += <f64>load<f32>(valuesPtr + j) * load<f64>(coefficientsPtr + (<usize>load<u32>(indicesPtr + j) << 3));
      s1 +=
        <f64>load<f32>(valuesPtr + j, 4) * load<f64>(coefficientsPtr + (<usize>load<u32>(indicesPtr + j, 4) << 3));
      s2 +=
        <f64>load<f32>(valuesPtr + j, 8) * load<f64>(coefficientsPtr + (<usize>load<u32>(indicesPtr + j, 8) << 3));
      s3 +=
        <f64>load<f32>(valuesPtr + j, 12) *
        load<f64>(coefficientsPtr + (<usize>load<u32>(indicesPtr + j, 12) << 3));
    }
    for (let lane = 0; j < end; j += 4, lane++) {
      const product =
        <f64>load<f32>(valuesPtr + j) * load<f64>(coefficientsPtr + (<usize>load<u32>(indicesPtr + j) << 3));
      if (lane == 0) s0 += product;
      else if (lane == 1) s1 += product;
      else s2 += product;
    }
    store<f64>(marginsPtr + (r << 3), load<f64>(marginsPtr + (r << 3)) + (s0 + s2 + (s1 + s3)));
  }
}

/** gradient[indices[j]] += values[j] · residuals[r]. */
export function csrGradient(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  residualsPtr: usize,
  gradientPtr: usize,
  rows: i32,
): void {
  let j = <usize>load<u32>(startsPtr) << 2;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    const residual = load<f64>(residualsPtr + (r << 3));
    for (; j < end; j += 4) {
      const at = gradientPtr + (<usize>load<u32>(indicesPtr + j) << 3);
      store<f64>(at, load<f64>(at) + <f64>load<f32>(valuesPtr + j) * residual);
    }
  }
}

/** diagonal[indices[j]] += values[j]² · curvatures[r]. */
export function csrDiagonal(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  curvaturesPtr: usize,
  diagonalPtr: usize,
  rows: i32,
): void {
  let j = <usize>load<u32>(startsPtr) << 2;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    const curvature = load<f64>(curvaturesPtr + (r << 3));
    for (; j < end; j += 4) {
      const at = diagonalPtr + (<usize>load<u32>(indicesPtr + j) << 3);
      const value = <f64>load<f32>(valuesPtr + j);
      store<f64>(at, load<f64>(at) + value * value * curvature);
    }
  }
}

/**
 * Upper triangle of X' diag(curvatures) X with the intercept as the last feature, rows of the triangle one after
 * another: entry (a, b) of row a, a ≤ b ≤ features, at a · (features + 1) - a (a - 1) / 2 + b - a.
 */
export function csrCurvature(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  curvaturesPtr: usize,
  trianglePtr: usize,
  features: i32,
  rows: i32,
): void {
  const width = <usize>features + 1;
  let j = <usize>load<u32>(startsPtr) << 2;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    const curvature = load<f64>(curvaturesPtr + (r << 3));
    for (; j < end; j += 4) {
      const a = <usize>load<u32>(indicesPtr + j);
      const scaled = <f64>load<f32>(valuesPtr + j) * curvature;
      // (a, b) = rowPtr + 8 b
      const rowPtr = trianglePtr + ((a * width - ((a * (a + 1)) >> 1)) << 3);
      for (let i = j; i < end; i += 4) {
        const at = rowPtr + (<usize>load<u32>(indicesPtr + i) << 3);
        store<f64>(at, load<f64>(at) + <f64>load<f32>(valuesPtr + i) * scaled);
      }
      const last = rowPtr + (<usize>features << 3);
      store<f64>(last, load<f64>(last) + scaled);
    }
    const corner = trianglePtr + (((width * (width + 1)) >> 1) << 3) - 8;
    store<f64>(corner, load<f64>(corner) + curvature);
  }
}
