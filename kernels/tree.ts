// The inner loops of tree growth over binned rows.
//
//   binsPtr  → u8 bins, row-major: row r has `width` bytes (a multiple of 4) from r · width
//   orderPtr → u32 row numbers; those of a leaf stand together, ascending
//   quantPtr → i32 a row: gradient (signed, upper 16 bits) and Hessian (unsigned, lower 16), as small integers
//   histPtr  → i64 a bin, 256 a feature: sums of gradients (upper 32 bits) and Hessians (lower 32)
//
// Both sums of a bin are one addition. They are integers, so their order does not show; whoever quantizes sees to it
// that neither leaves its 32 bits.

/** Rows that are touched ahead of their sums. */
const AHEAD: usize = 32;

/**
 * Adds the rows order[0 … count) to the histogram of every feature. Rows whose quantized numbers are 0 cost little.
 *
 * Rows of a small leaf lie far apart, each a miss of every cache, and the sums of one row are too long for the processor
 * to begin the next meanwhile. WebAssembly has no prefetch, so a block of rows is first touched by loads that wait for
 * nothing; what they add up to is returned, so that no compiler leaves them out.
 */
export function treeHistogram(
  binsPtr: usize,
  width: i32,
  orderPtr: usize,
  count: i32,
  quantPtr: usize,
  histPtr: usize,
): i32 {
  const rowBytes = <usize>width;
  const stop = orderPtr + (<usize>count << 2);
  let touched: i32 = 0;
  for (let block = orderPtr; block < stop; ) {
    const end = min(stop, block + (AHEAD << 2));
    for (let i = block; i < end; i += 4) {
      const row = <usize>load<u32>(i);
      const at = binsPtr + row * rowBytes;
      touched += <i32>load<u8>(at) + <i32>load<u8>(at + rowBytes - 1) + load<i32>(quantPtr + (row << 2));
    }
    for (; block < end; block += 4) {
      const row = <usize>load<u32>(block);
      const quant = load<i32>(quantPtr + (row << 2));
      if (quant != 0) addRow(binsPtr + row * rowBytes, rowBytes, quant, histPtr);
    }
  }
  return touched;
}

// @ts-ignore: decorator
@inline
function addRow(rowPtr: usize, rowBytes: usize, quant: i32, histPtr: usize): void {
  const both = (<i64>(quant >> 16) << 32) + <i64>(quant & 0xffff);
  const end = rowPtr + rowBytes;
  let hist = histPtr;
  for (let at = rowPtr; at < end; at += 4, hist += 8192) {
    const bins = load<u32>(at);
    const a = hist + ((bins & 255) << 3);
    const b = hist + ((bins >> 5) & 0x7f8);
    const c = hist + ((bins >> 13) & 0x7f8);
    const d = hist + ((bins >> 21) & 0x7f8);
    store<i64>(a, load<i64>(a) + both);
    store<i64>(b, load<i64>(b, 2048) + both, 2048);
    store<i64>(c, load<i64>(c, 4096) + both, 4096);
    store<i64>(d, load<i64>(d, 6144) + both, 6144);
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

/** 32 well-mixed bits of a row number under a key (the finaliser of MurmurHash3). */
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
 * Gradients and Hessians to small integers, rounded at random so that sums stay unbiased (Shi et al. 2022):
 * ⌊x · scale + u⌋ with u in [0, 1) from the row number and the key. Rows outside of `keep` (a byte a row, or 0 for all) get 0.
 */
export function treeQuantize(
  gradientsPtr: usize,
  hessiansPtr: usize,
  rows: i32,
  gradientScale: f64,
  hessianScale: f64,
  key: u32,
  firstRow: i32,
  keepPtr: usize,
  quantPtr: usize,
): void {
  for (let r: usize = 0; r < <usize>rows; r++) {
    const bits = mix(mix((<u32>firstRow + <u32>r) ^ key) + key);
    const u = <f64>(bits & 0xffff) * (1.0 / 65536.0);
    const v = <f64>(bits >> 16) * (1.0 / 65536.0);
    const g = <i32>Math.floor(load<f64>(gradientsPtr + (r << 3)) * gradientScale + u);
    const h = <i32>Math.floor(load<f64>(hessiansPtr + (r << 3)) * hessianScale + v);
    const kept = keepPtr == 0 || load<u8>(keepPtr + r) != 0;
    store<i32>(quantPtr + (r << 2), kept ? (g << 16) | h : 0);
  }
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
