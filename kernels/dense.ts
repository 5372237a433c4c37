// Products with a block of dense features, column-major f32, 4 rows a step, sums in f64.
//
//   xPtr → column 0: x[0] x[1] … x[rows - 1], padded to a multiple of 4
//          column 1: strideBytes further on
//
// Pointers are 16-byte aligned where they point at f64 blocks. `rows` is a multiple of 4; rows beyond the block's end
// are read as they lie, so residuals there must be 0 and features there finite.

// @ts-ignore: decorator
@inline
function wide(ptr: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(ptr));
}

/** margins[r] += Σ_f x[f][r] · coefficients[f]: columns in eights as ((0+1)+(2+3))+((4+5)+(6+7)), a four, then singly. */
export function denseMargins(
  xPtr: usize,
  strideBytes: usize,
  features: i32,
  coefficientsPtr: usize,
  marginsPtr: usize,
  rows: i32,
): void {
  let f = 0;
  for (; f + 8 <= features; f += 8) {
    const p0 = xPtr + <usize>f * strideBytes;
    const p1 = p0 + strideBytes;
    const p2 = p1 + strideBytes;
    const p3 = p2 + strideBytes;
    const p4 = p3 + strideBytes;
    const p5 = p4 + strideBytes;
    const p6 = p5 + strideBytes;
    const p7 = p6 + strideBytes;
    const c = coefficientsPtr + (<usize>f << 3);
    const w0 = v128.load64_splat(c);
    const w1 = v128.load64_splat(c, 8);
    const w2 = v128.load64_splat(c, 16);
    const w3 = v128.load64_splat(c, 24);
    const w4 = v128.load64_splat(c, 32);
    const w5 = v128.load64_splat(c, 40);
    const w6 = v128.load64_splat(c, 48);
    const w7 = v128.load64_splat(c, 56);
    for (let r: usize = 0; r < <usize>rows; r += 2) {
      const at = r << 2;
      const out = marginsPtr + (r << 3);
      const a = f64x2.add(f64x2.mul(wide(p0 + at), w0), f64x2.mul(wide(p1 + at), w1));
      const b = f64x2.add(f64x2.mul(wide(p2 + at), w2), f64x2.mul(wide(p3 + at), w3));
      const d = f64x2.add(f64x2.mul(wide(p4 + at), w4), f64x2.mul(wide(p5 + at), w5));
      const e = f64x2.add(f64x2.mul(wide(p6 + at), w6), f64x2.mul(wide(p7 + at), w7));
      v128.store(out, f64x2.add(v128.load(out), f64x2.add(f64x2.add(a, b), f64x2.add(d, e))));
    }
  }
  for (; f + 4 <= features; f += 4) {
    const p0 = xPtr + <usize>f * strideBytes;
    const p1 = p0 + strideBytes;
    const p2 = p1 + strideBytes;
    const p3 = p2 + strideBytes;
    const c = coefficientsPtr + (<usize>f << 3);
    const w0 = v128.load64_splat(c);
    const w1 = v128.load64_splat(c, 8);
    const w2 = v128.load64_splat(c, 16);
    const w3 = v128.load64_splat(c, 24);
    for (let r: usize = 0; r < <usize>rows; r += 2) {
      const at = r << 2;
      const out = marginsPtr + (r << 3);
      const a = f64x2.add(f64x2.mul(wide(p0 + at), w0), f64x2.mul(wide(p1 + at), w1));
      const b = f64x2.add(f64x2.mul(wide(p2 + at), w2), f64x2.mul(wide(p3 + at), w3));
      v128.store(out, f64x2.add(v128.load(out), f64x2.add(a, b)));
    }
  }
  for (; f < features; f++) {
    const p0 = xPtr + <usize>f * strideBytes;
    const w0 = v128.load64_splat(coefficientsPtr + (<usize>f << 3));
    for (let r: usize = 0; r < <usize>rows; r += 2) {
      const out = marginsPtr + (r << 3);
      v128.store(out, f64x2.add(v128.load(out), f64x2.mul(wide(p0 + (r << 2)), w0)));
    }
  }
}

// @ts-ignore: decorator
@inline
function addLanes(ptr: usize, low: v128, high: v128): void {
  const sum = f64x2.add(low, high);
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  store<f64>(ptr, load<f64>(ptr) + total);
}

/** gradient[f] += Σ_r x[f][r] · residuals[r]; row r adds to lane r mod 4, lanes end as (0+2)+(1+3). */
export function denseGradient(
  xPtr: usize,
  strideBytes: usize,
  features: i32,
  residualsPtr: usize,
  gradientPtr: usize,
  rows: i32,
): void {
  let f = 0;
  for (; f + 4 <= features; f += 4) {
    const p0 = xPtr + <usize>f * strideBytes;
    const p1 = p0 + strideBytes;
    const p2 = p1 + strideBytes;
    const p3 = p2 + strideBytes;
    let a0 = f64x2.splat(0), a1 = a0, a2 = a0, a3 = a0;
    let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (let r: usize = 0; r < <usize>rows; r += 4) {
      const at = r << 2;
      const low = v128.load(residualsPtr + (r << 3));
      const high = v128.load(residualsPtr + (r << 3), 16);
      a0 = f64x2.add(a0, f64x2.mul(wide(p0 + at), low));
      b0 = f64x2.add(b0, f64x2.mul(wide(p0 + at + 8), high));
      a1 = f64x2.add(a1, f64x2.mul(wide(p1 + at), low));
      b1 = f64x2.add(b1, f64x2.mul(wide(p1 + at + 8), high));
      a2 = f64x2.add(a2, f64x2.mul(wide(p2 + at), low));
      b2 = f64x2.add(b2, f64x2.mul(wide(p2 + at + 8), high));
      a3 = f64x2.add(a3, f64x2.mul(wide(p3 + at), low));
      b3 = f64x2.add(b3, f64x2.mul(wide(p3 + at + 8), high));
    }
    const g = gradientPtr + (<usize>f << 3);
    addLanes(g, a0, b0);
    addLanes(g + 8, a1, b1);
    addLanes(g + 16, a2, b2);
    addLanes(g + 24, a3, b3);
  }
  for (; f < features; f++) {
    const p0 = xPtr + <usize>f * strideBytes;
    let a0 = f64x2.splat(0), b0 = a0;
    for (let r: usize = 0; r < <usize>rows; r += 4) {
      const at = r << 2;
      a0 = f64x2.add(a0, f64x2.mul(wide(p0 + at), v128.load(residualsPtr + (r << 3))));
      b0 = f64x2.add(b0, f64x2.mul(wide(p0 + at + 8), v128.load(residualsPtr + (r << 3), 16)));
    }
    addLanes(gradientPtr + (<usize>f << 3), a0, b0);
  }
}

/** total[0] += Σ_r terms[r], lanes as in denseGradient. */
export function blockSum(termsPtr: usize, totalPtr: usize, rows: i32): void {
  let a = f64x2.splat(0);
  let b = a;
  for (let r: usize = 0; r < <usize>rows; r += 4) {
    a = f64x2.add(a, v128.load(termsPtr + (r << 3)));
    b = f64x2.add(b, v128.load(termsPtr + (r << 3), 16));
  }
  addLanes(totalPtr, a, b);
}

// scaled[r] = x[r] · factors[r]
function scaleColumn(xPtr: usize, factorsPtr: usize, scaledPtr: usize, rows: i32): void {
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    v128.store(scaledPtr + (r << 3), f64x2.mul(wide(xPtr + (r << 2)), v128.load(factorsPtr + (r << 3))));
  }
}

/** diagonal[f] += Σ_r x[f][r] · (x[f][r] · curvatures[r]). scaledPtr: room for a block of f64. */
export function denseDiagonal(
  xPtr: usize,
  strideBytes: usize,
  features: i32,
  curvaturesPtr: usize,
  diagonalPtr: usize,
  scaledPtr: usize,
  rows: i32,
): void {
  for (let f: usize = 0; f < <usize>features; f++) {
    const column = xPtr + f * strideBytes;
    scaleColumn(column, curvaturesPtr, scaledPtr, rows);
    denseGradient(column, strideBytes, 1, scaledPtr, diagonalPtr + (f << 3), rows);
  }
}

/**
 * Upper triangle of X' diag(curvatures) X with the intercept as the last feature, laid out as in csrCurvature.
 * Column a is scaled once into scaledPtr (room for a block of f64), then multiplied with columns a … features.
 */
export function denseCurvature(
  xPtr: usize,
  strideBytes: usize,
  features: i32,
  curvaturesPtr: usize,
  trianglePtr: usize,
  scaledPtr: usize,
  rows: i32,
): void {
  let at = trianglePtr;
  for (let a = 0; a < features; a++) {
    const column = xPtr + <usize>a * strideBytes;
    scaleColumn(column, curvaturesPtr, scaledPtr, rows);
    denseGradient(column, strideBytes, features - a, scaledPtr, at, rows);
    at += <usize>(features - a) << 3;
    blockSum(scaledPtr, at, rows);
    at += 8;
  }
  blockSum(curvaturesPtr, at, rows);
}
