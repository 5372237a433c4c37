/**
 * Powers of ten to 128 bits, for the correct rounding of decimal numbers (Lemire, "Number parsing at a gigabyte per
 * second", 2021, section 5): the first 128 bits of 5^q.
 */

/** Exponents of the first and the last power. */
export const LEAST_POWER = -80;
export const MOST_POWER = 40;

let table: BigUint64Array | undefined;

/** The upper and the lower 64 bits of each power, from {@link LEAST_POWER} to {@link MOST_POWER}. */
export function powersOfTen(): BigUint64Array {
  table ??= BigUint64Array.from({ length: 2 * (MOST_POWER - LEAST_POWER + 1) }, (_, i) => {
    const bits = power((i >> 1) + LEAST_POWER);
    return i & 1 ? BigInt.asUintN(64, bits) : bits >> 64n;
  });
  return table;
}

/** From here on 5^q divides a product of 64 bits exactly only if its reciprocal is rounded up (the paper, section 8). */
const LEAST_EXACT = -27;

/** 128 bits, of which the first is set. */
function power(exponent: number): bigint {
  const five = 5n ** BigInt(Math.abs(exponent));
  const length = five.toString(2).length;
  if (exponent >= 0) return length <= 128 ? five << BigInt(128 - length) : five >> BigInt(length - 128);
  const reciprocal = (1n << BigInt(length + 127)) / five;
  return exponent >= LEAST_EXACT ? reciprocal + 1n : reciprocal;
}
