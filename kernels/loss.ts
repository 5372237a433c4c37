// Losses over a block of rows: margins and labels in, residuals (weight · gradient), curvatures (weight · Hessian,
// skipped when its pointer is 0) and the sum of weight · loss out. Formulas and conventions: src/loss/*.ts, whose
// plain blocks compute the same bits. All share one signature. Output k of row r lies at k · strideBytes + 8 r.
// `rows` is even; rows of padding have weight 0. `unitWeights`: every weight is 1 or, for padding, 0. Even rows add to lane 0 of the sum, odd rows to lane 1.
import {
  HALF,
  MARGIN_LIMIT,
  NEGATIVE_MARGIN_LIMIT,
  ONE,
  POISSON_LIMIT,
  SIGN,
  constant,
  expUnitV,
  expV,
  log1pUnitV,
  logV,
} from './elementary';

// @ts-ignore: decorator
@inline
function lanes(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// Margins beyond ±1e300 (infinities too) count as ±1e300, so that no 0 · ∞ arises.
// @ts-ignore: decorator
@inline
function loadMargin(ptr: usize): v128 {
  const z = v128.load(ptr);
  return f64x2.pmax(f64x2.pmin(z, constant(MARGIN_LIMIT)), constant(NEGATIVE_MARGIN_LIMIT));
}

/** ½ (z - y)². */
export function squaredBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  let sum = f64x2.splat(0);
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const w = v128.load(weightsPtr + at);
    const d = f64x2.sub(v128.load(marginsPtr + at), v128.load(labelsPtr + at));
    const residual = f64x2.mul(w, d);
    v128.store(residualsPtr + at, residual);
    if (curvaturesPtr) v128.store(curvaturesPtr + at, w);
    sum = f64x2.add(sum, f64x2.mul(residual, f64x2.mul(d, constant(HALF))));
  }
  return lanes(sum);
}

/** ½ d² for |d| ≤ δ, δ (|d| - ½ δ) beyond; parameter: δ. */
export function huberBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  const delta = f64x2.splat(parameter);
  const minus = f64x2.splat(-parameter);
  const half = f64x2.splat(0.5 * parameter);
  let sum = f64x2.splat(0);
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const w = v128.load(weightsPtr + at);
    const d = f64x2.sub(v128.load(marginsPtr + at), v128.load(labelsPtr + at));
    const size = f64x2.abs(d);
    const inside = f64x2.le(size, delta);
    const g = f64x2.pmax(f64x2.pmin(d, delta), minus);
    v128.store(residualsPtr + at, f64x2.mul(w, g));
    if (curvaturesPtr) v128.store(curvaturesPtr + at, v128.and(w, inside));
    const square = f64x2.mul(constant(HALF), f64x2.mul(d, d));
    const value = v128.bitselect(square, f64x2.mul(delta, f64x2.sub(size, half)), inside);
    sum = f64x2.add(sum, f64x2.mul(w, value));
  }
  return lanes(sum);
}

/**
 * log(1 + eᶻ) - y z. With unit weights the logarithms of rows are one logarithm of a product: of up to 512 factors a
 * lane, each from 1 to 2, so that it stays below 2^512. Costs 1e-16 a row in absolute error of the loss.
 */
export function logisticBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  const zero = f64x2.splat(0);
  let sum = zero;
  let product = constant(ONE);
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const z = loadMargin(marginsPtr + at);
    const y = v128.load(labelsPtr + at);
    const w = v128.load(weightsPtr + at);
    const positive = f64x2.ge(z, zero);
    const e = expUnitV(v128.or(z, constant(SIGN)));
    const inverse = f64x2.div(constant(ONE), f64x2.add(constant(ONE), e));
    const p = v128.bitselect(inverse, f64x2.mul(e, inverse), positive);
    v128.store(residualsPtr + at, f64x2.mul(w, f64x2.sub(p, y)));
    if (curvaturesPtr) {
      v128.store(curvaturesPtr + at, f64x2.mul(w, f64x2.mul(f64x2.mul(e, inverse), inverse)));
    }
    const linear = f64x2.sub(v128.and(z, positive), f64x2.mul(y, z));
    if (unitWeights) {
      product = f64x2.mul(product, f64x2.add(constant(ONE), f64x2.mul(w, e)));
      sum = f64x2.add(sum, f64x2.mul(w, linear));
      if ((r & 1023) == 1022) {
        sum = f64x2.add(sum, logV(product));
        product = constant(ONE);
      }
    } else {
      sum = f64x2.add(sum, f64x2.mul(w, f64x2.add(log1pUnitV(e), linear)));
    }
  }
  return lanes(f64x2.add(sum, logV(product)));
}

/** eᶻ - y z; beyond z = 100 the exponential goes on as its tangent. */
export function poissonBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  let sum = f64x2.splat(0);
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const z = loadMargin(marginsPtr + at);
    const y = v128.load(labelsPtr + at);
    const w = v128.load(weightsPtr + at);
    const clamped = f64x2.pmin(z, constant(POISSON_LIMIT));
    const mean = expV(clamped);
    v128.store(residualsPtr + at, f64x2.mul(w, f64x2.sub(mean, y)));
    if (curvaturesPtr) v128.store(curvaturesPtr + at, f64x2.mul(w, mean));
    const value = f64x2.mul(mean, f64x2.add(constant(ONE), f64x2.sub(z, clamped)));
    sum = f64x2.add(sum, f64x2.mul(w, f64x2.sub(value, f64x2.mul(y, z))));
  }
  return lanes(sum);
}

/** log Σ_k exp(z_k) - z_y; curvatures are the diagonal, and probabilities are left in place of the margins. */
export function softmaxBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  let sum = f64x2.splat(0);
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const y = v128.load(labelsPtr + at);
    const w = v128.load(weightsPtr + at);
    let max = loadMargin(marginsPtr + at);
    for (let k = 1; k < outputs; k++) {
      max = f64x2.pmax(max, loadMargin(marginsPtr + at + <usize>k * strideBytes));
    }
    let total = f64x2.splat(0);
    let own = f64x2.splat(0);
    for (let k = 0; k < outputs; k++) {
      const ptr = marginsPtr + at + <usize>k * strideBytes;
      const below = f64x2.sub(loadMargin(ptr), max);
      own = v128.bitselect(below, own, f64x2.eq(y, f64x2.splat(<f64>k)));
      const e = expUnitV(below);
      total = f64x2.add(total, e);
      v128.store(ptr, e);
    }
    const inverse = f64x2.div(constant(ONE), total);
    for (let k = 0; k < outputs; k++) {
      const plane = <usize>k * strideBytes;
      const p = f64x2.mul(v128.load(marginsPtr + at + plane), inverse);
      const hit = v128.and(constant(ONE), f64x2.eq(y, f64x2.splat(<f64>k)));
      v128.store(marginsPtr + at + plane, p);
      v128.store(residualsPtr + at + plane, f64x2.mul(w, f64x2.sub(p, hit)));
      if (curvaturesPtr) {
        const h = f64x2.mul(p, f64x2.sub(constant(ONE), p));
        v128.store(curvaturesPtr + at + plane, f64x2.mul(w, h));
      }
    }
    sum = f64x2.add(sum, f64x2.mul(w, f64x2.sub(logV(total), own)));
  }
  return lanes(sum);
}

/** y e^(-z) + z; below z = -100 the exponential goes on as its tangent. */
export function gammaBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  const limit = f64x2.neg(constant(POISSON_LIMIT));
  let sum = f64x2.splat(0);
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const z = loadMargin(marginsPtr + at);
    const w = v128.load(weightsPtr + at);
    const clamped = f64x2.pmax(z, limit);
    const ratio = f64x2.mul(v128.load(labelsPtr + at), expV(f64x2.neg(clamped)));
    v128.store(residualsPtr + at, f64x2.mul(w, f64x2.sub(constant(ONE), ratio)));
    if (curvaturesPtr) v128.store(curvaturesPtr + at, f64x2.mul(w, ratio));
    const value = f64x2.mul(ratio, f64x2.add(constant(ONE), f64x2.sub(clamped, z)));
    sum = f64x2.add(sum, f64x2.mul(w, f64x2.add(value, z)));
  }
  return lanes(sum);
}

/** e^((2-p) z) / (2-p) + y e^((1-p) z) / (p-1); parameter: p. Beyond z = ±100 it goes on as its tangent. */
export function tweedieBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  const up = f64x2.splat(2.0 - parameter);
  const down = f64x2.splat(parameter - 1.0);
  const inverseUp = f64x2.splat(1.0 / (2.0 - parameter));
  const inverseDown = f64x2.splat(1.0 / (parameter - 1.0));
  const limit = constant(POISSON_LIMIT);
  let sum = f64x2.splat(0);
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const z = loadMargin(marginsPtr + at);
    const w = v128.load(weightsPtr + at);
    const c = f64x2.pmax(f64x2.pmin(z, limit), f64x2.neg(limit));
    const a = f64x2.mul(v128.load(labelsPtr + at), expV(f64x2.neg(f64x2.mul(down, c))));
    const b = expV(f64x2.mul(up, c));
    const slope = f64x2.sub(b, a);
    v128.store(residualsPtr + at, f64x2.mul(w, slope));
    if (curvaturesPtr) {
      const bend = f64x2.add(f64x2.mul(up, b), f64x2.mul(down, a));
      v128.store(curvaturesPtr + at, f64x2.mul(w, bend));
    }
    const value = f64x2.add(f64x2.mul(b, inverseUp), f64x2.mul(a, inverseDown));
    sum = f64x2.add(sum, f64x2.mul(w, f64x2.add(value, f64x2.mul(slope, f64x2.sub(z, c)))));
  }
  return lanes(sum);
}

/** α d for d = y - z above 0, (α - 1) d below; parameter: α. The slope at 0 is 0, and so are curvatures. */
export function quantileBlock(
  marginsPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  residualsPtr: usize,
  curvaturesPtr: usize,
  rows: i32,
  outputs: i32,
  strideBytes: usize,
  parameter: f64,
  unitWeights: i32,
): f64 {
  const alpha = f64x2.splat(parameter);
  const beta = f64x2.splat(1.0 - parameter);
  const zero = f64x2.splat(0);
  let sum = zero;
  for (let r: usize = 0; r < <usize>rows; r += 2) {
    const at = r << 3;
    const w = v128.load(weightsPtr + at);
    const d = f64x2.sub(v128.load(labelsPtr + at), loadMargin(marginsPtr + at));
    const above = f64x2.gt(d, zero);
    const slope = v128.bitselect(f64x2.neg(alpha), v128.and(beta, f64x2.lt(d, zero)), above);
    v128.store(residualsPtr + at, f64x2.mul(w, slope));
    if (curvaturesPtr) v128.store(curvaturesPtr + at, zero);
    const value = v128.bitselect(f64x2.mul(alpha, d), f64x2.mul(beta, f64x2.neg(d)), above);
    sum = f64x2.add(sum, f64x2.mul(w, value));
  }
  return lanes(sum);
}
