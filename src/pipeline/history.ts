/**
 * Features over time of a whole data set: one pass over its particles in order, which carries the newest rows of each
 * series across the borders, and writes a file of derived columns beside each particle. What was derived before is found
 * by what it is a function of (spec, particle, all before it), so that appended particles cost what they are.
 * Rows out of order are sorted first: the features are the same, and must fit into the memory budget meanwhile.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import { formatBytes, formatCount } from '../explain/format.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { Column } from '../particle/column.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import type { Field } from '../particle/schema.ts';
import { History, OutOfOrder, type TimedRows } from '../recipe/history/history.ts';
import { orderOf } from '../recipe/history/order.ts';
import { type HistorySpec, historyFields } from '../recipe/history/spec.ts';
import { decodeState, encodeState, type HistoryState } from '../recipe/history/state.ts';
import { type HistoryFiles, historyFiles } from '../store/history-files.ts';
import { sha256 } from '../store/sealed.ts';
import type { Data, Hooks } from './data.ts';
import { historyReference, type Pair, pairRef } from './history-source.ts';
import { memoryBudget, type ResourceOptions } from './resources.ts';
import { roledReference } from './source.ts';

/** Name of the column of row numbers, which windows and ages by position go by. */
export const POSITION = 'row of the data set';
const VERSION = 'history/1';

/** What to derive. */
export interface HistoryTask {
  readonly spec: HistorySpec;
  /** What a model carries of the rows it was fitted on; rows of the data that are not before these replace them. */
  readonly start?: HistoryState;
  /** Adds {@link POSITION}. */
  readonly position?: boolean;
  /** Derived columns that are not to be learned from. */
  readonly ignored?: readonly string[];
  /** Look for what was derived before. */
  readonly cached: boolean;
}

/** The data with its derived columns, and what is carried on. */
export interface DerivedData {
  readonly data: Data;
  readonly state: HistoryState;
  /** Particles that were read. */
  readonly derived: number;
}

/** One pass, and its parts. */
interface Pass {
  readonly data: Data;
  readonly task: HistoryTask;
  readonly files: HistoryFiles;
  readonly fields: readonly Field[];
  readonly hooks: Hooks;
}

/** Adds the columns of a task to every particle of the data. */
export async function withHistory(
  data: Data,
  task: HistoryTask,
  hooks: Hooks & { readonly resources: ResourceOptions },
): Promise<DerivedData> {
  const root = data.store.root as string;
  const row: Field = { name: POSITION, type: 'number', role: 'ignore' };
  const derived = historyFields(task.spec).map(
    (field): Field => (task.ignored?.includes(field.name) ? { ...field, role: 'ignore' } : field),
  );
  const fields = [...derived, ...(task.position ? [row] : [])];
  const pass: Pass = { data, task, files: historyFiles(root), fields, hooks };
  const found = (await inOrder(pass)) ?? (await sorted(pass, hooks.resources));
  const { particles } = data.snapshot;
  const pairs = particles.map((base, at): Pair => ({ base: plain(base), derived: found.refs[at] }));
  await pass.files.tidy(new Set(found.refs.map(({ hash }) => hash)));
  const snapshot = {
    ...data.snapshot,
    particles: particles.map((particle, at) => ({ ...particle, ...pairRef(pairs[at]) })),
  };
  const source = historyReference(roledReference(data.store.reference, data.schema), root, pairs, fields);
  const schema = { fields: [...data.schema.fields, ...fields] };
  return {
    data: { ...data, snapshot, schema, source, load: (at) => joined(pass, pairs[at]) },
    state: found.state,
    derived: found.derived,
  };
}

interface Found {
  readonly refs: readonly ParticleRef[];
  readonly state: HistoryState;
  readonly derived: number;
}

/** The pass over rows that are in order of time; undefined where they are not. */
async function inOrder(pass: Pass): Promise<Found | undefined> {
  const { data, task } = pass;
  const { particles } = data.snapshot;
  const chain = chainOf(pass);
  const refs = await known(pass, chain);
  const missing = refs.indexOf(undefined);
  let from = missing < 0 ? particles.length : missing;
  let carried = task.start;
  while (from > 0 && task.cached) {
    const bytes = data.store.partials.get(`${VERSION} carried ${chain[from - 1]}`);
    carried = bytes && decodeState(bytes);
    if (carried) break;
    from--;
  }
  if (!task.cached) from = 0;
  if (from === 0) carried = task.start;
  const history = new History(task.spec, carried, from === 0 && task.start !== undefined);
  let rows = particles.slice(0, from).reduce((sum, particle) => sum + particle.rows, 0);
  for (let at = from; at < particles.length; at++) {
    throwIfAborted(pass.hooks.signal);
    const particle = await data.store.loadParticle(particles[at]);
    const columns = inTurn(history, particle);
    if (columns === undefined) return undefined;
    refs[at] ??= await put(pass, columns, particle.rows, rows);
    remember(pass, chain[at], refs[at] as ParticleRef);
    rows += particle.rows;
    pass.hooks.onProgress?.({ stage: 'history', done: rows, total: data.snapshot.rows, unit: 'rows' });
  }
  const state = history.state();
  if (from < particles.length) {
    data.store.partials.put(`${VERSION} carried ${chain.at(-1)}`, encodeState(state));
  }
  return { refs: refs as ParticleRef[], state, derived: particles.length - from };
}

/** Columns of the next particle; undefined if a row of it is out of order. */
function inTurn(history: History, particle: Particle): Column[] | undefined {
  try {
    return history.derive(particle);
  } catch (error) {
    if (error instanceof OutOfOrder) return undefined;
    throw error;
  }
}

/** The pass over rows in any order: all that features are of is held at once, and taken in order of time. */
async function sorted(pass: Pass, resources: ResourceOptions): Promise<Found> {
  const { data, task } = pass;
  const { spec, start } = task;
  const { particles, rows } = data.snapshot;
  const need = rows * 8 * (4 + 2 * spec.features.length);
  if (need > memoryBudget(resources)) {
    throw new SoraError(
      'over-budget',
      `The rows are not in order of "${spec.time ?? ''}", and to sort ${formatCount(rows)} of them takes ${formatBytes(need)}, more than the memory budget: raise --memory, or sort them first (--sql "SELECT * FROM '…' ORDER BY ${spec.time ?? ''}").`,
      { details: { needBytes: need } },
    );
  }
  const history = new History(spec, start, start !== undefined);
  const parts: TimedRows[] = [];
  for (const ref of particles) {
    throwIfAborted(pass.hooks.signal);
    parts.push(history.extract(await data.store.loadParticle(ref)));
  }
  const all = together(parts);
  const features = history.follow(all, orderOf(all));
  const refs: ParticleRef[] = [];
  let at = 0;
  for (const part of parts) {
    const own = features.map((values) => values.subarray(at, at + part.rows));
    refs.push(await put(pass, history.columns(own), part.rows, at));
    at += part.rows;
  }
  return { refs, state: history.state(), derived: particles.length };
}

function together(parts: readonly TimedRows[]): TimedRows {
  const [first] = parts;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const join = <T extends Float64Array | Int32Array>(whole: T, of: (part: TimedRows) => T) => {
    let at = 0;
    for (const part of parts) {
      whole.set(of(part), at);
      at += part.rows;
    }
    return whole;
  };
  return {
    rows,
    times: first.times && join(new Float64Array(rows), ({ times }) => times as Float64Array),
    series: first.series && join(new Int32Array(rows), ({ series }) => series as Int32Array),
    values: first.values.map((_, column) => join(new Float64Array(rows), ({ values }) => values[column])),
  };
}

/** Names what the columns of each particle are a function of: the spec, and all particles up to it. */
function chainOf({ data, task }: Pass): string[] {
  const { spec, start, position = false } = task;
  const carried = start ? sha256(encodeState(start)) : null;
  let link = sha256(canonicalJson({ version: VERSION, spec: spec as unknown as Json, carried, position }));
  return data.snapshot.particles.map(({ hash }) => {
    link = sha256(`${link} ${hash}`);
    return link;
  });
}

/** The files that are there already. */
async function known(
  { data, task, files }: Pass,
  chain: readonly string[],
): Promise<(ParticleRef | undefined)[]> {
  const refs: (ParticleRef | undefined)[] = chain.map(() => undefined);
  if (!task.cached) return refs;
  for (const [at, link] of chain.entries()) {
    const bytes = data.store.partials.get(`${VERSION} file ${link}`);
    if (bytes === undefined) break;
    const ref = JSON.parse(new TextDecoder().decode(bytes)) as ParticleRef;
    if (!(await files.has(ref))) break;
    refs[at] = ref;
  }
  return refs;
}

function remember({ data }: Pass, link: string, ref: ParticleRef): void {
  data.store.partials.put(`${VERSION} file ${link}`, new TextEncoder().encode(JSON.stringify(plain(ref))));
}

async function put(
  { task, files, fields }: Pass,
  columns: readonly Column[],
  rows: number,
  first: number,
): Promise<ParticleRef> {
  const values = Float64Array.from({ length: rows }, (_, row) => first + row);
  const own: Column[] = task.position ? [{ type: 'number', values }] : [];
  return files.put({ schema: { fields }, rows, columns: [...columns, ...own] });
}

async function joined({ data, files, fields }: Pass, { base, derived }: Pair): Promise<Particle> {
  const particle = await data.store.loadParticle(base);
  const { columns } = await files.load(derived);
  return {
    schema: { fields: [...data.schema.fields, ...fields] },
    rows: particle.rows,
    columns: [...particle.columns, ...columns],
  };
}

function plain({ hash, rows, bytes, sha256 }: ParticleRef): ParticleRef {
  return { hash, rows, bytes, sha256 };
}
