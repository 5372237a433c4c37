/**
 * What the store asks of the place where it lies: objects by key, nothing more.
 * There is no rename, no append and no lock, so that a bucket fits behind it as well as a directory does:
 * `putIfAbsent` is a link on disk and `If-None-Match: *` on S3, and it is all that commits are built on.
 */
import { SoraError } from '../errors.ts';

/** One object as a listing shows it. */
export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; only ever used to tell old from new. */
  readonly modified: number;
}

/**
 * Objects by key. Keys are `/`-separated, see {@link checkKey}. A get sees a whole object or none.
 * Every method throws `io-failed`, with the key, when the operating system or the service refuses.
 */
export interface ObjectStorage {
  /** Where it is, for messages: a directory, a bucket's URL. */
  readonly location: string;
  /** The whole object, or undefined if there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Bytes [offset, offset + length) of the object, fewer where it ends; undefined if there is none. */
  getRange(key: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  /** Writes or replaces the object at once: readers see the old bytes or the new. Durable after {@link flush}. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes the object unless one is there: of several callers, one gets true. Durable when it returns. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Makes earlier puts of these objects, by whatever process, survive a power cut. */
  flush(keys: readonly string[]): Promise<void>;
  /** Objects whose key starts with `prefix` and sorts after `after`, in order of their keys. */
  list(prefix: string, after?: string): AsyncIterable<ObjectInfo>;
  stat(key: string): Promise<ObjectInfo | undefined>;
  /** Removes the object; nothing happens if there is none. */
  delete(key: string): Promise<void>;
}

const PART = /^[^\p{Cc}\\/:*?"<>|]{1,200}$/u;

/**
 * Throws `bad-option` unless the key is a relative path that means the same thing everywhere:
 * parts of 1–200 characters joined by `/`, no `.` or `..`, no control characters, none of `\ : * ? " < > |`.
 */
export function checkKey(key: string): void {
  for (const part of key.split('/')) {
    if (part === '.' || part === '..' || !PART.test(part)) {
      throw new SoraError(
        'bad-option',
        `Not an object key: ${JSON.stringify(key)}; the part ${JSON.stringify(part)} is empty, too long (200 characters), "." or "..", or has a character that some system forbids.`,
        { details: { key } },
      );
    }
  }
}

/** Reads an object in pieces of at most `pieceBytes`, in order, so that memory does not grow with its size. */
export async function* readPieces(
  storage: ObjectStorage,
  key: string,
  pieceBytes = 4 << 20,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; ; offset += pieceBytes) {
    const piece = await storage.getRange(key, offset, pieceBytes);
    if (piece === undefined) return;
    if (piece.length > 0) yield piece;
    if (piece.length < pieceBytes) return;
  }
}
