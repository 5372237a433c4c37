/**
 * `store.json`: says that a directory is a store and in which version of the format.
 * It holds nothing else, so a damaged one can be written anew.
 */
import { SoraError } from '../errors.ts';
import { openSealed, type SealedKind, sealJson } from './sealed.ts';
import type { ObjectStorage } from './storage.ts';

/** Format of the store as a whole; the rule of versions stands in docs/store-format.md. */
export const STORE: SealedKind = { format: 'sora-store', version: 1 };

/** Key of the file. */
export const STORE_FILE = 'store.json';

/** What to do about a damaged `store.json`. */
export const STORE_REMEDY = 'Run `sora verify --repair`: it holds only the version of the format.';

/** The bytes of `store.json`. */
export function storeFileBytes(): Uint8Array {
  return sealJson(STORE, {});
}

/** Writes `store.json` unless it is there. */
export async function createStoreFile(storage: ObjectStorage): Promise<void> {
  if ((await storage.stat(STORE_FILE)) === undefined) await storage.putIfAbsent(STORE_FILE, storeFileBytes());
}

/** Throws `not-found` if there is no store, `corrupt` or `newer-format` if it cannot be trusted or read. */
export async function checkStoreFile(storage: ObjectStorage): Promise<void> {
  const bytes = await storage.get(STORE_FILE);
  if (bytes === undefined) {
    throw new SoraError(
      'not-found',
      `No store at ${storage.location}: it has no ${STORE_FILE}. Make one with \`sora ingest\`, or correct the path.`,
      { details: { location: storage.location } },
    );
  }
  openSealed(STORE, bytes, STORE_FILE, STORE_REMEDY);
}
