/**
 * The cache of partials on disk: segments (segment.ts) in `cache/partials/`, named so that they sort by age.
 * Each process appends to a segment of its own and reads all of them. Everything here is disposable: what is gone
 * or damaged reads as absent, a write that fails is forgotten.
 *
 * Bound: when a segment is full and the folder would pass the bound, or the index its number of entries, the oldest
 * segments are removed; each further process that writes may overshoot by one segment, an eighth of the bound.
 * Small segments that finished processes left are merged into the own one before there are too many of them.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import type { PartialCache } from '../run/session.ts';
import { attempt, keyDigest, readUpTo } from './cache-files.ts';
import { crc32 } from './crc32.ts';
import { KeyIndex } from './key-index.ts';
import {
  decodeRecordHeader,
  encodeRecord,
  isSegmentHeader,
  RECORD_HEADER_BYTES,
  RECORD_OVERHEAD,
  SEGMENT_HEADER_BYTES,
  scanSegment,
  segmentHeader,
} from './segment.ts';

/** Folder of the segments, as a key of the store. */
export const PARTIALS = 'cache/partials/';

/** Default bound of the segments: 256 MiB. */
export const DEFAULT_PARTIAL_BYTES = 256 * 2 ** 20;

/** More segments than this are merged where they can be. */
const MAX_SEGMENTS = 32;
/** A segment untouched for so long has no writer. */
const IDLE_MILLISECONDS = 60_000;
/** The index may have one entry for so many bytes of the bound. */
const BYTES_PER_ENTRY = 256;
/** Read at first, in the hope that the whole record is in it. */
const FIRST_READ = 4096;
/** How often a miss may look for what other processes have added. */
const REFRESH_MILLISECONDS = 1_000;

interface Segment {
  readonly name: string;
  readonly fd: number;
  /** Where the next record is expected; Infinity once a damaged header was met. */
  end: number;
}

/** A partial cache whose files can be let go; it opens them again when next used. */
export interface ClosablePartials extends PartialCache {
  close(): void;
}

/** The partial cache of the store in `root`. `bytes` bounds its files (default 256 MiB). Reads nothing yet. */
export function partialCache(root: string, options: { readonly bytes?: number } = {}): ClosablePartials {
  return new DiskPartials(join(root, PARTIALS), options.bytes ?? DEFAULT_PARTIAL_BYTES);
}

class DiskPartials implements ClosablePartials {
  readonly #folder: string;
  readonly #bound: number;
  readonly #segmentBytes: number;
  #segments: Segment[] = [];
  #index = new KeyIndex();
  #own: Segment | undefined;
  #refreshed = Number.NEGATIVE_INFINITY;

  constructor(folder: string, bound: number) {
    this.#folder = folder;
    this.#bound = bound;
    this.#segmentBytes = Math.min(bound / 8, 2 ** 30);
  }

  get(key: string): Uint8Array | undefined {
    const digest = keyDigest(key);
    return this.#find(digest) ?? (this.#refresh() ? this.#find(digest) : undefined);
  }

  put(key: string, bytes: Uint8Array): void {
    attempt(() => {
      if (this.#refreshed < 0) this.#refresh();
      this.#append(keyDigest(key), bytes);
    });
  }

  close(): void {
    for (const { fd } of this.#segments) attempt(() => closeSync(fd));
    this.#segments = [];
    this.#index = new KeyIndex();
    this.#own = undefined;
    this.#refreshed = Number.NEGATIVE_INFINITY;
  }

  #find(digest: Uint8Array): Uint8Array | undefined {
    const place = this.#index.get(digest);
    const segment = place && this.#segments[place.segment];
    return segment && attempt(() => readRecord(segment.fd, place.offset, digest));
  }

  /** Looks for new segments and records, not too often; whether it looked. */
  #refresh(): boolean {
    const now = performance.now();
    if (now - this.#refreshed < REFRESH_MILLISECONDS) return false;
    this.#refreshed = now;
    for (const name of this.#names()) {
      if (!this.#segments.some((segment) => segment.name === name)) this.#open(name);
    }
    for (const [number, segment] of this.#segments.entries()) {
      if (segment !== this.#own) attempt(() => this.#scan(segment, number));
    }
    return true;
  }

  #names(): string[] {
    const names = attempt(() => readdirSync(this.#folder)) ?? [];
    return names.filter((name) => name.endsWith('.seg')).sort();
  }

  #open(name: string): void {
    attempt(() => {
      const fd = openSync(join(this.#folder, name), 'r');
      if (isSegmentHeader(readUpTo(fd, 0, SEGMENT_HEADER_BYTES))) {
        this.#segments.push({ name, fd, end: SEGMENT_HEADER_BYTES });
      } else {
        closeSync(fd);
      }
    });
  }

  /** Indexes the records after `segment.end`. */
  #scan(segment: Segment, number: number): void {
    const { size } = statSync(join(this.#folder, segment.name));
    for (const found of scanSegment((at, length) => readUpTo(segment.fd, at, length), segment.end, size)) {
      if (found.kind === 'record') {
        this.#index.set(found.key, { segment: number, offset: found.offset });
        segment.end = found.offset + found.length + RECORD_OVERHEAD;
      } else if (found.kind === 'damaged') {
        segment.end = Number.POSITIVE_INFINITY;
      }
    }
  }

  #append(digest: Uint8Array, payload: Uint8Array): void {
    const size = payload.length + RECORD_OVERHEAD;
    if (size + SEGMENT_HEADER_BYTES > this.#segmentBytes) return;
    const own = this.#writable(size);
    const offset = own.end;
    const written = writevSync(own.fd, encodeRecord(digest, payload), offset);
    if (written !== size) {
      ftruncateSync(own.fd, offset);
      return;
    }
    own.end += size;
    this.#index.set(digest, { segment: this.#segments.indexOf(own), offset });
  }

  /** The own segment, with room for `size` bytes more. */
  #writable(size: number): Segment {
    if (this.#own !== undefined && this.#own.end + size <= this.#segmentBytes) return this.#own;
    const first = this.#own === undefined;
    mkdirSync(this.#folder, { recursive: true });
    this.#evict();
    const name = `${String(Date.now()).padStart(15, '0')}-${randomUUID()}.seg`;
    const fd = openSync(join(this.#folder, name), 'wx+');
    const own = { name, fd, end: writevSync(fd, [segmentHeader()]) };
    this.#own = own;
    this.#segments.push(own);
    if (first) this.#merge(own, size);
    return own;
  }

  /** Removes the oldest segments until one more fits under the bound. */
  #evict(): void {
    const files = this.#names().map((name) => ({ name, size: this.#sizeOf(name) }));
    let total = files.reduce((sum, file) => sum + file.size, 0);
    let entries = this.#index.size;
    let removed = false;
    for (const { name, size } of files) {
      const fits = total + this.#segmentBytes <= this.#bound && entries * BYTES_PER_ENTRY <= this.#bound;
      if (fits) break;
      attempt(() => rmSync(join(this.#folder, name), { force: true }));
      // Entries of one segment are not counted apart: its share of the bytes stands for them.
      entries -= total > 0 ? (entries * size) / total : 0;
      total -= size;
      removed = true;
    }
    if (!removed) return;
    this.close();
    this.#refresh();
  }

  #sizeOf(name: string): number {
    return attempt(() => statSync(join(this.#folder, name)).size) ?? 0;
  }

  /** Copies small segments without a writer into the own one and removes them, if there are too many. */
  #merge(own: Segment, reserve: number): void {
    if (this.#segments.length <= MAX_SEGMENTS) return;
    const before = Date.now() - IDLE_MILLISECONDS;
    for (const segment of this.#segments) {
      const path = join(this.#folder, segment.name);
      const status = attempt(() => statSync(path));
      if (segment === own || status === undefined || status.mtimeMs > before) continue;
      if (own.end + status.size + reserve > this.#segmentBytes) continue;
      for (const found of scanSegment(
        (at, n) => readUpTo(segment.fd, at, n),
        SEGMENT_HEADER_BYTES,
        status.size,
      )) {
        if (found.kind !== 'record') break;
        const digest = Buffer.from(found.key);
        const payload = readRecord(segment.fd, found.offset, digest);
        if (payload !== undefined) this.#append(digest, payload);
      }
      attempt(() => rmSync(path, { force: true }));
    }
  }
}

/** Payload of the record at `offset` if it is whole and has this key. */
function readRecord(fd: number, offset: number, digest: Uint8Array): Uint8Array | undefined {
  const first = readUpTo(fd, offset, FIRST_READ);
  const header = first.length < RECORD_HEADER_BYTES ? undefined : decodeRecordHeader(first);
  if (header === undefined || !header.key.equals(digest)) return undefined;
  const size = header.length + RECORD_OVERHEAD;
  const record = size <= first.length ? first : readUpTo(fd, offset, size);
  if (record.length < size) return undefined;
  const payload = record.subarray(RECORD_HEADER_BYTES, size - 4);
  return crc32(payload) === record.readUInt32LE(size - 4) ? new Uint8Array(payload) : undefined;
}

/** A partial cache in memory for stores without a directory: least recently used first out. */
export function memoryPartials(bound = DEFAULT_PARTIAL_BYTES): ClosablePartials {
  const entries = new Map<string, Uint8Array>();
  let total = 0;
  const drop = (key: string) => {
    total -= entries.get(key)?.length ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const bytes = entries.get(key);
      if (bytes === undefined) return undefined;
      entries.delete(key);
      entries.set(key, bytes);
      return new Uint8Array(bytes);
    },
    put(key, bytes) {
      drop(key);
      if (bytes.length > bound) return;
      entries.set(key, new Uint8Array(bytes));
      total += bytes.length;
      for (const oldest of entries.keys()) {
        if (total <= bound) break;
        drop(oldest);
      }
    },
    close() {
      entries.clear();
      total = 0;
    },
  };
}
