/** One at a time, in the order of asking; whoever is cancelled while waiting leaves at once. */
import { SoraError } from '../errors.ts';

/** A queue of asynchronous work. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Runs `work` when everything asked for before has ended. Rejects promptly with `cancelled` while waiting. */
  async take<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last = before.then(() => ended);
    try {
      await orAborted(before, signal);
      return await work();
    } finally {
      end();
    }
  }
}

/** The promise, or a rejection with `cancelled` as soon as the signal is aborted. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void =>
      reject(new SoraError('cancelled', 'Stopped on request.', { cause: signal.reason }));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
