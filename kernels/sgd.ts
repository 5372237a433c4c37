// One sequential pass of adaptive gradient steps over the rows of a particle (Duchi, Hazan & Singer, JMLR 12, 2011).
// For each row: margins from the current parameters, residuals from the loss, then for every coordinate it touches
//     g = residual · x;   squares += g²;   parameter -= rate · g / √squares.
// The intercept is the coordinate after the features. Dense rows keep parameters and squares in vectors, those of
// output k at k · widthBytes; sparse rows, which touch few coordinates far apart, keep them side by side:
//
//   record of a coordinate   | parameter f64 | squares f64 | rate f64 | unused f64 |   32 bytes: one cache line
import { gammaBlock, huberBlock, logisticBlock, poissonBlock, quantileBlock } from './loss';
import { softmaxBlock, squaredBlock, tweedieBlock } from './loss';

/** Keeps 0 / √0 from arising where a coordinate has had no gradient yet. */
const TINY: f64 = 1e-300;

// One row through its loss: a block of two rows, the second of weight 0.
//   rowPtr → margins: outputs × 2 f64 | residuals: outputs × 2 f64 | labels: 2 f64 | weights: 2 f64
export function rowLoss(rowPtr: usize, outputs: i32, lossIndex: i32, parameter: f64): f64 {
  const plane = <usize>outputs << 4;
  const residuals = rowPtr + plane;
  const labels = residuals + plane;
  const weights = labels + 16;
  if (lossIndex == 0) return squaredBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
  if (lossIndex == 1) return huberBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
  if (lossIndex == 2) return logisticBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
  if (lossIndex == 3) return softmaxBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
  if (lossIndex == 5) return gammaBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
  if (lossIndex == 6) return tweedieBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
  if (lossIndex == 7) return quantileBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
  return poissonBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter, 0);
}

// @ts-ignore: decorator
@inline
export function startRow(rowPtr: usize, outputs: i32, label: f64, weight: f64): void {
  const labels = rowPtr + (<usize>outputs << 5);
  store<f64>(labels, label);
  store<f64>(labels + 16, weight);
}

// @ts-ignore: decorator
@inline
function wide(ptr: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(ptr));
}

/**
 * Rows are row-major f32, `width` numbers each: features, a 1 for the intercept, zeros up to a multiple of 4.
 * Returns Σ weight · loss of each row before its step.
 */
export function sgdDense(
  xPtr: usize,
  width: i32,
  labelsPtr: usize,
  weightsPtr: usize,
  offsetsPtr: usize,
  rows: i32,
  parametersPtr: usize,
  squaresPtr: usize,
  ratesPtr: usize,
  rowPtr: usize,
  outputs: i32,
  lossIndex: i32,
  parameter: f64,
): f64 {
  const widthBytes = <usize>width << 3;
  const tiny = f64x2.splat(TINY);
  let sum: f64 = 0;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const x = xPtr + ((r * <usize>width) << 2);
    startRow(rowPtr, outputs, load<f64>(labelsPtr + (r << 3)), load<f64>(weightsPtr + (r << 3)));
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const w = parametersPtr + k * widthBytes;
      let a = f64x2.splat(0);
      let b = a;
      for (let f: usize = 0; f < <usize>width; f += 4) {
        a = f64x2.add(a, f64x2.mul(wide(x + (f << 2)), v128.load(w + (f << 3))));
        b = f64x2.add(b, f64x2.mul(wide(x + (f << 2) + 8), v128.load(w + (f << 3), 16)));
      }
      const dot = f64x2.add(a, b);
      const margin = f64x2.extract_lane(dot, 0) + f64x2.extract_lane(dot, 1);
      store<f64>(rowPtr + (k << 4), margin + load<f64>(offsetsPtr + (r << 3)));
    }
    sum += rowLoss(rowPtr, outputs, lossIndex, parameter);
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const w = parametersPtr + k * widthBytes;
      const squares = squaresPtr + k * widthBytes;
      const residual = v128.load64_splat(rowPtr + ((<usize>outputs + k) << 4));
      for (let f: usize = 0; f < <usize>width; f += 2) {
        const g = f64x2.mul(wide(x + (f << 2)), residual);
        const q = f64x2.add(v128.load(squares + (f << 3)), f64x2.mul(g, g));
        v128.store(squares + (f << 3), q);
        const step = f64x2.div(
          f64x2.mul(v128.load(ratesPtr + (f << 3)), g),
          f64x2.sqrt(f64x2.add(q, tiny)),
        );
        v128.store(w + (f << 3), f64x2.sub(v128.load(w + (f << 3)), step));
      }
    }
  }
  return sum;
}

// @ts-ignore: decorator
@inline
function stepRecord(record: usize, g: f64): void {
  const q = load<f64>(record, 8) + g * g;
  store<f64>(record, q, 8);
  store<f64>(record, load<f64>(record) - (load<f64>(record, 16) * g) / sqrt(q + TINY));
}

/** CSR rows [0, rows) of `startsPtr`; `width` is features + 1. Only coordinates of non-zeros are touched. */
export function sgdCsr(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  width: i32,
  labelsPtr: usize,
  weightsPtr: usize,
  offsetsPtr: usize,
  rows: i32,
  recordsPtr: usize,
  rowPtr: usize,
  outputs: i32,
  lossIndex: i32,
  parameter: f64,
): f64 {
  const last = <usize>(width - 1) << 5;
  const planeBytes = <usize>width << 5;
  let sum: f64 = 0;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const start = <usize>load<u32>(startsPtr + (r << 2)) << 2;
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    startRow(rowPtr, outputs, load<f64>(labelsPtr + (r << 3)), load<f64>(weightsPtr + (r << 3)));
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const records = recordsPtr + k * planeBytes;
      let margin: f64 = 0;
      for (let j = start; j < end; j += 4) {
        margin += <f64>load<f32>(valuesPtr + j) * load<f64>(records + (<usize>load<u32>(indicesPtr + j) << 5));
      }
      store<f64>(rowPtr + (k << 4), margin + load<f64>(records + last) + load<f64>(offsetsPtr + (r << 3)));
    }
    sum += rowLoss(rowPtr, outputs, lossIndex, parameter);
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const records = recordsPtr + k * planeBytes;
      const residual = load<f64>(rowPtr + ((<usize>outputs + k) << 4));
      for (let j = start; j < end; j += 4) {
        stepRecord(records + (<usize>load<u32>(indicesPtr + j) << 5), <f64>load<f32>(valuesPtr + j) * residual);
      }
      stepRecord(records + last, residual);
    }
  }
  return sum;
}

/** Largest |x| and Σ x² of every column over `rows` (a multiple of 4): row r adds to lane r mod 4, (0+2)+(1+3). */
export function denseScales(
  xPtr: usize,
  strideBytes: usize,
  features: i32,
  rows: i32,
  scalesPtr: usize,
  squaresPtr: usize,
): void {
  for (let f: usize = 0; f < <usize>features; f++) {
    const column = xPtr + f * strideBytes;
    let largest = f32x4.splat(0);
    let a = f64x2.splat(0);
    let b = a;
    for (let r: usize = 0; r < <usize>rows; r += 4) {
      const at = column + (r << 2);
      largest = f32x4.pmax(largest, f32x4.abs(v128.load(at)));
      const low = wide(at);
      const high = wide(at + 8);
      a = f64x2.add(a, f64x2.mul(low, low));
      b = f64x2.add(b, f64x2.mul(high, high));
    }
    const even = max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 2));
    const odd = max(f32x4.extract_lane(largest, 1), f32x4.extract_lane(largest, 3));
    const sum = f64x2.add(a, b);
    store<f64>(scalesPtr + (f << 3), max(even, odd));
    store<f64>(squaresPtr + (f << 3), f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
  }
}

/** Column-major rows [0, rows) as row-major numbers, `width` a row; rows is a multiple of 4, as is the room for them. */
export function denseRows(
  xPtr: usize,
  strideBytes: usize,
  features: i32,
  rows: i32,
  outPtr: usize,
  width: i32,
): void {
  const rowBytes = <usize>width << 2;
  let f = 0;
  for (; f + 4 <= features; f += 4) {
    const p0 = xPtr + <usize>f * strideBytes;
    const p1 = p0 + strideBytes;
    const p2 = p1 + strideBytes;
    const p3 = p2 + strideBytes;
    let out = outPtr + (<usize>f << 2);
    for (let r: usize = 0; r < <usize>rows; r += 4) {
      const at = r << 2;
      const c0 = v128.load(p0 + at);
      const c1 = v128.load(p1 + at);
      const c2 = v128.load(p2 + at);
      const c3 = v128.load(p3 + at);
      const low01 = v128.shuffle<f32>(c0, c1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(c2, c3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(c0, c1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(c2, c3, 2, 6, 3, 7);
      v128.store(out, v128.shuffle<f64>(low01, low23, 0, 2));
      v128.store(out + rowBytes, v128.shuffle<f64>(low01, low23, 1, 3));
      out += rowBytes << 1;
      v128.store(out, v128.shuffle<f64>(high01, high23, 0, 2));
      v128.store(out + rowBytes, v128.shuffle<f64>(high01, high23, 1, 3));
      out += rowBytes << 1;
    }
  }
  for (; f < features; f++) {
    const column = xPtr + <usize>f * strideBytes;
    let out = outPtr + (<usize>f << 2);
    for (let r: usize = 0; r < <usize>rows; r++, out += rowBytes) {
      store<f32>(out, load<f32>(column + (r << 2)));
    }
  }
}
