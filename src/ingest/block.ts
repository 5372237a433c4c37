/**
 * Cuts a stream of chunks into blocks: particles by the size policy, with numbers still 8 bytes wide.
 * Where a cut falls depends on the row number and the width of rows alone, so a source gives the same particles
 * whatever the reader, its chunks or the number of threads.
 */
import type { Particle } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import { particleRows } from '../particle/size.ts';
import type { Chunk } from './chunk.ts';
import { type Filler, fillerOf, type Normalise } from './filler.ts';

export interface CutOptions {
  readonly schema: Schema;
  /** Expected bytes a row in memory, for the size policy. */
  readonly bytesPerRow: number;
  /** Meaning of strings, a field. */
  readonly normalise: (fieldIndex: number) => Normalise;
  /** Number of the first particle in the size policy (appending goes on where the store is); default 0. */
  readonly firstIndex?: number;
}

/** Yields blocks in order; none if there are no rows. Holds one block. */
export async function* cutBlocks(
  chunks: AsyncIterable<Chunk>,
  options: CutOptions,
): AsyncGenerator<Particle> {
  const { schema, bytesPerRow, normalise, firstIndex = 0 } = options;
  let index = firstIndex;
  let capacity = particleRows(index, bytesPerRow);
  const fillers = schema.fields.map((field, at) => fillerOf(field, capacity, normalise(at)));
  let rows = 0;
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.rows; ) {
      const to = Math.min(chunk.rows, from + capacity - rows);
      for (let at = 0; at < fillers.length; at++) fillers[at].append(chunk.parts[at], from, to);
      rows += to - from;
      from = to;
      if (rows < capacity) continue;
      const full = rows;
      capacity = particleRows(++index, bytesPerRow);
      rows = 0;
      yield take(schema, full, fillers, capacity);
    }
  }
  if (rows > 0) yield take(schema, rows, fillers, 0);
}

function take(schema: Schema, rows: number, fillers: readonly Filler[], next: number): Particle {
  return { schema, rows, columns: fillers.map((filler) => filler.take(next)) };
}
