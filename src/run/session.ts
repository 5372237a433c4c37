/**
 * What an executor promises: open a session over particles, play rounds, close. Nothing of queues or threads.
 * The result of a round is a pure function of (particles in order, view, summary, parameters): never of workers.
 * One partial per particle, merged on the dyadic tree over particle indices:
 * node (0, i) is particle i; node (k, i) = merge(node (k-1, 2i), node (k-1, 2i+1)); a missing right child is skipped.
 */
import type { Particle, ParticleRef } from '../particle/particle.ts';
import type { ReusedBytes } from '../particle/reused-bytes.ts';
import type { Reference } from './reference.ts';

/** Where workers get particles and keep what can be derived again. Made in each worker from a {@link Reference}. */
export interface Source {
  /** The decoded particle, its bytes checked against their hash; its memory may be used again by the next call. */
  load(ref: ParticleRef): Promise<Particle>;
  /** Packed views, kept on disk so that a stream over them costs a read; absent: views are derived each time. */
  readonly views?: ViewCache;
  /** Where a worker may note what it knows of views that do not stay in its memory; absent: nowhere. */
  readonly scratch?: Scratch;
}

/** Files of one worker for as long as its source lives. They may be lost, which reading tells. */
export interface Scratch {
  /** Fills `target` with what was written under the name; false if that is gone, damaged or of another length. */
  read(name: string, target: Uint8Array): boolean;
  /** False where it cannot be kept. */
  write(name: string, bytes: Uint8Array): boolean;
  clear(): void;
}

/** A bounded cache of packed views. Losing entries loses nothing; a damaged entry reads as absent. */
export interface ViewCache {
  /** Size in bytes of the packed view, or undefined if it is not there. */
  size(key: string): number | undefined;
  /** Reads the packed view into `target` (exactly `size` bytes) and checks it; false if it is gone or damaged. */
  read(key: string, target: Uint8Array): boolean;
  write(key: string, bytes: Uint8Array): void;
}

/** A bounded cache of encoded partials, used by the session's own thread. */
export interface PartialCache {
  get(key: string): Uint8Array | undefined;
  put(key: string, bytes: Uint8Array): void;
}

/**
 * How a particle becomes what a summary observes. `derive` is pure: the same particle gives the same view.
 * A view that is kept may lie in `memory`: it is copied before the next one is derived.
 */
export interface ViewKind<V> {
  /** Name, version and recipe hash: part of every cache key. */
  readonly id: string;
  derive(particle: Particle, memory?: ReusedBytes): V;
  /** Whether the result is a packable {@link View} worth keeping in memory and on disk (else derived each time). */
  readonly kept: boolean;
}

/** One map and merge over all particles of the session. */
export interface Round {
  /** Factory `(options, parameters) => Summary`. */
  readonly summary: Reference;
  /** Factory `(options) => ViewKind`; absent: the summary observes the particle itself. */
  readonly view?: Reference;
  /** Broadcast to every worker: model parameters, encoded by the caller. */
  readonly parameters?: Uint8Array;
  /** What to keep: every finished node of the merge tree, only the root, or nothing (default). */
  readonly keep?: 'nodes' | 'root';
  /**
   * Few, large tasks, each always with the same worker: for states that cost more to send than uneven loads do, and
   * where a worker knows more of its particles than their views.
   */
  readonly coarse?: boolean;
  /**
   * Rounds of one lane are played one after the other, and the result of each is done with when the next begins: large
   * states may lie in memory that is used again. Rounds of two lanes may be under way at the same time. Absent: rounds
   * are played one after the other, and results last.
   */
  readonly lane?: number;
  /** Shown in progress, e.g. `gradient`. */
  readonly label?: string;
}

export interface RoundResult<State, Value> {
  readonly state: State;
  readonly value: Value;
  /** Particles observed for this round; 0 when the cache answered all of it. */
  readonly observed: number;
  /** Whether all views that were observed lie in the memory of workers now. */
  readonly resident: boolean;
}

export interface RoundProgress {
  readonly label: string;
  readonly rows: number;
  readonly totalRows: number;
}

export interface SessionOptions {
  readonly particles: readonly ParticleRef[];
  /** Factory `(options, sourceData) => Source`. */
  readonly source: Reference;
  /** Bytes for the source that JSON cannot hold; over a SharedArrayBuffer they are shared, not copied. */
  readonly sourceData?: Uint8Array;
  readonly partials?: PartialCache;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RoundProgress) => void;
}

export interface Session {
  readonly particles: readonly ParticleRef[];
  /** Whether workers go on with one round while the caller is busy with the result of another. */
  readonly concurrent: boolean;
  reduce<State, Value>(round: Round): Promise<RoundResult<State, Value>>;
  /** Frees views and workers' memory; idempotent. */
  close(): Promise<void>;
}

/** Inline, threads, later a cluster: the same results from each. */
export interface Executor {
  readonly workers: number;
  open(options: SessionOptions): Promise<Session>;
  close(): Promise<void>;
}
