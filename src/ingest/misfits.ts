/**
 * Values that DuckDB could not convert. A query that tries a conversion also selects, in a checking column, the string
 * that failed; rows that have one are left out of the chunk.
 */
import type { Field } from '../particle/schema.ts';
import { type BadRow, expected } from './bad-rows.ts';
import { type Chunk, present, sliceChunk } from './chunk.ts';
import type { RawChunk } from './duckdb.ts';
import { packedString } from './packed-text.ts';
import type { PlannedField } from './reader.ts';
import { chunkOf } from './vectors.ts';

/** Checking columns of a result: for which field, at which index. */
export type Checks = readonly { readonly field: number; readonly index: number }[];

/** A value that does not fit. */
export interface Misfit {
  /** Row of the chunk. */
  readonly row: number;
  readonly field: Field;
  /** Column of the source. */
  readonly column: number;
  readonly value: string;
}

/** The first misfit of each row that has one, in the order of rows. */
export function misfitsOf(raw: RawChunk, checks: Checks, fields: readonly PlannedField[]): Misfit[] {
  const found = new Map<number, Misfit>();
  for (const { field, index } of checks) {
    const text: Field = { name: '', type: 'text', role: 'feature' };
    const layout = { fields: [text], hashes: [undefined] };
    const [part] = chunkOf({ rows: raw.rows, vector: () => raw.vector(index) }, layout).parts;
    if (part.kind !== 'packed') continue;
    for (let row = 0; row < raw.rows; row++) {
      if (!present(part.validity, row) || found.has(row)) continue;
      const { field: planned, column } = fields[field];
      found.set(row, { row, field: planned, column, value: packedString(part, row) });
    }
  }
  return [...found.values()].sort((a, b) => a.row - b.row);
}

/** Tells each misfit in order and yields the runs of rows between them. */
export function* fittingRows(
  chunk: Chunk,
  misfits: readonly Misfit[],
  tell: (misfit: Misfit) => void,
): Generator<Chunk> {
  let from = 0;
  for (const misfit of misfits) {
    tell(misfit);
    if (misfit.row > from) yield sliceChunk(chunk, from, misfit.row);
    from = misfit.row + 1;
  }
  if (from === 0) yield chunk;
  else if (from < chunk.rows) yield sliceChunk(chunk, from, chunk.rows);
}

/** What a bad row says of a misfit. */
export function misfitReason({ field, column, value }: Omit<Misfit, 'row'>): Omit<BadRow, 'file'> {
  const wanted = expected(field.type);
  return { column: field.name, position: column + 1, value, expected: wanted, reason: `not ${wanted}` };
}
