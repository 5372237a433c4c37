// The pairs of a query that LambdaMART's forces come from: the twin, and what they are, in src/kernel/rank.ts.
import { ONE, SIGN, constant, expUnitV } from './elementary';

/**
 * Rows stand by score, highest first. `scoresPtr`, `gainsPtr`, `discountsPtr` → f64 a row; `residualsPtr` and
 * `curvaturesPtr` → f64 a row, added to. Each has room for two more rows. Pairs count where the first is among the
 * `places` highest. `offset` is what a force is divided by besides the distance; with `flat` forces are not divided.
 * Returns the sum of both pulls of every pair.
 */
export function rankPairs(
  scoresPtr: usize,
  gainsPtr: usize,
  discountsPtr: usize,
  rows: i32,
  places: i32,
  offset: f64,
  flat: i32,
  residualsPtr: usize,
  curvaturesPtr: usize,
): f64 {
  const end = <usize>rows << 3;
  const last = <usize>min(rows - 1, places) << 3;
  const near = f64x2.splat(offset);
  const one = constant(ONE);
  const sign = constant(SIGN);
  const zero = f64x2.splat(0);
  let total = zero;
  for (let i: usize = 0; i < last; i += 8) {
    const score = v128.load64_splat(scoresPtr + i);
    const gain = v128.load64_splat(gainsPtr + i);
    const discount = v128.load64_splat(discountsPtr + i);
    let pulled = zero;
    let bent = zero;
    for (let j = i + 8; j < end; j += 16) {
      const worth = f64x2.sub(gain, v128.load(gainsPtr + j));
      // Of an odd number of rows the second lane of the last pair is nobody's.
      const there = j + 8 < end ? i64x2.splat(-1) : i64x2.replace_lane(i64x2.splat(-1), 1, 0);
      const distance = f64x2.sub(score, v128.load(scoresPtr + j));
      const change = f64x2.mul(f64x2.abs(worth), f64x2.sub(discount, v128.load(discountsPtr + j)));
      const force = v128.and(there, flat ? change : f64x2.div(change, f64x2.add(near, distance)));
      const e = expUnitV(v128.or(distance, sign));
      const inverse = f64x2.div(one, f64x2.add(one, e));
      // The better row is the first where it gains more: the share is then 1 / (1 + exp(distance)).
      const share = v128.bitselect(f64x2.mul(e, inverse), inverse, f64x2.gt(worth, zero));
      const pull = f64x2.mul(share, force);
      const bend = f64x2.mul(f64x2.mul(share, f64x2.sub(one, share)), force);
      const signed = v128.xor(pull, v128.and(worth, sign));
      pulled = f64x2.add(pulled, signed);
      bent = f64x2.add(bent, bend);
      total = f64x2.add(total, pull);
      v128.store(residualsPtr + j, f64x2.add(v128.load(residualsPtr + j), signed));
      v128.store(curvaturesPtr + j, f64x2.add(v128.load(curvaturesPtr + j), bend));
    }
    store<f64>(residualsPtr + i, load<f64>(residualsPtr + i) - sumOf(pulled));
    store<f64>(curvaturesPtr + i, load<f64>(curvaturesPtr + i) + sumOf(bent));
  }
  return 2.0 * sumOf(total);
}

// @ts-ignore: decorator
@inline
function sumOf(lanes: v128): f64 {
  return f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
}
