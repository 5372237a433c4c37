/** Neighbours among f32 numbers: what thresholds need that are compared with f32 features. Pure. */

const single = new Float32Array(1);
const bits = new Int32Array(single.buffer);

/** The largest f32 below x, an f32; the order of f32 is that of their bits, but for the sign. */
export function previousSingle(x: number): number {
  single[0] = x;
  if (Number.isNaN(x) || x === Number.NEGATIVE_INFINITY) return x;
  if (x === 0) bits[0] = 0x8000_0001 | 0;
  else bits[0] += x > 0 ? -1 : 1;
  return single[0];
}

/** The largest f32 that is ≤ t; 0 for -0, so that equal thresholds are the same number. */
export function floorToSingle(t: number): number {
  const near = Math.fround(t);
  return (near > t ? previousSingle(near) : near) + 0;
}
