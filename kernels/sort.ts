// Sorting f32 numbers by their bits: least significant digit first, three passes of 11 bits over 32-bit keys whose
// unsigned order is the order of the numbers. The twin is in src/kernel/sort.ts.

const DIGITS: usize = 2048;

/** The digit of a key in a pass, as an offset into its counts. */
// @ts-ignore: decorator
@inline
function digitAt(key: u32, pass: usize): usize {
  return ((<usize>key >> (11 * pass)) & (DIGITS - 1)) << 2;
}

/**
 * The distinct numbers of `count` f32 values, ascending, to `valuesPtr`, and how many there are of each (u32) to
 * `timesPtr`; returns how many distinct ones. NaN is left out, and −0 is 0. `keysPtr` and `sparePtr` have room for `count`
 * words, and `digitsPtr` for 3 · 2048 words that are 0. A pass in which all keys have the same digit is left out: few
 * values differ in few bits.
 */
export function sortDistinct(
  valuesPtr: usize,
  count: i32,
  keysPtr: usize,
  sparePtr: usize,
  digitsPtr: usize,
  timesPtr: usize,
): i32 {
  const keys = makeKeys(valuesPtr, count, keysPtr, digitsPtr) - keysPtr;
  if (keys == 0) return 0;
  let from = keysPtr;
  let to = sparePtr;
  for (let pass: usize = 0; pass < 3; pass++) {
    const starts = digitsPtr + ((pass * DIGITS) << 2);
    if (load<u32>(starts + digitAt(load<u32>(from), pass)) == <u32>(keys >> 2)) continue;
    let start: u32 = 0;
    for (let at = starts; at < starts + (DIGITS << 2); at += 4) {
      const times = load<u32>(at);
      store<u32>(at, start);
      start += times;
    }
    for (let i: usize = 0; i < keys; i += 4) {
      const key = load<u32>(from + i);
      const at = starts + digitAt(key, pass);
      const place = load<u32>(at);
      store<u32>(at, place + 1);
      store<u32>(to + (<usize>place << 2), key);
    }
    const sorted = to;
    to = from;
    from = sorted;
  }
  return countDistinct(from, keys, valuesPtr, timesPtr);
}

/** Keys of the values that are no NaN, and how often each digit is there in each pass; returns the end of the keys. */
function makeKeys(valuesPtr: usize, count: i32, keysPtr: usize, digitsPtr: usize): usize {
  for (const end = valuesPtr + (<usize>count << 2); valuesPtr < end; valuesPtr += 4) {
    const value = load<f32>(valuesPtr) + 0;
    if (value != value) continue;
    const bits = reinterpret<i32>(value);
    // Negative numbers descend with their bits: flip all of them; positive ones: flip the sign.
    const key = <u32>(bits ^ ((bits >> 31) | <i32>0x80000000));
    store<u32>(keysPtr, key);
    keysPtr += 4;
    for (let pass: usize = 0; pass < 3; pass++) {
      const at = digitsPtr + ((pass * DIGITS) << 2) + digitAt(key, pass);
      store<u32>(at, load<u32>(at) + 1);
    }
  }
  return keysPtr;
}

function countDistinct(keysPtr: usize, keys: usize, valuesPtr: usize, timesPtr: usize): i32 {
  let distinct: usize = 0;
  let last = load<u32>(keysPtr);
  let start: usize = 0;
  for (let i: usize = 4; i <= keys; i += 4) {
    const key = i < keys ? load<u32>(keysPtr + i) : 0;
    if (key == last && i < keys) continue;
    store<i32>(valuesPtr + distinct, <i32>last ^ ((~(<i32>last) >> 31) | <i32>0x80000000));
    store<u32>(timesPtr + distinct, <u32>((i - start) >> 2));
    distinct += 4;
    last = key;
    start = i;
  }
  return <i32>(distinct >> 2);
}

/**
 * Merges two lists of distinct f32 values, ascending, with how many there are of each, into lists that have room for both;
 * returns how many distinct ones. Without branches on what is compared, which no processor can guess.
 */
export function mergeDistinct(
  leftPtr: usize,
  leftTimesPtr: usize,
  left: i32,
  rightPtr: usize,
  rightTimesPtr: usize,
  right: i32,
  valuesPtr: usize,
  timesPtr: usize,
): i32 {
  const start = valuesPtr;
  const leftEnd = leftPtr + (<usize>left << 2);
  const rightEnd = rightPtr + (<usize>right << 2);
  while (leftPtr < leftEnd && rightPtr < rightEnd) {
    const x = load<f32>(leftPtr);
    const y = load<f32>(rightPtr);
    const takesLeft = <usize>(x <= y);
    const takesRight = <usize>(y <= x);
    store<f32>(valuesPtr, min(x, y));
    const times = load<u32>(leftTimesPtr) * <u32>takesLeft + load<u32>(rightTimesPtr) * <u32>takesRight;
    store<u32>(timesPtr, times);
    leftPtr += takesLeft << 2;
    leftTimesPtr += takesLeft << 2;
    rightPtr += takesRight << 2;
    rightTimesPtr += takesRight << 2;
    valuesPtr += 4;
    timesPtr += 4;
  }
  const ofLeft = leftEnd - leftPtr;
  memory.copy(valuesPtr, leftPtr, ofLeft);
  memory.copy(timesPtr, leftTimesPtr, ofLeft);
  const ofRight = rightEnd - rightPtr;
  memory.copy(valuesPtr + ofLeft, rightPtr, ofRight);
  memory.copy(timesPtr + ofLeft, rightTimesPtr, ofRight);
  return <i32>((valuesPtr + ofLeft + ofRight - start) >> 2);
}
