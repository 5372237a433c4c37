/**
 * The log of a store: commits read in order and checked as a chain, and the one way to add to it.
 * A commit is added by creating its file exclusively, so of two writers one wins; the other reads what came
 * between and tries the next number. Readers see a commit whole or not at all.
 */
import { SoraError } from '../errors.ts';
import {
  type Commit,
  commitKey,
  commitNumber,
  decodeCommit,
  encodeCommit,
  type LoggedCommit,
} from './commit.ts';
import { mapConcurrent } from './concurrent.ts';
import { corrupt } from './sealed.ts';
import type { ObjectStorage } from './storage.ts';

const READ_CONCURRENCY = 16;

/** Attempts to commit before giving up; each failure means that another writer succeeded. */
const MAX_ATTEMPTS = 10_000;

/** The commits of a store. */
export interface CommitLog {
  /** All commits, after reading those made since the last call. Cost: one listing, one read per new commit. */
  read(): Promise<readonly LoggedCommit[]>;
  /** The commits that `read` has found whole so far: after it threw, those before the damage. */
  whole(): readonly LoggedCommit[];
  /**
   * Appends what `next` makes of the log, calling it again each time another writer came first.
   * Returns the log with the new commit as its last. What `next` throws ends the attempt.
   */
  append(next: (log: readonly LoggedCommit[]) => Commit): Promise<readonly LoggedCommit[]>;
}

/** The log that lies in `storage`; reads nothing yet. */
export function commitLog(storage: ObjectStorage): CommitLog {
  let known: readonly LoggedCommit[] = [];

  async function read(): Promise<readonly LoggedCommit[]> {
    const from = known;
    const { commits, failure } = await readAfter(storage, from);
    // Another call may have read further meanwhile; commits never change, so the longer log is the truer one.
    if (commits.length > 0 && from.length + commits.length > known.length) known = [...from, ...commits];
    if (failure !== undefined) throw failure;
    return known;
  }

  async function append(next: (log: readonly LoggedCommit[]) => Commit): Promise<readonly LoggedCommit[]> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const commit = next(await read());
      const won = await storage.putIfAbsent(commitKey(commit.commit), encodeCommit(commit));
      const log = await read();
      const index = commit.commit - 1;
      if (won || log[index]?.nonce === commit.nonce) return log.slice(0, commit.commit);
    }
    throw new SoraError(
      'conflict',
      `Other writers came first ${MAX_ATTEMPTS} times in a row in ${storage.location}. Let fewer processes commit at once.`,
    );
  }

  return { read, append, whole: () => known };
}

/** Commits read, up to the first that is damaged. */
interface ReadCommits {
  readonly commits: LoggedCommit[];
  readonly failure?: unknown;
}

/** Commits after `known`, checked: numbers without gaps, each naming the hash of the one before. */
async function readAfter(storage: ObjectStorage, known: readonly LoggedCommit[]): Promise<ReadCommits> {
  const { keys, gap } = await newKeys(storage, known.length);
  const results = await mapConcurrent(keys, READ_CONCURRENCY, (key) => readCommit(storage, key));
  const commits: LoggedCommit[] = [];
  for (const result of results) {
    if ('failure' in result) return { commits, failure: result.failure };
    try {
      checkChain(result.commit, commits[commits.length - 1] ?? known[known.length - 1]);
    } catch (failure) {
      return { commits, failure };
    }
    commits.push(result.commit);
  }
  return { commits, failure: gap };
}

async function readCommit(
  storage: ObjectStorage,
  key: string,
): Promise<{ readonly commit: LoggedCommit } | { readonly failure: unknown }> {
  try {
    const bytes = await storage.get(key);
    if (bytes === undefined) throw missing(key);
    return { commit: decodeCommit(bytes, key) };
  } catch (failure) {
    return { failure };
  }
}

/** Keys of the commits after number `known`, up to the first that is missing. */
async function newKeys(
  storage: ObjectStorage,
  known: number,
): Promise<{ readonly keys: string[]; readonly gap?: SoraError }> {
  const keys: string[] = [];
  for await (const { key } of storage.list('log/', known === 0 ? '' : commitKey(known))) {
    const number = commitNumber(key);
    if (number === undefined) continue;
    // A listing is not a moment in time: it may miss a commit that was made while it ran, and show the next.
    for (let next = known + keys.length + 1; next < number; next++) {
      if ((await storage.stat(commitKey(next))) === undefined) return { keys, gap: missing(commitKey(next)) };
      keys.push(commitKey(next));
    }
    keys.push(key);
  }
  return { keys };
}

/** Throws `corrupt` unless `commit` names the commit before it. */
export function checkChain(commit: LoggedCommit, before: LoggedCommit | undefined): void {
  const parent = before?.sha256 ?? null;
  if (commit.parent === parent) return;
  throw corrupt(
    commitKey(commit.commit),
    `a parent with hash ${parent}`,
    `the parent ${commit.parent}`,
    'One of the two files was replaced: restore log/ from a backup.',
  );
}

function missing(key: string): SoraError {
  return corrupt(key, 'a commit', 'no file, though later commits exist', 'Restore log/ from a backup.');
}
