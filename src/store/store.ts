/**
 * The store: particles, the log of commits that lists them, and caches that may be deleted at any time.
 * This file puts the parts together; each part's rules stand in its own file, all of them in docs/store-format.md.
 */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { SoraError } from '../errors.ts';
import { particleFile } from '../particle/bytes.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import type { Reference } from '../run/reference.ts';
import type { PartialCache, ViewCache } from '../run/session.ts';
import { type Change, checkRebase, checkRecut, headOf, resolveRemovals, resolveSchema } from './change.ts';
import type { Commit, FileRef, LoggedCommit } from './commit.ts';
import { directoryStorage } from './directory.ts';
import { checkStoreFile, createStoreFile } from './format.ts';
import { commitLog } from './log.ts';
import { memoryPartials, partialCache } from './partial-cache.ts';
import { type EncodedParticle, particleKey, readParticle, storeParticle } from './particle-file.ts';
import { sha256 } from './sealed.ts';
import { type At, foldSnapshot, resolveAt, type Snapshot } from './snapshot.ts';
import { sourceReference } from './source.ts';
import type { ObjectStorage } from './storage.ts';
import { type VerifyOptions, type VerifyReport, verifyStore } from './verify.ts';
import { viewCache } from './view-cache.ts';

/** How to open a store. */
export interface StoreOptions {
  /** Make the store if there is none (default false: `not-found`). */
  readonly create?: boolean;
  /** Keep packed views on disk (default true; only in a directory). */
  readonly views?: boolean;
  /** Bound of the views on disk (default: 2 GiB, or a quarter of what is free there if that is more). */
  readonly viewBytes?: number;
  /** Bound of the partials on disk (default 256 MiB). */
  readonly partialBytes?: number;
}

/** An open store. Several processes may have one open; see docs/store-format.md for what holds between them. */
export interface Store {
  /** The directory, absolute; undefined if the store lies elsewhere. */
  readonly root: string | undefined;
  readonly storage: ObjectStorage;
  /** The particles as of a commit: a number, an offset from the newest (-1), a time; default: the newest. */
  snapshot(at?: At): Promise<Snapshot>;
  /** Every commit, oldest first. */
  log(): Promise<readonly LoggedCommit[]>;
  /** Makes the change durable and visible at once; returns the snapshot after it. See {@link Change}. */
  commit(change: Change): Promise<Snapshot>;
  /** Encodes and stores a particle; it counts once a commit adds it. */
  putParticle(particle: Particle): Promise<ParticleRef>;
  /** Stores a particle encoded elsewhere. Calls may overlap: a few at a time keep disk and encoder busy. */
  putEncoded(particle: EncodedParticle): Promise<ParticleRef>;
  /** The particle, checked against the hash of its bytes; `corrupt` if they differ. */
  loadParticle(ref: ParticleRef): Promise<Particle>;
  /** Stores another file that a commit may then name in `files`, e.g. `quarantine/<name>`. */
  putFile(file: string, bytes: Uint8Array): Promise<FileRef>;
  /** Encoded partials, for the session's own thread. */
  readonly partials: PartialCache;
  /** Packed views, for this thread; workers get their own from {@link reference}. */
  readonly views: ViewCache | undefined;
  /** Names the source of this store's particles for executors; `bad-option` unless it lies in a directory. */
  readonly reference: Reference;
  /** Reads every byte of every file and checks it. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** Lets go of open files. The store may be used again; it opens what it needs. */
  close(): void;
}

/** Opens the store in a directory or other storage. Throws `not-found`, `corrupt` or `newer-format`. */
export async function openStore(place: string | ObjectStorage, options: StoreOptions = {}): Promise<Store> {
  const inDirectory = typeof place === 'string';
  const storage = inDirectory ? directoryStorage(place) : place;
  const root = inDirectory ? storage.location : undefined;
  if (options.create) await createStoreFile(storage);
  await checkStoreFile(storage);
  return assemble(storage, root, options);
}

function assemble(storage: ObjectStorage, root: string | undefined, options: StoreOptions): Store {
  const log = commitLog(storage);
  const { views = true, viewBytes, partialBytes } = options;
  const encodings = knownEncodings();
  const fold = rememberedFold();
  const partials =
    root === undefined ? memoryPartials(partialBytes) : partialCache(root, { bytes: partialBytes });

  /** The log; of a damaged one what is before the damage, if a commit there is asked for by number. */
  async function readFor(at: At | undefined): Promise<readonly LoggedCommit[]> {
    try {
      return await log.read();
    } catch (error) {
      const number = Number(at ?? Number.NaN);
      if (number >= 1 && number <= log.whole().length) return log.whole();
      throw error;
    }
  }

  async function snapshot(at?: At): Promise<Snapshot> {
    const commits = await readFor(at);
    return fold(commits, resolveAt(commits, at));
  }

  async function putEncoded(particle: EncodedParticle): Promise<ParticleRef> {
    return storeParticle(storage, particle, async (hash) => encodings(await log.read())(hash));
  }

  async function commit(change: Change): Promise<Snapshot> {
    const start = await log.read();
    const base = change.base ?? start.length;
    const before = fold(start, base === 0 ? 0 : resolveAt(start, base));
    const remove = resolveRemovals(change, before);
    checkSources(change);
    checkRecut(change, remove, before);
    await storage.flush(namedFiles(change));
    const commits = await log.append((current) => {
      checkRebase(change, base, current.slice(base));
      change.accept?.(current.slice(base));
      return nextCommit(change, remove, before, current);
    });
    return fold(commits, commits.length);
  }

  return {
    root,
    storage,
    snapshot,
    log: () => log.read(),
    commit,
    putEncoded,
    putParticle: (particle) =>
      putEncoded({ hash: hashParticle(particle), rows: particle.rows, ...particleFile(particle) }),
    loadParticle: (ref) => readParticle(storage, ref),
    async putFile(file, bytes) {
      await storage.put(file, bytes);
      return { file, bytes: bytes.length, sha256: sha256(bytes) };
    },
    partials,
    views: root === undefined || !views ? undefined : viewCache(root, { bytes: viewBytes }),
    get reference() {
      if (root === undefined) {
        throw new SoraError(
          'bad-option',
          `Workers cannot open a store in ${storage.location}: use a directory.`,
        );
      }
      return sourceReference({ root, views, viewBytes });
    },
    verify: (verifyOptions) => verifyStore(storage, verifyOptions),
    close: () => partials.close(),
  };
}

/** {@link foldSnapshot} that remembers its last result: most calls ask for the newest snapshot again. */
function rememberedFold(): typeof foldSnapshot {
  let last: { readonly commits: number; readonly snapshot: Snapshot } | undefined;
  return (log, number) => {
    if (last?.commits !== log.length || last.snapshot.commit !== number) {
      last = { commits: log.length, snapshot: foldSnapshot(log, number) };
    }
    return last.snapshot;
  };
}

/** SHA-256 that the log expects of a particle's file; the index grows with the log. */
function knownEncodings(): (log: readonly Commit[]) => (hash: string) => string | undefined {
  const index = new Map<string, string>();
  let indexed = 0;
  return (log) => {
    for (; indexed < log.length; indexed++) {
      for (const ref of log[indexed].add) index.set(ref.hash, ref.sha256);
    }
    return (hash) => index.get(hash);
  };
}

function checkSources(change: Change): void {
  const sources = change.sources?.length ?? 0;
  const wrong = change.add?.find((added) => added.source !== undefined && added.source >= sources);
  if (wrong !== undefined) {
    throw new SoraError('bad-option', `Particle ${wrong.hash} names source ${wrong.source} of ${sources}.`);
  }
}

/** Keys of every file that the change vouches for. */
function namedFiles(change: Change): string[] {
  const particles = (change.add ?? []).map((ref) => particleKey(ref.hash));
  return [...new Set([...particles, ...(change.files ?? []).map((file) => file.file)])];
}

function nextCommit(
  change: Change,
  remove: Commit['remove'],
  base: Snapshot,
  log: readonly LoggedCommit[],
): Commit {
  const last = log[log.length - 1];
  const now = new Date().toISOString();
  return {
    commit: log.length + 1,
    parent: last?.sha256 ?? null,
    schema: resolveSchema(change, base, headOf(log)),
    remove,
    add: (change.add ?? []).map(({ hash, rows, bytes, sha256, source }) => ({
      hash,
      rows,
      bytes,
      sha256,
      source,
    })),
    sources: change.sources ?? [],
    files: change.files ?? [],
    ...((change.drop?.length ?? 0) > 0 ? { drop: change.drop } : {}),
    ...(change.recut ? { recut: true as const } : {}),
    who: change.who ?? userName(),
    when: last !== undefined && last.when > now ? last.when : now,
    why: change.why ?? '',
    nonce: randomUUID(),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? 'unknown';
  }
}
