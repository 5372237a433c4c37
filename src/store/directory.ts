/**
 * Object storage in a local directory: an object is a file, its key the path.
 * Bytes are written to `tmp/` in the same file system and appear under their name by rename (replace) or by
 * link (put-if-absent), so a file is whole or absent whenever a process dies. `flush` is fsync of the files
 * and of every directory above them.
 */
import { randomUUID } from 'node:crypto';
import type { Dirent, Stats } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import { mapConcurrent } from './concurrent.ts';
import { checkKey, type ObjectInfo, type ObjectStorage } from './storage.ts';

/** Where unfinished writes lie; whatever is found there after a crash is of no use. */
export const TEMPORARY = 'tmp/';

const FLUSH_CONCURRENCY = 16;

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

function isAbsent(error: unknown): boolean {
  return errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
}

function ioFailed(what: string, path: string, error: unknown): SoraError {
  if (error instanceof SoraError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const isLink = (error as NodeJS.ErrnoException).syscall === 'link';
  const hint = isLink ? '. The file system of a store must have hard links' : '';
  return new SoraError('io-failed', `Could not ${what} ${path}: ${reason}${hint}`, {
    cause: error,
    details: { path, errno: errorCode(error) },
  });
}

/** The value of a file operation; undefined if the file is not there, `io-failed` if it went wrong otherwise. */
async function orAbsent<T>(what: string, path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAbsent(error) || errorCode(error) === 'EISDIR') return undefined;
    throw ioFailed(what, path, error);
  }
}

/** fsync of a file or directory; Windows cannot open directories, and journals their entries itself. */
async function fsyncPath(path: string, isDirectory: boolean): Promise<void> {
  if (isDirectory && process.platform === 'win32') return;
  const handle = await open(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Every directory from the key's own up to the root. */
function directoriesAbove(root: string, key: string): string[] {
  const parts = key.split('/').slice(0, -1);
  return [root, ...parts.map((_, i) => join(root, ...parts.slice(0, i + 1)))];
}

async function readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const target = Buffer.allocUnsafe(Math.min(length, Math.max(0, (await handle.stat()).size - offset)));
    let filled = 0;
    while (filled < target.length) {
      const { bytesRead } = await handle.read(target, filled, target.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return target.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

/** Entries of a directory in the order of their keys: a folder sorts as its name with a slash. */
async function sortedEntries(path: string): Promise<Dirent[]> {
  const entries = (await orAbsent('list', path, () => readdir(path, { withFileTypes: true }))) ?? [];
  const sortKey = (entry: Dirent) => (entry.isFile() ? entry.name : `${entry.name}/`);
  return entries.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

/** Files under `folder` (a key ending in `/`, or ''), depth first, in the order of their keys. */
async function* walk(
  root: string,
  folder: string,
  prefix: string,
  after: string,
): AsyncGenerator<ObjectInfo> {
  for (const entry of await sortedEntries(join(root, folder))) {
    const key = folder + entry.name;
    if (entry.isFile() && !(key.startsWith(prefix) && key > after)) continue;
    const path = join(root, key);
    const status: Stats | undefined = await orAbsent('inspect', path, () => stat(path));
    if (status === undefined) continue;
    if (status.isDirectory()) {
      const inside = `${key}/`;
      const worth = inside.startsWith(prefix) || prefix.startsWith(inside);
      if (worth && (inside > after || after.startsWith(inside))) yield* walk(root, inside, prefix, after);
    } else if (key.startsWith(prefix) && key > after) {
      yield { key, size: status.size, modified: status.mtimeMs };
    }
  }
}

/** Removes the folder for unfinished writes if it is empty, so that a directory shows only what was put there. */
export async function removeTemporary(root: string): Promise<void> {
  await rmdir(join(root, TEMPORARY)).catch(() => {});
}

/** Object storage in the directory `root`, which is made when first written to. */
export function directoryStorage(root: string): ObjectStorage {
  const base = resolve(root);
  const pathOf = (key: string) => {
    checkKey(key);
    return join(base, key);
  };

  /** Runs `work`, and once more after making the folder it missed. */
  async function withFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      await mkdir(folder, { recursive: true });
      return work();
    }
  }

  async function writeTemporary(bytes: Uint8Array, sync: boolean): Promise<string> {
    const path = join(base, TEMPORARY, randomUUID());
    const handle = await withFolder(dirname(path), () => open(path, 'wx'));
    try {
      await handle.writeFile(bytes);
      if (sync) await handle.sync();
    } catch (error) {
      await unlink(path).catch(() => {});
      throw error;
    } finally {
      await handle.close();
    }
    return path;
  }

  /** Brings the bytes under their name: by link, which fails if it is taken, or by rename, which replaces. */
  async function place(path: string, bytes: Uint8Array, exclusive: boolean): Promise<boolean> {
    const temporary = await writeTemporary(bytes, exclusive);
    try {
      await withFolder(dirname(path), () => (exclusive ? link : rename)(temporary, path));
      return true;
    } catch (error) {
      if (exclusive && errorCode(error) === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(temporary).catch(() => {});
    }
  }

  async function flushDirectories(keys: readonly string[]): Promise<void> {
    const folders = new Set(keys.flatMap((key) => directoriesAbove(base, key)));
    await mapConcurrent([...folders], FLUSH_CONCURRENCY, (folder) => fsyncPath(folder, true));
  }

  return {
    location: base,
    get: (key) => {
      const path = pathOf(key);
      return orAbsent('read', path, () => readFile(path));
    },
    getRange: (key, offset, length) => {
      const path = pathOf(key);
      return orAbsent('read', path, () => readRange(path, offset, length));
    },
    async put(key, bytes) {
      const path = pathOf(key);
      try {
        await place(path, bytes, false);
      } catch (error) {
        throw ioFailed('write', path, error);
      }
    },
    async putIfAbsent(key, bytes) {
      const path = pathOf(key);
      try {
        const won = await place(path, bytes, true);
        if (won) await flushDirectories([key]);
        return won;
      } catch (error) {
        throw ioFailed('create', path, error);
      }
    },
    async flush(keys) {
      try {
        await mapConcurrent(keys, FLUSH_CONCURRENCY, (key) => fsyncPath(pathOf(key), false));
        await flushDirectories(keys);
      } catch (error) {
        throw ioFailed('flush', base, error);
      }
    },
    list: (prefix, after = '') => {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      if (folder !== '') checkKey(folder.slice(0, -1));
      return walk(base, folder, prefix, after);
    },
    async stat(key) {
      const path = pathOf(key);
      const status = await orAbsent('inspect', path, () => stat(path));
      return status?.isFile() ? { key, size: status.size, modified: status.mtimeMs } : undefined;
    },
    async delete(key) {
      const path = pathOf(key);
      await orAbsent('delete', path, () => unlink(path));
    },
  };
}
