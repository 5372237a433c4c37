// The inner loops of tree growth over binned rows.
//
//   rowsPtr  → records: row r from r · (width + 4), `width` bytes of bins (a multiple of 4), then a quant
//   quant    = i32: gradient (signed, upper 16 bits) and Hessian (unsigned, lower 16), as small integers
//   orderPtr → u32 row numbers; those of a leaf stand together, ascending
//   histPtr  → i64 a bin, 256 a feature: sums of gradients (upper 32 bits) and Hessians (lower 32)
//
// Both sums of a bin are one addition. They are integers, so their order does not show; whoever quantizes sees to it
// that neither leaves its 32 bits.

/** Rows that are touched ahead of their sums. */
const AHEAD: usize = 64;

/**
 * Adds the rows order[0 … count), or rows 0 … count where orderPtr is 0, to the histogram of every feature.
 *
 * Rows of a small leaf lie far apart, each a miss of every cache, and the sums of one row are too long for the processor
 * to begin the next meanwhile. WebAssembly has no prefetch, so a block of rows is first touched by loads that wait for
 * nothing; what they add up to is returned, so that no compiler leaves them out.
 */
export function treeHistogram(rowsPtr: usize, width: i32, orderPtr: usize, count: i32, histPtr: usize): i32 {
  const bytes = <usize>width;
  const stride = bytes + 4;
  if (orderPtr == 0) {
    const end = rowsPtr + stride * <usize>count;
    for (; rowsPtr < end; rowsPtr += stride) addRow(rowsPtr, bytes, histPtr);
    return 0;
  }
  const stop = orderPtr + (<usize>count << 2);
  let touched: i32 = 0;
  for (let block = orderPtr; block < stop; ) {
    const end = min(stop, block + (AHEAD << 2));
    for (let i = block; i < end; i += 4) {
      const row = rowsPtr + <usize>load<u32>(i) * stride;
      for (let line: usize = 0; line < bytes; line += 64) touched += <i32>load<u8>(row + line);
      touched += load<i32>(row + bytes);
    }
    for (; block < end; block += 4) addRow(rowsPtr + <usize>load<u32>(block) * stride, bytes, histPtr);
  }
  return touched;
}

/** Bins are read a byte at a time: with a word of four, taking it apart costs more than the loads. */
// @ts-ignore: decorator
@inline
function addRow(rowPtr: usize, bytes: usize, histPtr: usize): void {
  const quant = load<i32>(rowPtr + bytes);
  if (quant == 0) return;
  const both = (<i64>(quant >> 16) << 32) + <i64>(quant & 0xffff);
  let at = rowPtr;
  let hist = histPtr;
  const end = rowPtr + (bytes & ~7);
  for (; at < end; at += 8, hist += 16384) addEight(at, hist, both);
  if (bytes & 4) addFour(at, hist, both);
}

// @ts-ignore: decorator
@inline
function addEight(at: usize, hist: usize, both: i64): void {
  let bin = hist + (<usize>load<u8>(at) << 3);
  store<i64>(bin, load<i64>(bin) + both);
  bin = hist + (<usize>load<u8>(at, 1) << 3);
  store<i64>(bin, load<i64>(bin, 2048) + both, 2048);
  bin = hist + (<usize>load<u8>(at, 2) << 3);
  store<i64>(bin, load<i64>(bin, 4096) + both, 4096);
  bin = hist + (<usize>load<u8>(at, 3) << 3);
  store<i64>(bin, load<i64>(bin, 6144) + both, 6144);
  bin = hist + (<usize>load<u8>(at, 4) << 3);
  store<i64>(bin, load<i64>(bin, 8192) + both, 8192);
  bin = hist + (<usize>load<u8>(at, 5) << 3);
  store<i64>(bin, load<i64>(bin, 10240) + both, 10240);
  bin = hist + (<usize>load<u8>(at, 6) << 3);
  store<i64>(bin, load<i64>(bin, 12288) + both, 12288);
  bin = hist + (<usize>load<u8>(at, 7) << 3);
  store<i64>(bin, load<i64>(bin, 14336) + both, 14336);
}

// @ts-ignore: decorator
@inline
function addFour(at: usize, hist: usize, both: i64): void {
  let bin = hist + (<usize>load<u8>(at) << 3);
  store<i64>(bin, load<i64>(bin) + both);
  bin = hist + (<usize>load<u8>(at, 1) << 3);
  store<i64>(bin, load<i64>(bin, 2048) + both, 2048);
  bin = hist + (<usize>load<u8>(at, 2) << 3);
  store<i64>(bin, load<i64>(bin, 4096) + both, 4096);
  bin = hist + (<usize>load<u8>(at, 3) << 3);
  store<i64>(bin, load<i64>(bin, 6144) + both, 6144);
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
 * Moves rows whose bin has 1 in the table to the front of order[0 … count), the others behind them, both in their order.
 * Returns how many went to the front. `columnPtr` → u8 bins of one feature by row; `spare` has room for `count` rows.
 */
export function treePartition(
  columnPtr: usize,
  orderPtr: usize,
  count: i32,
  tablePtr: usize,
  sparePtr: usize,
): i32 {
  let left = orderPtr;
  let right = sparePtr;
  for (let i: usize = 0; i < <usize>count; i++) {
    const row = load<u32>(orderPtr + (i << 2));
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

/**
 * Gradients and Hessians (f32 pairs at `slopesPtr`) to the quants of records, rounded at random so that sums stay
 * unbiased (Shi et al. 2022): ⌊x · scale + u⌋ with u in [0, 1) from the row number and the key.
 * Of the rows, those whose word by `dropKey` reaches `limit` are left out: their quants are 0. Rows with 1 at `keptPtr`
 * (a byte a row, or 0 for none) are kept in any case, and the others multiplied by `factor`.
 */
export function treeQuantize(
  slopesPtr: usize,
  rows: i32,
  gradientScale: f64,
  hessianScale: f64,
  key: u32,
  dropKey: u32,
  limit: f64,
  keptPtr: usize,
  factor: f64,
  rowsPtr: usize,
  width: i32,
): void {
  let quantPtr = rowsPtr + <usize>width;
  const stride = <usize>width + 4;
  const all = limit >= 4294967296.0;
  for (let r: u32 = 0; r < <u32>rows; r++, slopesPtr += 8, quantPtr += stride) {
    const bits = mix(mix(r ^ key) + key);
    const u = <f64>(bits & 0xffff) * (1.0 / 65536.0);
    const v = <f64>(bits >> 16) * (1.0 / 65536.0);
    const sure = keptPtr != 0 && load<u8>(keptPtr + r) != 0;
    const times = sure ? 1.0 : factor;
    const g = <i32>Math.floor(<f64>load<f32>(slopesPtr) * times * gradientScale + u);
    const h = <i32>Math.floor(<f64>load<f32>(slopesPtr, 4) * times * hessianScale + v);
    const kept = sure || all || <f64>mix((dropKey * 0x9e3779b1 + 0x7f4a7c15) ^ mix(r)) < limit;
    store<i32>(quantPtr, kept ? (g << 16) | h : 0);
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

/** margins[r] += value for the rows order[0 … count). */
export function treeAdd(marginsPtr: usize, orderPtr: usize, count: i32, value: f64): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const at = marginsPtr + (<usize>load<u32>(orderPtr + (i << 2)) << 3);
    store<f64>(at, load<f64>(at) + value);
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
