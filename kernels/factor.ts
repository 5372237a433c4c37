// Passes of factorization machines over CSR rows (Rendle, ICDM 2010); formulas and lanes as in src/kernel/factor.ts.
//
//   record of a coordinate and output  | weight | Σ g² | Σ mean g² of factors | visits | factors: k f64, k even |
//   intercept of an output             | b | Σ g² |
//   settings                           | rate | factor rate | prior | factor prior | scale | slope scale | centre … |
//
// Margin of output k: offset + centre_k + scale · (b_k + machine); its slope, over the slope scale, drives the steps.
import { rowLoss, startRow } from './sgd';

const HEAD: usize = 32;

// @ts-ignore: decorator
@inline
function recordOf(recordsPtr: usize, index: u32, outputs: i32, k: usize, recordBytes: usize): usize {
  return recordsPtr + (<usize>index * <usize>outputs + k) * recordBytes;
}

/** Margin of the machine alone; entries are at byte offsets [j, end) of indices and values. */
// @ts-ignore: decorator
@inline
function machineMargin(
  indicesPtr: usize,
  valuesPtr: usize,
  start: usize,
  end: usize,
  recordsPtr: usize,
  sumsPtr: usize,
  outputs: i32,
  k: usize,
  factorBytes: usize,
): f64 {
  const recordBytes = HEAD + factorBytes;
  let linear: f64 = 0;
  let own = f64x2.splat(0);
  for (let f: usize = 0; f < factorBytes; f += 16) v128.store(sumsPtr + f, f64x2.splat(0));
  for (let j = start; j < end; j += 4) {
    const record = recordOf(recordsPtr, load<u32>(indicesPtr + j), outputs, k, recordBytes);
    const x = <f64>load<f32>(valuesPtr + j);
    linear += load<f64>(record) * x;
    const wide = f64x2.splat(x);
    for (let f: usize = 0; f < factorBytes; f += 16) {
      const a = f64x2.mul(v128.load(record + f, HEAD), wide);
      v128.store(sumsPtr + f, f64x2.add(v128.load(sumsPtr + f), a));
      own = f64x2.add(own, f64x2.mul(a, a));
    }
  }
  let all = f64x2.splat(0);
  for (let f: usize = 0; f < factorBytes; f += 16) {
    const sum = v128.load(sumsPtr + f);
    all = f64x2.add(all, f64x2.mul(sum, sum));
  }
  const rest = f64x2.sub(all, own);
  return linear + 0.5 * (f64x2.extract_lane(rest, 0) + f64x2.extract_lane(rest, 1));
}

/** Takes one step a row, rows in the order of `orderPtr`; returns Σ weight · loss of each row before its step. */
export function factorPass(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  orderPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  offsetsPtr: usize,
  rows: i32,
  interceptsPtr: usize,
  recordsPtr: usize,
  sumsPtr: usize,
  rowPtr: usize,
  outputs: i32,
  factors: i32,
  lossIndex: i32,
  parameter: f64,
  settingsPtr: usize,
): f64 {
  const factorBytes = <usize>factors << 3;
  const recordBytes = HEAD + factorBytes;
  const rate = load<f64>(settingsPtr);
  const factorRate = load<f64>(settingsPtr, 8);
  const prior = load<f64>(settingsPtr, 16);
  const factorPrior = load<f64>(settingsPtr, 24);
  const scale = load<f64>(settingsPtr, 32);
  const slopeScale = load<f64>(settingsPtr, 40);
  let total: f64 = 0;
  for (let i: usize = 0; i < <usize>rows; i++) {
    const r = <usize>load<u32>(orderPtr + (i << 2));
    const start = <usize>load<u32>(startsPtr + (r << 2)) << 2;
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    startRow(rowPtr, outputs, load<f64>(labelsPtr + (r << 3)), load<f64>(weightsPtr + (r << 3)));
    const offset = load<f64>(offsetsPtr + (r << 3));
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const sums = sumsPtr + k * factorBytes;
      const machine = machineMargin(indicesPtr, valuesPtr, start, end, recordsPtr, sums, outputs, k, factorBytes);
      const centre = load<f64>(settingsPtr + (k << 3), 48);
      store<f64>(rowPtr + (k << 4), offset + centre + scale * (load<f64>(interceptsPtr + (k << 4)) + machine));
    }
    total += rowLoss(rowPtr, outputs, lossIndex, parameter);
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const slope = load<f64>(rowPtr + ((<usize>outputs + k) << 4)) / slopeScale;
      const intercept = interceptsPtr + (k << 4);
      const before = load<f64>(intercept, 8) + slope * slope;
      store<f64>(intercept, before, 8);
      store<f64>(intercept, load<f64>(intercept) - (rate / sqrt(1 + before)) * slope);
      const sums = sumsPtr + k * factorBytes;
      for (let j = start; j < end; j += 4) {
        const record = recordOf(recordsPtr, load<u32>(indicesPtr + j), outputs, k, recordBytes);
        const x = <f64>load<f32>(valuesPtr + j);
        const g = slope * x;
        const visits = load<f64>(record, 24);
        const squares = load<f64>(record, 8) + g * g;
        const step = rate / sqrt(1 + squares);
        store<f64>(record, squares, 8);
        store<f64>(record, (load<f64>(record) - step * g) / (1 + (step * prior) / visits));
        const wideX = f64x2.splat(x);
        const wideG = f64x2.splat(g);
        let t = f64x2.splat(0);
        for (let f: usize = 0; f < factorBytes; f += 16) {
          const v = v128.load(record + f, HEAD);
          const a = f64x2.mul(wideG, f64x2.sub(v128.load(sums + f), f64x2.mul(v, wideX)));
          t = f64x2.add(t, f64x2.mul(a, a));
        }
        const mean = (f64x2.extract_lane(t, 0) + f64x2.extract_lane(t, 1)) / <f64>factors;
        const sum = load<f64>(record, 16) + mean;
        const move = factorRate / sqrt(1 + sum);
        const keep = f64x2.splat(1 / (1 + (move * factorPrior) / visits));
        const wideMove = f64x2.splat(move);
        store<f64>(record, sum, 16);
        for (let f: usize = 0; f < factorBytes; f += 16) {
          const v = v128.load(record + f, HEAD);
          const a = f64x2.mul(wideG, f64x2.sub(v128.load(sums + f), f64x2.mul(v, wideX)));
          v128.store(record + f, f64x2.mul(f64x2.sub(v, f64x2.mul(wideMove, a)), keep), HEAD);
        }
      }
    }
  }
  return total;
}

/** Margins of rows, offsets not added, output k of row r at r · outputs + k. */
export function factorMargins(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  rows: i32,
  interceptsPtr: usize,
  recordsPtr: usize,
  sumsPtr: usize,
  outputs: i32,
  factors: i32,
  settingsPtr: usize,
  outPtr: usize,
): void {
  const factorBytes = <usize>factors << 3;
  const scale = load<f64>(settingsPtr, 32);
  let out = outPtr;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const start = <usize>load<u32>(startsPtr + (r << 2)) << 2;
    const end = <usize>load<u32>(startsPtr + (r << 2), 4) << 2;
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const machine = machineMargin(
        indicesPtr,
        valuesPtr,
        start,
        end,
        recordsPtr,
        sumsPtr,
        outputs,
        k,
        factorBytes,
      );
      const centre = load<f64>(settingsPtr + (k << 3), 48);
      store<f64>(out, centre + scale * (load<f64>(interceptsPtr + (k << 4)) + machine));
      out += 8;
    }
  }
}
