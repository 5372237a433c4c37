/**
 * Segments: append-only files of records, each a key and a payload. Little endian.
 *
 *     file    "SORASEGM" 8 | version u32 | crc u32 of the 12 bytes before | records …
 *     record  length u32 | key 32 | crc u32 of the 36 bytes before | payload length | crc u32 of the payload
 *
 * A writer that dies leaves a record unfinished: it is the last, and it is ignored. Any other record that does
 * not agree with its checksums is damaged and reads as absent; what follows a damaged header cannot be found.
 */
import { crc32 } from './crc32.ts';

export const SEGMENT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 40;
/** Bytes of a record beside its payload. */
export const RECORD_OVERHEAD = RECORD_HEADER_BYTES + 4;

const MAGIC = Buffer.from('SORASEGM');

/** The first bytes of a segment. */
export function segmentHeader(): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(SEGMENT_VERSION, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** Whether these are the first bytes of a segment of this version. */
export function isSegmentHeader(bytes: Uint8Array): boolean {
  return segmentHeader().equals(bytes.subarray(0, SEGMENT_HEADER_BYTES));
}

/** A record: header, payload, checksum, to be written one after the other. */
export function encodeRecord(key: Uint8Array, payload: Uint8Array): [Buffer, Uint8Array, Buffer] {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header.set(key, 4);
  header.writeUInt32LE(crc32(header.subarray(0, 36)), 36);
  const tail = Buffer.allocUnsafe(4);
  tail.writeUInt32LE(crc32(payload), 0);
  return [header, payload, tail];
}

/** Payload length and key of a record's header; undefined if it is damaged. */
export function decodeRecordHeader(header: Buffer): { length: number; key: Buffer } | undefined {
  if (crc32(header.subarray(0, 36)) !== header.readUInt32LE(36)) return undefined;
  return { length: header.readUInt32LE(0), key: header.subarray(4, 36) };
}

/** What {@link scanSegment} found at an offset. */
export type Scanned =
  | { readonly kind: 'record'; readonly offset: number; readonly length: number; readonly key: Buffer }
  /** The last record was not finished. */
  | { readonly kind: 'torn'; readonly offset: number }
  /** The header there is not one; nothing after it can be found. */
  | { readonly kind: 'damaged'; readonly offset: number };

/** Reads up to `length` bytes at `offset`; fewer only where the file ends. */
export type ReadAt = (offset: number, length: number) => Buffer;

const WINDOW_BYTES = 256 << 10;

/**
 * Headers of the records from `start` to `size`, read through a window so that small records cost no read each.
 * Payloads are not checked. Keys are views of the window: copy what you keep.
 */
export function* scanSegment(readAt: ReadAt, start: number, size: number): Generator<Scanned> {
  let window: Buffer = Buffer.alloc(0);
  let windowStart = 0;
  let offset = start;
  while (offset < size) {
    if (size - offset < RECORD_HEADER_BYTES) return yield { kind: 'torn', offset };
    if (offset < windowStart || offset + RECORD_HEADER_BYTES > windowStart + window.length) {
      window = readAt(offset, WINDOW_BYTES);
      windowStart = offset;
      if (window.length < RECORD_HEADER_BYTES) return yield { kind: 'torn', offset };
    }
    const at = offset - windowStart;
    const header = decodeRecordHeader(window.subarray(at, at + RECORD_HEADER_BYTES));
    if (header === undefined) return yield { kind: 'damaged', offset };
    if (header.length + RECORD_OVERHEAD > size - offset) return yield { kind: 'torn', offset };
    yield { kind: 'record', offset, ...header };
    offset += header.length + RECORD_OVERHEAD;
  }
}
