/**
 * Checks of single files for verification: given what a file should be, what is wrong with it, if anything.
 * Files are read in pieces, so memory stays constant.
 */
import { createHash } from 'node:crypto';
import { SoraError } from '../errors.ts';
import { CHECKSUM_BYTES } from '../kernel/checksum.ts';
import { decodeParticle } from '../particle/bytes.ts';
import { crc32 } from './crc32.ts';
import { decodeRecordHeader, isSegmentHeader, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './segment.ts';
import { type ObjectInfo, type ObjectStorage, readPieces } from './storage.ts';
import { decodeViewHeader, isBlockWhole, tableBytes, VIEW_HEADER_BYTES, viewFileBytes } from './view-file.ts';

/** What is wrong with a file. */
export interface Finding {
  /** `newer`: written by a newer version of Sora, so not to be judged. */
  readonly kind: 'damaged' | 'missing' | 'newer' | 'unreadable';
  readonly expected: string;
  readonly found: string;
  readonly remedy: string;
}

/** What commits and manifests say of a file. */
export interface Expected {
  readonly sha256: string;
  readonly remedy: string;
}

export const CACHE_REMEDY =
  'Delete it, or run `sora verify --repair`: it is a cache, and is computed again when needed.';
const WINDOW_BYTES = 4 << 20;

/** An error met while checking as a finding; `cancelled` and defects are thrown on. */
export function findingOf(error: unknown, expected: string): Finding {
  if (!(error instanceof SoraError) || error.code === 'cancelled') throw error;
  const kind = error.code === 'newer-format' ? 'newer' : error.code === 'corrupt' ? 'damaged' : 'unreadable';
  const text = (name: string, otherwise: string) =>
    typeof error.details[name] === 'string' ? String(error.details[name]) : otherwise;
  return {
    kind,
    expected: text('expected', expected),
    found: text('found', error.message),
    remedy: text('remedy', error.message),
  };
}

/** Compares the SHA-256 of a file with the one that a commit or manifest names. */
export async function checkHash(
  storage: ObjectStorage,
  key: string,
  expected: Expected,
  onPiece: () => void,
): Promise<Finding | undefined> {
  const hash = createHash('sha256');
  for await (const piece of readPieces(storage, key)) {
    onPiece();
    hash.update(piece);
  }
  const found = hash.digest('hex');
  if (found === expected.sha256) return undefined;
  return {
    kind: 'damaged',
    expected: `SHA-256 ${expected.sha256}`,
    found: `SHA-256 ${found}`,
    remedy: expected.remedy,
  };
}

/** A particle that no commit names: its file must agree with its own seal. Reads it whole. */
export async function checkOrphan(storage: ObjectStorage, key: string): Promise<Finding | undefined> {
  const bytes = await storage.get(key);
  try {
    if (bytes !== undefined) decodeParticle(bytes);
    return undefined;
  } catch (error) {
    const { kind, found } = findingOf(error, 'a particle');
    const remedy = 'Delete it, or run `sora verify --repair`: no commit names it.';
    return { kind, expected: 'a particle', found, remedy };
  }
}

function damagedCache(expected: string, found: string): Finding {
  return { kind: 'damaged', expected, found, remedy: CACHE_REMEDY };
}

/** A segment of partials: what is wrong, or where its unfinished last record starts. */
export async function checkSegment(
  storage: ObjectStorage,
  { key, size }: ObjectInfo,
  onPiece: () => void,
): Promise<{ readonly finding?: Finding; readonly torn?: number }> {
  let window = Buffer.alloc(0);
  let start = 0;
  const read = async (offset: number, length: number): Promise<Buffer> => {
    if (offset < start || offset + length > start + window.length) {
      onPiece();
      window = Buffer.from((await storage.getRange(key, offset, Math.max(length, WINDOW_BYTES))) ?? []);
      start = offset;
    }
    return window.subarray(offset - start, offset - start + length);
  };
  if (!isSegmentHeader(await read(0, SEGMENT_HEADER_BYTES))) {
    return size < SEGMENT_HEADER_BYTES
      ? { torn: 0 }
      : { finding: damagedCache('a segment', 'another header') };
  }
  for (let offset = SEGMENT_HEADER_BYTES; offset < size; ) {
    if (size - offset < RECORD_HEADER_BYTES) return { torn: offset };
    const header = decodeRecordHeader(await read(offset, RECORD_HEADER_BYTES));
    const at = `at byte ${offset}`;
    if (header === undefined)
      return { finding: damagedCache(`a record ${at}`, 'another checksum of its header') };
    const payload = offset + RECORD_HEADER_BYTES;
    const next = payload + header.length + 4;
    if (next > size) return { torn: offset };
    let crc = 0;
    for (let done = 0; done < header.length; done += WINDOW_BYTES) {
      crc = crc32(await read(payload + done, Math.min(WINDOW_BYTES, header.length - done)), crc);
    }
    const expected = (await read(next - 4, 4)).readUInt32LE(0);
    if (crc !== expected)
      return { finding: damagedCache(`CRC-32 ${expected} of the record ${at}`, String(crc)) };
    offset = next;
  }
  return {};
}

/** A view file: header, name, size, table and every block. */
export async function checkView(
  storage: ObjectStorage,
  { key, size }: ObjectInfo,
  onPiece: () => void,
): Promise<Finding | undefined> {
  const read = async (offset: number, length: number) => {
    onPiece();
    return Buffer.from((await storage.getRange(key, offset, length)) ?? []);
  };
  const header = decodeViewHeader(await read(0, VIEW_HEADER_BYTES));
  if (header === undefined) return damagedCache('a view', 'another header or checksum of it');
  const name = `${header.key.toString('hex')}.view`;
  if (!key.endsWith(`/${name}`)) return damagedCache(`the name ${name}`, key);
  if (size !== viewFileBytes(header)) return damagedCache(`${viewFileBytes(header)} bytes`, `${size} bytes`);
  const table = await read(VIEW_HEADER_BYTES, tableBytes(header));
  if (crc32(table) !== header.tableCrc)
    return damagedCache('the table of checksums', 'another checksum of it');
  const start = VIEW_HEADER_BYTES + table.length;
  for (let block = 0; block < table.length / CHECKSUM_BYTES; block++) {
    const offset = block * header.blockBytes;
    const bytes = await read(start + offset, Math.min(header.blockBytes, header.payloadBytes - offset));
    if (!isBlockWhole(table, block, bytes)) {
      return damagedCache(`the checksum of block ${block} (byte ${start + offset})`, 'another');
    }
  }
  return undefined;
}
