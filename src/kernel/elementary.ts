/**
 * Elementary functions in plain double arithmetic: the same bits on every processor and engine, and the same as in
 * kernels/elementary.ts, operation for operation (no fused multiply-add anywhere).
 * Method: range reduction and near-minimax polynomials (coefficients: scripts/elementary-coefficients.py; the scheme
 * is that of Tang, ACM TOMS 15(2) and 16(4), without tables). Largest error found against exact values, in units in
 * the last place: exp 1.0, log 0.8, log1p 0.8, expm1 1.3, tanh 2.3, sigmoid 2.8, softplus 1.6 (elementary.test.ts).
 */

// Tail of exp: (exp(r) - 1 - r) / r² on |r| ≤ ln2 / 2.
const E0 = 0.5000000000000001;
const E1 = 0.16666666666666669;
const E2 = 0.041666666666623824;
const E3 = 0.008333333333330039;
const E4 = 0.0013888888917367081;
const E5 = 0.00019841269863171557;
const E6 = 2.4801521057868204e-5;
const E7 = 2.7557268276905696e-6;
const E8 = 2.7620201591031547e-7;
const E9 = 2.5100472505694996e-8;

// Tail of log: (2 atanh(s) / s - 2) / s² as a polynomial of s², |s| ≤ 3 - 2√2.
const L0 = 0.666666666666667;
const L1 = 0.3999999999989889;
const L2 = 0.28571428626253836;
const L3 = 0.22222211089379496;
const L4 = 0.1818289243253687;
const L5 = 0.15331611722055008;
const L6 = 0.14617807153417325;

// The same on the longer interval |s| ≤ 1/3, for log1pUnit.
const U0 = 0.6666666666666666;
const U1 = 0.40000000000014596;
const U2 = 0.2857142856710506;
const U3 = 0.22222222717801782;
const U4 = 0.18181789417326447;
const U5 = 0.15385570592912243;
const U6 = 0.13314135550881162;
const U7 = 0.12001155182857778;
const U8 = 0.08800317650868773;
const U9 = 0.16164938169471338;

/** ln 2 in two parts; the first has 38 bits, so that k · LN2_HIGH is exact. */
const LN2_HIGH = 0.6931471805582987;
const LN2_LOW = 1.6465949582897082e-12;
const INV_LN2 = Math.LOG2E;
/** 1.5 · 2^52 + 1023, see kernels/elementary.ts. */
const ROUND_BIASED = 6755399441056767;
/** 1.5 · 2^52: adding and subtracting it rounds to the nearest integer, halves to even. */
const ROUND = 6755399441055744;
/** High word of √½, the lower end of the reduced interval of log. */
const SQRT_HALF_HIGH = 0x3fe6a09e;

/** POW2[k + 1074] = 2^k, -1074 ≤ k ≤ 1023. */
const POW2 = powersOfTwo();
const f64 = new Float64Array(1);
const u32 = new Int32Array(f64.buffer);

function powersOfTwo(): Float64Array {
  const powers = new Float64Array(2098);
  powers[1074] = 1;
  for (let k = 1; k <= 1023; k++) powers[1074 + k] = powers[1073 + k] * 2;
  for (let k = 1; k <= 1074; k++) powers[1074 - k] = powers[1075 - k] / 2;
  return powers;
}

function expTail(r: number, r2: number): number {
  const r4 = r2 * r2;
  const low = E0 + E1 * r + (E2 + E3 * r) * r2;
  const high = E4 + E5 * r + (E6 + E7 * r) * r2;
  return low + high * r4 + (E8 + E9 * r) * (r4 * r4);
}

function logTail(z: number): number {
  const z2 = z * z;
  return z * (L0 + L1 * z + (L2 + L3 * z) * z2 + (L4 + L5 * z + L6 * z2) * (z2 * z2));
}

/** eˣ; 0 below -745.2, Infinity above 709.8. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  let c = x > 710 ? 710 : x;
  c = c < -746 ? -746 : c;
  const k = c * INV_LN2 + ROUND - ROUND;
  const r = c - k * LN2_HIGH - k * LN2_LOW;
  const r2 = r * r;
  const p = 1 + (r + r2 * expTail(r, r2));
  const half = k * 0.5 + ROUND - ROUND;
  return p * POW2[half + 1074] * POW2[k - half + 1074];
}

/** eˣ for x ≤ 0, with x below -708 taken as -708: the form of the loss kernels. */
export function expUnit(x: number): number {
  const c = x < -708 ? -708 : x;
  const k = c * INV_LN2 + ROUND_BIASED - ROUND_BIASED;
  const r = c - k * LN2_HIGH - k * LN2_LOW;
  const r2 = r * r;
  return (1 + (r + r2 * expTail(r, r2))) * POW2[k + 1074];
}

/** eˣ - 1, accurate near 0. */
export function expm1(x: number): number {
  if (Number.isNaN(x) || x === 0) return x;
  if (x > 40) return exp(x);
  if (x < -40) return -1;
  const k = x * INV_LN2 + ROUND - ROUND;
  const head = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = head - low;
  const r2 = r * r;
  const tail = r2 * expTail(r, r2);
  const e = r + tail;
  if (k === 0) return e;
  const lost = tail - (e - r) + (head - r - low);
  const shift = 1 - POW2[1074 - k];
  return (shift + e + lost) * POW2[1074 + k];
}

/** log(m · 2^k) + correction, where m - 1 = f and m lies in [√½, √2). */
function logReduced(f: number, k: number, correction: number): number {
  const s = f / (2 + f);
  const tail = logTail(s * s);
  const half = 0.5 * f * f;
  return k * LN2_HIGH + (f - (half - (s * (half + tail) + (k * LN2_LOW + correction))));
}

/** Natural logarithm; -Infinity at 0, NaN below. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  const small = x < 2.2250738585072014e-308;
  f64[0] = small ? x * 18014398509481984 : x;
  const k = (u32[1] - SQRT_HALF_HIGH) >> 20;
  u32[1] -= k << 20;
  return logReduced(f64[0] - 1, small ? k - 54 : k, 0);
}

/** log(1 + x), accurate near 0; -Infinity at -1, NaN below. */
export function log1p(x: number): number {
  if (!(x > -1)) return x === -1 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === 0 || x === Number.POSITIVE_INFINITY) return x;
  const u = 1 + x;
  f64[0] = u;
  const k = (u32[1] - SQRT_HALF_HIGH) >> 20;
  if (k === 0) return logReduced(x, 0, 0);
  u32[1] -= k << 20;
  const lost = x < 1 ? x - (u - 1) : 1 - (u - x);
  return logReduced(f64[0] - 1, k, lost / u);
}

/** log(1 + t) for t in [0, 1]: the branch-free form that the loss kernels use. */
export function log1pUnit(t: number): number {
  const s = t / (2 + t);
  const z = s * s;
  const z2 = z * z;
  const z4 = z2 * z2;
  const low = U0 + U1 * z + (U2 + U3 * z) * z2;
  const high = U4 + U5 * z + (U6 + U7 * z) * z2;
  const tail = low + high * z4 + (U8 + U9 * z) * (z4 * z4);
  return t - s * (t - z * tail);
}

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(x: number): number {
  const e = exp(-Math.abs(x));
  const inverse = 1 / (1 + e);
  return x >= 0 ? inverse : e * inverse;
}

/** log(1 + eˣ), without overflow. */
export function softplus(x: number): number {
  return (x > 0 ? x : 0) + log1pUnit(exp(-Math.abs(x)));
}

/** Hyperbolic tangent. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (!(a > 0)) return x;
  if (a > 22) return x > 0 ? 1 : -1;
  const e = expm1(2 * a);
  const t = a < 1 ? e / (e + 2) : 1 - 2 / (e + 2);
  return x > 0 ? t : -t;
}
