import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import { fixture, numberedParticles } from './fixtures/particles.ts';
import { shuffling } from './hooks.ts';
import { inlineExecutor } from './inline.ts';
import { memoryParticles, reduceParticles } from './memory-source.ts';
import { planRound } from './plan.ts';
import type { Executor, Round, RoundProgress, SessionOptions } from './session.ts';
import { type ThreadOptions, threadExecutor } from './threads.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sora-threads-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const open: Executor[] = [];
function threads(options: ThreadOptions = {}): Executor {
  const executor = threadExecutor({ workers: 2, ...options });
  open.push(executor);
  return executor;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.close()));
});

async function reduce<Value>(
  executor: Executor,
  round: Round,
  count = 13,
  options: Partial<SessionOptions> = {},
): Promise<Value> {
  const session = await executor.open({ ...memoryParticles(numberedParticles(count)), ...options });
  try {
    return (await session.reduce<unknown, Value>(round)).value;
  } finally {
    await session.close();
  }
}

async function errorOf(promise: Promise<unknown>): Promise<SoraError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SoraError);
  return error as SoraError;
}

const brackets: Round = { summary: fixture('brackets') };
const tree13 = '((((0 1) (2 3)) ((4 5) (6 7))) (((8 9) (10 11)) 12))';

describe('the same bits on every executor', () => {
  it('merges on the dyadic tree whatever the number of workers', async () => {
    for (const workers of [1, 2, 3, 5]) expect(await reduce(threads({ workers }), brackets)).toBe(tree13);
    expect(await reduce(inlineExecutor(), brackets)).toBe(tree13);
  });

  it('sums floats to the last bit, over particles and over views', async () => {
    const particles = numberedParticles(57, 40);
    for (const view of [undefined, fixture('scaled', { factor: 3 }), fixture('scaled', { kept: false })]) {
      const summary = fixture('floatSum');
      const inline = await reduceParticles<number[]>(particles, summary, { view });
      expect(inline.every(Number.isFinite)).toBe(true);
      for (const workers of [1, 2, 5]) {
        const executor = threads({ workers });
        expect(await reduceParticles(particles, summary, { view, executor })).toEqual(inline);
      }
    }
  });

  it('does not depend on who answers when, nor on tasks that run twice', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const executor = threads({ workers: 3, hooks: shuffling(seed) });
      expect(await reduce(executor, brackets, 29)).toBe(await reduce(inlineExecutor(), brackets, 29));
    }
  });

  it('notices a summary that is not a pure function', async () => {
    const executor = threads({ hooks: { repeat: () => true } });
    const error = await errorOf(reduce(executor, { summary: fixture('impure') }));
    expect(error.code).toBe('internal');
    expect(error.message).toMatch(/different bytes/);
  });

  it('gives parameters to every worker, anew each round', async () => {
    const session = await threads().open(memoryParticles(numberedParticles(4)));
    for (const p of [7, 8]) {
      const { value } = await session.reduce({ ...brackets, parameters: new Uint8Array([p]) });
      expect(value).toBe(`((0@${p} 1@${p}) (2@${p} 3@${p}))`);
    }
  });

  it.each([
    ['undisturbed', {}],
    ['shuffled, late and twice', shuffling(3)],
    ['while workers die', { kill: (_: number, dispatch: number) => dispatch % 7 === 3 }],
  ])('plays rounds of two lanes at the same time, each over memory of its own: %s', async (_, hooks) => {
    for (const executor of [threads({ hooks }), inlineExecutor()]) {
      const session = await executor.open(memoryParticles(numberedParticles(13)));
      const { value: whole } = await session.reduce<unknown, number>({ summary: fixture('wholeSum') });
      const lane = async (number: number) => {
        const values: number[] = [];
        for (let i = 1; i <= 12; i++) {
          const parameters = new Uint8Array([2 * i + number]);
          const round = { summary: fixture('wholeSum'), parameters, coarse: true, lane: number };
          values.push((await session.reduce<unknown, number>(round)).value);
        }
        return values;
      };
      const found = await Promise.all([lane(0), lane(1)]);
      for (const number of [0, 1]) {
        expect(found[number]).toEqual(Array.from({ length: 12 }, (_, i) => (2 * i + 2 + number) * whole));
      }
      await session.close();
    }
  });

  it('plays rounds of several sessions that were asked for at once', async () => {
    const executor = threads();
    const counts = [3, 8, 1, 5, 0];
    const together = await Promise.all(counts.map((count) => reduce(executor, brackets, count)));
    const apart = await Promise.all(counts.map((count) => reduce(inlineExecutor(), brackets, count)));
    expect(together).toEqual(apart);
  });
});

describe('workers that die', () => {
  it('are replaced, and their tasks run again: killed from outside', async () => {
    const hooks = { kill: (_: number, dispatch: number) => dispatch % 5 === 1 };
    expect(await reduce(threads({ hooks }), brackets)).toBe(tree13);
  });

  it.each(['exit', 'throw'])('are replaced, and their tasks run again: %s', async (how) => {
    const summary = fixture('deadly', { at: 6, how, marker: join(scratch, how) });
    expect(await reduce(threads(), { summary })).toBe(tree13);
  });

  it('are replaced when they run out of memory', async () => {
    const summary = fixture('deadly', { at: 6, how: 'memory', marker: join(scratch, 'memory') });
    expect(await reduce(threads({ memory: 300 * 2 ** 20 }), { summary })).toBe(tree13);
  });

  it('end the round when they die three times on the same particles, and the next round works', async () => {
    const executor = threads();
    const error = await errorOf(reduce(executor, { summary: fixture('deadly', { at: 6 }) }));
    expect(error.code).toBe('worker-lost');
    expect(error.cause).toMatchObject({ message: expect.stringContaining('exit code 9') });
    expect(error.details.first).toBeLessThanOrEqual(6);
    expect(await reduce(executor, brackets)).toBe(tree13);
  });
});

describe('errors', () => {
  it('of a summary come with code and details, at once, and the next round works', async () => {
    const executor = threads();
    const error = await errorOf(
      reduce(executor, { summary: fixture('throwing', { at: 3, code: 'bad-data' }) }),
    );
    expect([error.code, error.message, error.details]).toEqual(['bad-data', 'no use for 3', { value: 3 }]);
    await expect(reduce(executor, { summary: fixture('throwing', { at: 3 }) })).rejects.toThrow(
      'no use for 3',
    );
    expect(await reduce(executor, brackets)).toBe(tree13);
  });

  it('of a source that cannot be made, or a particle that is not there', async () => {
    const executor = threads();
    const missing = { source: fixture('nothing') };
    expect((await errorOf(reduce(executor, brackets, 5, missing))).code).toBe('internal');
    const other = { particles: memoryParticles(numberedParticles(9)).particles };
    expect((await errorOf(reduce(executor, brackets, 5, other))).code).toBe('not-found');
  });

  it('of options', () => {
    expect(() => threadExecutor({ workers: 0 })).toThrow(/workers is 0/);
    expect(() => threadExecutor({ memory: -1 })).toThrow(/memory is -1/);
    const error = (() => {
      try {
        threadExecutor({ memory: 2 ** 20 });
      } catch (thrown) {
        return thrown as SoraError;
      }
    })();
    expect(error?.code).toBe('over-budget');
    expect(error?.message).toMatch(/needs a memory budget of \d+ MiB here, and it is 1 MiB/);
  });
});

describe('cancelling', () => {
  it('rejects at once, in the middle of a particle, and other sessions go on', { retry: 3 }, async () => {
    const executor = threads();
    const abort = new AbortController();
    const running = errorOf(
      reduce(executor, { summary: fixture('slow', { ms: 5000 }) }, 8, { signal: abort.signal }),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    const start = performance.now();
    abort.abort();
    expect((await running).code).toBe('cancelled');
    expect(performance.now() - start).toBeLessThan(100);
    expect(await reduce(executor, brackets)).toBe(tree13);
  });

  it('leaves the queue while waiting, and refuses what comes later', async () => {
    const executor = threads();
    const abort = new AbortController();
    const first = reduce(executor, { summary: fixture('slow', { ms: 40 }) });
    const session = await executor.open({ ...memoryParticles(numberedParticles(3)), signal: abort.signal });
    const waiting = errorOf(session.reduce(brackets));
    abort.abort();
    expect((await waiting).code).toBe('cancelled');
    expect((await errorOf(session.reduce(brackets))).code).toBe('cancelled');
    expect(await first).toBe(tree13);
  });

  it('comes with closing the executor in the middle of a round', async () => {
    const executor = threads();
    const running = errorOf(reduce(executor, { summary: fixture('slow', { ms: 1000 }) }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await executor.close();
    expect((await running).code).toBe('cancelled');
    expect((await errorOf(reduce(executor, brackets))).code).toBe('cancelled');
  });
});

describe('scheduling', () => {
  /** Thread of each particle, in the order of particles. */
  const whoObserved = (value: string): string[] => [...value.matchAll(/=(\d+)/g)].map((match) => match[1]);

  it('keeps particles with the worker that holds their views, and uses all workers', async () => {
    const session = await threads().open(memoryParticles(numberedParticles(32)));
    const round = { summary: fixture('threads'), view: fixture('scaled', { factor: 1 }) };
    const passes: string[][] = [];
    for (let i = 0; i < 5; i++) {
      passes.push(whoObserved((await session.reduce<unknown, string>(round)).value));
    }
    expect(new Set(passes[4]).size).toBe(2);
    expect(passes[4]).toEqual(passes[3]);
    expect(passes[4].filter((thread) => thread === passes[4][0])).toHaveLength(16);
  });

  it('lets a worker that has nothing left take what another would have to fetch anyway', async () => {
    const session = await threads().open(memoryParticles(numberedParticles(16)));
    await session.reduce(brackets);
    const own = planRound(Array(16).fill(3), 2).tasks[0];
    const slow = own.flatMap((task) => Array.from({ length: task.count }, (_, i) => task.first + i));
    const summary = fixture('threads', { slow, ms: 40 });
    const { value } = await session.reduce<unknown, string>({ summary });
    const who = whoObserved(value);
    expect(new Set(slow.map((particle) => who[particle])).size).toBe(2);
  });

  it('tells progress in rows, rising to all of them', async () => {
    const told: RoundProgress[] = [];
    const summary = fixture('slow', { ms: 60 });
    await reduce(threads(), { summary, label: 'slow' }, 8, { onProgress: (progress) => told.push(progress) });
    const rows = told.map((progress) => progress.rows);
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toEqual({ label: 'slow', rows: 24, totalRows: 24 });
  });
});
