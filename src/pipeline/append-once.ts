/**
 * An append that happens once. A commit of an update carries the SHA-256 of each file that it appended; rows that came
 * from elsewhere are known by the particles they became. What the store holds already is left out, and said, so that an
 * update that was killed at any step can be run again, and a file given twice is not counted twice.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { inputFiles, type NamedFile } from '../ingest/inputs.ts';
import type { Json } from '../json.ts';
import type { ParticleRef } from '../particle/particle.ts';
import type { LoggedCommit, SourceRecord } from '../store/commit.ts';
import type { Inputs } from './data.ts';

/** Something given that the store holds already, and the commit that brought it. */
export interface HeldInput {
  readonly name: string;
  readonly commit: number;
}

/** What of the inputs is still to be appended. */
export interface Remaining {
  /** Undefined where nothing is. */
  readonly inputs: Inputs | undefined;
  readonly held: readonly HeldInput[];
  /** SHA-256 of the files that remain, by name. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Leaves out the files whose content one of `commits` appended. Cost: one reading of each file. */
export async function notYetHeld(inputs: Inputs, commits: readonly LoggedCommit[]): Promise<Remaining> {
  const given = typeof inputs === 'string' ? [inputs] : inputs;
  const hashes = new Map<string, string>();
  if (!Array.isArray(given) || !given.every((one) => typeof one === 'string'))
    return { inputs, held: [], hashes };
  const remaining: string[] = [];
  const held: HeldInput[] = [];
  for (const input of given as readonly string[]) {
    const files = await inputFiles(input);
    if (files === undefined) {
      remaining.push(input);
      continue;
    }
    for (const file of files) {
      const hash = await fileHash(file.name);
      const known = commits.find(({ sources }) => sources.some((source) => isSame(source, file, hash)));
      if (known) held.push({ name: file.name, commit: known.commit });
      else {
        remaining.push(file.name);
        hashes.set(file.name, hash);
      }
    }
  }
  return { inputs: remaining.length > 0 || held.length === 0 ? remaining : undefined, held, hashes };
}

/** The commit that appended just these particles. */
export function heldParticles(
  commits: readonly LoggedCommit[],
  particles: readonly ParticleRef[],
): number | undefined {
  if (particles.length === 0) return undefined;
  const same = ({ add }: LoggedCommit) =>
    add.length === particles.length && add.every(({ hash }, at) => hash === particles[at].hash);
  return commits.find(same)?.commit;
}

/** Commits that brought rows which are all still there: none was removed or replaced since. */
export function standingCommits(log: readonly LoggedCommit[]): LoggedCommit[] {
  const last = log.findLastIndex(({ remove, recut }) => remove === 'all' && !recut);
  const since = log.slice(Math.max(0, last));
  const removed = new Set(
    since.flatMap(({ remove, recut }) => (remove === 'all' || recut ? [] : remove.map(({ hash }) => hash))),
  );
  return since.filter(
    ({ add, recut }) => add.length > 0 && !recut && !add.some(({ hash }) => removed.has(hash)),
  );
}

/** By content where the commit says it; else by name, size and time, as an ingest knows its sources again. */
function isSame(source: SourceRecord, file: NamedFile, hash: string): boolean {
  if (source.sha256 !== undefined) return source.sha256 === hash;
  const own = (source.options as { source?: { modified?: Json } } | undefined)?.source;
  return (
    source.bytes === file.bytes &&
    own?.modified === file.modified &&
    basename(source.name) === basename(file.name)
  );
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
