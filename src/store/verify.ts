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
import { checkChain } from './log.ts';
import { decodeManifest, isManifestKey, MODELS } from './model-files.ts';
import { PARTIALS } from './partial-cache.ts';
import { particleHash, particleKey } from './particle-file.ts';
import type { ObjectInfo, ObjectStorage } from './storage.ts';
import {
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
  /** Remove damaged cache files and old leftovers, write a damaged `store.json` anew (default false). */
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
  readonly problems: Problem[];
  readonly orphans: string[];
  readonly leftovers: string[];
  readonly unknown: string[];
  readonly total: { files: number; bytes: number };
  readonly done: { files: number; bytes: number };
  commits: number;
  particles: number;
}

/** Verifies the store in a directory or storage, also one that `openStore` refuses. `not-found` if there is none. */
export async function verifyStore(
  place: string | ObjectStorage,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const run = startRun(typeof place === 'string' ? directoryStorage(place) : place, options);
  const keys = await measure(run);
  await checkFormat(run, keys.commits.length > 0);
  await checkLog(run, keys.commits);
  for (const key of keys.manifests) await checkManifest(run, key);
  for await (const batch of batches(run.storage.list(''))) {
    await mapConcurrent(batch, CONCURRENCY, (info) => checkFile(run, info));
  }
  await checkMissing(run);
  return report(run);
}

function startRun(storage: ObjectStorage, options: VerifyOptions): Run {
  return {
    storage,
    options,
    expected: new Map(),
    problems: [],
    orphans: [],
    leftovers: [],
    unknown: [],
    total: { files: 0, bytes: 0 },
    done: { files: 0, bytes: 0 },
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

/** Counts what there is, and finds the files that say what others must be. */
async function measure(run: Run): Promise<{ commits: string[]; manifests: string[] }> {
  const commits: string[] = [];
  const manifests: string[] = [];
  for await (const { key, size } of run.storage.list('')) {
    throwIfAborted(run.options.signal);
    run.total.files++;
    run.total.bytes += size;
    if (commitNumber(key) !== undefined) commits.push(key);
    else if (isManifestKey(key)) manifests.push(key);
  }
  return { commits, manifests };
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
    const name = source === undefined ? undefined : commit.sources[source]?.name;
    const remedy = `Ingest ${name ?? 'its source'} again (commit ${commit.commit}): the file is written anew.`;
    if (!run.expected.has(key)) run.particles++;
    run.expected.set(key, { sha256, remedy });
  }
  for (const { file, sha256 } of commit.files) {
    run.expected.set(file, {
      sha256,
      remedy: `Restore it from a backup (commit ${commit.commit} names it).`,
    });
  }
}

async function checkManifest(run: Run, key: string): Promise<void> {
  try {
    const bytes = await run.storage.get(key);
    for (const { file, sha256 } of bytes === undefined ? [] : decodeManifest(bytes, key)) {
      run.expected.set(file, { sha256, remedy: 'Train the model again, or restore it from a backup.' });
    }
  } catch (error) {
    await found(run, key, findingOf(error, 'a manifest'));
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
  } else if (key === STORE_FILE || commitNumber(key) !== undefined || isManifestKey(key)) {
    return; // checked before
  } else if (key.startsWith(TEMPORARY)) {
    run.leftovers.push(key);
    if (run.options.repair === true && Date.now() - info.modified > OLD_MILLISECONDS) await remove();
  } else if (key.startsWith(VIEWS) && key.endsWith('.view')) {
    const { finding } = await checkSettled(storage, info, async (now) => ({
      finding: await checkView(storage, now, onPiece),
    }));
    if (finding !== undefined) await found(run, key, finding, remove);
  } else if (key.startsWith(PARTIALS) && key.endsWith('.seg')) {
    const { finding, torn } = await checkSettled(storage, info, (now) => checkSegment(storage, now, onPiece));
    if (finding !== undefined) await found(run, key, finding, remove);
    if (torn !== undefined) run.leftovers.push(`${key} (from byte ${torn})`);
  } else if (particleHash(key) !== undefined) {
    const finding = await checkOrphan(storage, key);
    if (finding === undefined) run.orphans.push(key);
    else await found(run, key, finding, remove);
  } else if (key.startsWith(MODELS) || key.startsWith(QUARANTINE)) {
    run.orphans.push(key);
  } else {
    run.unknown.push(key);
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

/** Whether the manifest of a model still names the file: the model may have been replaced meanwhile. */
async function isStillNamed(run: Run, file: string): Promise<boolean> {
  const manifest = `${MODELS}${file.slice(MODELS.length).split('/')[0]}.json`;
  const bytes = await run.storage.get(manifest);
  return bytes !== undefined && decodeManifest(bytes, manifest).some((entry) => entry.file === file);
}

/** What commits expect but no listing showed. */
async function checkMissing(run: Run): Promise<void> {
  await mapConcurrent([...run.expected], CONCURRENCY, async ([file, expected]) => {
    const info = await run.storage.stat(file);
    if (info !== undefined) return checkFile(run, info);
    if (file.startsWith(MODELS) && !(await isStillNamed(run, file))) return;
    await found(run, file, {
      kind: 'missing',
      expected: `SHA-256 ${expected.sha256}`,
      found: 'no file',
      remedy: expected.remedy,
    });
  });
}
