/**
 * Ingest: inputs become particles of a store, in one commit. The main thread parses and cuts; workers narrow, hash,
 * encode and compute partials; the store writes. At most a few blocks are in flight, so memory does not grow with
 * the data. What comes out does not depend on the number of workers.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SoraError, throwIfAborted } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import { WorkerPool } from '../run/pool.ts';
import { compiledModule, type Reference } from '../run/reference.ts';
import type { Commit, SourceRecord } from '../store/commit.ts';
import type { Snapshot } from '../store/snapshot.ts';
import type { Store } from '../store/store.ts';
import type { BadRow } from './bad-rows.ts';
import { blockBuffers, blockEncoder, type EncodedBlock, encodeReference } from './encode.ts';
import type { TableInputs } from './inputs.ts';
import type { TextBlock } from './plain-text.ts';
import { type ReadSettings, readTable, type TableReader } from './table.ts';

export type { BadRow } from './bad-rows.ts';
export type { TableInputs } from './inputs.ts';
export { formatSchema } from './schema.ts';
export { readTable } from './table.ts';

/** The partial of one particle under one summary. */
export interface ParticlePartial {
  readonly particle: ParticleRef;
  readonly summaryId: string;
  readonly bytes: Uint8Array;
  /** Of all particles of this ingest. */
  readonly schema: Schema;
}

/** How inputs get into a store. */
export interface IngestSettings extends ReadSettings {
  /** `replace` (default) makes them all that the store holds, `append` adds them. */
  readonly mode?: 'replace' | 'append';
  /** Worker threads that encode; 0 does it in this thread; default: one a processor, up to 8. */
  readonly workers?: number;
  /** Summaries whose partials are computed while a particle is at hand. */
  readonly partials?: readonly Reference[];
  /** Receives each of those partials, in the order of the particles. */
  readonly onPartial?: (partial: ParticlePartial) => void;
  /** Told in the log of commits. */
  readonly why?: string;
  /** SHA-256 of files, by name: kept with their sources in the commit. */
  readonly fileHashes?: ReadonlyMap<string, string>;
  /**
   * Asked when all is read, of an append: the commit that holds these particles already, so that none is made. Asked
   * again of the commits that others made meanwhile; then it is a `conflict`.
   */
  readonly heldBy?: (particles: readonly ParticleRef[], since?: readonly Commit[]) => number | undefined;
  /** Particles that the first one is counted from, which its size depends on; default: those of the store. */
  readonly firstIndex?: number;
}

/** What an ingest did. */
export interface IngestReport {
  readonly schema: Schema;
  readonly notes: readonly string[];
  /** Rows and particles that were read; of the store if nothing had changed. */
  readonly rows: number;
  readonly particles: number;
  /** Size of those particles as files. */
  readonly bytes: number;
  readonly badRows: number;
  readonly examples: readonly BadRow[];
  readonly quarantine?: string;
  /** The store already held exactly this, so nothing was committed. */
  readonly unchanged: boolean;
  /** The commit that holds the rows. */
  readonly commit: number;
}

/**
 * Reads inputs into a store. The same sources with the same options as last time are not read again.
 * Aborting leaves the store as it was. Throws as {@link readTable} and `store.commit` do.
 */
export async function ingestInto(
  store: Store,
  inputs: TableInputs | undefined,
  settings: IngestSettings = {},
): Promise<IngestReport> {
  const table = await readTable(inputs, withQuarantine(store, settings));
  try {
    const sources = sourceRecords(table, settings);
    const before = await store.snapshot();
    const last = (await store.log()).at(-1);
    const known = settings.mode !== 'append' && !last?.recut && holds(before, last?.sources ?? [], sources);
    if (known) return unchangedReport(table, before);
    const append = settings.mode === 'append';
    const particles = await encodeAll(
      store,
      table,
      settings,
      append ? (settings.firstIndex ?? before.particles.length) : 0,
    );
    return await commitAll(store, table, particles, sources, before, settings);
  } finally {
    await table.close();
  }
}

function withQuarantine(store: Store, settings: IngestSettings): IngestSettings {
  if (settings.badRows !== 'quarantine' || settings.quarantine !== undefined) return settings;
  const quarantine = store.root === undefined ? 'quarantine.ndjson' : `${store.root}.quarantine.ndjson`;
  return { ...settings, quarantine };
}

/** Sources as the commit records them: enough to know them again. */
function sourceRecords(table: TableReader, settings: IngestSettings): SourceRecord[] {
  const {
    precision = 'f32',
    badRows = 'fail',
    delimiter,
    quote,
    header,
    encoding,
    missing,
    sample,
    vwBits,
    vwInteractions,
  } = settings;
  const text = { delimiter, quote, header, encoding, missing, sample, vwBits, vwInteractions };
  const read = { precision, badRows, ...text };
  const options = JSON.parse(JSON.stringify({ read, schema: table.schema })) as Json;
  return table.sources.map(({ name, bytes, options: own }) => ({
    name,
    ...(settings.fileHashes?.has(name) ? { sha256: settings.fileHashes.get(name) as string } : {}),
    ...(bytes === undefined ? {} : { bytes }),
    options: { source: own ?? null, ...(options as object) },
  }));
}

/** Whether the snapshot is what the last commit made of just these sources, and those are files that can be known again. */
function holds(before: Snapshot, last: readonly SourceRecord[], sources: readonly SourceRecord[]): boolean {
  if (before.particles.length === 0) return false;
  if (before.particles.some((particle) => particle.commit !== before.commit)) return false;
  const known = sources.every((source) => canonicalJson(source.options ?? null).includes('"modified"'));
  const strip = (records: readonly SourceRecord[]) =>
    canonicalJson(records.map(({ name, bytes, options }) => ({ name, bytes, options })) as unknown as Json);
  return known && strip(last) === strip(sources);
}

function unchangedReport(table: TableReader, snapshot: Snapshot): IngestReport {
  return {
    schema: snapshot.schema,
    notes: table.notes,
    rows: snapshot.rows,
    particles: snapshot.particles.length,
    bytes: snapshot.bytes,
    badRows: 0,
    examples: [],
    unchanged: true,
    commit: snapshot.commit,
  };
}

/** Blocks that are encoded here before threads are started: little data is done sooner without them. */
const INLINE_BLOCKS = 2;
/** Bytes of sources from which threads are started at once. */
const LARGE_SOURCE_BYTES = 16 << 20;
const MOST_WORKERS = 8;

async function encodeAll(
  store: Store,
  table: TableReader,
  settings: IngestSettings,
  firstIndex: number,
): Promise<ParticleRef[]> {
  const { precision = 'f32', partials = [], signal, onPartial } = settings;
  const options = { precision, partials };
  const workers = workerCount(settings.workers);
  const pool = workers === 0 ? undefined : new WorkerPool({ workers, signal });
  const reference = encodeReference(options);
  const inline = blockEncoder(options);
  const sourceBytes = table.sources.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  const inlineBlocks = sourceBytes < LARGE_SOURCE_BYTES ? INLINE_BLOCKS : 0;
  /** The first block of text that was found not to be plain: those behind it do not count. */
  let broken = Number.POSITIVE_INFINITY;
  const encodeBlock = async (block: Particle | TextBlock, index: number) =>
    pool === undefined || index < inlineBlocks
      ? (await inline(block)).result
      : await pool.call<EncodedBlock | undefined>(reference, block, blockBuffers(block));
  const encode = async (block: Particle | TextBlock | undefined, index: number) => {
    const encoded = block && (await encodeBlock(block, index));
    if (encoded === undefined) broken = Math.min(broken, index);
    return encoded === undefined || index > broken
      ? undefined
      : { encoded, ref: await store.putEncoded(encoded) };
  };
  const refs: ParticleRef[] = [];
  /** Takes blocks in order, until one is not plain. */
  const take = async (blocks: AsyncIterable<Particle | TextBlock | undefined>): Promise<boolean> => {
    const results =
      pool === undefined ? inOrder(blocks, encode) : pool.mapOrdered(blocks, encode, { ahead: workers + 2 });
    for await (const taken of results) {
      throwIfAborted(signal);
      if (taken === undefined) return false;
      const { encoded, ref } = taken;
      for (const { id, bytes } of encoded.partials) {
        onPartial?.({ particle: ref, summaryId: id, bytes, schema: table.schema });
      }
      refs.push(ref);
    }
    return true;
  };
  try {
    if (!(await take(table.textBlocks(firstIndex)))) {
      broken = Number.POSITIVE_INFINITY;
      const rows = refs.reduce((sum, ref) => sum + ref.rows, 0);
      await take(table.blocks(firstIndex + refs.length, rows));
    }
    return refs;
  } finally {
    await pool?.close();
  }
}

async function* inOrder<B, T>(
  blocks: AsyncIterable<B>,
  encode: (block: B, index: number) => Promise<T>,
): AsyncGenerator<T> {
  let index = 0;
  for await (const block of blocks) yield await encode(block, index++);
}

function workerCount(asked: number | undefined): number {
  const workers = asked ?? Math.min(availableParallelism(), MOST_WORKERS);
  const compiled = compiledModule(new URL('./encode.ts', import.meta.url).href);
  return existsSync(fileURLToPath(compiled.replace(/\.ts$/, '.js'))) ? workers : 0;
}

async function commitAll(
  store: Store,
  table: TableReader,
  particles: readonly ParticleRef[],
  sources: readonly SourceRecord[],
  before: Snapshot,
  settings: IngestSettings,
): Promise<IngestReport> {
  const { rows, badRows, examples, quarantine } = table.report();
  const append = settings.mode === 'append';
  const heldBy = append ? settings.heldBy?.(particles) : undefined;
  const same = append ? heldBy !== undefined : sameContent(before, table.schema, particles);
  const only = sources.length === 1 ? 0 : undefined;
  const after = same
    ? before
    : await store.commit({
        schema: table.schema,
        ...(append ? {} : { remove: 'all' as const }),
        add: particles.map((particle) => (only === undefined ? particle : { ...particle, source: only })),
        sources: only === undefined ? sources : [{ ...sources[0], rows }],
        why: settings.why ?? `${append ? 'append' : 'ingest'} ${describe(sources)}`,
        base: before.commit,
        accept: (since) => checkNotHeld(settings.heldBy?.(particles, since)),
      });
  return {
    schema: after.schema,
    notes: table.notes,
    rows,
    particles: particles.length,
    bytes: particles.reduce((sum, particle) => sum + particle.bytes, 0),
    badRows,
    examples,
    ...(quarantine === undefined ? {} : { quarantine }),
    unchanged: same,
    commit: heldBy ?? after.commit,
  };
}

function checkNotHeld(commit: number | undefined): void {
  if (commit === undefined) return;
  throw new SoraError(
    'conflict',
    `Commit ${commit} appended the same rows meanwhile, so they were not appended again: run this again to go on from it.`,
    { details: { commit } },
  );
}

function sameContent(before: Snapshot, schema: Schema, particles: readonly ParticleRef[]): boolean {
  return (
    before.commit > 0 &&
    before.particles.length === particles.length &&
    canonicalJson(before.schema as unknown as Json) === canonicalJson(schema as unknown as Json) &&
    particles.every((particle, index) => particle.hash === before.particles[index].hash)
  );
}

function describe(sources: readonly SourceRecord[]): string {
  const [first] = sources;
  const name = first.name.length > 80 ? `${first.name.slice(0, 80)}…` : first.name;
  return sources.length === 1 ? name : `${name} and ${sources.length - 1} more`;
}
