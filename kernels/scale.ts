// A block of numbers in f64 to features in f32, 4 a step. Pointers are 16-byte aligned; `rows` is a multiple of 4, and
// what lies beyond the block's own rows may be anything.

// @ts-ignore: decorator
@inline
function narrow(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

/** out[r] = (min(max(x[r], low), high) − centre) · scale. */
export function clippedBlock(
  xPtr: usize,
  outPtr: usize,
  rows: i32,
  low: f64,
  high: f64,
  centre: f64,
  scale: f64,
): void {
  const least = f64x2.splat(low);
  const most = f64x2.splat(high);
  const middle = f64x2.splat(centre);
  const factor = f64x2.splat(scale);
  for (let r: usize = 0; r < <usize>rows; r += 4) {
    const at = xPtr + (r << 3);
    const a = f64x2.pmin(f64x2.pmax(v128.load(at), least), most);
    const b = f64x2.pmin(f64x2.pmax(v128.load(at, 16), least), most);
    v128.store(outPtr + (r << 2), narrow(f64x2.mul(f64x2.sub(a, middle), factor), f64x2.mul(f64x2.sub(b, middle), factor)));
  }
}

/** out[r] = (max(0, x[r] − knot) − centre) · scale, the maximum as half of the sum with the magnitude. */
export function hingeBlock(xPtr: usize, outPtr: usize, rows: i32, knot: f64, centre: f64, scale: f64): void {
  const bend = f64x2.splat(knot);
  const half = f64x2.splat(0.5);
  const middle = f64x2.splat(centre);
  const factor = f64x2.splat(scale);
  for (let r: usize = 0; r < <usize>rows; r += 4) {
    const at = xPtr + (r << 3);
    const a = f64x2.sub(v128.load(at), bend);
    const b = f64x2.sub(v128.load(at, 16), bend);
    const c = f64x2.mul(f64x2.add(a, f64x2.abs(a)), half);
    const d = f64x2.mul(f64x2.add(b, f64x2.abs(b)), half);
    v128.store(outPtr + (r << 2), narrow(f64x2.mul(f64x2.sub(c, middle), factor), f64x2.mul(f64x2.sub(d, middle), factor)));
  }
}
