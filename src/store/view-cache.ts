/**
 * The cache of packed views on disk: one file a view in `cache/views/`, named by the hash of its key.
 * Everything here is disposable: a file that is gone or damaged reads as absent, a write that fails is forgotten.
 *
 * Bound: before a write that would pass it, files untouched since this cache was opened, or for ten minutes, are
 * removed, least recently used first; if that is not enough the write is skipped. So a stream over more views
 * than fit keeps those it has instead of chasing its own tail. Several writers may overshoot by a view each.
 */
import {
  closeSync,
  fstatSync,
  futimesSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ViewCache } from '../run/session.ts';
import { attempt, keyDigest, readUpTo, replaceFile } from './cache-files.ts';
import {
  decodeViewHeader,
  encodeViewHead,
  newViewFileBytes,
  readPayload,
  readTable,
  VIEW_HEADER_BYTES,
  type ViewHeader,
  viewFileBytes,
} from './view-file.ts';

/** Folder of the view files, as a key of the store. */
export const VIEWS = 'cache/views/';

/** Default bound of the files in it: 2 GiB, or a quarter of what is free on the disk if that is more. */
const LEAST_DEFAULT_BYTES = 2 * 2 ** 30;
const DEFAULT_SHARE = 1 / 4;

function defaultBytes(folder: string): number {
  const disk = attempt(() => statfsSync(folder));
  return disk === undefined
    ? LEAST_DEFAULT_BYTES
    : Math.max(LEAST_DEFAULT_BYTES, DEFAULT_SHARE * disk.bavail * disk.bsize);
}

const IDLE_MILLISECONDS = 10 * 60_000;
/** File times may lag behind the clock by a tick, on network disks by more. */
const CLOCK_MILLISECONDS = 1_000;
/** After a scan found nothing to remove, writes are skipped for this long before looking again. */
const FULL_MILLISECONDS = 2_000;
/** Other writers than this one that the bound allows for between two scans of the folder. */
const ASSUMED_WRITERS = 16;

/** Heads of files that are remembered; each is about a kilobyte. */
const MOST_HEADS = 4096;
/** A file's time of use is renewed this often. */
const TOUCH_MILLISECONDS = 60_000;

/** What stands before the payload of a file, checked: enough to check the payload. */
interface ViewHead {
  readonly path: string;
  readonly header: ViewHeader;
  readonly table: Buffer;
  touched: number;
}

/** Reads and checks the head of an open file; undefined if it is damaged or of another key. */
function readHead(fd: number, path: string, digest: Buffer): ViewHead | undefined {
  const header = decodeViewHeader(readUpTo(fd, 0, VIEW_HEADER_BYTES));
  if (header === undefined || !header.key.equals(digest)) return undefined;
  if (fstatSync(fd).size !== viewFileBytes(header)) return undefined;
  const table = readTable(fd, header);
  return table && { path, header, table, touched: 0 };
}

interface CachedFile {
  readonly path: string;
  readonly size: number;
  readonly used: number;
}

function listFiles(folder: string): CachedFile[] {
  const files: CachedFile[] = [];
  for (const name of attempt(() => readdirSync(folder)) ?? []) {
    const path = join(folder, name);
    const status = attempt(() => statSync(path));
    if (status?.isFile()) files.push({ path, size: status.size, used: status.mtimeMs });
  }
  return files;
}

/** Decides whether a write fits, and makes room for it. */
function roomKeeper(folder: string, bound: number) {
  const opened = Date.now() - CLOCK_MILLISECONDS;
  let allowance = 0;
  let fullUntil = 0;

  function makeRoom(files: CachedFile[], needed: number): number {
    let total = files.reduce((sum, file) => sum + file.size, 0);
    const now = Date.now();
    const idle = files.filter((file) => file.used < opened || file.used < now - IDLE_MILLISECONDS);
    for (const file of idle.sort((a, b) => a.used - b.used)) {
      if (total + needed <= bound) break;
      attempt(() => rmSync(file.path, { force: true }));
      total -= file.size;
    }
    return total;
  }

  return {
    /** Whether a file of `bytes` may be written now. */
    admits(bytes: number): boolean {
      if (bytes > bound || Date.now() < fullUntil) return false;
      if (bytes > allowance) {
        const total = makeRoom(listFiles(folder), bytes);
        if (total + bytes > bound) {
          fullUntil = Date.now() + FULL_MILLISECONDS;
          return false;
        }
        allowance = Math.max(bytes, (bound - total) / ASSUMED_WRITERS);
      }
      allowance -= bytes;
      return true;
    },
  };
}

/** The view cache of the store in `root`. `bytes` bounds its files (default: {@link defaultBytes}). */
export function viewCache(root: string, options: { readonly bytes?: number } = {}): ViewCache {
  const folder = join(root, VIEWS);
  const keeper = roomKeeper(folder, options.bytes ?? defaultBytes(root));
  const pathOf = (digest: Buffer) => join(folder, `${digest.toString('hex')}.view`);

  const heads = new Map<string, ViewHead>();

  /** Calls `use` with the open file; undefined if it is gone or cannot be read. */
  function withFile<T>(path: string, use: (fd: number) => T): T | undefined {
    const fd = attempt(() => openSync(path, 'r'));
    if (fd === undefined) return undefined;
    try {
      return attempt(() => use(fd));
    } finally {
      closeSync(fd);
    }
  }

  /** Head of the view: remembered, or read; a stream over many views opens each file once a pass. */
  function headOf(key: string): ViewHead | undefined {
    const known = heads.get(key);
    if (known !== undefined) return known;
    const digest = keyDigest(key);
    const path = pathOf(digest);
    const head = withFile(path, (fd) => readHead(fd, path, digest));
    if (head === undefined) return undefined;
    if (heads.size >= MOST_HEADS) heads.clear();
    heads.set(key, head);
    return head;
  }

  /** Marks the file as used, once in a while. */
  function touch(fd: number, head: ViewHead): void {
    const now = Date.now();
    if (now - head.touched < TOUCH_MILLISECONDS) return;
    head.touched = now;
    attempt(() => futimesSync(fd, now / 1000, now / 1000));
  }

  return {
    size: (key) => headOf(key)?.header.payloadBytes,
    read(key, target) {
      const head = headOf(key);
      if (head === undefined) return false;
      const whole = withFile(head.path, (fd) => {
        const { header, table } = head;
        if (header.payloadBytes !== target.length || fstatSync(fd).size !== viewFileBytes(header))
          return false;
        if (!readPayload(fd, header, table, target)) return false;
        touch(fd, head);
        return true;
      });
      if (whole !== true) heads.delete(key);
      return whole === true;
    },
    write(key, bytes) {
      heads.delete(key);
      if (!keeper.admits(newViewFileBytes(bytes.length))) return;
      const digest = keyDigest(key);
      attempt(() => replaceFile(root, pathOf(digest), [encodeViewHead(digest, bytes), bytes]));
    },
  };
}
