/**
 * The store as workers see it: particles by reference, and the cache of packed views.
 * A worker knows the directory and nothing of commits: what a particle's bytes must be stands in its reference.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { ReusedBytes } from '../particle/reused-bytes.ts';
import type { Reference } from '../run/reference.ts';
import type { Source } from '../run/session.ts';
import { directoryStorage } from './directory.ts';
import { readParticle } from './particle-file.ts';
import { storeScratch } from './scratch.ts';
import type { ObjectStorage } from './storage.ts';
import { viewCache } from './view-cache.ts';

const shape = z.object({
  root: z.string().min(1),
  views: z.boolean().optional(),
  viewBytes: z.number().positive().optional(),
});

/** Which store, and whether (default true) and up to how many bytes (default: see view-cache.ts) views are cached in it. */
export type StoreSourceOptions = z.infer<typeof shape>;

/** The source of a store's particles and views; made in each worker from {@link sourceReference}. */
export function storeSource(options: Json): Source {
  const result = shape.safeParse(options);
  if (!result.success) {
    throw new SoraError('bad-option', `Options of storeSource: ${z.prettifyError(result.error)}`);
  }
  const { root, views = true, viewBytes } = result.data;
  const storage = readingAtOnce(root, directoryStorage(root));
  return {
    load: (ref) => readParticle(storage, ref),
    ...(views ? { views: viewCache(root, { bytes: viewBytes }) } : {}),
    scratch: storeScratch(root),
  };
}

/**
 * The storage with reads that wait for the file: a worker has nothing else to do, and the way through the pool of
 * file threads costs as much as reading. What was read lies in the same memory each time. What cannot be read goes
 * the other way again, which says why.
 */
function readingAtOnce(root: string, storage: ObjectStorage): ObjectStorage {
  const memory = new ReusedBytes();
  const get = async (key: string): Promise<Uint8Array | undefined> => {
    try {
      return readInto(memory, join(root, key));
    } catch {
      return storage.get(key);
    }
  };
  return { ...storage, get };
}

/** The bytes of a file; one that shrinks while it is read gives fewer. */
function readInto(memory: ReusedBytes, path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = memory.take(fstatSync(file).size);
    let length = 0;
    for (let count = -1; count !== 0 && length < bytes.length; length += count) {
      count = readSync(file, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** Names {@link storeSource} with these options, for executors. */
export function sourceReference(options: StoreSourceOptions): Reference {
  return {
    module: import.meta.url,
    name: 'storeSource',
    options: { ...options, root: resolve(options.root) },
  };
}
