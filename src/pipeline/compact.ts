/**
 * Compaction: small neighbours become one particle and oversized ones several, by the plan of particle/compaction.ts,
 * in one commit. Rows and their order stay, and so do the particles that earlier commits name.
 * A writer that commits meanwhile is not disturbed: the plan is made again on top of it.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SoraError, throwIfAborted } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import { type Cut, isKept } from '../particle/compaction.ts';
import type { ParticleRef } from '../particle/particle.ts';
import { mapOrdered } from '../run/map-ordered.ts';
import { WorkerPool } from '../run/pool.ts';
import { compiledModule } from '../run/reference.ts';
import type { Change } from '../store/change.ts';
import type { AddedParticle, SourceRecord } from '../store/commit.ts';
import type { EncodedParticle } from '../store/particle-file.ts';
import type { Snapshot, SnapshotParticle } from '../store/snapshot.ts';
import { openStore, type Store } from '../store/store.ts';
import { type Plan, planFor } from './compact-plan.ts';
import type { Hooks } from './data.ts';
import { type CompactOptions, checkOptions, compactShape } from './options.ts';
import { recutReference, recutter, type StoredPart } from './recut.ts';

/** What a compaction did, or would do. */
export interface CompactResult {
  readonly store: string;
  /** Whether there was something to do. */
  readonly changed: boolean;
  /** Nothing was done, only planned. */
  readonly dryRun: boolean;
  /** The newest commit: that of the compaction, if it made one. */
  readonly commit: number;
  readonly rows: number;
  readonly particles: {
    readonly before: number;
    readonly after: number;
    /** Of those before: stay as they are, become part of a larger one, are split. */
    readonly kept: number;
    readonly merged: number;
    readonly split: number;
  };
  /** Size of the particles of the snapshot as files; `after` is known once they are written. */
  readonly bytes: { readonly before: number; readonly after?: number };
  /** Particles that were written; the old ones stay for the commits that name them. */
  readonly written: { readonly particles: number; readonly bytes: number };
  readonly seconds: number;
}

/** How often the plan is made again because another writer came first. */
const ATTEMPTS = 10;
const MOST_WORKERS = 8;

/**
 * Brings the particles of a store near the sizes that ingest would give them. Nothing is half-done: it ends with one
 * commit, or without any. Throws `conflict` when other writers keep coming first.
 * @example
 * const { particles } = await compact('people.sora');
 * console.log(`${particles.before} → ${particles.after}`);
 */
export async function compact(directory: string, given: CompactOptions & Hooks = {}): Promise<CompactResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks = { signal, onProgress, onNote };
  const options = checkOptions(compactShape, plain);
  const started = performance.now();
  const store = await openStore(directory);
  const seconds = () => (performance.now() - started) / 1000;
  const written = new Map<string, ParticleRef>();
  try {
    for (let attempt = 1; ; attempt++) {
      const plan = await planFor(store, hooks);
      if (options.dryRun || plan.untouched === plan.cuts.length) {
        return { ...resultOf(store, plan), dryRun: options.dryRun, seconds: seconds() };
      }
      const refs = await writeAll(store, plan, options.workers, written, hooks);
      throwIfAborted(signal);
      try {
        const after = await store.commit(changeOf(plan, refs));
        return { ...resultOf(store, plan, after, refs), dryRun: false, seconds: seconds() };
      } catch (error) {
        const isLate = error instanceof SoraError && error.code === 'conflict';
        if (!isLate || attempt === ATTEMPTS) throw error;
        onNote?.('Another writer committed first: planning again on top of it.');
      }
    }
  } finally {
    store.close();
  }
}

/** The particles after the untouched ones: kept, or written now. `written` remembers them across attempts. */
async function writeAll(
  store: Store,
  { snapshot, cuts, untouched }: Plan,
  workers: number | undefined,
  written: Map<string, ParticleRef>,
  { signal, onProgress }: Hooks,
): Promise<ParticleRef[]> {
  const { particles, schema } = snapshot;
  const rest = cuts.slice(untouched);
  const changed = rest.filter((cut) => !isKept(cut, particles));
  const options = { root: store.root as string, schema };
  const pool = poolOf(workers, changed.length, signal);
  const inline = recutter(options);
  const encode = async (parts: readonly StoredPart[]) =>
    pool ? pool.call<EncodedParticle>(recutReference(options), parts) : (await inline(parts)).result;
  const total = rowsOf(changed);
  let done = 0;
  const write = async (cut: Cut): Promise<ParticleRef> => {
    if (isKept(cut, particles)) return particles[cut[0].at];
    const parts = cut.map(({ at, from, to }) => ({ ref: plainRef(particles[at]), from, to }));
    const key = canonicalJson(parts as unknown as Json);
    const ref = written.get(key) ?? (await store.putEncoded(await encode(parts)));
    written.set(key, ref);
    done += rowsOf([cut]);
    onProgress?.({ stage: 'compacting', done, total, unit: 'rows' });
    return ref;
  };
  const refs: ParticleRef[] = [];
  try {
    const ahead = pool === undefined ? 1 : pool.workers + 2;
    for await (const ref of mapOrdered(rest, write, { ahead, signal })) refs.push(ref);
    return refs;
  } finally {
    await pool?.close();
  }
}

/** Threads, unless one particle is all there is to write, or the compiled modules are not there. */
function poolOf(asked: number | undefined, tasks: number, signal: AbortSignal | undefined) {
  const workers = Math.min(asked ?? Math.min(availableParallelism(), MOST_WORKERS), tasks);
  const isBuilt = existsSync(fileURLToPath(compiledModule(import.meta.url)));
  return workers === 0 || tasks === 1 || !isBuilt ? undefined : new WorkerPool({ workers, signal });
}

function plainRef({ hash, rows, bytes, sha256 }: ParticleRef): ParticleRef {
  return { hash, rows, bytes, sha256 };
}

function rowsOf(cuts: readonly Cut[]): number {
  return cuts.flat().reduce((sum, { from, to }) => sum + to - from, 0);
}

/** The commit of a plan: everything from the first change on is taken off the list and put back as it is now. */
function changeOf({ snapshot, cuts, untouched }: Plan, refs: readonly ParticleRef[]): Change {
  const { particles, commit } = snapshot;
  const sources = new Map<string, SourceRecord>();
  const add = refs.map((ref, index): AddedParticle => {
    const source = sourceOf(cuts[untouched + index].map(({ at }) => particles[at]));
    if (source === undefined) return plainRef(ref);
    const key = canonicalJson(source as unknown as Json);
    sources.set(key, source);
    return { ...plainRef(ref), source: [...sources.keys()].indexOf(key) };
  });
  const removed = particles.slice(untouched).map(({ hash }, index) => ({ hash, at: untouched + index }));
  return {
    remove: untouched === 0 ? 'all' : removed,
    add,
    sources: [...sources.values()],
    recut: true,
    base: commit,
    why: `compact: ${particles.length} particles → ${cuts.length}`,
  };
}

/** Names that a joint source lists. */
const NAMED = 3;

/** Where the rows of these particles came from: their one source, or the names of several. */
function sourceOf(particles: readonly SnapshotParticle[]): SourceRecord | undefined {
  const records = new Map<string, SourceRecord>();
  for (const { source } of particles) {
    if (source !== undefined) records.set(canonicalJson(source as unknown as Json), source);
  }
  if (records.size <= 1) return records.values().next().value;
  const names = [...new Set([...records.values()].map(({ name }) => name))];
  const more = names.length > NAMED ? [`${names.length - NAMED} more`] : [];
  return { name: [...names.slice(0, NAMED), ...more].join(', ') };
}

function resultOf(store: Store, plan: Plan, after?: Snapshot, refs: readonly ParticleRef[] = []) {
  const { snapshot, cuts, untouched } = plan;
  const { particles } = snapshot;
  const changed = cuts.filter((cut) => !isKept(cut, particles));
  const touched = changed.flat();
  const split = new Set(
    touched.filter(({ at, from, to }) => to - from < particles[at].rows).map(({ at }) => at),
  );
  const merged = new Set(touched.map(({ at }) => at).filter((at) => !split.has(at)));
  const files = refs.filter((_, index) => !isKept(cuts[untouched + index], particles));
  return {
    store: store.root as string,
    changed: changed.length > 0,
    commit: after?.commit ?? snapshot.commit,
    rows: snapshot.rows,
    particles: {
      before: particles.length,
      after: cuts.length,
      kept: cuts.length - changed.length,
      merged: merged.size,
      split: split.size,
    },
    bytes: {
      before: snapshot.bytes,
      ...(after ? { after: after.bytes } : changed.length === 0 ? { after: snapshot.bytes } : {}),
    },
    written: { particles: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) },
  };
}
