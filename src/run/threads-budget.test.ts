import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { SoraError } from '../errors.ts';
import { randomUniform } from '../random.ts';
import { divideMemory, heapLimit } from './budget.ts';
import { fixture, particleOf } from './fixtures/particles.ts';
import { inlineExecutor } from './inline.ts';
import { memoryParticles, reduceParticles } from './memory-source.ts';
import { compiledModule } from './reference.ts';
import { threadExecutor } from './threads.ts';

const MIB = 2 ** 20;

describe('the memory model', () => {
  it('gives each worker the same share of what the process leaves', () => {
    const { workers, shareBytes } = divideMemory(4, 1000 * MIB, 80 * MIB);
    expect(workers).toBe(4);
    expect(80 * MIB + 4 * shareBytes).toBeLessThan(1000 * MIB);
    expect(80 * MIB + 4 * shareBytes).toBeGreaterThan(650 * MIB);
    expect(divideMemory(2, 64 * 1024 * MIB, 80 * MIB).shareBytes).toBeLessThan(2 ** 32);
  });

  it('has fewer workers where that is what fits, and none with an error', () => {
    expect(divideMemory(8, 400 * MIB, 80 * MIB).workers).toBe(4);
    expect(divideMemory(8, 400 * MIB, 80 * MIB, 60 * MIB).workers).toBe(2);
    expect(() => divideMemory(8, 400 * MIB, 80 * MIB, 400 * MIB)).toThrow(
      /needs a memory budget of 590 MiB here, and it is 400 MiB/,
    );
    // A process that holds much already grows less.
    expect(() => divideMemory(8, 400 * MIB, 200 * MIB, 400 * MIB)).toThrow(/a memory budget of 668 MiB here/);
  });

  it('takes part of the machine without a budget', () => {
    expect(divideMemory(2, undefined).shareBytes).toBeGreaterThan(64 * MIB);
    expect(heapLimit(MIB)).toBe(64 * MIB);
  });
});

describe('a budget', () => {
  /** Each takes about 24 MiB to decode and derive, and 8 MiB as a view. */
  const big = [1, 2, 3].map((seed) =>
    particleOf(Array.from({ length: 1_000_000 }, (_, row) => randomUniform(seed, 0, row))),
  );
  /** What one worker needs at least. */
  const leastMemory = (): number => {
    try {
      divideMemory(1, 1);
    } catch (error) {
      return (error as SoraError).details.needBytes as number;
    }
    return 0;
  };
  const summary = fixture('floatSum');
  const view = fixture('scaled', { factor: 3 });

  it('too small for all workers and these particles is kept with fewer workers', async () => {
    const memory = process.memoryUsage.rss() + 236 * MIB;
    const executor = threadExecutor({ workers: 3, memory });
    expect(executor.workers).toBe(3);
    try {
      const value = await reduceParticles(big, summary, { view, executor });
      expect(value).toEqual(await reduceParticles(big, summary, { view, executor: inlineExecutor() }));
      expect(executor.workers).toBeLessThan(3);
    } finally {
      await executor.close();
    }
  });

  it('too small for one worker and one of these particles is an error that says so', async () => {
    const executor = threadExecutor({ workers: 2, memory: leastMemory() + 4 * MIB });
    const session = await executor.open(memoryParticles(big));
    try {
      await expect(session.reduce({ summary, view })).rejects.toMatchObject({
        code: 'over-budget',
        details: { needBytes: expect.any(Number), limitBytes: expect.any(Number) },
      });
    } finally {
      await executor.close();
    }
  });
});

describe('a script', () => {
  const url = (path: string): string => compiledModule(new URL(path, import.meta.url).href);
  const script = (end: string): string => `
    import { memoryParticles } from '${url('./memory-source.ts')}';
    import { threadExecutor } from '${url('./threads.ts')}';
    const schema = { fields: [{ name: 'x', type: 'number', role: 'feature' }] };
    const particles = [1, 2, 3].map((x) => ({ schema, rows: 1, columns: [{ type: 'number', values: Float64Array.of(x) }] }));
    const executor = threadExecutor({ workers: 2 });
    const session = await executor.open(memoryParticles(particles));
    const { value } = await session.reduce({ summary: { module: '${fixture('brackets').module}', name: 'brackets' } });
    console.log(value);
    ${end}
  `;

  it.each([
    ['after closing', 'await session.close(); await executor.close();'],
    ['without closing', ''],
  ])('ends by itself %s', async (_, end) => {
    const args = ['--input-type=module', '--eval', script(end)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
    expect(stdout.trim()).toBe('((1 2) 3)');
  });
});
