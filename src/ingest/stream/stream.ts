/**
 * Rows that keep coming: what every stream gives (standard input, a growing file, a folder, a table, a log of events).
 * A stream says where it stands after each batch, and goes on from there: whoever takes its rows keeps that position
 * beside what was made of them, so that after a kill each row is taken exactly once.
 */
import type { Json } from '../../json.ts';
import type { RowObject } from '../inputs.ts';

/** Where a stream stands: after which of its rows. Only the stream that gave it reads it. */
export type StreamPosition = Json;

/**
 * Stands in a batch for a row that cannot be read: whoever takes it fails, leaves it out or sets it aside, and says so.
 * It counts as a row in positions.
 */
export class UnreadableRow {
  readonly [name: string]: unknown;
  readonly reason: string;
  readonly raw: string;

  constructor(reason: string, raw: string) {
    this.reason = reason;
    this.raw = raw;
  }
}

/** Rows that came together, in order, and where the stream stands after the last of them. */
export interface StreamBatch {
  /** Objects; an {@link UnreadableRow} for one that cannot be read, where the source can go on after it. */
  readonly rows: readonly RowObject[];
  readonly position: StreamPosition;
  /** Of an empty batch: why the source cannot be reached now. It is tried again; a batch without it says that it is back. */
  readonly away?: string;
}

/**
 * A stream that can be read from any position it gave. The same position gives the same rows in the same order, in
 * batches of any size.
 */
export interface RowStream {
  /** What messages and commits call it; holds no password. */
  readonly name: string;
  /**
   * The rows after `from` (null: from the start), until the source ends or `signal` aborts (then it returns). It reads
   * on only when asked for the next batch: a slow taker slows the source, and no more than a batch or two lie in memory.
   * An empty batch means that nothing came for a while, so that the taker can look at its clock. Throws `bad-input`
   * naming the row at fault, `schema-mismatch` where `from` is not a position of this source.
   */
  read(from: StreamPosition | null, signal: AbortSignal): AsyncIterable<StreamBatch>;
  /** Told once what came up to `position` is safe: a source that keeps rows for its readers may now let go of them. */
  taken?(position: StreamPosition): Promise<void>;
  /** Lets go of connections and files. */
  close(): Promise<void>;
}
