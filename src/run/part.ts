/**
 * A summary of a part of each particle: rows by place, or by the value of a column. What a window asks of the particles
 * that its borders cut.
 */
import { canonicalJson, type Json } from '../json.ts';
import type { Particle } from '../particle/particle.ts';
import { selectRows, sliceParticle } from '../particle/select.ts';
import { type Range, splitRows } from '../summary/split.ts';
import type { Summary } from '../summary/summary.ts';
import { compiledModule, type Reference, resolveReference } from './reference.ts';

/** Rows [from, to) of the particle, or those whose value lies in a range. */
export type Part = { readonly rows: readonly [from: number, to: number] } | { readonly within: Range };

/** Names {@link partSummary} of a summary of particles. */
export function partReference(summary: Reference, part: Part): Reference {
  return { module: import.meta.url, name: 'partSummary', options: { summary, part } as unknown as Json };
}

/**
 * The summary, of a part of each particle.
 * @byReference
 */
export async function partSummary(options: Json): Promise<Summary<unknown, unknown>> {
  const { summary, part } = options as unknown as { summary: Reference; part: Part };
  // Inside a worker this module is compiled, and so must be the one it names.
  const module = import.meta.url.endsWith('.ts') ? summary.module : compiledModule(summary.module);
  const inner = await resolveReference<Summary<unknown, unknown>>({ ...summary, module });
  return {
    ...inner,
    id: `part/1 ${canonicalJson(part as unknown as Json)} ${inner.id}`,
    observe: (state, particle) => inner.observe(state, partOf(particle, part)),
  };
}

function partOf(particle: Particle, part: Part): Particle {
  if ('rows' in part) return sliceParticle(particle, part.rows[0], Math.min(part.rows[1], particle.rows));
  const rows = splitRows(particle, { seed: 0, fraction: 0, side: 'train', within: part.within });
  return rows === undefined || rows.length === particle.rows ? particle : selectRows(particle, rows);
}
