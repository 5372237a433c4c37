/**
 * What has changed between two sets of rows: two ends of a store, a store then and since, a model's training rows and new
 * ones, two files. Both sides are played as summaries; borders within particles are parts of them (source.ts).
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SoraError } from '../errors.ts';
import { type DriftTable, driftPlaces, driftTable } from '../evaluate/drift.ts';
import { loadModel } from '../model/files.ts';
import { MODEL_FILE } from '../model/model.ts';
import type { ParticleRef } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import type { Executor } from '../run/session.ts';
import { newestSnapshot } from '../store/snapshot.ts';
import { openStore } from '../store/store.ts';
import { summaryReference } from '../summary/catalog.ts';
import type { Distribution, DistributionOptions } from '../summary/distribution.ts';
import type { Profile } from '../summary/profile.ts';
import { askedRoles, type Data, type Hooks, openData, openSession, storeOf } from './data.ts';
import { checkOptions, type DriftOptions, driftShape } from './options.ts';
import { openExecutor } from './resources.ts';
import { partsBetween, withRoles } from './source.ts';
import { temporaryStore } from './temporary.ts';

export interface DriftResult extends DriftTable {
  /** What was compared, in words. */
  readonly reference: string;
  readonly against: string;
  /** Columns that only one side has, or that are of another type there. */
  readonly incomparable: readonly string[];
  /** Whether some score reached `failOver`. */
  readonly failed: boolean;
}

/** Data and which of its rows are meant. */
interface Side {
  readonly data: Data;
  readonly particles: readonly ParticleRef[];
  readonly text: string;
}

type Checked = ReturnType<typeof checkOptions<typeof driftShape>>;

/**
 * Compares two sets of rows, column by column. Throws `bad-option` where it is not clear what is to be compared.
 * @example
 * const { verdict, columns } = await drift('people.sora', { against: 'later.csv' });
 */
export async function drift(path: string, given: DriftOptions & Hooks = {}): Promise<DriftResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks = { signal, onProgress, onNote };
  const options = checkOptions(driftShape, plain);
  const opened: (() => Promise<void>)[] = [];
  try {
    const [reference, against] = await sidesOf(path, options, hooks, opened);
    for (const side of [reference, against]) {
      if (side.particles.length === 0) throw new SoraError('bad-data', `There are no rows in ${side.text}.`);
    }
    return await compare(reference, against, options, hooks);
  } finally {
    for (const dispose of opened) await dispose();
  }
}

/** The two sides, older first. */
async function sidesOf(
  path: string,
  options: Checked,
  hooks: Hooks,
  opened: (() => Promise<void>)[],
): Promise<readonly [Side, Side]> {
  const { against, reference, at } = options;
  if (against !== undefined && reference !== undefined) {
    throw new SoraError('bad-option', 'Give --against or --reference, not both: the path is the other side.');
  }
  if (existsSync(join(path, MODEL_FILE))) return modelSides(path, options, hooks, opened);
  if (against === undefined && reference === undefined) {
    const data = await openSide(path, options, hooks, opened);
    return at === undefined ? endsOf(data, path, options) : sinceCommit(data, path, at);
  }
  const older = await openSide(reference ?? path, options, hooks, opened);
  const newer = await openSide(against ?? path, options, hooks, opened, older.schema);
  return [wholeSide(older, reference ?? path), latestSide(newer, against ?? path, options.window)];
}

const rowsOf = (particles: readonly ParticleRef[]) => particles.reduce((sum, { rows }) => sum + rows, 0);

function wholeSide(data: Data, text: string): Side {
  return { data, particles: data.snapshot.particles, text };
}

function latestSide(data: Data, path: string, window: number | undefined): Side {
  const rows = rowsOf(data.snapshot.particles);
  if (window === undefined || window >= rows) return wholeSide(data, path);
  return {
    data,
    particles: partsBetween(data.snapshot.particles, rows - window),
    text: `the latest rows of ${path}`,
  };
}

/** The earliest and the latest rows of one store. */
function endsOf(data: Data, path: string, { window }: Checked): readonly [Side, Side] {
  const rows = rowsOf(data.snapshot.particles);
  const half = Math.floor(rows / 2);
  const size = Math.min(window ?? half, half);
  const { particles } = data.snapshot;
  const text = (end: string) => `the ${end} rows of ${path}`;
  return [
    { data, particles: partsBetween(particles, 0, size), text: text('earliest') },
    { data, particles: partsBetween(particles, rows - size), text: text('latest') },
  ];
}

/** The rows of a store as of a commit, and those that have come since. */
async function sinceCommit(data: Data, path: string, at: string): Promise<readonly [Side, Side]> {
  if (storeOf(path) === undefined) {
    throw new SoraError('bad-option', `Option --at is ${at}: it chooses a commit, and ${path} is no store.`);
  }
  const older = await data.store.snapshot(at);
  const particles = data.snapshot.particles.filter(({ commit }) => commit > older.commit);
  return [
    wholeSide({ ...data, snapshot: older }, `${path} as of commit ${older.commit}`),
    { data, particles, text: `what has come into ${path} since` },
  ];
}

/** What a model of a store was trained on, and newer rows: those given, or those that the store has got since. */
async function modelSides(
  directory: string,
  options: Checked,
  hooks: Hooks,
  opened: (() => Promise<void>)[],
): Promise<readonly [Side, Side]> {
  const { schema, provenance } = await loadModel(directory);
  const root = dirname(dirname(directory));
  if (options.reference !== undefined || options.at !== undefined) {
    const name = options.at === undefined ? 'reference' : 'at';
    throw new SoraError('bad-option', `Option --${name}: the training rows of the model are the reference.`);
  }
  if (storeOf(root) === undefined) {
    throw new SoraError(
      'not-found',
      `The model ${directory} does not lie in a store, so its training rows are not known; compare them with sora drift TRAINING --against NEW.`,
    );
  }
  const store = await openStore(root);
  const snapshot = newestSnapshot(await store.log(), provenance.snapshot);
  if (snapshot === undefined) {
    throw new SoraError(
      'not-found',
      `The store ${root} has no commit that holds what ${directory} was trained on (snapshot ${provenance.snapshot}).`,
    );
  }
  const roles = Object.fromEntries(schema.fields.map(({ name, role }) => [name, role]));
  const data: Data = { store, snapshot, schema: withRoles(snapshot.schema, roles), notes: [] };
  const older = wholeSide(data, `the training data of ${directory}`);
  if (options.against !== undefined) {
    const newer = await openSide(options.against, options, hooks, opened, data.schema);
    return [older, latestSide(newer, options.against, options.window)];
  }
  const latest = await store.snapshot();
  const particles = latest.particles.filter(({ commit }) => commit > snapshot.commit);
  return [
    older,
    { data: { ...data, snapshot: latest }, particles, text: `what has come into ${root} since` },
  ];
}

/** Opens a store, or reads files into a temporary one; columns as the older side has them, where they can be read so. */
async function openSide(
  path: string,
  options: Checked,
  hooks: Hooks,
  opened: (() => Promise<void>)[],
  like?: Schema,
): Promise<Data> {
  const {
    target,
    ignore,
    at: _at,
    window: _window,
    against: _a,
    reference: _r,
    failOver: _f,
    ...read
  } = options;
  if (storeOf(path) !== undefined) {
    const data = await openData(path, {}, hooks);
    return { ...data, schema: rolesLike(data.schema, like, { target, ignore }) };
  }
  const readAs = async (types: Checked['types']) => {
    const { directory, dispose } = await temporaryStore();
    opened.push(dispose);
    return openData(path, { ...read, types, store: directory }, hooks);
  };
  let data = await readAs(options.types);
  const differing = like?.fields.filter(({ name, type }) =>
    data.schema.fields.some((field) => field.name === name && field.type !== type),
  );
  if (differing !== undefined && differing.length > 0) {
    const types = Object.fromEntries(differing.map(({ name, type }) => [name, type]));
    data = await readAs({ ...types, ...options.types }).catch((error) => {
      if (error instanceof SoraError && error.code === 'bad-input') return data;
      throw error;
    });
  }
  return { ...data, schema: rolesLike(data.schema, like, { target, ignore }) };
}

/** The roles of the other side where there is one, and those asked for. */
function rolesLike(
  schema: Schema,
  like: Schema | undefined,
  asked: { target?: string; ignore?: string[] },
): Schema {
  if (like === undefined) return askedRoles(schema, asked);
  return withRoles(schema, Object.fromEntries(like.fields.map(({ name, role }) => [name, role])));
}

async function compare(reference: Side, against: Side, options: Checked, hooks: Hooks): Promise<DriftResult> {
  const bytes = [...reference.particles, ...against.particles].reduce((sum, ref) => sum + ref.bytes, 0);
  const executor = openExecutor(options, { bytes });
  try {
    const profile = await play<Profile>(executor, reference, hooks, 'profile', null);
    const shared = sharedColumns(reference.data.schema, against.data.schema);
    if (shared.names.size === 0) throw nothingShared(reference, against, shared.others);
    const places = driftPlaces({
      ...profile,
      columns: profile.columns.filter(({ name }) => shared.names.has(name)),
    });
    const counted = {
      reference: await play<Distribution>(executor, reference, hooks, 'distribution', places),
      against: await play<Distribution>(executor, against, hooks, 'distribution', places),
    };
    const table = driftTable(profile, counted, rowsOf(against.particles));
    const { failOver } = options;
    return {
      reference: reference.text,
      against: against.text,
      ...table,
      incomparable: shared.others,
      failed: failOver !== undefined && table.columns.some(({ score }) => score >= failOver),
    };
  } finally {
    await executor.close();
  }
}

function nothingShared(reference: Side, against: Side, others: readonly string[]): SoraError {
  const shown = others.slice(0, 8).join(', ');
  return new SoraError(
    'schema-mismatch',
    `${reference.text} and ${against.text} have no column in common that can be compared (${shown}${others.length > 8 ? `, and ${others.length - 8} more` : ''}): compare data of the same columns, or say how to read them (--types).`,
    { details: { columns: [...others] } },
  );
}

/** Names of columns that both have with one type, and what is said of the others. */
function sharedColumns(reference: Schema, against: Schema) {
  const names = new Set<string>();
  const others: string[] = [];
  const compared = ({ role }: Schema['fields'][number]) => role === 'feature' || role === 'label';
  for (const field of reference.fields.filter(compared)) {
    const other = against.fields.find(({ name }) => name === field.name);
    if (other === undefined) others.push(`${field.name}: only in the reference`);
    else if (other.type !== field.type) others.push(`${field.name}: ${field.type}, now ${other.type}`);
    else if (['text', 'sparse', 'binary'].includes(field.type)) others.push(`${field.name}: ${field.type}`);
    else names.add(field.name);
  }
  const known = new Set(reference.fields.map(({ name }) => name));
  for (const { name } of against.fields.filter(compared)) {
    if (!known.has(name)) others.push(`${name}: not in the reference`);
  }
  return { names, others };
}

/** One summary over the rows of a side. */
async function play<Value>(
  executor: Executor,
  { data, particles }: Side,
  hooks: Hooks,
  name: 'profile' | 'distribution',
  options: DistributionOptions | null,
): Promise<Value> {
  const session = await openSession(executor, data, hooks, true, particles as Data['snapshot']['particles']);
  try {
    const { value } = await session.reduce<unknown, Value>({
      summary: summaryReference(name, options),
      keep: 'nodes',
      label: name === 'profile' ? 'profile' : 'counting',
    });
    return value;
  } finally {
    await session.close();
  }
}
