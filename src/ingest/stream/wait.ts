/** Waiting that ends early: a pause that an abort cuts short, and a promise that is given up for a moment. */

/** How often sources that cannot be told of news look for them, in milliseconds. */
export const POLL = 100;

/** Resolves after `milliseconds`, or at once when the signal aborts. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

/** What the promise gives, or undefined if it gives nothing for `milliseconds` or the signal aborts; it may be asked again. */
export async function within<T>(
  promise: Promise<T>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  const given = new AbortController();
  const either = AbortSignal.any([given.signal, signal]);
  try {
    return await Promise.race([promise, pause(milliseconds, either).then(() => undefined)]);
  } finally {
    given.abort();
  }
}
