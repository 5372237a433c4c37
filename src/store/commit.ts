/**
 * A commit: one atomic change to the list of particles, as JSON in `log/<number>.json`.
 * Commits are numbered from 1 without gaps and name the hash of the commit before, so a log is a chain.
 * Knows the record and its bytes; not where they lie, nor what the list looks like (snapshot.ts).
 */
import { z } from 'zod';
import type { Json } from '../json.ts';
import type { ParticleRef } from '../particle/particle.ts';
import { parseSchema, type Schema } from '../particle/schema.ts';
import { corrupt, openSealed, type SealedKind, sealJson, sha256 } from './sealed.ts';

const COMMIT: SealedKind = { format: 'sora-commit', version: 1 };

/** A particle that a commit adds; `source` is an index into the commit's `sources`. */
export interface AddedParticle extends ParticleRef {
  readonly source?: number;
}

/** A particle that a commit removes: its place in the snapshot before, and its hash to be sure. */
export interface RemovedParticle {
  readonly at: number;
  readonly hash: string;
}

/** Where rows came from: enough to tell whether the source has changed, and to read it again. */
export interface SourceRecord {
  /** Path, URL, query or other name as the user gave it. */
  readonly name: string;
  readonly sha256?: string;
  readonly bytes?: number;
  readonly rows?: number;
  /** How it was read: format, delimiter, types, roles. */
  readonly options?: Json;
}

/** Another file of the store that the commit vouches for, e.g. rows in quarantine. */
export interface FileRef {
  /** Key in the store. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One commit. */
export interface Commit {
  /** 1, 2, 3 … */
  readonly commit: number;
  /** SHA-256 of the bytes of the commit before; null for the first. */
  readonly parent: string | null;
  readonly schema: Schema;
  /** What is taken off the list first; `all` empties it. */
  readonly remove: 'all' | readonly RemovedParticle[];
  /** What is then appended to it, in order. */
  readonly add: readonly AddedParticle[];
  readonly sources: readonly SourceRecord[];
  readonly files: readonly FileRef[];
  /** Keys of files that earlier commits vouched for and nobody needs any more: they may be deleted once this commit stands. */
  readonly drop?: readonly string[];
  /** The same rows in the same order, cut into other particles: appends made meanwhile mean the same after it. */
  readonly recut?: true;
  readonly who: string;
  /** ISO 8601, UTC; never earlier than the commit before. */
  readonly when: string;
  readonly why: string;
  /** Random, so that a writer knows its own commit again after an answer was lost. */
  readonly nonce: string;
}

/** A commit as read back, with the hash of its bytes that the next one names. */
export interface LoggedCommit extends Commit {
  readonly sha256: string;
}

const count = z.int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const json = z.custom<Json>((value) => value !== undefined);

const shape = z.object({
  commit: z.int().positive(),
  parent: hash.nullable(),
  schema: z.unknown().transform((value, context) => {
    try {
      return parseSchema(value);
    } catch (error) {
      context.addIssue(error instanceof Error ? error.message : String(error));
      return z.NEVER;
    }
  }),
  remove: z.union([z.literal('all'), z.array(z.object({ at: count, hash }))]),
  add: z.array(z.object({ hash, rows: count, bytes: count, sha256: hash, source: count.optional() })),
  sources: z.array(
    z.object({
      name: z.string(),
      sha256: hash.optional(),
      bytes: count.optional(),
      rows: count.optional(),
      options: json.optional(),
    }),
  ),
  files: z.array(z.object({ file: z.string(), bytes: count, sha256: hash })),
  drop: z.array(z.string()).optional(),
  recut: z.literal(true).optional(),
  who: z.string(),
  when: z.iso.datetime(),
  why: z.string(),
  nonce: z.string(),
});

/** Key of a commit: `log/` and the number in 20 digits, so that keys sort as numbers do. */
export function commitKey(number: number): string {
  return `log/${String(number).padStart(20, '0')}.json`;
}

/** The number in a commit's key, or undefined if it is not one. */
export function commitNumber(key: string): number | undefined {
  const match = /^log\/(\d{20})\.json$/.exec(key);
  const number = match ? Number(match[1]) : 0;
  return number > 0 && Number.isSafeInteger(number) ? number : undefined;
}

/** The bytes of a commit. */
export function encodeCommit(commit: Commit): Uint8Array {
  return sealJson(COMMIT, { ...commit } as unknown as { readonly [key: string]: Json });
}

/** The commit in the bytes of log file `key`; `corrupt` if they are not whole, or those of another number. */
export function decodeCommit(bytes: Uint8Array, key: string): LoggedCommit {
  const remedy = 'Restore it from a backup; commits before it can still be read by number (`--at`).';
  const record = openSealed(COMMIT, bytes, key, remedy);
  const result = shape.safeParse(record);
  if (!result.success) throw corrupt(key, 'a commit', z.prettifyError(result.error), remedy);
  const commit = result.data;
  if (commit.commit !== commitNumber(key)) {
    throw corrupt(key, `commit ${commitNumber(key)}`, `commit ${commit.commit}`, remedy);
  }
  return { ...commit, sha256: sha256(bytes) };
}
