/**
 * How large particles are: a pure function of where a particle stands and how wide its rows are, never of workers.
 * The first are small, so that little data still spreads over all cores; later ones grow, so that much data
 * has few of them; none is so large that a pass over it, or a few of them in memory, hurts.
 */
import { SoraError } from '../errors.ts';
import { type Column, columnRows } from './column.ts';
import { mergeParticles } from './merge.ts';
import type { Particle } from './particle.ts';
import { splitParticle } from './split.ts';

const FIRST_ROWS = 4096;
export const MIN_ROWS = 256;
export const MAX_ROWS = 131_072;
/** Most bytes of a decoded particle, unless {@link MIN_ROWS} rows are already more. */
export const MAX_BYTES = 8 * 1024 * 1024;
/** Particles of one size before rows double. */
const DOUBLE_EVERY = 8;

/** Rows that particle number `index` of a data set has: 4096 doubled every 8, within the limits above. */
export function particleRows(index: number, bytesPerRow: number): number {
  const doublings = Math.min(Math.floor(index / DOUBLE_EVERY), 30);
  return Math.min(FIRST_ROWS * 2 ** doublings, rowLimit(bytesPerRow));
}

/** Most rows of a particle with rows this wide. */
export function rowLimit(bytesPerRow: number): number {
  const fitting = Math.floor(MAX_BYTES / Math.max(bytesPerRow, 1));
  return Math.max(MIN_ROWS, Math.min(MAX_ROWS, fitting));
}

/** Bytes of a column in memory; strings count two bytes a unit and 16 more each. O(rows) for text and binary, else O(1). */
export function columnBytes(column: Column): number {
  const validity = column.validity?.byteLength ?? 0;
  switch (column.type) {
    case 'category':
      return validity + column.codes.byteLength + textBytes(column.dictionary);
    case 'text':
      return validity + textBytes(column.values);
    case 'binary':
      return validity + column.values.reduce((sum, value) => sum + value.byteLength + 16, 0);
    case 'sparse':
      return validity + column.starts.byteLength + column.indices.byteLength + column.values.byteLength;
    default:
      return validity + columnRows(column) * column.values.BYTES_PER_ELEMENT;
  }
}

function textBytes(values: readonly string[]): number {
  let bytes = 0;
  for (const value of values) bytes += 16 + 2 * value.length;
  return bytes;
}

/** Bytes of a decoded particle in memory. */
export function particleBytes(particle: Particle): number {
  return particle.columns.reduce((sum, column) => sum + columnBytes(column), 0);
}

/**
 * Bytes of a particle just decoded, without columns that are views of the file it was read from: those that share
 * one buffer. Columns that were compressed have buffers of their own.
 */
export function bytesBesideFile({ columns }: Particle): number {
  const seen = new Map<ArrayBufferLike, number>();
  const bufferOf = (column: Column): ArrayBufferLike | undefined =>
    'values' in column && ArrayBuffer.isView(column.values) ? column.values.buffer : undefined;
  for (const buffer of columns.map(bufferOf)) if (buffer) seen.set(buffer, (seen.get(buffer) ?? 0) + 1);
  const isInFile = (column: Column): boolean => (seen.get(bufferOf(column) as ArrayBufferLike) ?? 0) > 1;
  return columns.reduce((sum, column) => sum + (isInFile(column) ? 0 : columnBytes(column)), 0);
}

/**
 * The same rows in particles of `rows` rows each (the last may have fewer). Rows stay in order.
 * Holds one particle's worth of rows besides its input.
 */
export function* resizeParticles(particles: Iterable<Particle>, rows: number): Generator<Particle> {
  if (!Number.isInteger(rows) || rows < 1) {
    throw new SoraError('bad-option', `Cannot make particles of ${rows} rows; give 1 or more.`);
  }
  let pending: Particle[] = [];
  let count = 0;
  let seen = false;
  let empty: Particle | undefined;
  for (const particle of particles) {
    empty ??= particle;
    if (particle.rows === 0) continue;
    pending.push(particle);
    count += particle.rows;
    if (count < rows) continue;
    const parts = splitParticle(mergeParticles(pending), rows);
    const rest = count % rows === 0 ? undefined : parts.pop();
    for (const part of parts) yield part;
    seen = true;
    pending = rest === undefined ? [] : [rest];
    count = rest?.rows ?? 0;
  }
  if (pending.length > 0) yield mergeParticles(pending);
  else if (!seen && empty !== undefined) yield empty;
}
