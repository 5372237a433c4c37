/**
 * An append that happens once. A commit of an update carries the SHA-256 of each file that it appended; rows that came
 * from elsewhere are known by the particles they became. What the store holds already is left out, and said, so that an
 * update that was killed at any step can be run again, and a file given twice is not counted twice.
 */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { SoraError } from '../errors.ts';
import type { NamedFile } from '../ingest/inputs.ts';
import type { Json } from '../json.ts';
import type { ParticleRef } from '../particle/particle.ts';
import type { Commit, SourceRecord } from '../store/commit.ts';
import type { Inputs } from './data.ts';

/** Something given that is not appended: the store holds it already, or it was given twice. */
export interface HeldInput {
  readonly name: string;
  /** The commit that brought it; absent for what was given twice. */
  readonly commit?: number;
}

/** What of the inputs is still to be appended. */
export interface Remaining {
  /** Undefined where nothing is. */
  readonly inputs: Inputs | undefined;
  readonly held: readonly HeldInput[];
  /** Files that remain. */
  readonly files: readonly HashedFile[];
}

/** A file as it was when it was looked at. */
export interface HashedFile extends NamedFile {
  readonly sha256: string;
}

/**
 * Leaves out the files whose content one of `commits` appended, and unless `again` what is given twice. Cost: one reading
 * of each file.
 * Throws `bad-data` for a file that goes on after a content that was appended under its name.
 */
export async function notYetHeld(
  inputs: Inputs,
  commits: readonly Commit[],
  again = false,
): Promise<Remaining> {
  const given = typeof inputs === 'string' ? [inputs] : inputs;
  if (!Array.isArray(given) || !given.every((one) => typeof one === 'string'))
    return { inputs, held: [], files: [] };
  // Reading data takes a database that what only updates a model does not.
  const { inputFiles } = await import('../ingest/inputs.ts');
  const remaining: string[] = [];
  const held: HeldInput[] = [];
  const files: HashedFile[] = [];
  for (const input of given as readonly string[]) {
    const named = await inputFiles(input);
    if (named === undefined) remaining.push(input);
    for (const file of named ?? []) {
      const hashed = await hashFile(file, commits);
      const commit = heldFile(commits, [hashed]);
      const isTwice = !again && files.some(({ sha256 }) => sha256 === hashed.sha256);
      if (commit !== undefined) held.push({ name: file.name, commit });
      else if (isTwice) held.push({ name: file.name });
      else {
        remaining.push(file.name);
        files.push(hashed);
      }
    }
  }
  return { inputs: remaining.length > 0 || held.length === 0 ? remaining : undefined, held, files };
}

/** Throws `bad-input` where a file is not what it was when it was hashed. */
export function checkUnchanged(files: readonly HashedFile[]): void {
  for (const { name, bytes, modified } of files) {
    const now = statSync(name, { throwIfNoEntry: false });
    if (now?.size === bytes && now.mtimeMs === modified) continue;
    throw new SoraError(
      'bad-input',
      `${name} changed while it was read, and nothing was appended: run this again once the file is whole.`,
      { details: { file: name, bytes, found: now?.size } },
    );
  }
}

/** The first commit that appended one of the files. */
export function heldFile(commits: readonly Commit[], files: readonly HashedFile[]): number | undefined {
  const isHeld = (source: SourceRecord) => files.some((file) => isSame(source, file));
  return commits.find(({ add, recut, sources }) => add.length > 0 && !recut && sources.some(isHeld))?.commit;
}

/** The commit that appended just these particles. */
export function heldParticles(
  commits: readonly Commit[],
  particles: readonly ParticleRef[],
): number | undefined {
  if (particles.length === 0) return undefined;
  const same = ({ add }: Commit) =>
    add.length === particles.length && add.every(({ hash }, at) => hash === particles[at].hash);
  return commits.find(same)?.commit;
}

/** Commits that brought rows which are all still there: none was removed or replaced since. */
export function standingCommits(log: readonly Commit[]): Commit[] {
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
function isSame(source: SourceRecord, file: HashedFile): boolean {
  if (source.sha256 !== undefined) return source.sha256 === file.sha256;
  const own = (source.options as { source?: { modified?: Json } } | undefined)?.source;
  return source.bytes === file.bytes && own?.modified === file.modified && isNamedAlike(source, file);
}

function isNamedAlike(source: SourceRecord, file: NamedFile): boolean {
  return basename(source.name) === basename(file.name);
}

/** SHA-256 of a file. Its beginnings that commits appended under its name are looked for on the way. */
async function hashFile(file: NamedFile, commits: readonly Commit[]): Promise<HashedFile> {
  const beginnings = commits
    .flatMap(({ commit, sources }) => sources.map((source) => ({ commit, source })))
    .filter(({ source }) => source.sha256 !== undefined && isNamedAlike(source, file))
    .map(({ commit, source }) => ({ commit, sha256: source.sha256, bytes: source.bytes ?? 0 }))
    .filter(({ bytes }) => bytes > 0 && bytes < file.bytes)
    .sort((a, b) => a.bytes - b.bytes);
  const hash = createHash('sha256');
  let [done, next] = [0, 0];
  for await (const chunk of createReadStream(file.name, { highWaterMark: 1 << 20 })) {
    let from = 0;
    for (; next < beginnings.length && beginnings[next].bytes <= done + chunk.length; next++) {
      const to = beginnings[next].bytes - done;
      hash.update(chunk.subarray(from, to));
      from = to;
      if (hash.copy().digest('hex') === beginnings[next].sha256) throw grown(file, beginnings[next]);
    }
    hash.update(chunk.subarray(from));
    done += chunk.length;
  }
  return { ...file, sha256: hash.digest('hex') };
}

function grown(file: NamedFile, { bytes, commit }: { bytes: number; commit: number }): SoraError {
  return new SoraError(
    'bad-data',
    `${file.name} begins with the ${bytes} bytes that commit ${commit} appended, and goes on to ${file.bytes}: their rows would count twice. Give the rows since in a file of their own, follow the file (sora follow), or append all of it with --again.`,
    { details: { file: file.name, bytes: file.bytes, known: bytes, commit } },
  );
}
