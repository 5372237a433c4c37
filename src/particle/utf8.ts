/**
 * Many strings as one run of UTF-8 bytes with offsets, and back.
 * Lone surrogates become U+FFFD, as everywhere in UTF-8.
 */

/** Strings as Arrow keeps them: string i is bytes [offsets[i], offsets[i + 1]). */
export interface Utf8 {
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();

/** Encodes strings. O(bytes). */
export function encodeUtf8(values: readonly string[]): Utf8 {
  const offsets = new Int32Array(values.length + 1);
  let units = 0;
  for (let i = 0; i < values.length; i++) {
    units += values[i].length;
    offsets[i + 1] = units;
  }
  const bytes = Buffer.from(values.join(''), 'utf8');
  // As many bytes as UTF-16 units: all is ASCII, and the offsets in units are those in bytes.
  return bytes.length === units ? { offsets, bytes } : encodeEach(values, units);
}

function encodeEach(values: readonly string[], units: number): Utf8 {
  const offsets = new Int32Array(values.length + 1);
  const bytes = new Uint8Array(units * 3);
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    at += encoder.encodeInto(values[i], bytes.subarray(at)).written;
    offsets[i + 1] = at;
  }
  return { offsets, bytes: bytes.subarray(0, at) };
}

/** Decodes `count` strings; each is a string of its own that keeps nothing else alive. O(bytes). */
export function decodeUtf8(offsets: Int32Array, bytes: Uint8Array, count: number): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const encoding = isAscii(bytes) ? 'latin1' : 'utf8';
  const values = new Array<string>(count);
  for (let i = 0; i < count; i++) {
    const start = offsets[i];
    const end = offsets[i + 1];
    values[i] = start === end ? '' : buffer.toString(encoding, start, end);
  }
  return values;
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] > 127) return false;
  return true;
}
