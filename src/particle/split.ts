/**
 * One particle cut into several, in order. `merge(split(p))` has the content, and so the hash, of p.
 */
import { SoraError } from '../errors.ts';
import type { Particle } from './particle.ts';
import { sliceParticle } from './select.ts';

/** Particles of `rows` rows each (the last may have fewer); at least one. */
export function splitParticle(particle: Particle, rows: number): Particle[] {
  if (!Number.isInteger(rows) || rows < 1) {
    throw new SoraError('bad-option', `Cannot split a particle into parts of ${rows} rows; give 1 or more.`, {
      details: { rows },
    });
  }
  const parts: Particle[] = [];
  for (let from = 0; from === 0 || from < particle.rows; from += rows) {
    parts.push(sliceParticle(particle, from, Math.min(from + rows, particle.rows)));
  }
  return parts;
}
