/**
 * Drift that was put in is found within a stated delay at a stated rate of false alarms, by every detector with its defaults:
 * the bounds of docs/drift.md, which hold over 100 seeds (bench/stream/drift.mjs), here over the first 12.
 */
import { describe, expect, it } from 'vitest';
import { measureDrift } from '../bench/stream/drift-measure.mjs';
import { CONCEPTS, driftStream } from '../bench/stream/drift-streams.mjs';
import { createOnline } from '../src/fit/online/online.ts';
import { createParticle } from '../src/particle/create.ts';

const SEEDS = 12;

/** Least share of borders found in 2,500 rows, and greatest median delay: abrupt, gradual, recurring. */
const BOUNDS: Record<string, readonly (readonly [kind: string, found: number, median: number])[]> = {
  adwin: [
    ['abrupt', 0.9, 80],
    ['gradual', 0.8, 1000],
    ['recurring', 0.75, 80],
  ],
  'page-hinkley': [
    ['abrupt', 0.93, 130],
    ['gradual', 0.9, 1000],
    ['recurring', 0.8, 130],
  ],
  kswin: [
    ['abrupt', 0.5, 60],
    ['gradual', 0.05, Number.POSITIVE_INFINITY],
    ['recurring', 0.5, 60],
  ],
  ddm: [
    ['abrupt', 0.95, 120],
    ['gradual', 0.88, 1100],
    ['recurring', 0.82, 120],
  ],
  'hddm-a': [
    ['abrupt', 0.85, 60],
    ['gradual', 0.7, 1100],
    ['recurring', 0.74, 60],
  ],
};
/** False alarms per 10,000 rows without drift: 0.1 over 100 seeds; one more or less shows over 12. */
const ALARMS = 0.25;

describe.each(Object.entries(BOUNDS))('%s', (detector, bounds) => {
  const options = { detector, rows: 15_000, period: 5000 } as const;

  it.each(bounds)('finds %s drift in time', (kind, found, median) => {
    const measured = measureDrift({ createOnline, createParticle }, { ...options, kind } as never, SEEDS);
    expect(measured.found).toBeGreaterThanOrEqual(found);
    expect(measured.median ?? 0).toBeLessThanOrEqual(median);
  });

  it('raises few false alarms where there is none', () => {
    const measured = measureDrift(
      { createOnline, createParticle },
      { ...options, kind: 'none' } as never,
      SEEDS,
    );
    expect(measured.found).toBeUndefined();
    expect(measured.alarms).toBeLessThanOrEqual(ALARMS);
  });
});

describe('streams', () => {
  it.each(
    CONCEPTS,
  )('%s: two classes, another concept after each border, the first again where it recurs', (concept) => {
    const [abrupt, recurring] = ['abrupt', 'recurring'].map((kind) =>
      driftStream({ concept, kind, seed: 1, rows: 6000, period: 2000 }),
    );
    const share = (from: number) =>
      abrupt.slice(from, from + 2000).filter((row, i) => row.y !== recurring[from + i].y).length / 2000;
    expect(abrupt.filter(({ y }) => y === 1).length).toBeGreaterThan(600);
    expect([share(0), share(2000)]).toEqual([0, 0]);
    expect(share(4000)).toBeGreaterThan(0.03);
  });
});
