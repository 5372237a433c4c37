/**
 * Verification: reads every byte of every file of a store and says what each file is and whether it is whole.
 * The law: a byte changed in any file that the store would use is found and named here, and never used elsewhere.
 * Memory does not grow with the size of files; what commits expect is held as the log is.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import { commitKey, commitNumber, decodeCommit, type LoggedCommit } from './commit.ts';
import { mapConcurrent } from './concurrent.ts';
import { directoryStorage, TEMPORARY } from './directory.ts';
import { checkStoreFile, STORE_FILE, STORE_REMEDY, storeFileBytes } from './format.ts';
import { HISTORY } from './history-files.ts';
import { checkChain, commitLog } from './log.ts';
import { checkModel, type ModelCheck, modelFolder } from './model-check.ts';
import { PARTIALS } from './partial-cache.ts';
import { particleHash, particleKey } from './particle-file.ts';
import type { ObjectInfo, ObjectStorage } from './storage.ts';
import {
  CACHE_REMEDY,
  checkHash,
  checkOrphan,
  checkSegment,
  checkView,
  type Expected,
  type Finding,
  findingOf,
} from './verify-check.ts';
import { VIEWS } from './view-cache.ts';

/** Something wrong with a file. */
export interface Problem extends Finding {
  readonly file: string;
  /** Whether `repair` has mended it. */
  readonly repaired: boolean;
}

/** What verification found. */
export interface VerifyReport {
  /** Whether nothing is wrong, or all that was has been repaired. */
  readonly ok: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly commits: number;
  /** Different particles that commits name. */
  readonly particles: number;
  readonly problems: readonly Problem[];
  /** Files of the store that nothing names: left by a writer that died, or not committed yet. Never used as they are. */
  readonly orphans: readonly string[];
  /** Unfinished writes, and segments whose last record is unfinished. Never used. */
  readonly leftovers: readonly string[];
  /** Files that are none of the store's. Never used. */
  readonly unknown: readonly string[];
}

export interface VerifyProgress {
  readonly files: number;
  readonly totalFiles: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface VerifyOptions {
  /**
   * Remove damaged cache files, leftovers and orphans older than an hour, and write a damaged `store.json` anew
   * (default false). Orphans stay when a commit is damaged: they may be its own.
   */
  readonly repair?: boolean;
  /** Called after each file. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

/** Folder of rows that ingest set aside, as a key of the store. */
const QUARANTINE = 'quarantine/';

const CONCURRENCY = 8;
const BATCH = 1024;
/** A leftover this old has no writer. */
const OLD_MILLISECONDS = 3_600_000;

/** All that a verification knows while it runs. */
interface Run {
  readonly storage: ObjectStorage;
  readonly options: VerifyOptions;
  /** What files must be, by key; a file is taken out when it has been checked. */
  readonly expected: Map<string, Expected>;
  /** Files that were vouched for once and are needed no longer. */
  readonly dropped: Set<string>;
  readonly problems: Problem[];
  readonly orphans: string[];
  readonly leftovers: string[];
  readonly unknown: string[];
  readonly total: { files: number; bytes: number };
  readonly done: { files: number; bytes: number };
  /** Checks of models by folder, made when the first of its files is met. */
  readonly models: Map<string, Promise<ModelCheck>>;
  /** Whole particles that no commit names. */
  readonly stray: ObjectInfo[];
  /** Whether every commit could be read: else a particle may belong to one that could not. */
  isLogSound: boolean;
  commits: number;
  particles: number;
}

/** Verifies the store in a directory or storage, also one that `openStore` refuses. `not-found` if there is none. */
export async function verifyStore(
  place: string | ObjectStorage,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const run = startRun(typeof place === 'string' ? directoryStorage(place) : place, options);
  const commits = await measure(run);
  await checkFormat(run, commits.length > 0);
  await checkLog(run, commits);
  for await (const batch of batches(run.storage.list(''))) {
    await mapConcurrent(batch, CONCURRENCY, (info) => checkFile(run, info));
  }
  await checkMissing(run);
  if (options.repair === true && run.isLogSound) await removeOrphans(run);
  return report(run);
}

function startRun(storage: ObjectStorage, options: VerifyOptions): Run {
  return {
    storage,
    options,
    expected: new Map(),
    dropped: new Set(),
    problems: [],
    orphans: [],
    leftovers: [],
    unknown: [],
    total: { files: 0, bytes: 0 },
    done: { files: 0, bytes: 0 },
    models: new Map(),
    stray: [],
    isLogSound: true,
    commits: 0,
    particles: 0,
  };
}

function report(run: Run): VerifyReport {
  const sorted = (list: string[]) => list.sort();
  const problems = run.problems.sort((a, b) => (a.file < b.file ? -1 : 1));
  return {
    ok: problems.every((problem) => problem.repaired),
    files: run.done.files,
    bytes: run.done.bytes,
    commits: run.commits,
    particles: run.particles,
    problems,
    orphans: sorted(run.orphans),
    leftovers: sorted(run.leftovers),
    unknown: sorted(run.unknown),
  };
}

/** Counts what there is, and finds the commits. */
async function measure(run: Run): Promise<string[]> {
  const commits: string[] = [];
  for await (const { key, size } of run.storage.list('')) {
    throwIfAborted(run.options.signal);
    run.total.files++;
    run.total.bytes += size;
    if (commitNumber(key) !== undefined) commits.push(key);
  }
  return commits;
}

async function* batches(list: AsyncIterable<ObjectInfo>): AsyncGenerator<ObjectInfo[]> {
  let batch: ObjectInfo[] = [];
  for await (const info of list) {
    batch.push(info);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

async function found(run: Run, file: string, finding: Finding, mend?: () => Promise<void>): Promise<void> {
  const repaired = run.options.repair === true && mend !== undefined && finding.kind !== 'newer';
  if (repaired) await mend();
  run.problems.push({ file, ...finding, repaired });
}

async function checkFormat(run: Run, hasCommits: boolean): Promise<void> {
  try {
    await checkStoreFile(run.storage);
  } catch (error) {
    if (error instanceof SoraError && error.code === 'not-found' && !hasCommits) throw error;
    const absent = error instanceof SoraError && error.code === 'not-found';
    const finding: Finding = absent
      ? { kind: 'missing', expected: 'a file', found: 'no file', remedy: STORE_REMEDY }
      : findingOf(error, 'the format of the store');
    await found(run, STORE_FILE, finding, async () => {
      await run.storage.put(STORE_FILE, storeFileBytes());
      await run.storage.flush([STORE_FILE]);
    });
  }
}

/** Checks each commit by itself and in its chain, and notes what the commits expect of other files. */
async function checkLog(run: Run, keys: readonly string[]): Promise<void> {
  const before = run.problems.length;
  await checkCommits(run, keys);
  run.isLogSound = run.problems.length === before;
}

async function checkCommits(run: Run, keys: readonly string[]): Promise<void> {
  const commits = await mapConcurrent(keys, CONCURRENCY, (key) => checkCommit(run, key));
  const last = keys.length === 0 ? 0 : Number(commitNumber(keys[keys.length - 1]));
  const byNumber = new Map(keys.map((key, i) => [commitNumber(key), commits[i]]));
  for (let number = 1; number <= last; number++) {
    const commit = byNumber.get(number);
    if (!byNumber.has(number)) await found(run, commitKey(number), missingCommit(last));
    if (commit === undefined) continue;
    run.commits++;
    expectFiles(run, commit);
    const before = byNumber.get(number - 1);
    if (number > 1 && before === undefined) continue;
    try {
      checkChain(commit, before);
    } catch (error) {
      await found(run, commitKey(number), findingOf(error, 'its parent'));
    }
  }
}

function missingCommit(last: number): Finding {
  return {
    kind: 'missing',
    expected: `a commit, because there is commit ${last}`,
    found: 'no file',
    remedy: 'Restore log/ from a backup.',
  };
}

async function checkCommit(run: Run, key: string): Promise<LoggedCommit | undefined> {
  throwIfAborted(run.options.signal);
  try {
    const bytes = await run.storage.get(key);
    return bytes && decodeCommit(bytes, key);
  } catch (error) {
    await found(run, key, findingOf(error, 'a commit'));
    return undefined;
  }
}

function expectFiles(run: Run, commit: LoggedCommit): void {
  for (const { hash, sha256, source } of commit.add) {
    const key = particleKey(hash);
    const before = run.expected.get(key);
    const name = source === undefined ? undefined : commit.sources[source]?.name;
    const anew = commit.recut
      ? `Its rows are also in commit ${commit.commit - 1} (--at ${commit.commit - 1}); restore the file from a backup.`
      : `Ingest ${name ?? 'its source'} again (commit ${commit.commit}): the file is written anew.`;
    if (before === undefined) run.particles++;
    run.expected.set(key, { sha256, remedy: (commit.recut && before?.remedy) || anew });
  }
  for (const file of commit.drop ?? []) {
    run.expected.delete(file);
    run.dropped.add(file);
  }
  for (const { file, sha256 } of commit.files) {
    run.dropped.delete(file);
    run.expected.set(file, {
      sha256,
      remedy: `Restore it from a backup (commit ${commit.commit} names it).`,
    });
  }
}

async function checkFile(run: Run, info: ObjectInfo): Promise<void> {
  throwIfAborted(run.options.signal);
  try {
    await checkByKind(run, info);
  } catch (error) {
    await found(run, info.key, findingOf(error, 'a readable file'));
  }
  run.done.files++;
  run.done.bytes += info.size;
  const { done, total } = run;
  run.options.onProgress?.({
    files: done.files,
    totalFiles: Math.max(total.files, done.files),
    bytes: done.bytes,
    totalBytes: Math.max(total.bytes, done.bytes),
  });
}

async function checkByKind(run: Run, info: ObjectInfo): Promise<void> {
  const { storage } = run;
  const { key } = info;
  const onPiece = () => throwIfAborted(run.options.signal);
  const remove = () => storage.delete(key);
  const expected = run.expected.get(key);
  if (expected !== undefined) {
    const finding = await checkHash(storage, key, expected, onPiece);
    run.expected.delete(key);
    if (finding !== undefined) await found(run, key, finding);
  } else if (key === STORE_FILE || commitNumber(key) !== undefined) {
    return; // checked before
  } else if (key.startsWith(TEMPORARY) || run.dropped.has(key)) {
    run.leftovers.push(key);
    if (run.options.repair === true && isOld(info)) await remove();
  } else if (key.startsWith(VIEWS) && key.endsWith('.view')) {
    const { finding } = await checkSettled(storage, info, async (now) => ({
      finding: await checkView(storage, now, onPiece),
    }));
    if (finding !== undefined) await found(run, key, finding, remove);
  } else if (key.startsWith(PARTIALS) && key.endsWith('.seg')) {
    const { finding, torn } = await checkSettled(storage, info, (now) => checkSegment(storage, now, onPiece));
    if (finding !== undefined) await found(run, key, finding, remove);
    if (torn !== undefined) run.leftovers.push(`${key} (from byte ${torn})`);
  } else if (key.startsWith(HISTORY) && particleHash(key.slice(HISTORY.length)) !== undefined) {
    const finding = await checkOrphan(storage, key);
    if (finding !== undefined) await found(run, key, { ...finding, remedy: CACHE_REMEDY }, remove);
  } else if (key.startsWith(HISTORY + TEMPORARY)) {
    run.leftovers.push(key);
    if (run.options.repair === true && isOld(info)) await remove();
  } else if (particleHash(key) !== undefined) {
    const finding = await checkOrphan(storage, key);
    if (finding === undefined) run.stray.push(info);
    else await found(run, key, finding, run.isLogSound && isOld(info) ? remove : undefined);
    if (finding === undefined) run.orphans.push(key);
  } else if (modelFolder(key) !== undefined) {
    await checkModelFile(run, info, modelFolder(key) as string, remove);
  } else if (key.startsWith(QUARANTINE)) {
    run.orphans.push(key);
  } else {
    run.unknown.push(key);
  }
}

function isOld(info: ObjectInfo): boolean {
  return Date.now() - info.modified > OLD_MILLISECONDS;
}

/** Checks a model as a whole when the first of its files is met, and says what each of them is. */
async function checkModelFile(
  run: Run,
  info: ObjectInfo,
  folder: string,
  remove: () => Promise<void>,
): Promise<void> {
  const { storage, models } = run;
  let check = models.get(folder);
  if (check === undefined) {
    check = checkModel(storage, folder, () => throwIfAborted(run.options.signal));
    models.set(folder, check);
    for (const { file, finding } of (await check).findings) await found(run, file, finding);
  }
  const { key } = info;
  const { findings, kindOf, isFree } = await check;
  if (findings.some(({ file }) => file === key)) return;
  const kind = kindOf(key);
  if (kind === 'orphan') run.orphans.push(key);
  else if (kind === 'unknown') run.unknown.push(key);
  else if (kind === 'leftover') run.leftovers.push(key);
  if (kind === 'leftover' && run.options.repair === true && isOld(info) && isFree(key)) await remove();
}

/**
 * Removes particles that no commit names and that no writer can still mean to name: they are older than an hour, and
 * a writer that finds one in place writes it again before it commits. The log is read once more at the last moment,
 * and a commit whose particle has gone all the same fails rather than name it.
 */
async function removeOrphans(run: Run): Promise<void> {
  const old = run.stray.filter(isOld);
  if (old.length === 0) return;
  const named = new Set(
    (await commitLog(run.storage).read()).flatMap(({ add }) => add.map(({ hash }) => hash)),
  );
  for (const { key } of old) {
    const now = await run.storage.stat(key);
    if (now !== undefined && isOld(now) && !named.has(particleHash(key) as string)) {
      await run.storage.delete(key);
    }
  }
}

interface CacheCheck {
  readonly finding?: Finding;
  readonly torn?: number;
}

/** Checks a cache file, which others may replace or remove meanwhile: then what counts is the file there is now. */
async function checkSettled(
  storage: ObjectStorage,
  info: ObjectInfo,
  check: (info: ObjectInfo) => Promise<CacheCheck>,
): Promise<CacheCheck> {
  const result = await check(info);
  if (result.finding === undefined) return result;
  const now = await storage.stat(info.key);
  if (now === undefined) return {};
  return now.size === info.size && now.modified === info.modified ? result : check(now);
}

/** Files that commits made during the check no longer need. */
async function droppedSince(run: Run): Promise<Set<string>> {
  const log = await commitLog(run.storage)
    .read()
    .catch(() => []);
  return new Set(log.slice(run.commits).flatMap(({ drop }) => drop ?? []));
}

/** What commits expect but no listing showed. */
async function checkMissing(run: Run): Promise<void> {
  if (run.expected.size === 0) return;
  const dropped = await droppedSince(run);
  await mapConcurrent([...run.expected], CONCURRENCY, async ([file, expected]) => {
    const info = await run.storage.stat(file);
    if (info !== undefined) return checkFile(run, info);
    if (dropped.has(file)) return;
    await found(run, file, {
      kind: 'missing',
      expected: `SHA-256 ${expected.sha256}`,
      found: 'no file',
      remedy: expected.remedy,
    });
  });
}
