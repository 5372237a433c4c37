// The inner loops of tree growth over binned rows.
//
//   rowsPtr  → records: row r from r · stride, first the bins, a byte each, then from a multiple of 4 on a quant for each
//              of the trees that grow at the same time
//   quant    = i32: gradient (signed, upper 16 bits) and Hessian (unsigned, lower 16), as small integers
//   orderPtr → u32 row numbers; those of a leaf stand together, ascending
//   histPtr  → i64 a bin, 256 a feature: sums of gradients (upper 32 bits) and Hessians (lower 32)
//   sumsPtr  → the same while rows are added, with a gap of SPREAD − 2048 bytes behind each feature
//
// Rows are often in the same few bins of many features. 2048 bytes apart, those bins would share two sets of the
// first-level cache, which holds eight lines of each, and loads would seem to depend on stores of other features, since
// processors compare the lower twelve bits of addresses: three times as slow for 32 features of which most are zero.
//
// Both sums of a bin are one addition. They are integers, so their order does not show; whoever quantizes sees to it
// that neither leaves its 32 bits.

/** Bytes from one feature to the next while rows are added: a line more than its bins take. */
const SPREAD: usize = 2112;

/** Rows that are touched ahead of their sums. */
const AHEAD: usize = 64;

/**
 * Adds the rows of `nodes` nodes to their histograms, which follow each other from `sumsPtr` on, of `bytes` features each;
 * quants are at `quantAt` of each record. `rangesPtr` → i32 start and count in the order of each node; start −1 where its
 * rows are the first so many.
 *
 * Rows of a small leaf lie far apart, each a miss of every cache, and the sums of one row are too long for the processor
 * to begin the next meanwhile. WebAssembly has no prefetch, so a block of rows is first touched by loads that wait for
 * nothing; what they add up to is returned, so that no compiler leaves them out.
 */
export function treeHistograms(
  rowsPtr: usize,
  stride: usize,
  bytes: usize,
  quantAt: usize,
  orderPtr: usize,
  rangesPtr: usize,
  nodes: i32,
  sumsPtr: usize,
): i32 {
  let touched: i32 = 0;
  for (let node = 0; node < nodes; node++, rangesPtr += 8, sumsPtr += bytes * SPREAD) {
    const start = load<i32>(rangesPtr);
    const count = <usize>load<i32>(rangesPtr, 4);
    if (start < 0) {
      const end = rowsPtr + stride * count;
      for (let row = rowsPtr; row < end; row += stride) addRow(row, bytes, quantAt, sumsPtr);
      continue;
    }
    let block = orderPtr + (<usize>start << 2);
    const stop = block + (count << 2);
    while (block < stop) {
      const end = min(stop, block + (AHEAD << 2));
      touched += touch(rowsPtr, stride, bytes, quantAt, block, end);
      for (; block < end; block += 4) addRow(rowsPtr + <usize>load<u32>(block) * stride, bytes, quantAt, sumsPtr);
    }
  }
  return touched;
}

/** Reads something of each line of the records whose numbers stand from `at` to `end`. */
// @ts-ignore: decorator
@inline
function touch(rowsPtr: usize, stride: usize, bytes: usize, quantAt: usize, at: usize, end: usize): i32 {
  let sum: i32 = 0;
  const quants = rowsPtr + quantAt;
  if (stride <= 32) {
    // Hardly any record is in two lines.
    for (; at + 16 <= end; at += 16) {
      const a = load<i32>(quants + <usize>load<u32>(at) * stride);
      const b = load<i32>(quants + <usize>load<u32>(at, 4) * stride);
      const c = load<i32>(quants + <usize>load<u32>(at, 8) * stride);
      const d = load<i32>(quants + <usize>load<u32>(at, 12) * stride);
      sum += a + b + (c + d);
    }
  }
  for (; bytes <= 64 && at + 8 <= end; at += 8) {
    const row = <usize>load<u32>(at) * stride;
    const next = <usize>load<u32>(at, 4) * stride;
    const a = load<i32>(quants + row) + <i32>load<u8>(rowsPtr + row);
    sum += load<i32>(quants + next) + <i32>load<u8>(rowsPtr + next) + a;
  }
  for (; at < end; at += 4) {
    const row = <usize>load<u32>(at) * stride;
    sum += load<i32>(quants + row) + <i32>load<u8>(rowsPtr + row);
    for (let line: usize = 64; line < bytes; line += 64) sum += <i32>load<u8>(rowsPtr + row + line);
  }
  return sum;
}

/** Bins are read a byte at a time: with a word of four, taking it apart costs more than the loads. */
// @ts-ignore: decorator
@inline
function addRow(rowPtr: usize, bytes: usize, quantAt: usize, sumsPtr: usize): void {
  const quant = load<i32>(rowPtr + quantAt);
  if (quant == 0) return;
  const both = (<i64>(quant >> 16) << 32) + <i64>(quant & 0xffff);
  let at = rowPtr;
  let sums = sumsPtr;
  const end = rowPtr + (bytes & ~3);
  for (; at < end; at += 4, sums += 4 * SPREAD) addFour(at, sums, both);
  if (bytes & 2) {
    addOne(at, sums, both);
    addOne(at + 1, sums + SPREAD, both);
    at += 2;
    sums += 2 * SPREAD;
  }
  if (bytes & 1) addOne(at, sums, both);
}

// @ts-ignore: decorator
@inline
function addOne(at: usize, sums: usize, both: i64): void {
  const bin = sums + (<usize>load<u8>(at) << 3);
  store<i64>(bin, load<i64>(bin) + both);
}

// @ts-ignore: decorator
@inline
function addFour(at: usize, sums: usize, both: i64): void {
  let bin = sums + (<usize>load<u8>(at) << 3);
  store<i64>(bin, load<i64>(bin) + both);
  bin = sums + (<usize>load<u8>(at, 1) << 3);
  store<i64>(bin, load<i64>(bin, 1 * SPREAD) + both, 1 * SPREAD);
  bin = sums + (<usize>load<u8>(at, 2) << 3);
  store<i64>(bin, load<i64>(bin, 2 * SPREAD) + both, 2 * SPREAD);
  bin = sums + (<usize>load<u8>(at, 3) << 3);
  store<i64>(bin, load<i64>(bin, 3 * SPREAD) + both, 3 * SPREAD);
}

/** Bytes from one feature to the next where two trees are summed at once. */
const PAIR_SPREAD: usize = 4160;

/**
 * Adds the first `rows` rows to the histograms of two trees, whose quants are at `firstAt` and `secondAt`: bins are read once
 * for both. `sumsPtr` → two i64 a bin, of the first tree and the second, features PAIR_SPREAD apart.
 */
export function treeRoots(
  rowsPtr: usize,
  stride: usize,
  bytes: usize,
  firstAt: usize,
  secondAt: usize,
  rows: usize,
  sumsPtr: usize,
): void {
  const low = i64x2.splat(0xffff);
  for (const end = rowsPtr + stride * rows; rowsPtr < end; rowsPtr += stride) {
    const quants = v128.load32_lane(rowsPtr + secondAt, v128.load32_zero(rowsPtr + firstAt), 1);
    const wide = i64x2.extend_low_i32x4_s(quants);
    if (!v128.any_true(wide)) continue;
    const both = i64x2.add(i64x2.shl(v128.andnot(wide, low), 16), v128.and(wide, low));
    let at = rowsPtr;
    let sums = sumsPtr;
    for (const whole = rowsPtr + (bytes & ~3); at < whole; at += 4, sums += 4 * PAIR_SPREAD) {
      addBoth(at, sums, both);
      addBoth(at + 1, sums + PAIR_SPREAD, both);
      addBoth(at + 2, sums + 2 * PAIR_SPREAD, both);
      addBoth(at + 3, sums + 3 * PAIR_SPREAD, both);
    }
    for (const last = rowsPtr + bytes; at < last; at++, sums += PAIR_SPREAD) addBoth(at, sums, both);
  }
}

// @ts-ignore: decorator
@inline
function addBoth(at: usize, sums: usize, both: v128): void {
  const bin = sums + (<usize>load<u8>(at) << 4);
  v128.store(bin, i64x2.add(v128.load(bin), both));
}

/** The sums of two trees apart: those of each as treeHistograms has them. */
export function treeUnzip(pairPtr: usize, features: i32, firstPtr: usize, secondPtr: usize): void {
  for (let f = 0; f < features; f++, pairPtr += PAIR_SPREAD, firstPtr += SPREAD, secondPtr += SPREAD) {
    for (let bin: usize = 0; bin < 256; bin += 2) {
      const a = v128.load(pairPtr + (bin << 4));
      const b = v128.load(pairPtr + (bin << 4), 16);
      v128.store(firstPtr + (bin << 3), v128.shuffle<i64>(a, b, 0, 2));
      v128.store(secondPtr + (bin << 3), v128.shuffle<i64>(a, b, 1, 3));
    }
  }
}

/** Closes the gaps between the sums of so many features: they lie as histograms do. */
export function treeGather(sumsPtr: usize, features: i32): void {
  for (let f: usize = 1; f < <usize>features; f++) memory.copy(sumsPtr + (f << 11), sumsPtr + f * SPREAD, 2048);
}

/** into[i] += from[i] for i32 words; `words` is a multiple of 4. */
export function treeMerge(intoPtr: usize, fromPtr: usize, words: i32): void {
  for (let at: usize = 0; at < <usize>words << 2; at += 16) {
    v128.store(intoPtr + at, i32x4.add(v128.load(intoPtr + at), v128.load(fromPtr + at)));
  }
}

/** into[i] −= from[i] for i32 words; `words` is a multiple of 4. */
export function treeSubtract(intoPtr: usize, fromPtr: usize, words: i32): void {
  for (let at: usize = 0; at < <usize>words << 2; at += 16) {
    v128.store(intoPtr + at, i32x4.sub(v128.load(intoPtr + at), v128.load(fromPtr + at)));
  }
}

/**
 * Makes the splits number `from` … `to` − 1 of a tree, one after the other: rows of the node whose bin has 1 in the table
 * move to the front of its part of the order, the others behind them, both in their order.
 * `columnsPtr` → u8 bins, a column of `rows` a feature; `splitsPtr` → i32 node and feature of each of these splits;
 * `tablesPtr` → 256 bytes each; `rangesPtr` → i32 start and count of every node: those of the children, nodes 2 s + 1 and
 * 2 s + 2 of split number s, are written. `sparePtr` has room for `rows` row numbers. Split number 0 takes the rows in their
 * order, whatever stands there.
 */
export function treeSplits(
  columnsPtr: usize,
  rows: usize,
  orderPtr: usize,
  rangesPtr: usize,
  splitsPtr: usize,
  tablesPtr: usize,
  from: i32,
  to: i32,
  sparePtr: usize,
): void {
  for (let split = from; split < to; split++, splitsPtr += 8, tablesPtr += 256) {
    const node = rangesPtr + (<usize>load<i32>(splitsPtr) << 3);
    const start = load<i32>(node);
    const count = load<i32>(node, 4);
    const column = columnsPtr + <usize>load<i32>(splitsPtr, 4) * rows;
    const part = orderPtr + (<usize>start << 2);
    const left =
      split == 0
        ? partition(column, part, count, tablesPtr, sparePtr, true)
        : partition(column, part, count, tablesPtr, sparePtr, false);
    const children = rangesPtr + (<usize>(2 * split + 1) << 3);
    store<i32>(children, start);
    store<i32>(children, left, 4);
    store<i32>(children, start + left, 8);
    store<i32>(children, count - left, 12);
  }
}

/** Returns how many rows went to the front. The rows are those in the order, or the first `count`. */
// @ts-ignore: decorator
@inline
function partition(
  columnPtr: usize,
  orderPtr: usize,
  count: i32,
  tablePtr: usize,
  sparePtr: usize,
  areFirst: bool,
): i32 {
  let left = orderPtr;
  let right = sparePtr;
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = areFirst ? <u32>i : load<u32>(orderPtr + (i << 2));
    const goesLeft = <usize>load<u8>(tablePtr + <usize>load<u8>(columnPtr + <usize>row));
    store<u32>(left, row);
    store<u32>(right, row);
    left += goesLeft << 2;
    right += (1 - goesLeft) << 2;
  }
  memory.copy(left, sparePtr, right - sparePtr);
  return <i32>((left - orderPtr) >> 2);
}

/** 32 well-mixed bits of a word (the finaliser of MurmurHash3). */
// @ts-ignore: decorator
@inline
function mix(word: u32): u32 {
  let x = word;
  x ^= x >> 16;
  x *= 0x85ebca6b;
  x ^= x >> 13;
  x *= 0xc2b2ae35;
  return x ^ (x >> 16);
}

/** The same of four words. */
// @ts-ignore: decorator
@inline
function mixV(words: v128): v128 {
  let x = words;
  x = v128.xor(x, i32x4.shr_u(x, 16));
  x = i32x4.mul(x, i32x4.splat(0x85ebca6b));
  x = v128.xor(x, i32x4.shr_u(x, 13));
  x = i32x4.mul(x, i32x4.splat(0xc2b2ae35));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

/**
 * Gradients and Hessians (f32 pairs at `slopesPtr`) to quants, `stride` bytes apart from `quantPtr` on, rounded at random
 * so that sums stay unbiased (Shi et al. 2022): ⌊x · scale + u⌋ with u in [0, 1) from the row number and the key.
 */
export function treeQuantize(
  slopesPtr: usize,
  rows: i32,
  gradientScale: f64,
  hessianScale: f64,
  key: u32,
  quantPtr: usize,
  stride: usize,
): void {
  const scales = f64x2.replace_lane(f64x2.splat(gradientScale), 1, hessianScale);
  const keys = i32x4.splat(key);
  let numbers = v128(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
  let r = 0;
  for (; r + 4 <= rows; r += 4, slopesPtr += 32) {
    const bits = mixV(i32x4.add(mixV(v128.xor(numbers, keys)), keys));
    numbers = i32x4.add(numbers, i32x4.splat(4));
    const low = v128.and(bits, i32x4.splat(0xffff));
    const high = i32x4.shr_u(bits, 16);
    const first = v128.shuffle<i32>(low, high, 0, 4, 1, 5);
    const second = v128.shuffle<i32>(low, high, 2, 6, 3, 7);
    quantPtr = storeTwo(v128.load(slopesPtr), first, scales, quantPtr, stride);
    quantPtr = storeTwo(v128.load(slopesPtr, 16), second, scales, quantPtr, stride);
  }
  for (; r < rows; r++, slopesPtr += 8, quantPtr += stride) {
    const bits = mix(mix(<u32>r ^ key) + key);
    store<i32>(quantPtr, quantOf(slopesPtr, 1.0, gradientScale, hessianScale, bits));
  }
}

/** Quants of two rows: (gradient, Hessian) pairs as f32, and the random words that go with them. */
// @ts-ignore: decorator
@inline
function storeTwo(slopes: v128, words: v128, scales: v128, quantPtr: usize, stride: usize): usize {
  const unit = f64x2.splat(1.0 / 65536.0);
  const u = f64x2.mul(f64x2.convert_low_i32x4_u(words), unit);
  const v = f64x2.mul(f64x2.convert_low_i32x4_u(v128.shuffle<i64>(words, words, 1, 1)), unit);
  const x = f64x2.promote_low_f32x4(slopes);
  const y = f64x2.promote_low_f32x4(v128.shuffle<i64>(slopes, slopes, 1, 1));
  const a = i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(f64x2.add(f64x2.mul(x, scales), u)));
  const b = i32x4.trunc_sat_f64x2_s_zero(f64x2.floor(f64x2.add(f64x2.mul(y, scales), v)));
  const both = v128.shuffle<i64>(a, b, 0, 2);
  const quants = v128.or(i32x4.shl(both, 16), v128.shuffle<i32>(both, both, 1, 1, 3, 3));
  v128.store_lane<i32>(quantPtr, quants, 0);
  v128.store_lane<i32>(quantPtr + stride, quants, 2);
  return quantPtr + 2 * stride;
}

// @ts-ignore: decorator
@inline
function quantOf(slopesPtr: usize, times: f64, gradientScale: f64, hessianScale: f64, bits: u32): i32 {
  const u = <f64>(bits & 0xffff) * (1.0 / 65536.0);
  const v = <f64>(bits >> 16) * (1.0 / 65536.0);
  const g = <i32>Math.floor(<f64>load<f32>(slopesPtr) * times * gradientScale + u);
  const h = <i32>Math.floor(<f64>load<f32>(slopesPtr, 4) * times * hessianScale + v);
  return (g << 16) | h;
}

/**
 * The same where rows are left out: those whose word by `dropKey` reaches `limit` have quants of 0. Rows with 1 at
 * `keptPtr` (a byte a row, or 0 for none) are kept in any case, and the others multiplied by `factor`.
 */
export function treeQuantizeSome(
  slopesPtr: usize,
  rows: i32,
  gradientScale: f64,
  hessianScale: f64,
  key: u32,
  quantPtr: usize,
  stride: usize,
  dropKey: u32,
  limit: f64,
  keptPtr: usize,
  factor: f64,
): void {
  for (let r: u32 = 0; r < <u32>rows; r++, slopesPtr += 8, quantPtr += stride) {
    const sure = keptPtr != 0 && load<u8>(keptPtr + r) != 0;
    const kept = sure || <f64>mix((dropKey * 0x9e3779b1 + 0x7f4a7c15) ^ mix(r)) < limit;
    const bits = mix(mix(r ^ key) + key);
    const quant = kept ? quantOf(slopesPtr, sure ? 1.0 : factor, gradientScale, hessianScale, bits) : 0;
    store<i32>(quantPtr, quant);
  }
}

/**
 * Gradients and Hessians of a block, f64, to f32 pairs. `mostPtr` → f64 largest |gradient| and Hessian so far, raised
 * to those of the block as they are after rounding.
 */
export function treeSlopes(gradientsPtr: usize, hessiansPtr: usize, rows: i32, outPtr: usize, mostPtr: usize): void {
  let mostGradient = <f32>load<f64>(mostPtr);
  let mostHessian = <f32>load<f64>(mostPtr, 8);
  for (let at: usize = 0; at < <usize>rows << 3; at += 8) {
    const g = <f32>load<f64>(gradientsPtr + at);
    const h = <f32>load<f64>(hessiansPtr + at);
    store<f32>(outPtr + at, g);
    store<f32>(outPtr + at, h, 4);
    mostGradient = max(mostGradient, abs(g));
    mostHessian = max(mostHessian, h);
  }
  store<f64>(mostPtr, <f64>mostGradient);
  store<f64>(mostPtr, <f64>mostHessian, 8);
}

/**
 * margins[r] += value for the rows of each leaf. `leavesPtr` → i32 node of each, `valuesPtr` → f64 value,
 * `rangesPtr` → i32 start and count of every node.
 */
export function treeAdd(
  marginsPtr: usize,
  orderPtr: usize,
  rangesPtr: usize,
  leavesPtr: usize,
  valuesPtr: usize,
  leaves: i32,
): void {
  for (let leaf = 0; leaf < leaves; leaf++, leavesPtr += 4, valuesPtr += 8) {
    const value = load<f64>(valuesPtr);
    const range = rangesPtr + (<usize>load<i32>(leavesPtr) << 3);
    let at = orderPtr + (<usize>load<i32>(range) << 2);
    const end = at + (<usize>load<i32>(range, 4) << 2);
    for (; at < end; at += 4) {
      const margin = marginsPtr + (<usize>load<u32>(at) << 3);
      store<f64>(margin, load<f64>(margin) + value);
    }
  }
}

/**
 * Bins of a column of f32 values: `first` + the number of edges below each, `missing` for NaN; both as bytes.
 * `rows` is rounded up to 4, for which there is room.
 * `edgesPtr` → f32 edges, ascending, filled up with +infinity to 2^levels − 1 of them. A binary search without branches,
 * four values at a time so that their loads overlap.
 */
export function treeBins(
  valuesPtr: usize,
  rows: i32,
  edgesPtr: usize,
  levels: i32,
  first: i32,
  missing: i32,
  outPtr: usize,
): void {
  const half: usize = 1 << (levels - 1);
  for (let r: usize = 0; r < <usize>rows; r += 4) {
    const w = load<f32>(valuesPtr + (r << 2));
    const x = load<f32>(valuesPtr + (r << 2), 4);
    const y = load<f32>(valuesPtr + (r << 2), 8);
    const z = load<f32>(valuesPtr + (r << 2), 12);
    let a: usize = 0;
    let b: usize = 0;
    let c: usize = 0;
    let d: usize = 0;
    for (let step = half; step > 0; step >>= 1) {
      const edges = edgesPtr + ((step - 1) << 2);
      a += load<f32>(edges + (a << 2)) < w ? step : 0;
      b += load<f32>(edges + (b << 2)) < x ? step : 0;
      c += load<f32>(edges + (c << 2)) < y ? step : 0;
      d += load<f32>(edges + (d << 2)) < z ? step : 0;
    }
    store<u8>(outPtr + r, w == w ? <u8>(<i32>a + first) : <u8>missing);
    store<u8>(outPtr + r, x == x ? <u8>(<i32>b + first) : <u8>missing, 1);
    store<u8>(outPtr + r, y == y ? <u8>(<i32>c + first) : <u8>missing, 2);
    store<u8>(outPtr + r, z == z ? <u8>(<i32>d + first) : <u8>missing, 3);
  }
}

/** Adds what each bin of a column stands for to the bytes of a record column; `addsPtr` → 256 bytes. */
export function treePack(columnPtr: usize, rows: usize, addsPtr: usize, bytesPtr: usize): void {
  for (let r: usize = 0; r < rows; r++) {
    store<u8>(bytesPtr + r, load<u8>(bytesPtr + r) + load<u8>(addsPtr + <usize>load<u8>(columnPtr + r)));
  }
}

/**
 * The same for a column that shares its digit, ⌊byte / divisor⌋ mod radix, with others: rows in the bin `usual` are left as
 * they are. Returns whether the digit of some other row was not 0, that is, not free. Both have room up to a multiple of
 * 16 rows.
 */
export function treeShare(
  columnPtr: usize,
  rows: usize,
  usual: u8,
  addsPtr: usize,
  bytesPtr: usize,
  divisor: u32,
  radix: u32,
): i32 {
  const most = i8x16.splat(usual);
  let taken: u32 = 0;
  for (let r: usize = 0; r < rows; r += 16) {
    let others = ~i8x16.bitmask(i8x16.eq(v128.load(columnPtr + r), most)) & 0xffff;
    for (; others != 0; others &= others - 1) {
      const row = r + ctz(others);
      if (row >= rows) break;
      const byte = load<u8>(bytesPtr + row);
      taken |= (<u32>byte / divisor) % radix;
      store<u8>(bytesPtr + row, byte + load<u8>(addsPtr + <usize>load<u8>(columnPtr + row)));
    }
  }
  return <i32>(taken != 0);
}

/** Rows of the bins of four columns, sixteen at a time: four bytes a row. */
// @ts-ignore: decorator
@inline
function rowsOf(low: v128, high: v128, part: i32): v128 {
  if (part == 0) return v128.shuffle<i16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
  return v128.shuffle<i16>(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
}

// @ts-ignore: decorator
@inline
function lows(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function highs(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
function storeRows(words: v128, outPtr: usize, stride: usize): usize {
  v128.store_lane<i32>(outPtr, words, 0);
  v128.store_lane<i32>(outPtr + stride, words, 1);
  v128.store_lane<i32>(outPtr + 2 * stride, words, 2);
  v128.store_lane<i32>(outPtr + 3 * stride, words, 3);
  return outPtr + 4 * stride;
}

/**
 * The bins of a block of rows from columns to records: `columnsPtr` → u8, `block` rows a column, a multiple of 16, and a
 * multiple of 4 columns. Records are `stride` bytes apart from `outPtr` on; only their bins are written.
 */
export function treeRecords(columnsPtr: usize, block: usize, columns: i32, outPtr: usize, stride: usize): void {
  for (let f = 0; f < columns; f += 4, outPtr += 4) {
    let out = outPtr;
    for (let r: usize = 0; r < block; r += 16) {
      const at = columnsPtr + <usize>f * block + r;
      const a = v128.load(at);
      const b = v128.load(at + block);
      const c = v128.load(at + 2 * block);
      const d = v128.load(at + 3 * block);
      out = storeRows(rowsOf(lows(a, b), lows(c, d), 0), out, stride);
      out = storeRows(rowsOf(lows(a, b), lows(c, d), 1), out, stride);
      out = storeRows(rowsOf(highs(a, b), highs(c, d), 0), out, stride);
      out = storeRows(rowsOf(highs(a, b), highs(c, d), 1), out, stride);
    }
  }
}

// @ts-ignore: decorator
@inline
function hashOn(hashPtr: usize, words: v128): void {
  const hash = v128.load(hashPtr);
  const next = i32x4.mul(v128.xor(hash, words), i32x4.splat(0x9e3779b1));
  v128.store(hashPtr, v128.xor(next, i32x4.shr_u(hash, 15)));
}

/** Hashes on each row of a block by its bins, four columns at a time; columns as in treeRecords, `hashPtr` → u32 a row. */
export function treeHash(columnsPtr: usize, block: usize, columns: i32, hashPtr: usize): void {
  for (let f = 0; f < columns; f += 4) {
    for (let r: usize = 0; r < block; r += 16) {
      const at = columnsPtr + <usize>f * block + r;
      const a = v128.load(at);
      const b = v128.load(at + block);
      const c = v128.load(at + 2 * block);
      const d = v128.load(at + 3 * block);
      const hash = hashPtr + (r << 2);
      hashOn(hash, rowsOf(lows(a, b), lows(c, d), 0));
      hashOn(hash + 16, rowsOf(lows(a, b), lows(c, d), 1));
      hashOn(hash + 32, rowsOf(highs(a, b), highs(c, d), 0));
      hashOn(hash + 48, rowsOf(highs(a, b), highs(c, d), 1));
    }
  }
}
