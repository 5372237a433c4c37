// The inner loops of SHAP values of trees: which conditions of a path a row meets, as a bit mask (its pattern), and
// what a leaf gives to the features of its path, by pattern.
//
//   patternPtr → u32 a row: bit i is 0 once a condition on feature i of the path has failed; all other bits are 1
//   tablePtr   → f64, slot-major: what slot s gets from pattern p stands at s · width + p
//   outPtr     → f64, column-major: row r of column c stands at c · stride + r
//
// `rows` is a multiple of 4 everywhere; what rows beyond the block's own get is never read.

/** Splits patterns at a number: a row goes left when its value is ≤ threshold, or NaN and `missing` is -1. */
export function shapSplit(
  valuesPtr: usize,
  rows: i32,
  threshold: f32,
  missing: i32,
  bit: i32,
  patternPtr: usize,
  leftPtr: usize,
  rightPtr: usize,
): void {
  const limit = f32x4.splat(threshold);
  const absent = i32x4.splat(missing);
  const flag = i32x4.splat(1 << bit);
  for (let at: usize = 0; at < <usize>rows << 2; at += 16) {
    const x = v128.load(valuesPtr + at);
    const isLeft = v128.or(f32x4.le(x, limit), v128.and(f32x4.ne(x, x), absent));
    const pattern = v128.load(patternPtr + at);
    v128.store(leftPtr + at, v128.andnot(pattern, v128.andnot(flag, isLeft)));
    v128.store(rightPtr + at, v128.andnot(pattern, v128.and(flag, isLeft)));
  }
}

/** As {@link shapSplit} at a set of categories, 256 bits from setPtr. */
export function shapSplitSet(
  valuesPtr: usize,
  rows: i32,
  setPtr: usize,
  missing: i32,
  bit: i32,
  patternPtr: usize,
  leftPtr: usize,
  rightPtr: usize,
): void {
  const flag = <u32>1 << bit;
  for (let at: usize = 0; at < <usize>rows << 2; at += 4) {
    const x = load<f32>(valuesPtr + at);
    let isLeft = false;
    if (x != x) isLeft = missing != 0;
    else if (x >= 0 && x < 256) {
      const code = <u32>x;
      isLeft = <f32>code == x && ((load<u32>(setPtr + ((code >> 5) << 2)) >> (code & 31)) & 1) == 1;
    }
    const pattern = load<u32>(patternPtr + at);
    const without = pattern & ~flag;
    store<u32>(leftPtr + at, isLeft ? pattern : without);
    store<u32>(rightPtr + at, isLeft ? without : pattern);
  }
}

/**
 * Terms of a leaf by pattern, feature by feature: out[i · stride + k] is what pattern k gives to feature i of the path.
 * factorsPtr → for feature i and bit b, `pairs` × 2 values of its factor at the points of the quadrature, from
 * (2 i + b) · pairs · 16; weightsPtr → weights of the points; ratiosPtr → share of the cover that the path takes of i.
 * workPtr has room for 80 bytes a feature. Products of two pairs of points go side by side, since each waits for the last;
 * sums are added in the order of the points all the same.
 */
export function shapTerms(
  patternsPtr: usize,
  count: i32,
  depth: i32,
  ratiosPtr: usize,
  factorsPtr: usize,
  weightsPtr: usize,
  pairs: i32,
  value: f64,
  workPtr: usize,
  outPtr: usize,
  stride: i32,
): void {
  const bytes = <usize>pairs << 4;
  const end = <usize>depth << 4;
  const sums = workPtr + (end << 2);
  for (let k: usize = 0; k < <usize>count; k++) {
    const pattern = load<u32>(patternsPtr + (k << 2));
    memory.fill(sums, 0, end);
    let q: usize = 0;
    for (; q + 16 < bytes; q += 32) {
      let a = v128.load(weightsPtr + q);
      let b = v128.load(weightsPtr + q, 16);
      let bits = <usize>pattern;
      for (let at = workPtr, i: usize = 0; at < sums; at += 64, i += 2, bits >>= 1) {
        const factors = factorsPtr + (i + (bits & 1)) * bytes + q;
        const x = v128.load(factors);
        const y = v128.load(factors, 16);
        v128.store(at, x);
        v128.store(at, y, 16);
        v128.store(at, a, 32);
        v128.store(at, b, 48);
        a = f64x2.mul(a, x);
        b = f64x2.mul(b, y);
      }
      a = f64x2.splat(1);
      b = f64x2.splat(1);
      for (let at = sums, to = sums + end; at > workPtr; ) {
        at -= 64;
        to -= 16;
        const first = f64x2.add(v128.load(to), f64x2.mul(v128.load(at, 32), a));
        v128.store(to, f64x2.add(first, f64x2.mul(v128.load(at, 48), b)));
        a = f64x2.mul(a, v128.load(at));
        b = f64x2.mul(b, v128.load(at, 16));
      }
    }
    if (q < bytes) {
      let product = v128.load(weightsPtr + q);
      let bits = <usize>pattern;
      for (let at = workPtr, i: usize = 0; at < sums; at += 64, i += 2, bits >>= 1) {
        const factor = v128.load(factorsPtr + (i + (bits & 1)) * bytes + q);
        v128.store(at, factor);
        v128.store(at, product, 32);
        product = f64x2.mul(product, factor);
      }
      let suffix = f64x2.splat(1);
      for (let at = sums, to = sums + end; at > workPtr; ) {
        at -= 64;
        to -= 16;
        v128.store(to, f64x2.add(v128.load(to), f64x2.mul(v128.load(at, 32), suffix)));
        suffix = f64x2.mul(suffix, v128.load(at));
      }
    }
    for (let i: usize = 0; i < <usize>depth; i++) {
      const sum = load<f64>(sums + (i << 4)) + load<f64>(sums + (i << 4), 8);
      const bit = <f64>((pattern >> <u32>i) & 1);
      const term = value * (bit - load<f64>(ratiosPtr + (i << 3))) * sum;
      store<f64>(outPtr + ((i * <usize>stride + k) << 3), term);
    }
  }
}

/** As {@link shapTerms} for pairs of features, half of what both get: (0,1), (0,2) …, (1,2) …. workPtr: 48 bytes a feature. */
export function shapPairTerms(
  patternsPtr: usize,
  count: i32,
  depth: i32,
  ratiosPtr: usize,
  factorsPtr: usize,
  weightsPtr: usize,
  pairs: i32,
  value: f64,
  workPtr: usize,
  outPtr: usize,
  stride: i32,
): void {
  const bytes = <usize>pairs << 4;
  const end = <usize>depth << 4;
  const suffixes = workPtr + end;
  for (let k: usize = 0; k < <usize>count; k++) {
    const pattern = load<u32>(patternsPtr + (k << 2));
    let slot = outPtr + (k << 3);
    for (let i: usize = 0; i < <usize>depth; i++) {
      for (let j = i + 1; j < <usize>depth; j++, slot += <usize>stride << 3) store<f64>(slot, 0);
    }
    for (let q: usize = 0; q < bytes; q += 16) {
      let bits = <usize>pattern;
      for (let at: usize = 0, i: usize = 0; at < end; at += 16, i += 2, bits >>= 1) {
        v128.store(workPtr + at, v128.load(factorsPtr + (i + (bits & 1)) * bytes + q));
      }
      let suffix = f64x2.splat(1);
      for (let at = end; at > 0; ) {
        at -= 16;
        v128.store(suffixes + at, suffix);
        suffix = f64x2.mul(suffix, v128.load(workPtr + at));
      }
      let prefix = v128.load(weightsPtr + q);
      slot = outPtr + (k << 3);
      for (let i: usize = 0; i < end; i += 16) {
        let product = prefix;
        for (let j = i + 16; j < end; j += 16, slot += <usize>stride << 3) {
          const term = f64x2.mul(product, v128.load(suffixes + j));
          store<f64>(slot, load<f64>(slot) + (f64x2.extract_lane(term, 0) + f64x2.extract_lane(term, 1)));
          product = f64x2.mul(product, v128.load(workPtr + j));
        }
        prefix = f64x2.mul(prefix, v128.load(workPtr + i));
      }
    }
    slot = outPtr + (k << 3);
    for (let i: usize = 0; i < <usize>depth; i++) {
      const left = <f64>((pattern >> <u32>i) & 1) - load<f64>(ratiosPtr + (i << 3));
      for (let j = i + 1; j < <usize>depth; j++, slot += <usize>stride << 3) {
        const right = <f64>((pattern >> <u32>j) & 1) - load<f64>(ratiosPtr + (j << 3));
        store<f64>(slot, 0.5 * value * left * right * load<f64>(slot));
      }
    }
  }
}

/**
 * Adds to column targets[s] of every row what slot s of the table has for the row's pattern under `mask`.
 * targetsPtr → u32 columns; placesPtr has room for a u32 a row.
 */
export function shapAdd(
  patternPtr: usize,
  rows: i32,
  mask: u32,
  tablePtr: usize,
  width: i32,
  slots: i32,
  targetsPtr: usize,
  outPtr: usize,
  stride: i32,
  placesPtr: usize,
): void {
  const end = <usize>rows << 2;
  const wanted = i32x4.splat(mask);
  for (let at: usize = 0; at < end; at += 16) {
    v128.store(placesPtr + at, i32x4.shl(v128.and(v128.load(patternPtr + at), wanted), 3));
  }
  let table = tablePtr;
  for (let s: usize = 0; s < <usize>slots; s++, table += <usize>width << 3) {
    let out = outPtr + ((<usize>load<u32>(targetsPtr + (s << 2)) * <usize>stride) << 3);
    for (let at = placesPtr; at < placesPtr + end; at += 16, out += 32) {
      const a = v128.load64_splat(table + <usize>load<u32>(at));
      const b = v128.load64_splat(table + <usize>load<u32>(at, 8));
      const low = v128.load_lane<u64>(table + <usize>load<u32>(at, 4), a, 1);
      const high = v128.load_lane<u64>(table + <usize>load<u32>(at, 12), b, 1);
      v128.store(out, f64x2.add(v128.load(out), low));
      v128.store(out, f64x2.add(v128.load(out, 16), high), 16);
    }
  }
}

/**
 * Replaces patterns by the number of the first one like it, counted in order of appearance; returns how many there are
 * and leaves them at distinctPtr. hashPtr has room for 2^bits pairs of u32 (pattern, number + 1), more than there are rows.
 */
export function shapDistinct(patternPtr: usize, rows: i32, hashPtr: usize, bits: i32, distinctPtr: usize): i32 {
  memory.fill(hashPtr, 0, <usize>8 << bits);
  const mask = (<u32>1 << bits) - 1;
  let count: u32 = 0;
  for (let at = patternPtr; at < patternPtr + (<usize>rows << 2); at += 4) {
    const pattern = load<u32>(at);
    let place = (pattern * 0x9e3779b1) >> (32 - bits);
    let slot = hashPtr + (<usize>place << 3);
    while (load<u32>(slot, 4) != 0 && load<u32>(slot) != pattern) {
      place = (place + 1) & mask;
      slot = hashPtr + (<usize>place << 3);
    }
    if (load<u32>(slot, 4) == 0) {
      store<u32>(distinctPtr + (<usize>count << 2), pattern);
      store<u32>(slot, pattern);
      store<u32>(slot, ++count, 4);
    }
    store<u32>(at, load<u32>(slot, 4) - 1);
  }
  return count;
}
