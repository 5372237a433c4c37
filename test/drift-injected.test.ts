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

/** Least share of borders found in 2,500 rows, and greatest median delay. */
interface Bounds {
  readonly found: number;
  readonly median: number;
}

const BOUNDS: Record<string, Record<'abrupt' | 'gradual' | 'recurring', Bounds>> = {
  adwin: {
    abrupt: { found: 0.9, median: 150 },
    gradual: { found: 0.85, median: 1300 },
    recurring: { found: 0.75, median: 150 },
  },
};
/** False alarms per 10,000 rows without drift. */
const ALARMS = 0.5;

describe.each(Object.entries(BOUNDS))('%s', (detector, bounds) => {
  const options = { detector, rows: 15_000, period: 5000 } as const;

  it.each(Object.entries(bounds))('finds %s drift in time', (kind, { found, median }) => {
    const measured = measureDrift({ createOnline, createParticle }, { ...options, kind } as never, SEEDS);
    expect(measured.found).toBeGreaterThanOrEqual(found);
    expect(measured.median).toBeLessThanOrEqual(median);
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
