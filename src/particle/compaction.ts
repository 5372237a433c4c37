/**
 * Which particles to cut anew when many appends have left small ones, or large ones came from elsewhere: a pure plan.
 * Rows and their order stay. The aim is the policy of size.ts, so that what ingest has just cut stays as it is:
 * small particles first, so that little data spreads over all cores, and larger ones further on.
 */
import { MAX_BYTES, MIN_ROWS, particleRows } from './size.ts';

/** What a plan needs to know of a particle: its rows, and its bytes in memory. */
export interface ParticleSize {
  readonly rows: number;
  readonly bytes: number;
}

/** Rows [from, to) of particle `at`. */
export interface ParticlePart {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** A particle to be made of these parts, in order. */
export type Cut = readonly ParticlePart[];

/** Rows of the last particle that this many rows would make if they were ingested: none has to be larger. */
export function largestRows(rows: number): number {
  let size = particleRows(0, 0);
  for (let index = 0, left = rows; left > 0; index++) {
    size = particleRows(index, 0);
    if (size === particleRows(index + 1, 0) && size === particleRows(Number.MAX_SAFE_INTEGER, 0)) break;
    left -= size;
  }
  return size;
}

/**
 * The particles that these should be, in order; those that are one whole particle are kept.
 * One above twice the limits is split evenly. One below half of the limits for its place takes in those behind it,
 * while together they stay within the limits and it or the next is below half of them. Planning again over the
 * result keeps everything. O(particles).
 */
export function compactionPlan(sizes: readonly ParticleSize[]): Cut[] {
  const most = largestRows(sizes.reduce((sum, { rows }) => sum + rows, 0));
  const pieces = sizes.flatMap((size, at) => split(size, at, most));
  const cuts: Cut[] = [];
  for (let first = 0; first < pieces.length; ) {
    const rows = Math.min(most, particleRows(cuts.length, 0));
    const end = groupEnd(pieces, first, (size) => Math.max(size.rows / rows, size.bytes / MAX_BYTES));
    cuts.push(pieces.slice(first, end).map(({ part }) => part));
    first = end;
  }
  return cuts;
}

/** Whether a cut is a particle as it stands. */
export function isKept(cut: Cut, sizes: readonly { readonly rows: number }[]): boolean {
  const [{ at, from, to }, more] = cut;
  return more === undefined && from === 0 && to === sizes[at].rows;
}

interface Piece extends ParticleSize {
  readonly part: ParticlePart;
}

/** The particle as one piece; above twice the limits as even ones, of {@link MIN_ROWS} rows or more. */
function split({ rows, bytes }: ParticleSize, at: number, most: number): Piece[] {
  const fill = Math.max(rows / most, bytes / MAX_BYTES);
  const parts = fill > 2 ? Math.max(1, Math.min(Math.ceil(fill), Math.floor(rows / MIN_ROWS))) : 1;
  return Array.from({ length: parts }, (_, i) => {
    const from = Math.floor((rows * i) / parts);
    const to = Math.floor((rows * (i + 1)) / parts);
    return { part: { at, from, to }, rows: to - from, bytes: bytes / parts };
  });
}

/** Where the group that begins at `first` ends. */
function groupEnd(pieces: readonly Piece[], first: number, fill: (size: ParticleSize) => number): number {
  let { rows, bytes } = pieces[first];
  let end = first + 1;
  if (fill(pieces[first]) >= 0.5) return end;
  for (; end < pieces.length; end++) {
    const next = pieces[end];
    if (fill({ rows, bytes }) >= 0.5 && fill(next) >= 0.5) break;
    if (fill({ rows: rows + next.rows, bytes: bytes + next.bytes }) > 1) break;
    rows += next.rows;
    bytes += next.bytes;
  }
  return end;
}
