/**
 * The batches of a stream as they are taken: a few are read ahead, those that were looked at first come first, and the feed
 * knows why it ends. An abort ends it after what had come.
 */
import type { RowStream, StreamBatch, StreamPosition } from '../../ingest/stream/stream.ts';
import { Ahead, type Arrived } from './ahead.ts';
import { Outages } from './outages.ts';
import type { FollowHooks, FollowResult } from './result.ts';

/** Batches read ahead of the learner. */
const AHEAD = 4;
/** How long nothing may come before clocks are looked at, in milliseconds. */
const TICK = 100;

export type Item = Arrived<StreamBatch>;

export class Feed {
  /** Why nothing more comes; undefined while something may. */
  ended: Exclude<FollowResult['ended'], 'rows'> | undefined;
  readonly #stream: RowStream;
  readonly #untilIdle: number;
  readonly #signal: AbortSignal | undefined;
  readonly #outages: Outages;
  readonly #stop = new AbortController();
  readonly #abort = () => this.#stop.abort();
  /** Batches that were looked at, and are still to be taken. */
  readonly #looked: Item[] = [];
  #queue: Ahead<StreamBatch> | undefined;
  /** Milliseconds in which the source had nothing to say, since its last row. */
  #idle = 0;

  /** Ends after `untilIdle` seconds without a row. */
  constructor(stream: RowStream, untilIdle: number | undefined, { signal, onOutage }: FollowHooks) {
    this.#stream = stream;
    this.#untilIdle = untilIdle ?? Number.POSITIVE_INFINITY;
    this.#signal = signal;
    this.#outages = new Outages(stream.name, (outage) => onOutage?.(outage));
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted) this.#abort();
  }

  /** Begins to read after a position. */
  start(from: StreamPosition | null): void {
    this.#queue = new Ahead(this.#stream.read(from, this.#stop.signal), AHEAD);
  }

  /** The next batch, which `next` will give again; undefined after a moment without one. */
  async look(): Promise<Item | undefined | 'end'> {
    const item = await this.#read();
    if (item !== undefined && item !== 'end') this.#looked.push(item);
    return item;
  }

  /** The next batch to take; undefined after a moment without one. */
  async next(): Promise<Item | undefined | 'end'> {
    return this.#looked.shift() ?? (this.ended === undefined ? this.#read() : 'end');
  }

  async #read(): Promise<Item | undefined | 'end'> {
    const asked = performance.now();
    const item = await this.#queue?.next(TICK);
    if (item === 'end') {
      this.ended ??= this.#signal?.aborted ? 'stopped' : 'source';
      return 'end';
    }
    if (item !== undefined) this.#outages.see(item.value);
    if (item !== undefined && item.value.rows.length > 0) this.#idle = 0;
    else {
      // A machine that is too busy to ask is not a source that is silent.
      this.#idle += Math.min(performance.now() - asked, 2 * TICK);
      if (this.#idle > 1000 * this.#untilIdle) {
        this.ended = 'idle';
        return 'end';
      }
    }
    return item;
  }

  /** Stops reading; what had been read ahead is forgotten. */
  async stop(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#abort();
    await this.#queue?.stop();
  }
}
