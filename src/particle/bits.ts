/**
 * Bitmaps in Arrow's order (bit i of byte i >> 3, least significant first): packing, slicing, joining.
 */
import { countPresent, emptyValidity } from './column.ts';

/** Packs one byte a row (0 or not 0) into a bitmap. O(rows). */
export function packBits(bytes: Uint8Array): Uint8Array {
  const bits = new Uint8Array((bytes.length + 7) >> 3);
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0) bits[i >> 3] |= 1 << (i & 7);
  }
  return bits;
}

/** Unpacks the first `rows` bits into one byte each. O(rows). */
export function unpackBits(bits: Uint8Array, rows: number): Uint8Array {
  const bytes = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) bytes[i] = (bits[i >> 3] >> (i & 7)) & 1;
  return bytes;
}

/** Copies `count` bits from `source` at `from` to `target` at `to`; target bits must be 0 there. O(count / 8). */
export function copyBits(
  target: Uint8Array,
  to: number,
  source: Uint8Array | undefined,
  from: number,
  count: number,
): void {
  let done = 0;
  while (done < count) {
    const at = to + done;
    const take = Math.min(8 - (at & 7), count - done);
    target[at >> 3] |= (readBits(source, from + done) & ((1 << take) - 1)) << (at & 7);
    done += take;
  }
}

/** Eight bits from bit `at`; ones where the bitmap is absent. */
function readBits(bits: Uint8Array | undefined, at: number): number {
  if (bits === undefined) return 0xff;
  const word = bits[at >> 3] | ((bits[(at >> 3) + 1] ?? 0) << 8);
  return (word >> (at & 7)) & 0xff;
}

/**
 * The bitmap in its one form: absent if every row is present, exactly (rows + 7) >> 3 bytes,
 * zeros after the last row. Returns the same array where it already is so. O(rows / 8).
 */
export function canonicalValidity(validity: Uint8Array | undefined, rows: number): Uint8Array | undefined {
  if (validity === undefined || countPresent(validity, rows) === rows) return undefined;
  const bytes = (rows + 7) >> 3;
  const tail = rows & 7 ? (1 << (rows & 7)) - 1 : 0xff;
  if (validity.length === bytes && (validity[bytes - 1] & ~tail) === 0) return validity;
  const copy = validity.slice(0, bytes);
  copy[bytes - 1] &= tail;
  return copy;
}

/** Bits [from, to) as a bitmap of their own; absent if all are present. */
export function sliceValidity(
  validity: Uint8Array | undefined,
  from: number,
  to: number,
): Uint8Array | undefined {
  if (validity === undefined) return undefined;
  const slice = emptyValidity(to - from);
  copyBits(slice, 0, validity, from, to - from);
  return canonicalValidity(slice, to - from);
}

/** Calls `visit` for each absent row below `rows`. O(rows / 8 + absent). */
export function forEachAbsent(
  validity: Uint8Array | undefined,
  rows: number,
  visit: (row: number) => void,
): void {
  if (validity === undefined) return;
  for (let byte = 0; byte << 3 < rows; byte++) {
    let absent = ~validity[byte] & 0xff;
    while (absent !== 0) {
      const row = (byte << 3) + 31 - Math.clz32(absent & -absent);
      if (row < rows) visit(row);
      absent &= absent - 1;
    }
  }
}
