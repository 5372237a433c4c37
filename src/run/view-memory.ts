/**
 * Views kept in this thread's kernel memory, within a limit. One per thread, as the memory is.
 *
 *     | pinned view | pinned view | pinned view | slot of the stream | …free… | scratch reserve |
 *
 * The first views that fit are pinned and the rest streamed through the slot: passes are sequential, and evicting
 * the least recently used would then evict each view just before it is needed. Pinned views are a stack; the last
 * is given up when the slot needs its room. A view kind that has not been played in the last two rounds gives way
 * to one that has.
 */
import { arena } from '../kernel/memory.ts';
import type { View } from '../particle/view.ts';

interface Pinned {
  readonly kind: string;
  readonly hash: string;
  readonly mark: number;
  readonly bytes: number;
}

/** Memory for one packed view: write it, then keep or free it before anything else is placed. */
export interface Place {
  readonly bytes: Uint8Array;
  /** Whether the view stays; otherwise it is gone with {@link ViewMemory.free}. */
  readonly pinned: boolean;
}

/** The resident views of a thread. */
export class ViewMemory {
  readonly #views = new Map<string, Map<string, View>>();
  readonly #pinned: Pinned[] = [];
  readonly #lastRound = new Map<string, number>();
  readonly #largest = new Map<string, number>();
  #bytes = 0;
  #round = 0;
  #slot: number | undefined;

  /** Bytes of pinned views. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Notes that a round over views of this kind begins. */
  beginRound(kind: string): void {
    this.#lastRound.set(kind, ++this.#round);
  }

  get(kind: string, hash: string): View | undefined {
    return this.#views.get(kind)?.get(hash);
  }

  /**
   * Memory for a view of `size` bytes: to stay if `pin` and the limit allow it, else the slot of the stream.
   * `limit` bounds pinned views and slot together. Undefined where the whole memory is too small.
   */
  place(kind: string, size: number, pin: boolean, limit: number): Place | undefined {
    const slot = Math.max(size, this.#largest.get(kind) ?? 0);
    this.#largest.set(kind, slot);
    const fits = (): boolean => this.#bytes + size + slot <= limit && arena.free() >= size + slot;
    if (pin && !fits() && this.#hasStale()) this.clear();
    if (pin && fits()) return this.#alloc(size, true);
    if (size > limit || size > arena.free() + this.#bytes) return undefined;
    while (this.#bytes + size > limit || arena.free() < size) if (!this.#giveUpLast()) break;
    return this.#alloc(size, false);
  }

  /** Makes a placed view resident. */
  keep(kind: string, hash: string, place: Place, view: View): void {
    const mark = this.#slot as number;
    this.#slot = undefined;
    this.#pinned.push({ kind, hash, mark, bytes: place.bytes.byteLength });
    this.#bytes += place.bytes.byteLength;
    const views = this.#views.get(kind) ?? new Map<string, View>();
    this.#views.set(kind, views.set(hash, view));
  }

  /** Frees a place that was not kept. */
  free(): void {
    if (this.#slot !== undefined) arena.reset(this.#slot);
    this.#slot = undefined;
  }

  /** Gives up every view. */
  clear(): void {
    while (this.#giveUpLast());
  }

  #alloc(size: number, pinned: boolean): Place | undefined {
    const mark = arena.mark();
    const bytes = arena.alloc(Uint8Array, size);
    if (bytes === undefined) return undefined;
    this.#slot = mark;
    return { bytes, pinned };
  }

  #giveUpLast(): boolean {
    const last = this.#pinned.pop();
    if (last === undefined) return false;
    arena.reset(last.mark);
    this.#bytes -= last.bytes;
    this.#views.get(last.kind)?.delete(last.hash);
    return true;
  }

  #hasStale(): boolean {
    return this.#pinned.some(({ kind }) => (this.#lastRound.get(kind) ?? 0) < this.#round - 1);
  }
}
