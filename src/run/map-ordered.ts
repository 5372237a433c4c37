/**
 * Ordered parallel map over a stream: bounded look-ahead, backpressure, cancellation.
 * Knows nothing of threads: `fn` starts the work and returns a promise of it.
 */
import { throwIfAborted } from '../errors.ts';

export interface MapOptions {
  /** Most items taken from the input whose results have not been consumed; at least 1. */
  readonly ahead?: number;
  /** Aborting ends the iteration with `cancelled`. */
  readonly signal?: AbortSignal;
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** Yields `fn(item)` in the order of the items. An error surfaces at its item's place and ends the iteration. */
export async function* mapOrdered<In, Out>(
  items: Iterable<In> | AsyncIterable<In>,
  fn: (item: In, index: number) => Promise<Out> | Out,
  options: MapOptions = {},
): AsyncGenerator<Out, void, void> {
  const { ahead = 1, signal } = options;
  const iterator = iteratorOf(items);
  const started: Promise<Settled<Out>>[] = [];
  let index = 0;
  let ended = false;
  try {
    while (true) {
      while (!ended && started.length < Math.max(1, ahead)) {
        throwIfAborted(signal);
        const next = await iterator.next();
        if (next.done) ended = true;
        else started.push(settle(fn, next.value, index++));
      }
      const first = started.shift();
      if (first === undefined) return;
      const settled = await first;
      throwIfAborted(signal);
      if ('error' in settled) throw settled.error;
      yield settled.value;
    }
  } finally {
    await Promise.all(started);
    if (!ended) await iterator.return?.();
  }
}

function iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}

/** Never rejects, so that work ahead of a failure is not an unhandled rejection. */
async function settle<In, Out>(
  fn: (item: In, index: number) => Promise<Out> | Out,
  item: In,
  index: number,
): Promise<Settled<Out>> {
  try {
    return { value: await fn(item, index) };
  } catch (error) {
    return { error };
  }
}
