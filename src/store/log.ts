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
    const added = await readAfter(storage, from);
    // Another call may have read further meanwhile; commits never change, so the longer log is the truer one.
    if (from.length + added.length > known.length) known = added.length > 0 ? [...from, ...added] : from;
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

  return { read, append };
}

/** Commits after `known`, checked: numbers without gaps, each naming the hash of the one before. */
async function readAfter(storage: ObjectStorage, known: readonly LoggedCommit[]): Promise<LoggedCommit[]> {
  const keys = await newKeys(storage, known.length);
  const commits = await mapConcurrent(keys, READ_CONCURRENCY, async (key) => {
    const bytes = await storage.get(key);
    if (bytes === undefined) throw missing(key);
    return decodeCommit(bytes, key);
  });
  for (const [index, commit] of commits.entries()) {
    checkChain(commit, index === 0 ? known[known.length - 1] : commits[index - 1]);
  }
  return commits;
}

/** Keys of the commits after number `known`, without gaps. */
async function newKeys(storage: ObjectStorage, known: number): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list('log/', known === 0 ? '' : commitKey(known))) {
    const number = commitNumber(key);
    if (number === undefined) continue;
    const expected = known + keys.length + 1;
    // A listing is not a moment in time: it may miss a commit that was made while it ran, and show the next.
    for (let gap = expected; gap < number; gap++) {
      if ((await storage.stat(commitKey(gap))) === undefined) throw missing(commitKey(gap));
      keys.push(commitKey(gap));
    }
    keys.push(key);
  }
  return keys;
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
