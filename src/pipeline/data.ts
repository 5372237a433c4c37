/**
 * Where data comes from: a store that is there already, or files, queries and iterables that become one first.
 * Also how a session over it is opened, so that every workflow reads particles under the same roles.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SoraError } from '../errors.ts';
import { formatCount } from '../explain/format.ts';
import type { IngestReport, IngestSettings, ParticlePartial, TableInputs } from '../ingest/ingest.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { Particle } from '../particle/particle.ts';
import type { Role, Schema } from '../particle/schema.ts';
import { leafKey } from '../run/node-keys.ts';
import { type Reference, resolveReference } from '../run/reference.ts';
import type { Executor, PartialCache, Session } from '../run/session.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { openStore, type Store } from '../store/store.ts';
import { summaryReference } from '../summary/catalog.ts';
import type { Split } from '../summary/split.ts';
import type { Summary } from '../summary/summary.ts';
import { PartialTree } from './partial-tree.ts';
import type { OnProgress } from './progress.ts';
import { roledReference, variantCache, withRoles } from './source.ts';

/** Paths, globs, `-`, a store, or rows: whatever `ingest/` reads. */
export type Inputs = TableInputs;

/** What callers may hang on to long work. */
export interface Hooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
  /** Told once of each thing that was inferred or decided. */
  readonly onNote?: (note: string) => void;
}

/** The same within a workflow over a store. */
export interface StoreHooks extends Hooks {
  /** Directory of the store; absent: it has none. */
  readonly store?: string;
}

/** A snapshot of a store, under the roles that were asked for. */
export interface Data {
  readonly store: Store;
  readonly snapshot: Snapshot;
  readonly schema: Schema;
  readonly notes: readonly string[];
  /** What was read, if anything was. */
  readonly report?: IngestReport;
  /** Where particles come from, and one of them, where that is not the store alone. */
  readonly source?: Reference;
  readonly load?: (at: number) => Promise<Particle>;
}

/** What to compute while particles are at hand: the profile that a recipe will ask for. */
interface DataOptions extends IngestSettings {
  /** Hold-out whose training rows are profiled; absent: all rows are. */
  readonly profiled?: Split;
  /** Roles under which profiles are kept; default: those that the other options ask for. */
  readonly roles?: Readonly<Record<string, Role>>;
  readonly store?: string;
  readonly at?: string;
  readonly append?: boolean;
  readonly workers?: number;
}

/** Name of the store that an input gets when none is given: its file name without extensions, in this directory. */
export function defaultStore(inputs: Inputs): string {
  const list = typeof inputs === 'string' ? [inputs] : Array.isArray(inputs) ? inputs : [];
  const [first] = list;
  if (first === '-') return 'stdin.sora';
  if (typeof first !== 'string') {
    throw new SoraError(
      'bad-option',
      'Rows that come from no file need a name for their store: give the option store.',
    );
  }
  const name = basename(first)
    .replace(/[*?[\]{}]+/g, '')
    .replace(/(\.[A-Za-z0-9]+){1,2}$/, '');
  return `${name || 'data'}.sora`;
}

/** The store directory if the input is one. */
export function storeOf(inputs: Inputs): string | undefined {
  const [only, more] = typeof inputs === 'string' ? [inputs] : Array.isArray(inputs) ? inputs : [];
  if (typeof only !== 'string' || more !== undefined) return undefined;
  return existsSync(join(only, 'store.json')) ? only : undefined;
}

const ROLE_OPTIONS = ['weight', 'exposure', 'time', 'key', 'group'] as const;

/** The schema with the roles that the options ask for; throws `not-found` naming the columns there are. */
export function askedRoles(schema: Schema, options: DataOptions): Schema {
  const roles: Record<string, Role> = {};
  const set = (name: string | undefined, role: Role) => {
    if (name === undefined) return;
    if (!schema.fields.some((field) => field.name === name)) {
      const names = schema.fields.map((field) => field.name).join(', ');
      throw new SoraError(
        'not-found',
        `There is no column "${name}" for the role ${role}; the columns are: ${names}.`,
      );
    }
    for (const field of schema.fields) {
      if (role !== 'ignore' && field.role === role && field.name !== name) roles[field.name] = 'feature';
    }
    roles[name] = role;
  };
  set(options.target, 'label');
  for (const role of ROLE_OPTIONS) set(options[role], role);
  for (const name of options.ignore ?? []) set(name, 'ignore');
  return withRoles(schema, roles);
}

function requireTarget(schema: Schema): void {
  if (schema.fields.some((field) => field.role === 'label')) return;
  const names = schema.fields.map((field) => field.name).join(', ');
  throw new SoraError('bad-option', `Name the column to predict with --target. The columns are: ${names}.`, {
    details: { columns: schema.fields.map((field) => field.name) },
  });
}

function requireFeatures(schema: Schema): void {
  if (schema.fields.some(({ role }) => role === 'feature' || role === 'time')) return;
  const others = schema.fields
    .filter(({ role }) => role !== 'label')
    .map(({ name, role }) => `${name}: ${role}`);
  throw new SoraError(
    'bad-data',
    `There is no column to learn from besides the target${others.length > 0 ? ` (${others.join(', ')})` : ''}.`,
  );
}

/** Opens or makes the store of the inputs and says what is in it. */
export async function openData(
  inputs: Inputs,
  options: DataOptions,
  hooks: Hooks,
  {
    needTarget = false,
    needFeatures = needTarget,
  }: { readonly needTarget?: boolean; readonly needFeatures?: boolean } = {},
): Promise<Data> {
  const existing = options.sql === undefined ? storeOf(inputs) : undefined;
  const data =
    existing === undefined ? await ingestData(inputs, options, hooks) : await openExisting(existing, options);
  if (needTarget) requireTarget(data.schema);
  if (data.snapshot.rows === 0) throw noRows(inputs, existing !== undefined, data.snapshot.commit);
  if (needFeatures) requireFeatures(data.schema);
  return data;
}

function noRows(inputs: Inputs, isStore: boolean, commit: number): SoraError {
  const [name] = typeof inputs === 'string' ? [inputs] : Array.isArray(inputs) ? inputs : [];
  const where = typeof name === 'string' ? `${name} has no rows` : 'The data has no rows';
  const remedy = isStore
    ? ` as of commit ${commit}: add some with sora ingest --append, or take an earlier commit (--at).`
    : ': no line of data follows the column names.';
  return new SoraError('bad-data', where + remedy, { details: { commit } });
}

async function openExisting(directory: string, options: DataOptions): Promise<Data> {
  const store = await openStore(directory);
  const snapshot = await store.snapshot(options.at);
  if (snapshot.schema.fields.length === 0) {
    throw new SoraError(
      'bad-data',
      `${directory} has no rows as of commit ${snapshot.commit}: add some with sora ingest FILE --store ${directory}.`,
    );
  }
  return { store, snapshot, schema: askedRoles(snapshot.schema, options), notes: [] };
}

async function ingestData(inputs: Inputs, options: DataOptions, hooks: Hooks): Promise<Data> {
  if (options.at !== undefined) {
    throw new SoraError(
      'bad-option',
      'Option --at chooses a commit of a store; give the store instead of files.',
    );
  }
  const directory = options.store ?? defaultStore(inputs);
  const isNew = !existsSync(directory);
  const store = await openStore(directory, { create: true });
  try {
    return await ingestInto(store, inputs, options, hooks);
  } catch (error) {
    // One that was stopped is there to go on with.
    const stopped = error instanceof SoraError && error.code === 'cancelled';
    if (isNew && !stopped) await removeUnused(store);
    throw error;
  }
}

/** Removes a store that was made for an input of which nothing came. */
export async function removeUnused(store: Store): Promise<void> {
  const root = store.root as string;
  const hasParticles = existsSync(join(root, 'particles')) && readdirSync(join(root, 'particles')).length > 0;
  if (hasParticles || (await store.snapshot()).commit > 0) return;
  rmSync(root, { recursive: true, force: true });
}

async function ingestInto(store: Store, inputs: Inputs, options: DataOptions, hooks: Hooks): Promise<Data> {
  const { profiled, roles: _, ...settings } = options;
  const reference = summaryReference('profile', profiled === undefined ? {} : { split: profiled });
  const seeds = await seeding(store, options, reference);
  const ingest = await import('../ingest/ingest.ts');
  const report = await ingest.ingestInto(store, inputs, {
    ...settings,
    partials: [reference],
    onPartial: seeds.add,
    mode: options.append ? 'append' : 'replace',
    signal: hooks.signal,
    onProgress: ({ rows, bytesRead, totalBytes }) =>
      hooks.onProgress?.(
        totalBytes === undefined || bytesRead === undefined
          ? { stage: 'reading', done: rows, unit: 'rows' }
          : {
              stage: 'reading',
              done: bytesRead,
              total: totalBytes,
              unit: 'bytes',
              note: `${formatCount(rows)} rows`,
            },
      ),
  });
  seeds.end();
  const snapshot = await store.snapshot();
  const schema = askedRoles(snapshot.schema, options);
  hooks.onNote?.(`${ingest.formatSchema(schema)}\n`);
  for (const note of report.notes) hooks.onNote?.(note);
  return { store, snapshot, schema, notes: report.notes, report };
}

/**
 * Puts partials of an ingest where the rounds that ask for them will look: merged to the root where they are all
 * there is, else one by one beside those of the particles that were there.
 */
async function seeding(store: Store, options: DataOptions, reference: Reference) {
  const summary = await resolveReference<Summary<unknown, unknown, never>>(reference);
  let cache: PartialCache | undefined;
  let tree: PartialTree | undefined;
  return {
    add({ particle, bytes, schema }: ParticlePartial): void {
      const { roles } = options;
      cache ??= rolesCache(store, roles ? withRoles(schema, roles) : askedRoles(schema, options));
      if (options.append) {
        cache.put(leafKey(summary.id, particle), bytes);
      } else {
        tree ??= new PartialTree(summary, cache);
        tree.add(particle, bytes);
      }
    },
    end: () => tree?.end(),
  };
}

/** Partials of the store under the roles of a schema. */
export function rolesCache(store: Store, schema: Schema): PartialCache {
  return variantCache(store.partials, canonicalJson(schema as unknown as Json));
}

/** Labels of rounds that a fit plays so often that it shows progress itself. */
const PLAYED_OFTEN = ['gradient', 'trees'];

/** A session over particles of the data (default: all), under its roles, with the store's caches unless told not. */
export function openSession(
  executor: Executor,
  data: Data,
  hooks: Hooks,
  cached: boolean,
  particles = data.snapshot.particles,
): Promise<Session> {
  const { store, schema } = data;
  return executor.open({
    particles,
    source: data.source ?? roledReference(store.reference, schema),
    partials: cached ? rolesCache(store, schema) : undefined,
    signal: hooks.signal,
    onProgress: ({ label, rows, totalRows }) => {
      if (!PLAYED_OFTEN.includes(label))
        hooks.onProgress?.({ stage: label, done: rows, total: totalRows, unit: 'rows' });
    },
  });
}
