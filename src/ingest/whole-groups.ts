/**
 * Blocks that end where a group ends: rows of one value of the `group` column that stand together in the source stay in
 * one particle, since what is learned of a row may depend on the others of its group (ranking).
 */
import { groupStarts } from '../particle/group-runs.ts';
import { mergeParticles } from '../particle/merge.ts';
import type { Particle } from '../particle/particle.ts';
import { selectRows } from '../particle/select.ts';

/** The same rows in the same order; the last group of each block goes with the next one. Holds a group besides a block. */
export async function* wholeGroups(blocks: AsyncIterable<Particle>): AsyncGenerator<Particle> {
  let rest: Particle | undefined;
  for await (const block of blocks) {
    const joined: Particle = rest === undefined ? block : mergeParticles([rest, block]);
    const starts = groupStarts(joined) as Uint32Array;
    const last = starts.length < 2 ? 0 : starts[starts.length - 2];
    // Copies: the buffers of a block that is handed on are moved to a worker.
    rest = rowsBetween(joined, last, joined.rows);
    if (last > 0) yield rowsBetween(joined, 0, last);
  }
  if (rest !== undefined && rest.rows > 0) yield rest;
}

function rowsBetween(particle: Particle, from: number, to: number): Particle {
  return selectRows(
    particle,
    Uint32Array.from({ length: to - from }, (_, i) => from + i),
  );
}
