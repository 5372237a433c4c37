/** Ingest as a workflow: inputs become a commit of a store, with a report of what was read. */
import { type Hooks, type Inputs, openData } from './data.ts';
import { checkOptions, type IngestOptions, ingestShape } from './options.ts';
import { peakMemory } from './resources.ts';

/** What an ingest read and where it is. */
export interface IngestResult {
  readonly store: string;
  readonly commit: number;
  readonly rows: number;
  readonly particles: number;
  /** Size of the particles as files. */
  readonly bytes: number;
  readonly badRows: number;
  readonly quarantine?: string;
  /** The store already held exactly this. */
  readonly unchanged: boolean;
  readonly schema: import('../particle/schema.ts').Schema;
  readonly notes: readonly string[];
  readonly seconds: number;
  readonly peakMemory: number;
}

/**
 * Reads files, a query, an iterable or a stream into a store.
 * @example
 * const { store, rows } = await ingest('people.csv', { target: 'income' });
 */
export async function ingest(inputs: Inputs, given: IngestOptions & Hooks): Promise<IngestResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const options = checkOptions(ingestShape, plain);
  const started = performance.now();
  const { store, snapshot, schema, notes, report } = await openData(inputs, options, {
    signal,
    onProgress,
    onNote,
  });
  return {
    store: store.root as string,
    commit: snapshot.commit,
    rows: snapshot.rows,
    particles: snapshot.particles.length,
    bytes: snapshot.bytes,
    badRows: report?.badRows ?? 0,
    quarantine: report?.quarantine,
    unchanged: report?.unchanged ?? true,
    schema,
    notes,
    seconds: (performance.now() - started) / 1000,
    peakMemory: peakMemory(),
  };
}
