/**
 * Files of packed views. Little endian.
 *
 *     header  "SORAVIEW" 8 | version u32 | block bytes u32 | payload bytes u64 | key 32
 *             | crc u32 of the table | crc u32 of the 60 bytes before
 *     table   checksum 16 of each block
 *     payload blocks, the last one shorter
 *
 * Checksums are those of kernel/checksum.ts. A few blocks are read at a time and checked while they are still in the
 * processor's cache, so a checked read costs little more than the copy out of the page cache.
 */
import { CHECKSUM_BYTES, checksum, checksums } from '../kernel/checksum.ts';
import { readInto } from './cache-files.ts';
import { crc32 } from './crc32.ts';

export const VIEW_VERSION = 1;
export const VIEW_HEADER_BYTES = 64;
const BLOCK_BYTES = 256 << 10;
/** Blocks of one read: fewer calls, and still less than what a processor's cache holds. */
const READ_BLOCKS = 4;
const MAGIC = Buffer.from('SORAVIEW');

/** The header of a view file. */
export interface ViewHeader {
  readonly blockBytes: number;
  readonly payloadBytes: number;
  /** SHA-256 of the key. */
  readonly key: Buffer;
  readonly tableCrc: number;
}

const blockCount = (header: Pick<ViewHeader, 'blockBytes' | 'payloadBytes'>) =>
  Math.ceil(header.payloadBytes / header.blockBytes);

/** Bytes of the table of checksums. */
export function tableBytes(header: Pick<ViewHeader, 'blockBytes' | 'payloadBytes'>): number {
  return blockCount(header) * CHECKSUM_BYTES;
}

/** Bytes of the whole file. */
export function viewFileBytes(header: Pick<ViewHeader, 'blockBytes' | 'payloadBytes'>): number {
  return VIEW_HEADER_BYTES + tableBytes(header) + header.payloadBytes;
}

/** Bytes of a file for a payload of this size, written by this version. */
export function newViewFileBytes(payloadBytes: number): number {
  return viewFileBytes({ blockBytes: BLOCK_BYTES, payloadBytes });
}

/** What stands before the payload: header and table. */
export function encodeViewHead(key: Uint8Array, payload: Uint8Array): Buffer {
  const header = { blockBytes: BLOCK_BYTES, payloadBytes: payload.length };
  const head = Buffer.alloc(VIEW_HEADER_BYTES + tableBytes(header));
  for (const [i, sum] of checksums(payload, BLOCK_BYTES).entries()) {
    head.writeUInt32LE(sum, VIEW_HEADER_BYTES + i * 4);
  }
  MAGIC.copy(head);
  head.writeUInt32LE(VIEW_VERSION, 8);
  head.writeUInt32LE(BLOCK_BYTES, 12);
  head.writeBigUInt64LE(BigInt(payload.length), 16);
  head.set(key, 24);
  head.writeUInt32LE(crc32(head.subarray(VIEW_HEADER_BYTES)), 56);
  head.writeUInt32LE(crc32(head.subarray(0, 60)), 60);
  return head;
}

/** The header in the first bytes of a file; undefined if it is damaged or of another version. */
export function decodeViewHeader(bytes: Buffer): ViewHeader | undefined {
  if (bytes.length < VIEW_HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (crc32(bytes.subarray(0, 60)) !== bytes.readUInt32LE(60)) return undefined;
  if (bytes.readUInt32LE(8) !== VIEW_VERSION) return undefined;
  return {
    blockBytes: bytes.readUInt32LE(12),
    payloadBytes: Number(bytes.readBigUInt64LE(16)),
    key: bytes.subarray(24, 56),
    tableCrc: bytes.readUInt32LE(56),
  };
}

/** Whether the block agrees with entry `block` of the table. */
export function isBlockWhole(table: Buffer, block: number, bytes: Uint8Array): boolean {
  return agrees(table, block, checksum(bytes));
}

/** Whether the table says so of the blocks from `block` on. */
function agrees(table: Buffer, block: number, sums: Uint32Array): boolean {
  const at = block * CHECKSUM_BYTES;
  for (let i = 0; i < sums.length; i++) if (table.readUInt32LE(at + 4 * i) !== sums[i]) return false;
  return true;
}

/** The table of checksums of an open file; undefined if it is damaged. */
export function readTable(fd: number, header: ViewHeader): Buffer | undefined {
  const table = Buffer.allocUnsafe(tableBytes(header));
  const whole = readInto(fd, table, VIEW_HEADER_BYTES) === table.length && crc32(table) === header.tableCrc;
  return whole ? table : undefined;
}

/** Reads the payload of an open file into `target` and checks every block; false if anything is damaged. */
export function readPayload(fd: number, header: ViewHeader, table: Buffer, target: Uint8Array): boolean {
  const { blockBytes } = header;
  const start = VIEW_HEADER_BYTES + table.length;
  for (let block = 0; block < blockCount(header); block += READ_BLOCKS) {
    const bytes = target.subarray(block * blockBytes, (block + READ_BLOCKS) * blockBytes);
    if (readInto(fd, bytes, start + block * blockBytes) < bytes.length) return false;
    if (!agrees(table, block, checksums(bytes, blockBytes))) return false;
  }
  return true;
}
