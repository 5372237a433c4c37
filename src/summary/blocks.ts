/**
 * Numeric columns, block by block: present and finite values as f64, so that every loop downstream sees one
 * array type and no missing rows. Infinities are counted and left out: moments and quantiles are of finite values.
 */
import type { NumberArray } from '../particle/column.ts';

/** Values a block; a power of two. 32 KiB of f64: stays in the first-level cache. */
export const BLOCK = 4096;

/** What was left out while a column was read. */
export interface LeftOut {
  missing: number;
  infinite: number;
}

const raw = new Float64Array(BLOCK);
const packed = new Float64Array(2 * BLOCK);

/**
 * Calls `visit(values, count)` for blocks of exactly {@link BLOCK} values and a shorter last one, in row order.
 * `values` is valid during the call only and may be overwritten by the visitor. O(rows).
 * @param rows ascending row indices to look at; undefined means all.
 */
export function eachBlock(
  source: NumberArray | Uint8Array,
  validity: Uint8Array | undefined,
  rows: Uint32Array | undefined,
  visit: (values: Float64Array, count: number) => void,
): LeftOut {
  const left: LeftOut = { missing: 0, infinite: 0 };
  let filled = 0;
  let next = 0;
  for (let start = 0; start < source.length; start += BLOCK) {
    const count = Math.min(BLOCK, source.length - start);
    raw.set(source.subarray(start, start + count));
    if (filled === 0 && rows === undefined && validity === undefined && allFinite(raw, count)) {
      visit(raw, count);
      continue;
    }
    if (rows === undefined) {
      filled = packRange(start, count, validity, filled, left);
    } else {
      const end = upperBound(rows, start + count, next);
      filled = packRows(rows, next, end, start, validity, filled, left);
      next = end;
    }
    if (filled >= BLOCK) {
      visit(packed, BLOCK);
      packed.copyWithin(0, BLOCK, filled);
      filled -= BLOCK;
    }
  }
  if (filled > 0) visit(packed, filled);
  return left;
}

/** Whether the first `count` values are finite: x - x is 0 for finite x and NaN otherwise. */
function allFinite(values: Float64Array, count: number): boolean {
  let probe = 0;
  for (let i = 0; i < count; i++) probe += values[i] - values[i];
  return probe === 0;
}

/** Appends the present, finite ones of `count` rows from `start` (already in `raw`) to `packed`. */
function packRange(
  start: number,
  count: number,
  validity: Uint8Array | undefined,
  filled: number,
  left: LeftOut,
): number {
  let at = filled;
  let infinite = 0;
  let missing = 0;
  for (let i = 0; i < count; i++) {
    const row = start + i;
    if (validity !== undefined && (validity[row >> 3] & (1 << (row & 7))) === 0) {
      missing++;
      continue;
    }
    const value = raw[i];
    if (value - value === 0) packed[at++] = value;
    else infinite++;
  }
  left.missing += missing;
  left.infinite += infinite;
  return at;
}

/** The same for rows[from … to), all of which lie in the window that starts at `start`. */
function packRows(
  rows: Uint32Array,
  from: number,
  to: number,
  start: number,
  validity: Uint8Array | undefined,
  filled: number,
  left: LeftOut,
): number {
  let at = filled;
  for (let i = from; i < to; i++) {
    const row = rows[i];
    if (validity !== undefined && (validity[row >> 3] & (1 << (row & 7))) === 0) {
      left.missing++;
      continue;
    }
    const value = raw[row - start];
    if (value - value === 0) packed[at++] = value;
    else left.infinite++;
  }
  return at;
}

/** First index ≥ from whose row is ≥ limit. */
function upperBound(rows: Uint32Array, limit: number, from: number): number {
  let low = from;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
