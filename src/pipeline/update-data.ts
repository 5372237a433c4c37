/**
 * What an update looks at: the store that a model learned from, the particles that it learned from, and those that came
 * since. What is given is appended to the store first, and only once (append-once.ts).
 */
import { dirname, resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import type { Role } from '../particle/schema.ts';
import type { LoggedCommit } from '../store/commit.ts';
import { newestSnapshot, type Snapshot, type SnapshotParticle } from '../store/snapshot.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Split } from '../summary/split.ts';
import {
  checkUnchanged,
  type HeldInput,
  heldFile,
  heldParticles,
  notYetHeld,
  standingCommits,
} from './append-once.ts';
import { type Data, type Hooks, type Inputs, openData, storeOf } from './data.ts';
import type { ReadOptions } from './options.ts';
import { partsBetween, withRoles } from './source.ts';

/** The data of a model, and where the new part of it begins. */
export interface UpdateData extends Data {
  /** Particles that the model learned from, then those that are new to it: together those of the snapshot. */
  readonly old: readonly SnapshotParticle[];
  readonly fresh: readonly SnapshotParticle[];
  /** Identity of the snapshot that the model learned from. */
  readonly before: string;
  /** First and last commit that brought new particles; absent without any. */
  readonly commits?: readonly [number, number];
  /** Inputs that the store held already, and that were not appended. */
  readonly held: readonly HeldInput[];
}

interface Options extends ReadOptions {
  readonly store?: string;
  readonly at?: string;
  readonly again?: boolean;
  readonly workers?: number;
}

/** Opens the store, appends the inputs if they are files, and finds what is new. Throws `not-found` or `bad-data`. */
export async function openUpdate(
  directory: string,
  model: Model,
  inputs: Inputs | undefined,
  options: Options,
  hooks: Hooks,
  identity: string,
  profiled?: Split,
): Promise<UpdateData> {
  const isEmpty = inputs === undefined || (Array.isArray(inputs) && inputs.length === 0);
  const given = isEmpty || options.sql !== undefined ? undefined : storeOf(inputs as Inputs);
  const root = given ?? options.store ?? dirname(dirname(resolve(directory)));
  const store = await openKnown(root, directory);
  const hasRows = (!isEmpty && given === undefined) || options.sql !== undefined;
  if (hasRows && options.at !== undefined) {
    throw new SoraError(
      'bad-option',
      'Option --at chooses a commit; new rows come after the last one: leave it out.',
    );
  }
  const base = await snapshotOf(store, model, directory);
  const held = hasRows
    ? await append(store, base, model, inputs ?? [], { ...options, profiled }, hooks, identity)
    : [];
  const snapshot = await store.snapshot(options.at);
  const { particles } = snapshot;
  const isGrown = base.particles.every(({ hash }, at) => particles[at]?.hash === hash);
  const since = (await store.log()).slice(base.commit, snapshot.commit);
  if (!isGrown && !since.every(keepsRows)) throw rewritten(directory, base, snapshot);
  const { old, fresh } = isGrown
    ? { old: base.particles, fresh: particles.slice(base.particles.length) }
    : { old: partsBetween(particles, 0, base.rows), fresh: partsBetween(particles, base.rows) };
  const brought = since.filter(({ add, recut }) => add.length > 0 && !recut).map(({ commit }) => commit);
  return {
    ...{ store, snapshot, notes: [], before: base.id },
    schema: withRoles(snapshot.schema, rolesOf(model)),
    ...{ old, fresh },
    ...(fresh.length > 0 ? { commits: [brought[0], brought[brought.length - 1]] as const } : {}),
    held,
  };
}

/** Whether the rows before a commit are there after it, in their order. */
function keepsRows({ remove, recut }: LoggedCommit): boolean {
  return recut === true || (remove !== 'all' && remove.length === 0);
}

/** Roles of the columns of a model. */
function rolesOf({ schema }: Model): Record<string, Role> {
  return Object.fromEntries(schema.fields.map((field) => [field.name, field.role]));
}

async function openKnown(root: string, directory: string): Promise<Store> {
  try {
    return await openStore(root);
  } catch (error) {
    if (!(error instanceof SoraError) || error.code !== 'not-found') throw error;
    throw new SoraError(
      'not-found',
      `The store that the model ${directory} learned from is not at ${root}: name it with --store.`,
      { cause: error },
    );
  }
}

/** The newest commit whose content is what the model learned from. */
async function snapshotOf(store: Store, { provenance }: Model, directory: string): Promise<Snapshot> {
  const { snapshot: id } = provenance;
  const found = newestSnapshot(await store.log(), id);
  if (found !== undefined) return found;
  const what = id === undefined ? 'says of no store' : `learned from snapshot ${id.slice(0, 12)}`;
  throw new SoraError(
    'not-found',
    `The model ${directory} ${what}${id === undefined ? ' what it learned from' : `, and no commit of ${store.root} holds that`}: name its store with --store, or train anew.`,
    { details: { snapshot: id } },
  );
}

function rewritten(directory: string, base: Snapshot, now: Snapshot): SoraError {
  return new SoraError(
    'bad-data',
    `Commit ${now.commit} does not only add to commit ${base.commit}, which the model ${directory} learned from: particles were removed or replaced. Update it to a commit before that (--at), or train anew.`,
    { details: { from: base.commit, to: now.commit } },
  );
}

/**
 * Appends what the store does not hold yet; with `again`, all but what an unfinished update of this model appended.
 * Returns what was not appended.
 */
async function append(
  store: Store,
  base: Snapshot,
  model: Model,
  inputs: Inputs,
  options: Options & { readonly profiled: Split | undefined },
  hooks: Hooks,
  identity: string,
): Promise<readonly HeldInput[]> {
  const { at: _, again, ...settings } = options;
  const mark = `for model ${identity.slice(0, 12)}`;
  const commits = standingCommits(await store.log()).filter(
    ({ commit, why }) => !again || (commit > base.commit && why.endsWith(mark)),
  );
  const isQuery = options.sql !== undefined;
  const {
    inputs: left,
    held,
    files,
  } = isQuery ? { inputs, held: [], files: [] } : await notYetHeld(inputs, commits, again);
  if (left === undefined) return held;
  const names = files.map(({ name }) => name).join(', ');
  const isFiles = Array.isArray(left) && left.length === files.length;
  const { report } = await openData(
    left,
    {
      ...settings,
      ...{ roles: rolesOf(model), store: store.root, append: true, schema: base.schema },
      why: `append ${names || 'rows'} ${mark}`,
      fileHashes: new Map(files.map(({ name, sha256 }) => [name, sha256])),
      // Rows that have no file are known by their particles, whose cut must then follow from the rows alone.
      firstIndex: isFiles ? base.particles.length : 0,
      heldBy: (particles, since) => {
        checkUnchanged(files);
        return heldParticles(since ?? commits, particles) ?? heldFile(since ?? [], files);
      },
    },
    hooks,
  );
  return report?.unchanged ? [...held, { name: names || 'These rows', commit: report.commit }] : held;
}
