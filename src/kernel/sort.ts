/**
 * The distinct numbers of a column, sorted, and how many there are of each: kernels/sort.ts, or the twin here. Two such
 * lists merge into that of both columns together, so that parts of a column can be sorted where they lie.
 */
import { runKernels } from './mode.ts';

/** Distinct numbers, ascending, no NaN and no −0, and how many there are of each. */
export interface Distinct {
  readonly values: Float32Array;
  readonly times: Uint32Array;
}

/** Words for the counts of the digits of three passes. */
const DIGIT_WORDS = 3 * 2048;

/** The distinct numbers of a column; NaN is left out. O(n): about 8 ns a value, a third of it where few values differ. */
export function distinctOf(column: Float32Array): Distinct {
  return runKernels((run) => {
    const { wasm } = run;
    if (wasm === undefined) return plainDistinct(column);
    const { length } = column;
    const values = run.room(Float32Array, length);
    const [keys, spare, times] = [0, 1, 2].map(() => run.room(Uint32Array, length));
    const digits = run.zeros(Uint32Array, DIGIT_WORDS);
    values.set(column);
    const count = wasm.sortDistinct(
      values.byteOffset,
      length,
      keys.byteOffset,
      spare.byteOffset,
      digits.byteOffset,
      times.byteOffset,
    );
    return { values: values.slice(0, count), times: times.slice(0, count) };
  });
}

function plainDistinct(column: Float32Array): Distinct {
  // Minus zero becomes zero: they are one value.
  const sorted = column.filter((value) => !Number.isNaN(value)).map((value) => value + 0);
  sorted.sort();
  const values = new Float32Array(sorted.length);
  const times = new Uint32Array(sorted.length);
  let count = 0;
  for (const value of sorted) {
    if (count === 0 || values[count - 1] !== value) values[count++] = value;
    times[count - 1]++;
  }
  return { values: values.slice(0, count), times: times.slice(0, count) };
}

/** The distinct numbers of two columns together. O(n): about 3 ns a value. */
export function mergeDistinct(a: Distinct, b: Distinct): Distinct {
  const most = a.values.length + b.values.length;
  return runKernels((run) => {
    const { wasm } = run;
    const [values, times] = [run.room(Float32Array, most), run.room(Uint32Array, most)];
    const placed = [a, b].map((list) => [run.place(list.values), run.place(list.times)] as const);
    if (wasm === undefined) {
      const count = plainMerge(a, b, { values, times });
      return { values: values.slice(0, count), times: times.slice(0, count) };
    }
    const lists = placed.flatMap((list) => [list[0].byteOffset, list[1].byteOffset, list[0].length]);
    const count = wasm.mergeDistinct(...lists, values.byteOffset, times.byteOffset);
    return { values: values.slice(0, count), times: times.slice(0, count) };
  });
}

function plainMerge(a: Distinct, b: Distinct, { values, times }: Distinct): number {
  let [i, j, count] = [0, 0, 0];
  while (i < a.values.length || j < b.values.length) {
    const [x = Number.POSITIVE_INFINITY, y = Number.POSITIVE_INFINITY] = [a.values[i], b.values[j]];
    const takesLeft = j === b.values.length || (i < a.values.length && x <= y);
    const takesRight = i === a.values.length || (j < b.values.length && y <= x);
    values[count] = takesLeft ? x : y;
    times[count] = 0;
    if (takesLeft) times[count] += a.times[i++];
    if (takesRight) times[count] += b.times[j++];
    count++;
  }
  return count;
}
