/**
 * Writes what a follower has closed as one commit: the particle, the model, the rows that wait, bad rows set aside, and
 * the state that names them. Files are written first, under names that no commit knows yet; then the commit makes all of
 * it true at once; then versions that nobody needs any more are deleted. A process may be killed between any two of these.
 */
import { SoraError } from '../../errors.ts';
import type { BadRow } from '../../ingest/bad-rows.ts';
import type { Json } from '../../json.ts';
import type { Commit, FileRef, LoggedCommit } from '../../store/commit.ts';
import { sha256 } from '../../store/sealed.ts';
import { checkKey } from '../../store/storage.ts';
import type { Store } from '../../store/store.ts';
import type { Closed, Kept } from './follower.ts';
import { type CommittedState, type FollowState, folderOf, stateOf } from './state.ts';

/** Files of one state. */
type Version = readonly string[];

export interface KeeperOptions {
  readonly name: string;
  readonly source: string;
  /** Versions of the model that are kept beside the newest. */
  readonly keep: number;
}

export class Keeper {
  readonly #store: Store;
  readonly #options: KeeperOptions;
  /** Every file that a commit vouched for. */
  readonly #named: ReadonlySet<string>;
  #versions: Version[];
  #head: number;

  /** A keeper of the stream whose states are in this log. */
  constructor(store: Store, log: readonly LoggedCommit[], options: KeeperOptions) {
    checkKey(`${folderOf(options.name)}x`);
    this.#store = store;
    this.#options = options;
    this.#head = log.length;
    this.#versions = keptVersions(log, options.name);
    this.#named = new Set(log.flatMap(({ files }) => files.map(({ file }) => file)));
  }

  /** Reads the files of a state. Throws `not-found` where they are kept no longer, `corrupt` where they differ. */
  async load({ commit, state }: CommittedState): Promise<Kept> {
    const model = await this.#read(commit, state.model);
    const waiting = state.waiting === undefined ? undefined : await this.#read(commit, state.waiting);
    return { state, model, ...(waiting === undefined ? {} : { waiting }) };
  }

  async #read(commit: LoggedCommit, file: string): Promise<Uint8Array> {
    const bytes = await this.#store.storage.get(file);
    return checkedFile(commit, file, bytes, this.#options.name);
  }

  /** Deletes files of the stream that no commit names: what a killed process left. */
  async clean(): Promise<void> {
    const { name } = this.#options;
    const known = new Set(this.#versions.flat());
    await this.#delete(folderOf(name), (key) => !known.has(key));
    await this.#delete(`quarantine/${name}-`, (key) => !this.#named.has(key));
  }

  /** Deletes the keeper's files under a prefix that are not wanted. */
  async #delete(prefix: string, isUnwanted: (key: string) => boolean): Promise<void> {
    const { storage } = this.#store;
    for await (const { key } of storage.list(prefix)) {
      if (OWN_FILE.test(key.slice(prefix.length)) && isUnwanted(key)) await storage.delete(key);
    }
  }

  /** Commits; returns the commit's number. Throws `conflict` if another process follows the same stream. */
  async commit(closed: Closed): Promise<{ readonly commit: number; readonly state: FollowState }> {
    const { particle, bad } = closed;
    const { name, source } = this.#options;
    const { taken } = closed.state.counts;
    const put = (bytes: Uint8Array, kind: 'online' | 'waiting') =>
      this.#store.putFile(folderOf(name) + fileName(taken, bytes, kind), bytes);
    const files: FileRef[] = [await put(closed.model, 'online')];
    if (closed.waiting !== undefined) files.push(await put(closed.waiting, 'waiting'));
    const state: FollowState = {
      ...closed.state,
      follow: name,
      source,
      model: files[0].file,
      ...(files[1] === undefined ? {} : { waiting: files[1].file }),
    };
    const version = files.map(({ file }) => file);
    if (bad.length > 0) files.push(await this.#putBad(bad, taken));
    const add = particle === undefined ? [] : [{ ...(await this.#store.putParticle(particle)), source: 0 }];
    const commit = await this.#write(state, version, {
      schema: state.plan.schema,
      add,
      files,
      why: `follow ${source}: rows up to ${taken}`,
      rows: particle?.rows ?? 0,
    });
    return { commit, state };
  }

  /** Makes an earlier state the newest again; particles of later ones leave the store. */
  async goBack({ commit, state }: CommittedState): Promise<void> {
    const { name } = this.#options;
    const recut = (await this.#store.log()).slice(commit.commit).find((one) => one.recut);
    if (recut !== undefined) throw cutAnew(commit.commit, recut.commit);
    const snapshot = await this.#store.snapshot();
    const remove = snapshot.particles.flatMap(({ hash, commit: added, source }, at) => {
      const mine = source !== undefined && stateOf({ sources: [source], commit: added }, name) !== undefined;
      return mine && added > commit.commit ? [{ hash, at }] : [];
    });
    const version = [state.model, ...(state.waiting === undefined ? [] : [state.waiting])];
    await this.#write({ ...state, stretches: [], events: [] }, version, {
      remove,
      files: commit.files.filter(({ file }) => version.includes(file)),
      why: `follow ${state.source}: back to commit ${commit.commit}`,
      rows: 0,
    });
  }

  async #write(
    state: FollowState,
    version: Version,
    { rows, ...change }: { readonly rows: number } & Omit<Parameters<Store['commit']>[0], 'sources'>,
  ): Promise<number> {
    const { name, source, keep } = this.#options;
    const versions = [...this.#versions, version];
    const kept = versions.slice(-1 - keep);
    const needed = new Set(kept.flat());
    const drop = [...new Set(versions.flat())].filter((file) => !needed.has(file));
    const { commit } = await this.#store.commit({
      ...change,
      sources: [{ name: source, rows, options: plainJson(state) }],
      drop,
      base: this.#head,
      accept: (since) => refuseOther(since, name),
    });
    this.#head = commit;
    this.#versions = kept;
    for (const file of drop) await this.#store.storage.delete(file);
    return commit;
  }

  #putBad(bad: readonly BadRow[], taken: number): Promise<FileRef> {
    const bytes = Buffer.from(bad.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return this.#store.putFile(`quarantine/${this.#options.name}-${fileName(taken, bytes, 'ndjson')}`, bytes);
  }
}

/** Names of the files that keepers write, after the folder and what is before the number of rows. */
const OWN_FILE = /^\d{12}-[0-9a-f]{16}\.(?:online|waiting|ndjson)$/;

/** Rows taken and the hash of the bytes: no two states share a name unless they are the same. */
function fileName(taken: number, bytes: Uint8Array, kind: 'online' | 'waiting' | 'ndjson'): string {
  return `${String(taken).padStart(12, '0')}-${sha256(bytes).slice(0, 16)}.${kind}`;
}

/** Files of states that no later commit dropped, oldest first. */
function keptVersions(log: readonly LoggedCommit[], name: string): Version[] {
  let versions: Version[] = [];
  for (const commit of log) {
    const dropped = new Set(commit.drop ?? []);
    if (dropped.size > 0) versions = versions.filter((version) => !version.some((file) => dropped.has(file)));
    const state = stateOf(commit, name);
    if (state !== undefined)
      versions.push([state.model, ...(state.waiting === undefined ? [] : [state.waiting])]);
  }
  return versions;
}

function cutAnew(back: number, recut: number): SoraError {
  return new SoraError(
    'bad-option',
    `Commit ${recut} cut the rows anew (sora compact), so that particles hold rows from before and after commit ${back} together: only commits after it can be gone back to. Follow into another --store instead.`,
    { details: { back, recut } },
  );
}

function refuseOther(since: readonly Commit[], name: string): void {
  const other = since.find((commit) => stateOf(commit, name) !== undefined);
  if (other === undefined) return;
  throw new SoraError(
    'conflict',
    `Commit ${other.commit} (${other.who}, ${other.when}) followed "${name}" too: another process does so at the same time. Let one of them do it, or use another --name.`,
    { details: { commit: other.commit } },
  );
}

/** The bytes of a file that a commit vouches for. */
export function checkedFile(
  commit: LoggedCommit,
  file: string,
  bytes: Uint8Array | undefined,
  name: string,
): Uint8Array {
  const expected = commit.files.find((one) => one.file === file)?.sha256;
  if (bytes === undefined) {
    throw new SoraError(
      'not-found',
      `The version of "${name}" of commit ${commit.commit} is not kept any more (${file}); take a later commit, and keep more with --keep.`,
      { details: { commit: commit.commit, file } },
    );
  }
  if (sha256(bytes) === expected) return bytes;
  throw new SoraError(
    'corrupt',
    `${file} is damaged: its SHA-256 is not the one in commit ${commit.commit}. It was not used. Restore it from a backup, or go back with --from-commit.`,
    { details: { file, expected } },
  );
}

/** The state without what JSON does not have. */
function plainJson(state: FollowState): Json {
  return JSON.parse(JSON.stringify(state)) as Json;
}
