/**
 * Object storage in memory, for tests and for stores that need not outlive their process.
 * Bytes are copied on the way in and out, as a disk would.
 */
import { checkKey, type ObjectInfo, type ObjectStorage } from './storage.ts';

interface Entry {
  readonly bytes: Uint8Array;
  readonly modified: number;
}

/** An empty storage in memory. */
export function memoryStorage(): ObjectStorage {
  const entries = new Map<string, Entry>();
  const read = (key: string, start: number, end: number) => {
    checkKey(key);
    return entries.get(key)?.bytes.slice(start, end);
  };
  const write = (key: string, bytes: Uint8Array) => {
    entries.set(key, { bytes: new Uint8Array(bytes), modified: Date.now() });
  };
  const info = (key: string, entry: Entry): ObjectInfo => ({
    key,
    size: entry.bytes.length,
    modified: entry.modified,
  });
  return {
    location: 'memory',
    get: async (key) => read(key, 0, Number.POSITIVE_INFINITY),
    getRange: async (key, offset, length) => read(key, offset, offset + length),
    async put(key, bytes) {
      checkKey(key);
      write(key, bytes);
    },
    async putIfAbsent(key, bytes) {
      checkKey(key);
      if (entries.has(key)) return false;
      write(key, bytes);
      return true;
    },
    async flush() {},
    async *list(prefix, after = '') {
      const keys = [...entries.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      for (const key of keys) {
        const entry = entries.get(key);
        if (entry !== undefined) yield info(key, entry);
      }
    },
    async stat(key) {
      checkKey(key);
      const entry = entries.get(key);
      return entry && info(key, entry);
    },
    async delete(key) {
      checkKey(key);
      entries.delete(key);
    },
  };
}
