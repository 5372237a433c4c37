/**
 * The particle: an immutable block of rows with its schema.
 * In memory it is columns; its name is the hash of its content (hash.ts), its bytes are Arrow IPC (bytes.ts).
 */
import type { Column } from './column.ts';
import type { Schema } from './schema.ts';

/** A block of rows. `columns[i]` belongs to `schema.fields[i]` and has `rows` rows. Never mutated. */
export interface Particle {
  readonly schema: Schema;
  readonly rows: number;
  readonly columns: readonly Column[];
}

/** A particle by name: what a plan, a worker or a commit needs to know of it without its columns. */
export interface ParticleRef {
  /** Hash of the canonical content: 64 lower-case hexadecimal digits. */
  readonly hash: string;
  readonly rows: number;
  /** Size of the encoded file, in bytes. */
  readonly bytes: number;
  /** SHA-256 of the encoded file. */
  readonly sha256: string;
}
