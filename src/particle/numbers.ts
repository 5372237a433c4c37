/**
 * Physical types of number columns: the narrowest that holds every value exactly.
 * Order: int8, int16, int32, float32, float64. A pure function of the values, so equal rows give equal particles.
 */
import { forEachAbsent } from './bits.ts';
import type { NumberArray } from './column.ts';

/** Constructor of a physical array of numbers. */
export type NumberArrayType =
  | Int8ArrayConstructor
  | Int16ArrayConstructor
  | Int32ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor;

/** The narrowest type that holds all these values (without NaN) exactly; -0 needs a float. O(values). */
export function narrowestType(values: ArrayLike<number>): NumberArrayType {
  let min = 0;
  let max = 0;
  let at = 0;
  for (; at < values.length; at++) {
    const value = values[at];
    if (value !== (value | 0) || (value === 0 && 1 / value < 0)) break;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (at === values.length) {
    if (min >= -0x80 && max <= 0x7f) return Int8Array;
    return min >= -0x8000 && max <= 0x7fff ? Int16Array : Int32Array;
  }
  for (let i = 0; i < values.length; i++) if (Math.fround(values[i]) !== values[i]) return Float64Array;
  return Float32Array;
}

/** Values in their narrowest physical type, 0 under missing rows: how every reader makes a number column. */
export function narrowNumbers(values: Float64Array, validity?: Uint8Array): NumberArray {
  forEachAbsent(validity, values.length, (row) => {
    values[row] = 0;
  });
  const type = narrowestType(values);
  return type === Float64Array ? values : new type(values);
}

/** The narrowest type that holds every value of all these arrays exactly. An int32 beside a float32 needs float64. */
export function widestType(arrays: readonly NumberArray[]): NumberArrayType {
  let integerBytes = 0;
  let floatBytes = 0;
  for (const array of arrays) {
    if (array.length === 0) continue;
    const isFloat = array instanceof Float32Array || array instanceof Float64Array;
    if (isFloat) floatBytes = Math.max(floatBytes, array.BYTES_PER_ELEMENT);
    else integerBytes = Math.max(integerBytes, array.BYTES_PER_ELEMENT);
  }
  if (floatBytes === 8 || (floatBytes === 4 && integerBytes === 4)) return Float64Array;
  if (floatBytes === 4) return Float32Array;
  if (integerBytes === 4) return Int32Array;
  return integerBytes === 2 ? Int16Array : Int8Array;
}
