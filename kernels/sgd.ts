// One sequential pass of adaptive gradient steps over the rows of a particle (Duchi, Hazan & Singer, JMLR 12, 2011).
// For each row: margins from the current parameters, residuals from the loss, then for every coordinate it touches
//     g = residual · x;   squares += g²;   parameter -= rate · g / √squares.
// Parameters and squares of output k lie at k · widthBytes; the intercept is the coordinate after the features.
import { huberBlock, logisticBlock, poissonBlock, softmaxBlock, squaredBlock } from './loss';

/** Keeps 0 / √0 from arising where a coordinate has had no gradient yet. */
const TINY: f64 = 1e-300;

// One row through its loss: a block of two rows, the second of weight 0.
//   rowPtr → margins: outputs × 2 f64 | residuals: outputs × 2 f64 | labels: 2 f64 | weights: 2 f64
function rowLoss(rowPtr: usize, outputs: i32, lossIndex: i32, parameter: f64): f64 {
  const plane = <usize>outputs << 4;
  const residuals = rowPtr + plane;
  const labels = residuals + plane;
  const weights = labels + 16;
  if (lossIndex == 0) return squaredBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter);
  if (lossIndex == 1) return huberBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter);
  if (lossIndex == 2) return logisticBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter);
  if (lossIndex == 3) return softmaxBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter);
  return poissonBlock(rowPtr, labels, weights, residuals, 0, 2, outputs, 16, parameter);
}

// @ts-ignore: decorator
@inline
function startRow(rowPtr: usize, outputs: i32, label: f64, weight: f64): void {
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
function stepOne(at: usize, squares: usize, rate: f64, g: f64): void {
  const q = load<f64>(squares) + g * g;
  store<f64>(squares, q);
  store<f64>(at, load<f64>(at) - (rate * g) / sqrt(q + TINY));
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
  parametersPtr: usize,
  squaresPtr: usize,
  ratesPtr: usize,
  rowPtr: usize,
  outputs: i32,
  lossIndex: i32,
  parameter: f64,
): f64 {
  const last = <usize>(width - 1) << 3;
  const widthBytes = <usize>width << 3;
  let sum: f64 = 0;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const start = <usize>load<u32>(startsPtr + (r << 2)) << 2;
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    startRow(rowPtr, outputs, load<f64>(labelsPtr + (r << 3)), load<f64>(weightsPtr + (r << 3)));
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const w = parametersPtr + k * widthBytes;
      let margin: f64 = 0;
      for (let j = start; j < end; j += 4) {
        margin += <f64>load<f32>(valuesPtr + j) * load<f64>(w + (<usize>load<u32>(indicesPtr + j) << 3));
      }
      store<f64>(rowPtr + (k << 4), margin + load<f64>(w + last) + load<f64>(offsetsPtr + (r << 3)));
    }
    sum += rowLoss(rowPtr, outputs, lossIndex, parameter);
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const w = parametersPtr + k * widthBytes;
      const squares = squaresPtr + k * widthBytes;
      const residual = load<f64>(rowPtr + ((<usize>outputs + k) << 4));
      for (let j = start; j < end; j += 4) {
        const at = <usize>load<u32>(indicesPtr + j) << 3;
        stepOne(w + at, squares + at, load<f64>(ratesPtr + at), <f64>load<f32>(valuesPtr + j) * residual);
      }
      stepOne(w + last, squares + last, load<f64>(ratesPtr + last), residual);
    }
  }
  return sum;
}
