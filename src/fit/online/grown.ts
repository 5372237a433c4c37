/**
 * Classes that come later: saved arrays as of a learner that knows one class more and has never met it. A learner's size
 * is fixed when it is made, so a model grows by making a larger one that takes over what `grown` gives (online.ts).
 */
import type { TypedArray } from '../../particle/view.ts';

/** How the numbers of a record lie: `head` of them, then `size` for each class. */
export interface ClassLayout {
  readonly head?: number;
  readonly size?: number;
}

/** Records of `classes` classes with zeros for one class more at the end of each. O(length). */
export function widened(
  array: TypedArray,
  classes: number,
  { head = 0, size = 1 }: ClassLayout = {},
): Float64Array {
  const before = head + classes * size;
  const after = before + size;
  const result = new Float64Array((array.length / before) * after);
  for (let from = 0, to = 0; from < array.length; from += before, to += after) {
    for (let i = 0; i < before; i++) result[to + i] = array[from + i];
  }
  return result;
}

/** Every number as one a factor, side by side: what one number of two classes becomes for three. */
export function spread(array: TypedArray, factors: readonly number[]): Float64Array {
  const result = new Float64Array(array.length * factors.length);
  for (let at = 0; at < array.length; at++) {
    // Adding 0 leaves no -0 behind.
    factors.forEach((factor, k) => {
      result[at * factors.length + k] = factor * array[at] + 0;
    });
  }
  return result;
}
