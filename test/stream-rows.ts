/** Reading streams in tests: rows with the position of their batch, up to a number of them or until nothing comes. */
import type { RowObject } from '../src/ingest/inputs.ts';
import type { RowStream, StreamBatch, StreamPosition } from '../src/ingest/stream/stream.ts';

export interface Taken {
  readonly rows: RowObject[];
  readonly batches: StreamBatch[];
  readonly position: StreamPosition | null;
}

/** Rows after `from` until there are so many, or the source ends. `onBatch` is waited for after each batch. */
export async function take(
  stream: RowStream,
  from: StreamPosition | null,
  most = Number.POSITIVE_INFINITY,
  onBatch?: (batch: StreamBatch) => unknown,
): Promise<Taken> {
  const stop = new AbortController();
  const rows: RowObject[] = [];
  const batches: StreamBatch[] = [];
  let position = from;
  for await (const batch of stream.read(from, stop.signal)) {
    if (batch.rows.length > 0) batches.push(batch);
    rows.push(...batch.rows);
    // What is kept of a position is its JSON.
    position = JSON.parse(JSON.stringify(batch.position));
    await onBatch?.(batch);
    if (rows.length >= most) break;
  }
  stop.abort();
  return { rows, batches, position };
}

/** The error of reading. */
export async function failure(stream: RowStream, from: StreamPosition | null = null): Promise<unknown> {
  try {
    await take(stream, from);
  } catch (error) {
    return error;
  } finally {
    await stream.close();
  }
  return undefined;
}
