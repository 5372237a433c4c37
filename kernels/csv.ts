// Rows of delimited text without quotes: what they are, the layout and the twin are in src/kernel/csv.ts.

// @ts-ignore: decorator
@inline
const SKIP: u32 = 0;
// @ts-ignore: decorator
@inline
const NUMBER: u32 = 1;

/** Bytes of a column's entry: kind, where its values go, where its hashes go, 0. */
const ENTRY: usize = 16;

/** Exponents of ten in the table of powers. */
// @ts-ignore: decorator
@inline
const LEAST: i32 = -80;
// @ts-ignore: decorator
@inline
const MOST: i32 = 40;

/** Powers of ten that are exact. */
const POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

// @ts-ignore: decorator
@inline
function highProduct(a: u64, b: u64): u64 {
  const low = (a & 0xffffffff) * (b & 0xffffffff);
  const left = (a >> 32) * (b & 0xffffffff) + (low >> 32);
  const right = (a & 0xffffffff) * (b >> 32) + (left & 0xffffffff);
  return (a >> 32) * (b >> 32) + (left >> 32) + (right >> 32);
}

/**
 * Bits of the double nearest to digits · 10^exponent, by Eisel and Lemire (Lemire, "Number parsing at a gigabyte per
 * second", 2021, algorithm 1); 0 where that does not settle it. `digits` > 0, `powerPtr` → the 128 bits of the power.
 */
function nearest(digits: u64, exponent: i32, powerPtr: usize): u64 {
  const zeros = clz(digits);
  digits <<= zeros;
  let high = highProduct(digits, load<u64>(powerPtr));
  let low = digits * load<u64>(powerPtr);
  if ((high & 0x1ff) == 0x1ff) {
    const more = highProduct(digits, load<u64>(powerPtr, 8));
    low += more;
    if (low < more) high++;
  }
  if (low == u64.MAX_VALUE) return 0;
  const upper = high >> 63;
  const shift = upper + 9;
  let mantissa = high >> shift;
  // 217706 / 65536: the logarithm of ten to base two.
  let power = ((217706 * exponent) >> 16) + 63 + <i32>upper - <i32>zeros + 1023;
  if (power <= 0) return 0;
  // Halfway between two doubles, exactly: to the even one.
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa--;
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >> 53) {
    mantissa >>= 1;
    power++;
  }
  return power >= 2047 ? 0 : (mantissa & 0xfffffffffffff) | (<u64>power << 52);
}

// @ts-ignore: decorator
@inline
function digitAt(ptr: usize): u32 {
  return <u32>load<u8>(ptr) - 48;
}

/**
 * Position of the first byte from `ptr` on that ends a field: delimiter, line end, quote or NUL.
 * Reads up to 15 bytes beyond it.
 */
// @ts-ignore: decorator
@inline
function fieldEnd(ptr: usize, delimiter: v128, quote: v128): usize {
  while (true) {
    const text = v128.load(ptr);
    const ends = v128.or(
      v128.or(i8x16.eq(text, delimiter), i8x16.eq(text, quote)),
      v128.or(
        v128.or(i8x16.eq(text, i8x16.splat(10)), i8x16.eq(text, i8x16.splat(13))),
        i8x16.eq(text, i8x16.splat(0)),
      ),
    );
    const mask = i8x16.bitmask(ends);
    if (mask != 0) return ptr + ctz(mask);
    ptr += 16;
  }
}

// @ts-ignore: decorator
@inline
function fold(h: u32, word: u32, prime: u32): u32 {
  h = (h ^ word) * prime;
  return h ^ (h >> 15);
}

/** Writes the packed string [ptr, end) and its hash. */
// @ts-ignore: decorator
@inline
function packString(ptr: usize, end: usize, packedPtr: usize, hashPtr: usize): void {
  const length = <u32>(end - ptr);
  const iota = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  store<u32>(packedPtr, length);
  let low: u32 = length ^ 0x9e3779b1;
  let high: u32 = length ^ 0x85ebca6b;
  if (length <= 12) {
    const text = v128.and(v128.load(ptr), i8x16.lt_u(iota, i8x16.splat(<i8>length)));
    v128.store64_lane(packedPtr, text, 0, 4);
    v128.store32_lane(packedPtr, text, 2, 12);
    for (let at: usize = 4; at < 16; at += 4) {
      const word = load<u32>(packedPtr + at);
      low = fold(low, word, 0x9e3779b1);
      high = fold(high, word, 0x85ebca6b);
    }
  } else {
    store<u32>(packedPtr, load<u32>(ptr), 4);
    store<u64>(packedPtr, <u64>ptr, 8);
    for (; ptr < end; ptr += 4) {
      const left = <u32>(end - ptr);
      const word = left >= 4 ? load<u32>(ptr) : load<u32>(ptr) & ((1 << (left << 3)) - 1);
      low = fold(low, word, 0x9e3779b1);
      high = fold(high, word, 0x85ebca6b);
    }
  }
  store<u32>(hashPtr, low);
  store<u32>(hashPtr, high, 4);
}

/** Whether [ptr, end) is one of the strings at `markersPtr`: each a length in one byte, then its bytes. */
function isMarker(ptr: usize, end: usize, markersPtr: usize, markersEnd: usize): bool {
  const length = <u32>(end - ptr);
  while (markersPtr < markersEnd) {
    const own = <u32>load<u8>(markersPtr);
    if (own == length && memory.compare(ptr, markersPtr + 1, length) == 0) return true;
    markersPtr += 1 + own;
  }
  return false;
}

/** Parses whole lines; see `parseLines` in src/kernel/csv.ts. Returns the number of rows. */
export function csvRows(
  textPtr: usize,
  endPtr: usize,
  delimiter: u32,
  quote: u32,
  newline: u32,
  columnsPtr: usize,
  columns: u32,
  rowLimit: u32,
  markersPtr: usize,
  markersEnd: usize,
  powersPtr: usize,
  hardPtr: usize,
  hardLimit: u32,
  statePtr: usize,
): i32 {
  const delimiters = i8x16.splat(<i8>delimiter);
  const quotes = i8x16.splat(<i8>quote);
  // The byte that a line's last field ends at, and whether a line feed follows it.
  const lineByte: u32 = newline == 2 ? 13 : newline;
  const two = newline == 2;
  const columnsEnd = columnsPtr + <usize>columns * ENTRY;
  const lastColumn = columnsEnd - ENTRY;
  let hard: u32 = 0;
  let row: u32 = 0;
  let ptr = textPtr;
  while (ptr < endPtr && row < rowLimit && hard + columns <= hardLimit) {
    if (load<u8>(ptr) == lineByte) {
      if (two && load<u8>(ptr, 1) != 10) return -1;
      ptr += two ? 2 : 1;
      continue;
    }
    for (let column = columnsPtr; column < columnsEnd; column += ENTRY) {
      const stop = column == lastColumn ? lineByte : delimiter;
      const kind = load<u32>(column);
      if (kind == NUMBER) {
        const valuePtr = <usize>load<u32>(column, 4) + (<usize>row << 3);
        let at = ptr;
        while (load<u8>(at) == 32) at++;
        const start = at;
        const negative = load<u8>(at) == 45;
        if (negative) at++;
        let mantissa: u64 = 0;
        const first = at;
        let digit = digitAt(at);
        while (digit < 10) {
          mantissa = mantissa * 10 + digit;
          digit = digitAt(++at);
        }
        let digits = <i32>(at - first);
        let exponent: i32 = 0;
        if (digit == <u32>(46 - 48)) {
          const point = ++at;
          digit = digitAt(at);
          while (digit < 10) {
            mantissa = mantissa * 10 + digit;
            digit = digitAt(++at);
          }
          exponent = <i32>(point - at);
          digits -= exponent;
        }
        let good = digits > 0;
        if (good && (load<u8>(at) | 32) == 101) {
          at++;
          const sign = load<u8>(at);
          if (sign == 45 || sign == 43) at++;
          const from = at;
          let power: i32 = 0;
          digit = digitAt(at);
          while (digit < 10) {
            power = min(power * 10 + <i32>digit, 100_000);
            digit = digitAt(++at);
          }
          good = at > from;
          exponent += sign == 45 ? -power : power;
        }
        const end = at;
        while (load<u8>(at) == 32) at++;
        if (good && load<u8>(at) == stop) {
          // Zeros before the first digit count for nothing.
          if (digits > 19) {
            for (let zero = first; load<u8>(zero) == 48 || load<u8>(zero) == 46; zero++) {
              if (load<u8>(zero) == 48) digits--;
            }
          }
          let bits: u64 = 0;
          if (digits <= 19 && mantissa <= (1 << 53) && exponent >= -22 && exponent <= 22) {
            const whole = <f64>mantissa;
            const value =
              exponent < 0
                ? whole / load<f64>(POWERS + (<usize>-exponent << 3))
                : whole * load<f64>(POWERS + (<usize>exponent << 3));
            store<f64>(valuePtr, negative ? -value : value);
          } else if (
            digits <= 19 &&
            mantissa != 0 &&
            exponent >= LEAST &&
            exponent <= MOST &&
            (bits = nearest(mantissa, exponent, powersPtr + (<usize>(exponent - LEAST) << 4))) != 0
          ) {
            store<u64>(valuePtr, bits | (<u64>negative << 63));
          } else {
            const entry = hardPtr + (<usize>hard << 4);
            hard++;
            store<u32>(entry, <u32>valuePtr);
            store<u32>(entry, <u32>start, 4);
            store<u32>(entry, <u32>end, 8);
          }
        } else {
          at = fieldEnd(ptr, delimiters, quotes);
          if (load<u8>(at) != stop || !isMarker(ptr, at, markersPtr, markersEnd)) return -1;
          store<f64>(valuePtr, NaN);
        }
        ptr = at + 1;
        continue;
      }
      const at = fieldEnd(ptr, delimiters, quotes);
      if (load<u8>(at) != stop) return -1;
      if (kind != SKIP) {
        packString(
          ptr,
          at,
          <usize>load<u32>(column, 4) + (<usize>row << 4),
          <usize>load<u32>(column, 8) + (<usize>row << 3),
        );
      }
      ptr = at + 1;
    }
    if (two) {
      if (load<u8>(ptr) != 10) return -1;
      ptr++;
    }
    row++;
  }
  store<u32>(statePtr, <u32>ptr);
  store<u32>(statePtr, hard, 4);
  return row;
}

/**
 * Counts lines that are not blank, to at most `limit`. `last`: where the line before ended, may be before the text.
 * Writes the position behind the last counted line or the end of the text, and the end of the last line.
 */
export function csvLines(
  textPtr: usize,
  endPtr: usize,
  lineByte: u32,
  blank: i32,
  limit: u32,
  last: i32,
  statePtr: usize,
): i32 {
  const lineBytes = i8x16.splat(<i8>lineByte);
  let count: u32 = 0;
  let ptr = textPtr;
  while (ptr < endPtr) {
    let mask = i8x16.bitmask(i8x16.eq(v128.load(ptr), lineBytes));
    if (ptr + 16 > endPtr) mask &= (1 << <u32>(endPtr - ptr)) - 1;
    while (mask != 0) {
      const at = <i32>ptr + ctz(mask);
      mask &= mask - 1;
      if (at - last > blank) count++;
      last = at;
      if (count < limit) continue;
      store<u32>(statePtr, at + 1);
      store<i32>(statePtr, at, 4);
      return count;
    }
    ptr += 16;
  }
  store<u32>(statePtr, <u32>endPtr);
  store<i32>(statePtr, last, 4);
  return count;
}
