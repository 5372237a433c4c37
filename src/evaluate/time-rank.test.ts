import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createParticle } from '../particle/create.ts';
import { inlineExecutor } from '../run/inline.ts';
import { memoryParticles } from '../run/memory-source.ts';
import { rowsFrom, timeOfNewest, timeRange } from './time-rank.ts';

async function open(times: readonly number[], type: 'timestamp' | 'number') {
  const half = times.length >> 1;
  const particles = [times.slice(0, half), times.slice(half)].map((at) =>
    createParticle({ columns: { at }, types: { at: type } }),
  );
  return inlineExecutor().open({ ...memoryParticles(particles) });
}

describe('the time of the newest rows', () => {
  it.each([
    ['milliseconds of years', fc.integer({ min: 1e12, max: 1.7e12 }), 'timestamp'],
    ['few whole numbers', fc.integer({ min: -3, max: 9 }), 'number'],
    ['seconds far apart', fc.integer({ min: 0, max: 1e6 }).map((s) => 1000 * s), 'timestamp'],
  ] as const)('is exact: %s', async (_, arbitrary, type) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitrary, { minLength: 1, maxLength: 60 }),
        fc.nat(),
        async (times, pick) => {
          const session = await open(times, type);
          const range = await timeRange(session, 'at');
          const count = 1 + (pick % times.length);
          const time = await timeOfNewest(session, range, count);
          const sorted = times.toSorted((a, b) => b - a);
          expect(times.filter((one) => one >= time)).toHaveLength(
            times.filter((one) => one >= sorted[count - 1]).length,
          );
          expect(await rowsFrom(session, range, time)).toBe(times.filter((one) => one >= time).length);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps fractions apart', async () => {
    const times = Array.from({ length: 100 }, (_, i) => i / 1000);
    const session = await open(times, 'number');
    const range = await timeRange(session, 'at');
    for (const count of [1, 20, 99, 100]) {
      const time = await timeOfNewest(session, range, count);
      expect(times.filter((one) => one >= time)).toHaveLength(count);
    }
  });

  it('needs a time', async () => {
    const session = await open([Number.NaN, Number.NaN], 'number');
    await expect(timeRange(session, 'at')).rejects.toThrow(/missing in all rows/);
  });
});
