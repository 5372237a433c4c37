/**
 * Making one particle of parts of others, on any thread: read, slice, merge, hash, encode. A pure function of the
 * parts and the schema, so the same plan gives the same files whoever carries it out.
 */
import { particleFile } from '../particle/bytes.ts';
import { hashParticle } from '../particle/hash.ts';
import { mergeParticles } from '../particle/merge.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import { sliceParticle } from '../particle/select.ts';
import type { Reference } from '../run/reference.ts';
import { directoryStorage } from '../store/directory.ts';
import { type EncodedParticle, readParticle } from '../store/particle-file.ts';

/** Rows [from, to) of a particle of the store. */
export interface StoredPart {
  readonly ref: ParticleRef;
  readonly from: number;
  readonly to: number;
}

type RecutOptions = {
  /** Directory of the store. */
  readonly root: string;
  /** Of the snapshot: particles of other times may carry other roles, and narrower sparse columns. */
  readonly schema: Schema;
};

/** What a worker gives back: a particle as bytes, which are moved to the caller. */
interface Recut {
  readonly result: EncodedParticle;
  readonly transfer: readonly ArrayBuffer[];
}

/** Factory of the call that workers run; see {@link recutReference}. */
export function recutter({ root, schema }: RecutOptions): (parts: readonly StoredPart[]) => Promise<Recut> {
  const storage = directoryStorage(root);
  return async (parts) => {
    const slices: Particle[] = [];
    for (const { ref, from, to } of parts) {
      slices.push(sliceParticle(underSchema(await readParticle(storage, ref), schema), from, to));
    }
    const particle = mergeParticles(slices);
    const file = particleFile(particle);
    const result = { hash: hashParticle(particle), rows: particle.rows, ...file };
    return { result, transfer: [file.bytes.buffer as ArrayBuffer] };
  };
}

/** The particle with the roles and widths of the snapshot; names, types and order agree already. */
function underSchema(particle: Particle, schema: Schema): Particle {
  const columns = particle.columns.map((column, index) =>
    column.type === 'sparse' ? { ...column, width: schema.fields[index].width ?? column.width } : column,
  );
  return { schema, rows: particle.rows, columns };
}

/** Names {@link recutter} for a worker pool. */
export function recutReference(options: RecutOptions): Reference {
  return { module: import.meta.url, name: 'recutter', options: options as unknown as Reference['options'] };
}
