import { afterEach, describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import { WorkerPool } from './pool.ts';
import type { Reference } from './reference.ts';

const module = new URL('./fixtures/callees.mjs', import.meta.url).href;
const callee = (name: string, options?: Reference['options']): Reference => ({ module, name, options });

const pools: WorkerPool[] = [];
function pool(options: ConstructorParameters<typeof WorkerPool>[0] = {}): WorkerPool {
  const made = new WorkerPool({ workers: 2, ...options });
  pools.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((made) => made.close()));
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SoraError);
  return (error as SoraError).code;
}

describe('WorkerPool', () => {
  it('calls functions by reference, many at once', async () => {
    const made = pool();
    const inputs = [...Array(50).keys()];
    const results = await Promise.all(inputs.map((x) => made.call<number>(callee('square'), x)));
    expect(results).toEqual(inputs.map((x) => x * x));
  });

  it('makes a function once a thread, and another for other options', async () => {
    const made = pool({ workers: 1 });
    const first = await made.call<{ count: number }>(callee('counter', { start: 5 }), null);
    const second = await made.call<{ count: number }>(callee('counter', { start: 5 }), null);
    const other = await made.call<{ count: number }>(callee('counter', { start: 9 }), null);
    expect([first.count, second.count, other.count]).toEqual([5, 6, 9]);
  });

  it('moves buffers both ways', async () => {
    const input = new Uint8Array([1, 2, 3]);
    const result = await pool().call<Uint8Array>(callee('doubled'), input, [input.buffer]);
    expect([...result]).toEqual([2, 4, 6]);
    expect(input.byteLength).toBe(0);
  });

  it('carries errors with code, details and cause', async () => {
    const error = await pool()
      .call(callee('failing'), 7)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SoraError);
    const { code, message, details, cause } = error as SoraError;
    expect([code, message]).toEqual(['bad-data', 'No use for 7.']);
    expect(details).toMatchObject({ row: 7, callback: expect.stringContaining('=>') });
    expect(cause).toMatchObject({ name: 'TypeError', message: 'root' });
  });

  it('reports a missing export and a result that cannot be sent, and goes on', async () => {
    const made = pool({ workers: 1 });
    expect(await codeOf(made.call(callee('nothing'), 1))).toBe('internal');
    await expect(made.call(callee('uncloneable'), 1)).rejects.toThrow(/clone/);
    expect(await made.call(callee('square'), 3)).toBe(9);
  });

  it('replaces a thread that dies, and gives up on a call that kills three', async () => {
    const made = pool({ workers: 1 });
    expect(await codeOf(made.call(callee('dying'), 3))).toBe('worker-lost');
    expect(await made.call(callee('square'), 4)).toBe(16);
  });

  it('stops at once when aborted, even in the middle of a loop', { retry: 3 }, async () => {
    const abort = new AbortController();
    const made = pool({ signal: abort.signal });
    const calls = [1, 2, 3].map((x) => codeOf(made.call(callee('spinning'), x)));
    await new Promise((resolve) => setTimeout(resolve, 150));
    const start = performance.now();
    abort.abort();
    expect(await Promise.all(calls)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(performance.now() - start).toBeLessThan(100);
    expect(await codeOf(made.call(callee('square'), 1))).toBe('cancelled');
  });

  it('refuses a number of workers that is none', () => {
    expect(() => new WorkerPool({ workers: 0 })).toThrow(SoraError);
  });
});

describe('mapOrdered', () => {
  it('keeps the order of the input whatever the order of the answers', async () => {
    const made = pool();
    const results: number[] = [];
    for await (const x of made.mapOrdered([...Array(20).keys()], (x) =>
      made.call<number>(callee('echoLate'), x),
    ))
      results.push(x);
    expect(results).toEqual([...Array(20).keys()]);
  });

  it('takes no more than `ahead` items before their results are consumed', async () => {
    const made = pool();
    let taken = 0;
    async function* items() {
      for (; ; taken++) yield taken;
    }
    const results: number[] = [];
    for await (const x of made.mapOrdered(items(), (x) => x, { ahead: 3 })) {
      results.push(x);
      expect(taken - results.length).toBeLessThanOrEqual(3);
      if (results.length === 10) break;
    }
    expect(results).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('surfaces an error at its place and closes the input', async () => {
    let closed = false;
    function* items() {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    }
    const seen: number[] = [];
    const run = async () => {
      const fn = async (x: number) => {
        if (x >= 4) throw new SoraError('bad-data', `item ${x}`);
        return x;
      };
      for await (const x of pool().mapOrdered(items(), fn, { ahead: 4 })) seen.push(x);
    };
    await expect(run()).rejects.toThrow('item 4');
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(closed).toBe(true);
  });
});
