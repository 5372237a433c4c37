/**
 * How a task gets at what its summary observes: a resident view, a packed view from the cache, or a particle
 * loaded and turned into its view. What is found where never changes a result, only how long it takes.
 */
import { SoraError } from '../errors.ts';
import { packedSize, packInto, unpackView } from '../particle/pack.ts';
import type { ParticleRef } from '../particle/particle.ts';
import { ReusedBytes } from '../particle/reused-bytes.ts';
import { bytesBesideFile, particleBytes } from '../particle/size.ts';
import type { View } from '../particle/view.ts';
import { GarbageGauge } from './garbage.ts';
import { viewKey } from './node-keys.ts';
import type { Source, ViewCache, ViewKind } from './session.ts';
import { type Place, ViewMemory } from './view-memory.ts';

/** Views of this thread: one for all sessions, as there is one kernel memory. */
const memory = new ViewMemory();
/** Where they are derived. */
const workshop = new ReusedBytes();

/** Decoded and dropped bytes after which a worker with a budget collects garbage: 0.1 ms each time; more if it has more. */
const COLLECT_BYTES = 4 * 2 ** 20;
const COLLECT_SHARE = 1 / 64;

/** What an input is given to, and whether it stays; must be done with one that does not when it returns. */
export type Use = (input: unknown, stays: boolean) => void;

/** Inputs of tasks in this thread, within a number of bytes. */
export class Inputs {
  readonly #bytes: number | undefined;
  readonly #garbage: GarbageGauge | undefined;
  /** Sizes of entries that the cache of views has had: asking costs about as much as reading a small one. */
  readonly #cachedSizes = new Map<string, number>();
  #transient = 0;

  /** `bytes`: most for views and what is decoded to derive them; absent: what the kernel memory holds. */
  constructor(bytes?: number) {
    this.#bytes = bytes;
    if (bytes !== undefined) this.#garbage = new GarbageGauge(Math.max(COLLECT_BYTES, COLLECT_SHARE * bytes));
  }

  /** Notes that a round over such views begins. */
  beginRound(kind: ViewKind<unknown> | undefined): void {
    if (kind?.kept) memory.beginRound(kind.id);
  }

  /** The view if it lies in memory. */
  resident(kind: ViewKind<unknown> | undefined, ref: ParticleRef): View | undefined {
    return kind?.kept ? memory.get(kind.id, ref.hash) : undefined;
  }

  /** Gives up all views of this thread. */
  clear(): void {
    memory.clear();
  }

  /** Gets the input of a particle that is not resident and uses it; `pin` asks for the view to stay. */
  async use(
    kind: ViewKind<unknown> | undefined,
    source: Source,
    ref: ParticleRef,
    pin: boolean,
    use: Use,
  ): Promise<void> {
    if (kind?.kept && source.views !== undefined && this.#fromCache(kind, source.views, ref, pin, use))
      return;
    const dropped = await this.#load(kind, source, ref, pin, use);
    // What was decoded is out of reach only here, not inside of the call.
    this.#garbage?.dropped(dropped);
  }

  /** From the cache of views straight into memory; false if it is not there or damaged. */
  #fromCache(kind: ViewKind<unknown>, views: ViewCache, ref: ParticleRef, pin: boolean, use: Use): boolean {
    const key = viewKey(kind.id, ref.hash);
    const size = this.#cachedSizes.get(key) ?? views.size(key);
    const place = size === undefined ? undefined : memory.place(kind.id, size, pin, this.#limit());
    if (size === undefined || place === undefined) return false;
    this.#cachedSizes.set(key, size);
    try {
      const view = views.read(key, place.bytes) ? readPacked(place.bytes) : undefined;
      if (view === undefined) this.#cachedSizes.delete(key);
      else settle(kind, ref, place, view, use);
      return view !== undefined;
    } finally {
      memory.free();
    }
  }

  /** Loads the particle and uses it or its view; returns about how many bytes of garbage that leaves. */
  async #load(
    kind: ViewKind<unknown> | undefined,
    source: Source,
    ref: ParticleRef,
    pin: boolean,
    use: Use,
  ): Promise<number> {
    const particle = await source.load(ref);
    const decoded = this.#bytes === undefined ? 0 : bytesBesideFile(particle);
    this.#check(ref, ref.bytes + decoded, 0);
    if (!kind?.kept) {
      use(kind === undefined ? particle : kind.derive(particle), false);
      // What a summary or a view made of it on the way is not known: about as much again.
      return ref.bytes + particleBytes(particle);
    }
    const view = kind.derive(particle, workshop) as View;
    this.#keep(kind, source.views, ref, view, ref.bytes + decoded, pin, use);
    return decoded + bytesOutside(view);
  }

  /** Packs the view into memory; one that will not stay is written to the cache. */
  #keep(
    kind: ViewKind<unknown>,
    views: ViewCache | undefined,
    ref: ParticleRef,
    view: View,
    decodedBytes: number,
    pin: boolean,
    use: Use,
  ): void {
    const size = packedSize(view);
    this.#check(ref, decodedBytes + size, size);
    const place = memory.place(kind.id, size, pin, this.#limit());
    if (place === undefined) {
      use(view, false);
      return;
    }
    try {
      packInto(view, place.bytes);
      if (!place.pinned) views?.write(viewKey(kind.id, ref.hash), place.bytes);
      settle(kind, ref, place, unpackView(place.bytes), use);
    } finally {
      memory.free();
    }
  }

  /** Bytes for pinned views and the slot of the stream: what decoding does not need. */
  #limit(): number {
    return this.#bytes === undefined ? Number.POSITIVE_INFINITY : this.#bytes - this.#transient;
  }

  /** Notes what decoding a particle took; throws `over-budget` if there is no room for that and a view of `size`. */
  #check(ref: ParticleRef, transientBytes: number, size: number): void {
    this.#transient = Math.max(this.#transient, transientBytes);
    if (this.#bytes === undefined || size <= this.#limit()) return;
    const needBytes = this.#transient + size;
    throw new SoraError(
      'over-budget',
      `Particle ${ref.hash.slice(0, 12)} (${ref.rows} rows) needs ${needBytes} bytes with its view, and a worker has ` +
        `${this.#bytes}. Give a larger memory budget, or ingest with smaller particles.`,
      { details: { particle: ref.hash, needBytes, limitBytes: this.#bytes } },
    );
  }
}

/** Bytes of a view that were allocated for it alone. */
function bytesOutside(view: View): number {
  let bytes = 0;
  for (const value of Object.values(view)) {
    if (ArrayBuffer.isView(value) && !workshop.holds(value)) bytes += value.byteLength;
  }
  return bytes;
}

/** A pinned view stays, even if observing it fails. */
function settle(kind: ViewKind<unknown>, ref: ParticleRef, place: Place, view: View, use: Use): void {
  if (place.pinned) memory.keep(kind.id, ref.hash, place, view);
  use(view, place.pinned);
}

/** A damaged entry reads as absent. */
function readPacked(bytes: Uint8Array): View | undefined {
  try {
    return unpackView(bytes);
  } catch {
    return undefined;
  }
}
