// Elementary functions over two lanes, operation for operation those of src/kernel/elementary.ts (see there for the
// method and its sources): a lane holds the bits that the TypeScript twin computes. No relaxed SIMD, no fused
// multiply-add. Arguments of logV must be positive, finite and normal.

// Constants lie in memory: a load that doubles a lane is cheaper than building a vector constant at each use.
const TABLE = memory.data<f64>([
  1.0, // ONE
  0.5, // HALF
  2.0, // TWO
  710.0, // EXP_MAX
  -746.0, // EXP_MIN
  0.5000000000000001, // E0
  0.16666666666666669, // E1
  0.041666666666623824, // E2
  0.008333333333330039, // E3
  0.0013888888917367081, // E4
  0.00019841269863171557, // E5
  2.4801521057868204e-5, // E6
  2.7557268276905696e-6, // E7
  2.7620201591031547e-7, // E8
  2.5100472505694996e-8, // E9
  0.666666666666667, // L0
  0.3999999999989889, // L1
  0.28571428626253836, // L2
  0.22222211089379496, // L3
  0.1818289243253687, // L4
  0.15331611722055008, // L5
  0.14617807153417325, // L6
  0.6931471805582987, // LN2_HIGH
  1.6465949582897082e-12, // LN2_LOW
  1.4426950408889634, // INV_LN2
  6755399441055744.0, // ROUND: 1.5 · 2^52
  6755399441056767.0, // ROUND_BIASED: ROUND + 1023: shifted left by 52, the sum of it and k is 2^k
  -708.0, // EXP_UNIT_MIN
  -0.0, // SIGN
  0.6666666666666666, // U0
  0.40000000000014596, // U1
  0.2857142856710506, // U2
  0.22222222717801782, // U3
  0.18181789417326447, // U4
  0.15385570592912243, // U5
  0.13314135550881162, // U6
  0.12001155182857778, // U7
  0.08800317650868773, // U8
  0.16164938169471338, // U9
  1e300, // MARGIN_LIMIT
  -1e300, // NEGATIVE_MARGIN_LIMIT
  100.0, // POISSON_LIMIT
  4503599627371519.0, // INDEX_BIAS: 2^52 + 1023
]);
export const ONE = 0;
export const HALF = 1;
const TWO = 2;
const EXP_MAX = 3;
const EXP_MIN = 4;
const E0 = 5;
const E1 = 6;
const E2 = 7;
const E3 = 8;
const E4 = 9;
const E5 = 10;
const E6 = 11;
const E7 = 12;
const E8 = 13;
const E9 = 14;
const L0 = 15;
const L1 = 16;
const L2 = 17;
const L3 = 18;
const L4 = 19;
const L5 = 20;
const L6 = 21;
const LN2_HIGH = 22;
const LN2_LOW = 23;
const INV_LN2 = 24;
const ROUND = 25;
const ROUND_BIASED = 26;
const EXP_UNIT_MIN = 27;
export const SIGN = 28;
const U0 = 29;
const U1 = 30;
const U2 = 31;
const U3 = 32;
const U4 = 33;
const U5 = 34;
const U6 = 35;
const U7 = 36;
const U8 = 37;
const U9 = 38;
export const MARGIN_LIMIT = 39;
export const NEGATIVE_MARGIN_LIMIT = 40;
export const POISSON_LIMIT = 41;
const INDEX_BIAS = 42;

// @ts-ignore: decorator
@inline
export function constant(index: usize): v128 {
  return v128.load64_splat(TABLE + (index << 3));
}

// @ts-ignore: decorator
@inline
function linear(a: usize, b: usize, x: v128): v128 {
  return f64x2.add(constant(a), f64x2.mul(constant(b), x));
}

// 2^k for integers k in [-1022, 1023].
// @ts-ignore: decorator
@inline
function powerOfTwo(k: v128): v128 {
  return i64x2.shl(f64x2.add(k, constant(ROUND_BIASED)), 52);
}

// @ts-ignore: decorator
@inline
export function expV(x: v128): v128 {
  const c = f64x2.pmax(f64x2.pmin(x, constant(EXP_MAX)), constant(EXP_MIN));
  const k = f64x2.sub(f64x2.add(f64x2.mul(c, constant(INV_LN2)), constant(ROUND)), constant(ROUND));
  const r = f64x2.sub(f64x2.sub(c, f64x2.mul(k, constant(LN2_HIGH))), f64x2.mul(k, constant(LN2_LOW)));
  const r2 = f64x2.mul(r, r);
  const p = f64x2.add(constant(ONE), f64x2.add(r, f64x2.mul(r2, expTail(r, r2))));
  const half = f64x2.sub(f64x2.add(f64x2.mul(k, constant(HALF)), constant(ROUND)), constant(ROUND));
  return f64x2.mul(f64x2.mul(p, powerOfTwo(half)), powerOfTwo(f64x2.sub(k, half)));
}

// exp for x ≤ 0, with x below -708 taken as -708 (3e-308): one scaling instead of two.
// @ts-ignore: decorator
@inline
export function expUnitV(x: v128): v128 {
  const c = f64x2.pmax(x, constant(EXP_UNIT_MIN));
  const t = f64x2.add(f64x2.mul(c, constant(INV_LN2)), constant(ROUND_BIASED));
  const k = f64x2.sub(t, constant(ROUND_BIASED));
  const r = f64x2.sub(f64x2.sub(c, f64x2.mul(k, constant(LN2_HIGH))), f64x2.mul(k, constant(LN2_LOW)));
  const r2 = f64x2.mul(r, r);
  return f64x2.mul(f64x2.add(constant(ONE), f64x2.add(r, f64x2.mul(r2, expTail(r, r2)))), i64x2.shl(t, 52));
}

// @ts-ignore: decorator
@inline
function expTail(r: v128, r2: v128): v128 {
  const r4 = f64x2.mul(r2, r2);
  const low = f64x2.add(linear(E0, E1, r), f64x2.mul(linear(E2, E3, r), r2));
  const high = f64x2.add(linear(E4, E5, r), f64x2.mul(linear(E6, E7, r), r2));
  return f64x2.add(
    f64x2.add(low, f64x2.mul(high, r4)),
    f64x2.mul(linear(E8, E9, r), f64x2.mul(r4, r4)),
  );
}

// @ts-ignore: decorator
@inline
function logTail(z: v128): v128 {
  const z2 = f64x2.mul(z, z);
  const low = f64x2.add(linear(L0, L1, z), f64x2.mul(linear(L2, L3, z), z2));
  const high = f64x2.add(linear(L4, L5, z), f64x2.mul(constant(L6), z2));
  return f64x2.mul(z, f64x2.add(low, f64x2.mul(high, f64x2.mul(z2, z2))));
}

// log(1 + t) for t in [0, 1].
// @ts-ignore: decorator
@inline
export function log1pUnitV(t: v128): v128 {
  const s = f64x2.div(t, f64x2.add(constant(TWO), t));
  const z = f64x2.mul(s, s);
  const z2 = f64x2.mul(z, z);
  const z4 = f64x2.mul(z2, z2);
  const low = f64x2.add(linear(U0, U1, z), f64x2.mul(linear(U2, U3, z), z2));
  const high = f64x2.add(linear(U4, U5, z), f64x2.mul(linear(U6, U7, z), z2));
  const tail = f64x2.add(
    f64x2.add(low, f64x2.mul(high, z4)),
    f64x2.mul(linear(U8, U9, z), f64x2.mul(z4, z4)),
  );
  return f64x2.sub(t, f64x2.mul(s, f64x2.sub(t, f64x2.mul(z, tail))));
}

// Natural logarithm of positive, finite, normal numbers.
// @ts-ignore: decorator
@inline
export function logV(x: v128): v128 {
  const biased = i64x2.shr_u(i64x2.add(x, i64x2.splat(0x0009_5f62_0000_0000)), 52);
  const k = f64x2.sub(v128.or(biased, i64x2.splat(0x4330_0000_0000_0000)), constant(INDEX_BIAS));
  const m = i64x2.sub(x, i64x2.shl(i64x2.sub(biased, i64x2.splat(1023)), 52));
  const f = f64x2.sub(m, constant(ONE));
  const s = f64x2.div(f, f64x2.add(constant(TWO), f));
  const half = f64x2.mul(f64x2.mul(constant(HALF), f), f);
  const tail = logTail(f64x2.mul(s, s));
  const inner = f64x2.add(f64x2.mul(s, f64x2.add(half, tail)), f64x2.mul(k, constant(LN2_LOW)));
  return f64x2.add(f64x2.mul(k, constant(LN2_HIGH)), f64x2.sub(f, f64x2.sub(half, inner)));
}

/** outputs[i] = exp(inputs[i]); count is even, arrays may be the same. */
export function expArray(inputsPtr: usize, outputsPtr: usize, count: i32): void {
  for (let i = 0; i < count; i += 2) {
    v128.store(outputsPtr + (<usize>i << 3), expV(v128.load(inputsPtr + (<usize>i << 3))));
  }
}

/** outputs[i] = log(inputs[i]); count is even, inputs positive and normal, arrays may be the same. */
export function logArray(inputsPtr: usize, outputsPtr: usize, count: i32): void {
  for (let i = 0; i < count; i += 2) {
    v128.store(outputsPtr + (<usize>i << 3), logV(v128.load(inputsPtr + (<usize>i << 3))));
  }
}
