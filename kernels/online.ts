// Online linear learners over a block of sparse rows, one row after the other: margins from the weights as they are,
// slopes from the loss, then an update of the coordinates that occur. Row for row the bits of `learn` in
// src/fit/online/ftrl.ts and adagrad.ts, which are the twins.
//
//   starts: rows + 1 u32    entries of row r are [starts[r], starts[r + 1]) of
//   slots u32 | values f64  coordinate and value; a coordinate may stand twice in a row: each counts by itself, in order
//   record of a coordinate and output, at (slot · outputs + output) · 32 bytes, never across two cache lines:
//     FTRL     | weight f64 | Σ g less its shifts f64 | Σ g² f64 | √Σ g² f64 |
//     AdaGrad  | weight f64 | Σ g² f64 | rows whose penalty is paid f64 | unused |
//   margins: rows × outputs f64, before the update; row: one row for its loss, as in kernels/sgd.ts
import { MARGIN_LIMIT, NEGATIVE_MARGIN_LIMIT, ONE, SIGN, constant, expUnitV } from './elementary';
import { rowLoss, startRow } from './sgd';

// @ts-ignore: decorator
@inline
function mix32(word: u32): u32 {
  let h = word;
  h = (h ^ (h >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

// @ts-ignore: decorator
@inline
function mix32V(word: v128): v128 {
  let h = i32x4.mul(v128.xor(word, i32x4.shr_u(word, 16)), i32x4.splat(0x85ebca6b));
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), i32x4.splat(0xc2b2ae35));
  return v128.xor(h, i32x4.shr_u(h, 16));
}

/**
 * Rows of a sparse column as entries: index i of namespace `space` becomes slot base + (combine32(space, i) & mask), as
 * src/random.ts has it; each row ends with the coordinate `constantSlot` of value 1, unless that is negative.
 * `startsPtr` counts from its first entry, as do `indicesPtr` and `valuesPtr` (f32). Four entries at a time, so up to
 * three beyond a row's are written, and overwritten by the next.
 */
export function onlineEntries(
  startsPtr: usize,
  indicesPtr: usize,
  valuesPtr: usize,
  rows: i32,
  space: u32,
  mask: u32,
  base: u32,
  constantSlot: i32,
  outStartsPtr: usize,
  outSlotsPtr: usize,
  outValuesPtr: usize,
): void {
  const seed = i32x4.splat(space * 0x9e3779b1 + 0x7f4a7c15);
  const masks = i32x4.splat(mask);
  const bases = i32x4.splat(base);
  const origin = load<u32>(startsPtr);
  let out: usize = 0;
  for (let r: usize = 0; r < <usize>rows; r++) {
    store<u32>(outStartsPtr + (r << 2), <u32>out);
    const start = <usize>(load<u32>(startsPtr + (r << 2)) - origin);
    const end = <usize>(load<u32>(startsPtr + (r << 2), 4) - origin);
    for (let j = start; j < end; j += 4) {
      const hash = mix32V(v128.xor(seed, mix32V(v128.load(indicesPtr + (j << 2)))));
      const at = out + j - start;
      v128.store(outSlotsPtr + (at << 2), i32x4.add(bases, v128.and(hash, masks)));
      const values = valuesPtr + (j << 2);
      v128.store(outValuesPtr + (at << 3), f64x2.promote_low_f32x4(v128.load64_zero(values)));
      v128.store(outValuesPtr + (at << 3), f64x2.promote_low_f32x4(v128.load64_zero(values, 8)), 16);
    }
    out += end - start;
    if (constantSlot >= 0) {
      store<u32>(outSlotsPtr + (out << 2), <u32>constantSlot);
      store<f64>(outValuesPtr + (out << 3), 1);
      out++;
    }
  }
  store<u32>(outStartsPtr + (<usize>rows << 2), <u32>out);
}

// Σ weight · value over entries [start, end): entry j of the row into lane j mod 4, (0 + 2) + (1 + 3).
// @ts-ignore: decorator
@inline
function margin(slotsPtr: usize, valuesPtr: usize, start: usize, end: usize, recordsPtr: usize, strideBytes: usize): f64 {
  let s0: f64 = 0;
  let s1: f64 = 0;
  let s2: f64 = 0;
  let s3: f64 = 0;
  let j = start;
  for (; j + 4 <= end; j += 4) {
    const slots = slotsPtr + (j << 2);
    const values = valuesPtr + (j << 3);
    s0 += load<f64>(recordsPtr + <usize>load<u32>(slots) * strideBytes) * load<f64>(values);
    s1 += load<f64>(recordsPtr + <usize>load<u32>(slots, 4) * strideBytes) * load<f64>(values, 8);
    s2 += load<f64>(recordsPtr + <usize>load<u32>(slots, 8) * strideBytes) * load<f64>(values, 16);
    s3 += load<f64>(recordsPtr + <usize>load<u32>(slots, 12) * strideBytes) * load<f64>(values, 24);
  }
  const slots = slotsPtr + (j << 2);
  const values = valuesPtr + (j << 3);
  if (j < end) s0 += load<f64>(recordsPtr + <usize>load<u32>(slots) * strideBytes) * load<f64>(values);
  if (j + 1 < end) s1 += load<f64>(recordsPtr + <usize>load<u32>(slots, 4) * strideBytes) * load<f64>(values, 8);
  if (j + 2 < end) s2 += load<f64>(recordsPtr + <usize>load<u32>(slots, 8) * strideBytes) * load<f64>(values, 16);
  return s0 + s2 + (s1 + s3);
}

// Margins of a row: out, and where its slopes are taken.
// @ts-ignore: decorator
@inline
function rowMargins(
  slotsPtr: usize,
  valuesPtr: usize,
  start: usize,
  end: usize,
  recordsPtr: usize,
  outputs: i32,
  marginsPtr: usize,
  rowPtr: usize,
): void {
  const strideBytes = <usize>outputs << 5;
  for (let k: usize = 0; k < <usize>outputs; k++) {
    const z = margin(slotsPtr, valuesPtr, start, end, recordsPtr + (k << 5), strideBytes);
    store<f64>(marginsPtr + (k << 3), z);
    store<f64>(rowPtr + (k << 4), z);
  }
}

// Slopes of a row whose margins stand in `rowPtr`. Logistic alone, the most used, leaves out what only the loss needs.
// @ts-ignore: decorator
@inline
function slopes(rowPtr: usize, outputs: i32, lossIndex: i32, parameter: f64, label: f64, weight: f64): void {
  if (lossIndex != 2) {
    startRow(rowPtr, outputs, label, weight);
    rowLoss(rowPtr, outputs, lossIndex, parameter);
    return;
  }
  const raw = v128.load64_splat(rowPtr);
  const z = f64x2.pmax(f64x2.pmin(raw, constant(MARGIN_LIMIT)), constant(NEGATIVE_MARGIN_LIMIT));
  const e = f64x2.extract_lane(expUnitV(v128.or(z, constant(SIGN))), 0);
  const inverse = 1.0 / (1.0 + e);
  const share = f64x2.extract_lane(z, 0) >= 0 ? inverse : e * inverse;
  store<f64>(rowPtr, weight * (share - label), 16);
}

// One coordinate by FTRL-Proximal.
// @ts-ignore: decorator
@inline
function ftrlStep(record: usize, g: f64, inverseAlpha: f64, beta: f64, l1: f64, l2: f64): void {
  const squares = load<f64>(record, 16) + g * g;
  const root = sqrt(squares);
  const sum = load<f64>(record, 8) + g - (root - load<f64>(record, 24)) * inverseAlpha * load<f64>(record);
  const beyond = sum > 0 ? sum - l1 : sum + l1;
  const weight = -beyond / ((beta + root) * inverseAlpha + l2);
  store<f64>(record, abs(sum) <= l1 ? 0 : weight);
  store<f64>(record, sum, 8);
  store<f64>(record, squares, 16);
  store<f64>(record, root, 24);
}

// The same for two coordinates that differ, a lane each.
// @ts-ignore: decorator
@inline
function ftrlPair(a: usize, b: usize, g: v128, inverseAlpha: v128, beta: v128, l1: v128, l2: v128): void {
  const a0 = v128.load(a);
  const b0 = v128.load(b);
  const a1 = v128.load(a, 16);
  const b1 = v128.load(b, 16);
  const squares = f64x2.add(v128.shuffle<f64>(a1, b1, 0, 2), f64x2.mul(g, g));
  const root = f64x2.sqrt(squares);
  const moved = f64x2.mul(f64x2.sub(root, v128.shuffle<f64>(a1, b1, 1, 3)), inverseAlpha);
  const old = f64x2.mul(moved, v128.shuffle<f64>(a0, b0, 0, 2));
  const sum = f64x2.sub(f64x2.add(v128.shuffle<f64>(a0, b0, 1, 3), g), old);
  const shift = v128.bitselect(f64x2.neg(l1), l1, f64x2.gt(sum, f64x2.splat(0)));
  const down = f64x2.add(f64x2.mul(f64x2.add(beta, root), inverseAlpha), l2);
  const weight = f64x2.div(f64x2.neg(f64x2.add(sum, shift)), down);
  const kept = v128.andnot(weight, f64x2.le(f64x2.abs(sum), l1));
  v128.store(a, v128.shuffle<f64>(kept, sum, 0, 2));
  v128.store(b, v128.shuffle<f64>(kept, sum, 1, 3));
  v128.store(a, v128.shuffle<f64>(squares, root, 0, 2), 16);
  v128.store(b, v128.shuffle<f64>(squares, root, 1, 3), 16);
}

export function onlineFtrl(
  startsPtr: usize,
  slotsPtr: usize,
  valuesPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  rows: i32,
  recordsPtr: usize,
  marginsPtr: usize,
  rowPtr: usize,
  outputs: i32,
  lossIndex: i32,
  parameter: f64,
  inverseAlpha: f64,
  beta: f64,
  l1: f64,
  l2: f64,
): void {
  const strideBytes = <usize>outputs << 5;
  const inverseAlphaV = f64x2.splat(inverseAlpha);
  const betaV = f64x2.splat(beta);
  const l1V = f64x2.splat(l1);
  const l2V = f64x2.splat(l2);
  for (let r: usize = 0; r < <usize>rows; r++) {
    const start = <usize>load<u32>(startsPtr + (r << 2));
    const end = <usize>load<u32>(startsPtr + (r << 2), 4);
    rowMargins(slotsPtr, valuesPtr, start, end, recordsPtr, outputs, marginsPtr + ((r * <usize>outputs) << 3), rowPtr);
    slopes(rowPtr, outputs, lossIndex, parameter, load<f64>(labelsPtr + (r << 3)), load<f64>(weightsPtr + (r << 3)));
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const slope = load<f64>(rowPtr + ((<usize>outputs + k) << 4));
      const records = recordsPtr + (k << 5);
      let j = start;
      for (; j + 2 <= end; j += 2) {
        const a = records + <usize>load<u32>(slotsPtr + (j << 2)) * strideBytes;
        const b = records + <usize>load<u32>(slotsPtr + (j << 2), 4) * strideBytes;
        if (a == b) {
          ftrlStep(a, slope * load<f64>(valuesPtr + (j << 3)), inverseAlpha, beta, l1, l2);
          ftrlStep(b, slope * load<f64>(valuesPtr + (j << 3), 8), inverseAlpha, beta, l1, l2);
        } else {
          const g = f64x2.mul(f64x2.splat(slope), v128.load(valuesPtr + (j << 3)));
          ftrlPair(a, b, g, inverseAlphaV, betaV, l1V, l2V);
        }
      }
      if (j < end) {
        const record = records + <usize>load<u32>(slotsPtr + (j << 2)) * strideBytes;
        ftrlStep(record, slope * load<f64>(valuesPtr + (j << 3)), inverseAlpha, beta, l1, l2);
      }
    }
  }
}

// |weight| after `missed` penalty steps without a gradient, with its sign: `shrink` of src/fit/online/adagrad.ts.
function shrink(weight: f64, missed: f64, step: f64, l1: f64, l2: f64): f64 {
  const a = 1.0 / (1.0 + step * l2);
  let power: f64 = 1;
  let square = a;
  for (let left = <u64>missed; left > 0; left >>= 1) {
    if (left & 1) power *= square;
    square *= square;
  }
  const sum = a < 1 ? (a * (1.0 - power)) / (1.0 - a) : missed;
  const left = abs(weight) * power - step * l1 * sum;
  return left <= 0 ? 0 : weight > 0 ? left : -left;
}

/** `rowsBefore` are the rows that the learner has learned from before these. */
export function onlineAdagrad(
  startsPtr: usize,
  slotsPtr: usize,
  valuesPtr: usize,
  labelsPtr: usize,
  weightsPtr: usize,
  rows: i32,
  recordsPtr: usize,
  marginsPtr: usize,
  rowPtr: usize,
  outputs: i32,
  lossIndex: i32,
  parameter: f64,
  rate: f64,
  epsilon: f64,
  l1: f64,
  l2: f64,
  rowsBefore: f64,
): void {
  const strideBytes = <usize>outputs << 5;
  const penalised = l1 > 0 || l2 > 0;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const start = <usize>load<u32>(startsPtr + (r << 2));
    const end = <usize>load<u32>(startsPtr + (r << 2), 4);
    if (penalised) {
      const now = rowsBefore + <f64>r;
      for (let j = start; j < end; j++) {
        let record = recordsPtr + <usize>load<u32>(slotsPtr + (j << 2)) * strideBytes;
        for (let k = 0; k < outputs; k++, record += 32) {
          const missed = now - load<f64>(record, 16);
          const weight = load<f64>(record);
          if (missed != 0 && weight != 0) {
            store<f64>(record, shrink(weight, missed, rate / sqrt(load<f64>(record, 8) + epsilon), l1, l2));
          }
          store<f64>(record, now, 16);
        }
      }
    }
    rowMargins(slotsPtr, valuesPtr, start, end, recordsPtr, outputs, marginsPtr + ((r * <usize>outputs) << 3), rowPtr);
    slopes(rowPtr, outputs, lossIndex, parameter, load<f64>(labelsPtr + (r << 3)), load<f64>(weightsPtr + (r << 3)));
    for (let k: usize = 0; k < <usize>outputs; k++) {
      const slope = load<f64>(rowPtr + ((<usize>outputs + k) << 4));
      const records = recordsPtr + (k << 5);
      for (let j = start; j < end; j++) {
        const record = records + <usize>load<u32>(slotsPtr + (j << 2)) * strideBytes;
        const g = slope * load<f64>(valuesPtr + (j << 3));
        const squares = load<f64>(record, 8) + g * g;
        store<f64>(record, squares, 8);
        store<f64>(record, load<f64>(record) - (rate / sqrt(squares + epsilon)) * g);
      }
    }
  }
}
