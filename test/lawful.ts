/** The laws of a summary on arbitrary particles: what the test of every summary calls once. */
import fc from 'fast-check';
import { nearly } from '../src/summary/equal.ts';
import { checkLaws } from '../src/summary/laws.ts';
import type { Summary } from '../src/summary/summary.ts';
import { arbitraryParticles } from './arbitrary-particle.ts';

/** Throws unless the laws hold; `tolerance` is for sums of floats, whose order shows in the last digits. */
export function lawful<State, Value>(summary: Summary<State, Value>, tolerance = 0): void {
  const close = tolerance > 0 ? nearly(tolerance) : undefined;
  fc.assert(
    fc.property(arbitraryParticles(), (inputs) => checkLaws(summary, { inputs, close })),
    { numRuns: 15 },
  );
}
