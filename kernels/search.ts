// The search for the best threshold of a node: every numeric feature of its histogram in one call.
//
//   histPtr  → i64 a bin, 256 a byte of the record: sums of gradients (upper 32 bits) and Hessians (lower 32)
//   placePtr → six i32 a feature: byte of the record; bins of present values; code of its first bin, or −1 where codes are
//              bins; its usual bin, where they are not; divisor and radix of its digit of the byte, radix 0 where the
//              byte has one digit
//   asked    → a byte a feature: 1 where it is a number that may be asked
//
// The sums of a digit are those of all bytes that have it. A feature that shares a digit has its usual bin nowhere: the
// sums of it are those of the node less its other bins.

let best: f64 = 0;
let bestBin: i32 = 0;
let bestSums: i64 = 0;
let bestHessian: i64 = 0;

let nodeGradient: f64 = 0;
let nodeHessian: f64 = 0;
let gradientUnit: f64 = 0;
let hessianUnit: f64 = 0;
let penalty: f64 = 0;
let least: f64 = 0;
let whole: f64 = 0;

/**
 * The best threshold of the features asked: of bins 0 … bins − 2 the last that goes left, missing values (bin `bins`) on
 * either side, by the gain of both sides G² / (H + l2) less `whole`. Sides need `least` of Hessian; a gain counts from
 * above `floor`. Among equal gains the first feature wins, then missing values to the right, then the first bin.
 * `spare` has room for 512 bins. `rulesPtr` → f64 node gradient, node Hessian, units of both, l2, least, whole, floor.
 * `outPtr` → f64 feature (−1: none), gain, bin, sums of the left side as whole numbers (gradient, Hessian), and 0 where
 * no value is missing, 1 where they go right, 2 left.
 */
export function treeSearch(
  histPtr: usize,
  placePtr: usize,
  askedPtr: usize,
  features: i32,
  sparePtr: usize,
  rulesPtr: usize,
  outPtr: usize,
): void {
  nodeGradient = load<f64>(rulesPtr);
  nodeHessian = load<f64>(rulesPtr, 8);
  gradientUnit = load<f64>(rulesPtr, 16);
  hessianUnit = load<f64>(rulesPtr, 24);
  penalty = load<f64>(rulesPtr, 32);
  least = load<f64>(rulesPtr, 40);
  whole = load<f64>(rulesPtr, 48);
  let floor = load<f64>(rulesPtr, 56);
  let total: i64 = 0;
  let totalKnown = false;
  // Features of one digit mostly follow each other: its sums are found once.
  let column = -1;
  let divisor = 0;
  store<f64>(outPtr, -1);
  for (let f = 0; f < features; f++, placePtr += 24) {
    if (load<u8>(askedPtr + <usize>f) == 0) continue;
    const bins = load<i32>(placePtr, 4);
    const first = load<i32>(placePtr, 8);
    let sums = histPtr + (<usize>load<i32>(placePtr) << 11);
    const radix = load<i32>(placePtr, 20);
    if (radix > 0) {
      if (load<i32>(placePtr) != column || load<i32>(placePtr, 16) != divisor) {
        column = load<i32>(placePtr);
        divisor = load<i32>(placePtr, 16);
        digits(sums, divisor, radix, sparePtr);
      }
      sums = sparePtr;
    }
    if (first >= 0) {
      if (!totalKnown) total = totalOf(histPtr);
      totalKnown = true;
      unbundle(sums, first, load<i32>(placePtr, 12), bins, total, sparePtr + 2048);
      sums = sparePtr + 2048;
    }
    const missing = load<i64>(sums + (<usize>bins << 3));
    scan(sums, bins, 0);
    let side = missing == 0 ? 0 : 1;
    if (side) {
      const right = best;
      const bin = bestBin;
      const gradients = bestSums;
      const hessians = bestHessian;
      scan(sums, bins, missing);
      if (best > right) side = 2;
      else {
        best = right;
        bestBin = bin;
        bestSums = gradients;
        bestHessian = hessians;
      }
    }
    if (bestBin < 0 || !(best > floor)) continue;
    floor = best;
    store<f64>(outPtr, <f64>f);
    store<f64>(outPtr, best, 8);
    store<f64>(outPtr, <f64>bestBin, 16);
    store<f64>(outPtr, <f64>bestSums, 24);
    store<f64>(outPtr, <f64>bestHessian, 32);
    store<f64>(outPtr, <f64>side, 40);
  }
}

/** Scans one feature, the left side beginning with the sums `from`; leaves what it finds in best…. */
function scan(sumsPtr: usize, bins: i32, from: i64): void {
  let gradient = from >> 32;
  let hessian = from & 0xffffffff;
  best = -Infinity;
  bestBin = -1;
  const l2 = f64x2.splat(penalty);
  const end = sumsPtr + (<usize>(bins - 1) << 3);
  for (let at = sumsPtr; at < end; at += 8) {
    const sums = load<i64>(at);
    // An empty bin changes nothing; in small leaves most are.
    if (sums == 0) continue;
    hessian += sums & 0xffffffff;
    gradient += sums >> 32;
    const h = <f64>hessian * hessianUnit;
    if (h < least) continue;
    const rest = nodeHessian - h;
    if (rest < least) break;
    const g = <f64>gradient * gradientUnit;
    const sides = f64x2.replace_lane(f64x2.splat(g), 1, nodeGradient - g);
    const weights = f64x2.add(f64x2.replace_lane(f64x2.splat(h), 1, rest), l2);
    const scores = f64x2.div(f64x2.mul(sides, sides), weights);
    const gain = f64x2.extract_lane(scores, 0) + f64x2.extract_lane(scores, 1) - whole;
    if (gain > best) {
      best = gain;
      bestBin = <i32>((at - sumsPtr) >> 3);
      bestSums = gradient;
      bestHessian = hessian;
    }
  }
}

/** Sums of the node: those of all codes of any byte. Words are summed apart, and wrap. */
function totalOf(histPtr: usize): i64 {
  let sum = i32x4.splat(0);
  for (let at: usize = 0; at < 2048; at += 16) sum = i32x4.add(sum, v128.load(histPtr + at));
  const hessian = i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 2);
  const gradient = i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 3);
  return (<i64>gradient << 32) | (<i64>hessian & 0xffffffff);
}

/** The sums of one digit of a byte: of the codes c with ⌊c / divisor⌋ mod radix = 0, 1 … */
function digits(bytePtr: usize, divisor: usize, radix: usize, outPtr: usize): void {
  const step = divisor * radix;
  for (let digit: usize = 0; digit < radix; digit++) {
    let sum: i64 = 0;
    for (let from = digit * divisor; from < 256; from += step) {
      const end = min(from + divisor, 256);
      for (let code = from; code < end; code++) sum += load<i64>(bytePtr + (code << 3));
    }
    store<i64>(outPtr + (digit << 3), sum);
  }
}

/** The sums of one feature of a digit that several share, by bin, missing values included. */
function unbundle(bytePtr: usize, first: i32, usual: i32, bins: i32, total: i64, outPtr: usize): void {
  let hessian = <i32>total;
  let gradient = <i32>(total >> 32);
  let at = bytePtr + (<usize>first << 3);
  for (let bin = 0; bin <= bins; bin++) {
    if (bin == usual) continue;
    const sums = load<i64>(at);
    store<i64>(outPtr + (<usize>bin << 3), sums);
    hessian -= <i32>sums;
    gradient -= <i32>(sums >> 32);
    at += 8;
  }
  store<i64>(outPtr + (<usize>usual << 3), (<i64>gradient << 32) | (<i64>hessian & 0xffffffff));
}
