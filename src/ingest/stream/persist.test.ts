/** What is said of a server while it is away: nothing of a connection made anew, one reason while it stays away. */
import { describe, expect, it } from 'vitest';
import { persist, Unavailable } from './persist.ts';
import type { StreamBatch } from './stream.ts';

/** Batches of a source whose session number n fails with `failures[n]`, and gives a row where that is undefined. */
async function batches(failures: readonly (Error | undefined)[]): Promise<StreamBatch[]> {
  let session = 0;
  const source = {
    name: 'test',
    retries: 10,
    fatal: () => undefined,
    async *session() {
      const failure = failures[session++];
      if (failure !== undefined) throw failure;
      yield { rows: [{ id: session }], position: session };
      if (session < failures.length) throw new Error('cut');
    },
  };
  const all: StreamBatch[] = [];
  for await (const batch of persist(source, null, new AbortController().signal)) all.push(batch);
  return all;
}

const gone = new Error('gone\nand more');

describe('a source that is tried again', () => {
  it('is not away when the next try succeeds', async () => {
    const all = await batches([undefined, undefined, undefined]);
    expect(all.map(({ rows }) => rows.length)).toEqual([1, 0, 1, 0, 1]);
    expect(all.every((batch) => !('away' in batch))).toBe(true);
  });

  it('is away from the second failure on until rows come, and says why', async () => {
    const all = await batches([undefined, gone, gone, undefined]);
    expect(all.map(({ away }) => away)).toEqual([undefined, undefined, 'gone', 'gone', undefined]);
    expect(all.at(-1)).toEqual({ rows: [{ id: 4 }], position: 4 });
  });

  it('is away at once when it asks for a longer wait', async () => {
    const all = await batches([undefined, new Unavailable('the server answers 503', 1200), undefined]);
    expect(all.map(({ away }) => away)).toEqual([
      undefined,
      undefined,
      'the server answers 503',
      'the server answers 503',
      undefined,
    ]);
    const first = await batches([new Unavailable('busy', 1100), undefined]);
    expect(first.map(({ away }) => away)).toEqual(['busy', 'busy', undefined]);
  });
});
