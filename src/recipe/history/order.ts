/** The order in which features over time take rows: by time, and as they stand among rows of one time. */
import type { TimedRows } from './history.ts';

/** Indices of the rows in order; undefined if they stand in it. O(rows) where they do, else O(rows · log rows). */
export function orderOf({ rows, times }: TimedRows): Uint32Array | undefined {
  if (times === undefined || ascends(times)) return undefined;
  const order = Uint32Array.from({ length: rows }, (_, row) => row);
  const at = (row: number) => (Number.isNaN(times[row]) ? Number.POSITIVE_INFINITY : times[row]);
  return order.sort((a, b) => (at(a) === at(b) ? a - b : at(a) < at(b) ? -1 : 1));
}

function ascends(times: Float64Array): boolean {
  let last = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < times.length; row++) {
    if (times[row] < last) return false;
    if (times[row] >= last) last = times[row];
  }
  return true;
}
