/** What the caches of views and of partials share: keys as digests, reads, and shrugging off refusals. */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TEMPORARY } from './directory.ts';

/** SHA-256 of a cache key. */
export function keyDigest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The value, or undefined if the operating system refused: losing a cache entry loses nothing. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Fills `target` from the file at `position`; returns the bytes that were there. */
export function readInto(fd: number, target: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < target.length) {
    const count = readSync(fd, target, filled, target.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Up to `length` bytes of the file at `position`. */
export function readUpTo(fd: number, position: number, length: number): Buffer {
  const target = Buffer.allocUnsafe(length);
  return target.subarray(0, readInto(fd, target, position));
}

/** Writes all bytes to the file from its beginning, or from `position`. */
export function writeAll(fd: number, bytes: Uint8Array, position = 0): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Writes the parts to a temporary file of the store in `root` and renames it to `path`. Not flushed: a cache may be lost. */
export function replaceFile(root: string, path: string, parts: readonly Uint8Array[]): void {
  const temporary = join(root, TEMPORARY, randomUUID());
  mkdirSync(dirname(temporary), { recursive: true });
  mkdirSync(dirname(path), { recursive: true });
  try {
    const fd = openSync(temporary, 'wx');
    try {
      let position = 0;
      for (const part of parts) {
        writeAll(fd, part, position);
        position += part.length;
      }
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
