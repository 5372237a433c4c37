/** Groups stay whole where particles are cut, and the rows stay as they were. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NumberColumn } from '../particle/column.ts';
import { createParticle } from '../particle/create.ts';
import { groupStarts } from '../particle/group-runs.ts';
import { hashParticle } from '../particle/hash.ts';
import { mergeParticles } from '../particle/merge.ts';
import type { Particle } from '../particle/particle.ts';
import { splitParticle } from '../particle/split.ts';
import { readTable } from './table.ts';
import { wholeGroups } from './whole-groups.ts';

async function all(particles: AsyncIterable<Particle>): Promise<Particle[]> {
  const out: Particle[] = [];
  for await (const particle of particles) out.push(particle);
  return out;
}

async function* streamed(particles: readonly Particle[]) {
  yield* particles;
}

describe('whole groups', () => {
  it('of any lengths and cuts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 10 }),
        fc.boolean(),
        async (lengths, size, named) => {
          const group = lengths.flatMap((length, g) => new Array<number>(length).fill(g % 5));
          const columns = {
            group: group.map((g) => (g === 4 ? null : named ? `group ${g}` : g)),
            x: group.map((_, row) => (row % 3 === 0 ? null : row)),
            note: group.map((_, row) => `row ${row}`),
          };
          const roles = { group: 'group' as const };
          const types = { group: named ? ('category' as const) : ('number' as const), x: 'number' as const };
          const whole = createParticle({ columns, roles, types });
          const cut = await all(wholeGroups(streamed(splitParticle(whole, size))));
          expect(hashParticle(mergeParticles(cut))).toBe(hashParticle(whole));
          const borders: number[] = [];
          for (const { rows } of cut) borders.push((borders.at(-1) ?? 0) + rows);
          const starts = [...(groupStarts(whole) as Uint32Array)];
          for (const border of borders) expect(starts).toContain(border);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of a table that is read', async () => {
    const rows = Array.from({ length: 9000 }, (_, i) => ({
      query: Math.floor(i / 7),
      x: i % 11,
      label: i % 3,
    }));
    const table = await readTable(rows, { target: 'label', group: 'query' });
    const particles = await all(table.particles);
    expect(particles.length).toBeGreaterThan(1);
    for (const { rows: count } of particles.slice(0, -1)) expect(count % 7).toBe(0);
    const { columns } = mergeParticles(particles);
    expect([...(columns[1] as NumberColumn).values]).toEqual(rows.map(({ x }) => x));
  });
});
