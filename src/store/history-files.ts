/**
 * Columns that are told of earlier rows, kept beside the particles of a store: particle files in `cache/history/`, one for
 * each particle and what came before it. A cache: each is a function of particles of the store, and computed again.
 */
import { join } from 'node:path';
import { encodeParticle } from '../particle/bytes.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import { directoryStorage } from './directory.ts';
import { particleKey, readParticle, storeParticle } from './particle-file.ts';

/** Folder of the files, as a key of the store. */
export const HISTORY = 'cache/history/';
/** Bytes from which files that nobody wrote for an hour are removed. */
const MOST_BYTES = 2 ** 30;
const OLD_MILLISECONDS = 3_600_000;

/** Files of derived columns in the store at `root`. */
export interface HistoryFiles {
  put(particle: Particle): Promise<ParticleRef>;
  /** Whether the file is there, of its size; its bytes are checked when they are read. */
  has(ref: ParticleRef): Promise<boolean>;
  load(ref: ParticleRef): Promise<Particle>;
  /** Removes the oldest files beyond the bound, except these. */
  tidy(keep: ReadonlySet<string>): Promise<void>;
}

export function historyFiles(root: string): HistoryFiles {
  const storage = directoryStorage(join(root, HISTORY));
  return {
    put(particle) {
      const bytes = encodeParticle(particle);
      const encoded = { hash: hashParticle(particle), rows: particle.rows, bytes };
      return storeParticle(storage, encoded, async () => undefined);
    },
    async has({ hash, bytes }) {
      return (await storage.stat(particleKey(hash)))?.size === bytes;
    },
    load: (ref) => readParticle(storage, ref),
    async tidy(keep) {
      const files = [];
      for await (const info of storage.list('particles/')) files.push(info);
      let total = files.reduce((sum, { size }) => sum + size, 0);
      const kept = new Set([...keep].map(particleKey));
      const before = Date.now() - OLD_MILLISECONDS;
      for (const { key, size, modified } of files.sort((a, b) => a.modified - b.modified)) {
        if (total <= MOST_BYTES) return;
        if (kept.has(key) || modified > before) continue;
        await storage.delete(key);
        total -= size;
      }
    },
  };
}
