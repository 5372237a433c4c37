/**
 * A snapshot: the list of particles as of a commit. It is a list, not a set: order is that of the rows, and the
 * same content twice is twice the rows. Pure functions of the log; no files.
 */
import { SoraError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { ParticleRef } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import type { Commit, SourceRecord } from './commit.ts';
import { sha256 } from './sealed.ts';

/** A particle of a snapshot, and how it came there. */
export interface SnapshotParticle extends ParticleRef {
  /** Number of the commit that added it. */
  readonly commit: number;
  /** What it was read from, when that was told. */
  readonly source?: SourceRecord;
}

/** The particles as of a commit, in order. */
export interface Snapshot {
  /** Number of the commit; 0 for a store without any. */
  readonly commit: number;
  /** When that commit was made (ISO 8601, UTC); the empty string for commit 0. */
  readonly when: string;
  readonly schema: Schema;
  readonly particles: readonly SnapshotParticle[];
  /** Rows of all particles. */
  readonly rows: number;
  /** Bytes of all particles as files. */
  readonly bytes: number;
  /** Hash of the schema and the particles' hashes in order: equal content, equal id, wherever and whenever. */
  readonly id: string;
}

/** A commit number, an offset from the newest (-1 is the one before it), or a time; numbers may be text. */
export type At = number | string;

/** Hash of what a snapshot holds: independent of time, path and author. */
export function snapshotId(schema: Schema, hashes: readonly string[]): string {
  return sha256(canonicalJson({ schema: schema as unknown as Json, particles: hashes }));
}

/** The list after a commit, given the list before it. O(particles) only if something is removed. */
export function applyCommit(before: readonly SnapshotParticle[], commit: Commit): SnapshotParticle[] {
  const kept = commit.remove === 'all' ? [] : without(before, commit);
  const added = commit.add.map(({ source, ...ref }) => ({
    ...ref,
    commit: commit.commit,
    ...(source === undefined ? {} : { source: commit.sources[source] }),
  }));
  return [...kept, ...added];
}

function without(before: readonly SnapshotParticle[], commit: Commit): readonly SnapshotParticle[] {
  if (commit.remove === 'all' || commit.remove.length === 0) return before;
  const gone = new Set<number>();
  for (const { at, hash } of commit.remove) {
    if (before[at]?.hash !== hash || gone.has(at)) {
      throw new SoraError(
        'corrupt',
        `Commit ${commit.commit} removes particle ${hash} at place ${at}, where ${before[at]?.hash ?? 'nothing'} stands. Restore the log from a backup.`,
        { details: { commit: commit.commit, at, hash } },
      );
    }
    gone.add(at);
  }
  return before.filter((_, at) => !gone.has(at));
}

/**
 * The snapshot after the first `number` commits. A particle that a later commit names again with other file
 * bytes (written anew by another encoder after damage) is described as that later commit does.
 */
export function foldSnapshot(log: readonly Commit[], number: number): Snapshot {
  const encodings = new Map<string, ParticleRef>();
  for (const commit of log) for (const ref of commit.add) encodings.set(ref.hash, ref);
  let particles: SnapshotParticle[] = [];
  for (const commit of log.slice(lastReplacement(log, number), number)) {
    particles = extend(particles, commit);
  }
  particles = particles.map((particle) => {
    const { bytes, sha256 } = encodings.get(particle.hash) ?? particle;
    return sha256 === particle.sha256 ? particle : { ...particle, bytes, sha256 };
  });
  const schema = number === 0 ? { fields: [] } : log[number - 1].schema;
  const hashes = particles.map((particle) => particle.hash);
  return {
    commit: number,
    when: number === 0 ? '' : log[number - 1].when,
    schema,
    particles,
    rows: particles.reduce((sum, particle) => sum + particle.rows, 0),
    bytes: particles.reduce((sum, particle) => sum + particle.bytes, 0),
    id: snapshotId(schema, hashes),
  };
}

/** The newest snapshot of this identity; undefined where no commit of the log holds it. O(particles) a commit looked at. */
export function newestSnapshot(log: readonly Commit[], id: string | undefined): Snapshot | undefined {
  if (id === undefined) return undefined;
  for (let number = log.length; number > 0; number--) {
    const snapshot = foldSnapshot(log, number);
    if (snapshot.id === id) return snapshot;
  }
  return undefined;
}

/** As {@link applyCommit}, in place where nothing is removed, so that folding a long log stays linear. */
function extend(particles: SnapshotParticle[], commit: Commit): SnapshotParticle[] {
  if (commit.remove === 'all' || commit.remove.length > 0) return applyCommit(particles, commit);
  for (const particle of applyCommit([], commit)) particles.push(particle);
  return particles;
}

/** Index of the last of the first `number` commits that empties the list; those before it need not be folded. */
function lastReplacement(log: readonly Commit[], number: number): number {
  for (let index = number - 1; index > 0; index--) if (log[index].remove === 'all') return index;
  return 0;
}

/** The commit number that `at` means; `not-found` with the range if there is none such. */
export function resolveAt(log: readonly Commit[], at: At | undefined): number {
  if (at === undefined) return log.length;
  const text = String(at).trim();
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
  if (number === undefined) return commitAtTime(log, text);
  const resolved = number < 0 ? log.length + number : number;
  if (!Number.isSafeInteger(resolved) || resolved < 1 || resolved > log.length) throw noSuchCommit(log, text);
  return resolved;
}

/** The newest commit made at `text` or before. */
function commitAtTime(log: readonly Commit[], text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new SoraError(
      'bad-option',
      `Not a commit: ${JSON.stringify(text)}. Give a commit number, a negative offset from the newest (-1), or a time such as 2026-01-31T12:00:00Z.`,
    );
  }
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Date.parse(log[middle].when) <= time) low = middle + 1;
    else high = middle;
  }
  if (low === 0) throw noSuchCommit(log, text);
  return low;
}

function noSuchCommit(log: readonly Commit[], at: string): SoraError {
  const range =
    log.length === 0
      ? 'the store has no commits yet'
      : `the store has commits 1 to ${log.length}${log.length > 1 ? ` (or -1 to ${1 - log.length} back from the newest)` : ''}, made from ${log[0].when} to ${log[log.length - 1].when}`;
  return new SoraError('not-found', `No commit ${at}: ${range}.`, {
    details: { at, first: log.length === 0 ? 0 : 1, last: log.length },
  });
}
