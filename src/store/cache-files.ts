/** What the caches of views and of partials share: keys as digests, reads, and shrugging off refusals. */
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';

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
