/**
 * DuckDB vectors as chunk parts, without a value being looked at: a query is written so that every column arrives
 * as DOUBLE, BOOLEAN, VARCHAR or BLOB (`projection.ts`), and vectors are handed on as they lie in memory.
 */
import duckdb from '@duckdb/node-bindings';
import type { Field } from '../particle/schema.ts';
import type { Bits, Chunk, ChunkPart } from './chunk.ts';
import type { RawChunk } from './duckdb.ts';
import { PACKED_BYTES } from './packed-text.ts';

/** Where the columns of a result are: field i is column i; its hash, if it is a category, column `hashes[i]`. */
export interface Layout {
  readonly fields: readonly Field[];
  readonly hashes: readonly (number | undefined)[];
}

/** The chunk of a raw chunk; valid as long as that. */
export function chunkOf(raw: RawChunk, layout: Layout): Chunk {
  const parts = layout.fields.map((field, index) => partOf(raw, field, index, layout.hashes[index]));
  return { rows: raw.rows, parts };
}

function partOf(raw: RawChunk, field: Field, index: number, hashIndex: number | undefined): ChunkPart {
  const vector = raw.vector(index);
  const { rows } = raw;
  const validity = validityOf(vector, rows);
  switch (field.type) {
    case 'number':
    case 'timestamp':
      return { kind: 'numbers', values: doubles(vector, rows), validity };
    case 'boolean':
      return { kind: 'booleans', values: duckdb.vector_get_data(vector, rows), validity };
    default: {
      const { buffer, byteOffset } = duckdb.vector_get_data(vector, rows * PACKED_BYTES);
      return {
        kind: 'packed',
        bytes: Buffer.from(buffer, byteOffset, rows * PACKED_BYTES),
        words: new Uint32Array(buffer, byteOffset, rows * 4),
        hashes: hashIndex === undefined ? undefined : words(raw.vector(hashIndex), rows),
        validity,
        follow: duckdb.get_data_from_pointer,
      };
    }
  }
}

/** Bitmap of a vector; undefined if nothing is NULL. */
export function validityOf(vector: duckdb.Vector, rows: number): Bits {
  const bits = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null;
  return bits ?? undefined;
}

function doubles(vector: duckdb.Vector, rows: number): Float64Array {
  const { buffer, byteOffset } = duckdb.vector_get_data(vector, rows * 8);
  return new Float64Array(buffer, byteOffset, rows);
}

function words(vector: duckdb.Vector, rows: number): Uint32Array {
  const { buffer, byteOffset } = duckdb.vector_get_data(vector, rows * 8);
  return new Uint32Array(buffer, byteOffset, rows * 2);
}
