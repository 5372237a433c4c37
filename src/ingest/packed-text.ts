/**
 * Reads DuckDB's packed strings (see PackedTextPart). Strings of up to 12 bytes lie in the vector itself,
 * longer ones behind an address that is valid as long as the chunk lives. Works without DuckDB itself, so that a
 * model that is served does not load it.
 */
import type { PackedTextPart } from './chunk.ts';

/** Bytes a row. */
export const PACKED_BYTES = 16;
const INLINE_BYTES = 12;

/** The bytes of the string at `row`: a view, valid as long as the chunk. */
export function packedBytes(part: PackedTextPart, row: number): Buffer {
  const at = row * PACKED_BYTES;
  const length = part.words[row * 4];
  if (length <= INLINE_BYTES) return part.bytes.subarray(at + 4, at + 4 + length);
  const { buffer, byteOffset } = part.bytes;
  const bytes = part.follow(buffer as ArrayBuffer, byteOffset + at + 8, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The string at `row`. */
export function packedString(part: PackedTextPart, row: number): string {
  const length = part.words[row * 4];
  if (length > INLINE_BYTES) return packedBytes(part, row).toString('utf8');
  const at = row * PACKED_BYTES + 4;
  return part.bytes.toString('utf8', at, at + length);
}
