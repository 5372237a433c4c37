/**
 * Chunks: what a reader hands on. Some hundred or thousand rows, one part a column, in the form that is cheapest
 * for the reader to make; `block.ts` joins them into particles. A chunk is valid until the next one is asked for.
 */

/** Bitmap of present rows in Arrow's order; undefined when all are present. */
export type Bits = Uint8Array | undefined;

/** Numbers, or timestamps in milliseconds; NaN is missing. */
export interface NumberPart {
  readonly kind: 'numbers';
  readonly values: Float64Array;
  readonly validity: Bits;
}

export interface BooleanPart {
  readonly kind: 'booleans';
  readonly values: Uint8Array;
  readonly validity: Bits;
}

/** JavaScript strings; null is missing. */
export interface TextPart {
  readonly kind: 'texts';
  readonly values: readonly (string | null)[];
}

/**
 * Strings as DuckDB lays them out, 16 bytes a row: length, then the bytes themselves (up to 12) or their first 4 and
 * an address. `hashes` holds a 64-bit hash a row as two words where strings are to be looked up, not read.
 */
export interface PackedTextPart {
  readonly kind: 'packed';
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly hashes: Uint32Array | undefined;
  readonly validity: Bits;
  /** The bytes behind the address that stands at `offset` of a buffer. */
  readonly follow: (buffer: ArrayBuffer, offset: number, length: number) => Uint8Array;
}

export interface BinaryPart {
  readonly kind: 'binary';
  readonly values: readonly (Uint8Array | null)[];
}

/** CSR rows of this chunk. */
export interface SparsePart {
  readonly kind: 'sparse';
  readonly starts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

export type ChunkPart = NumberPart | BooleanPart | TextPart | PackedTextPart | BinaryPart | SparsePart;

/** Rows of a table: `parts[i]` belongs to field i of the schema. */
export interface Chunk {
  readonly rows: number;
  readonly parts: readonly ChunkPart[];
}

/** Whether a row is present. */
export function present(validity: Bits, row: number): boolean {
  return validity === undefined || (validity[row >> 3] & (1 << (row & 7))) !== 0;
}

/** Rows [from, to) of a chunk. */
export function sliceChunk(chunk: Chunk, from: number, to: number): Chunk {
  return { rows: to - from, parts: chunk.parts.map((part) => slicePart(part, from, to)) };
}

/** Chunks without the first `skip` rows. */
export async function* chunksBehind(chunks: AsyncIterable<Chunk>, skip: number): AsyncGenerator<Chunk> {
  let left = skip;
  for await (const chunk of chunks) {
    if (left < chunk.rows) yield left === 0 ? chunk : sliceChunk(chunk, left, chunk.rows);
    left = Math.max(0, left - chunk.rows);
  }
}

function slicePart(part: ChunkPart, from: number, to: number): ChunkPart {
  const bits =
    'validity' in part && part.validity !== undefined ? sliceBits(part.validity, from, to) : undefined;
  switch (part.kind) {
    case 'numbers':
      return { ...part, values: part.values.subarray(from, to), validity: bits };
    case 'booleans':
      return { ...part, values: part.values.subarray(from, to), validity: bits };
    case 'packed':
      return {
        ...part,
        bytes: part.bytes.subarray(from * 16, to * 16),
        words: part.words.subarray(from * 4, to * 4),
        hashes: part.hashes?.subarray(from * 2, to * 2),
        validity: bits,
      };
    case 'texts':
      return { ...part, values: part.values.slice(from, to) };
    case 'binary':
      return { ...part, values: part.values.slice(from, to) };
    case 'sparse':
      return { ...part, starts: part.starts.subarray(from, to + 1) };
  }
}

function sliceBits(bits: Uint8Array, from: number, to: number): Uint8Array {
  const slice = new Uint8Array((to - from + 7) >> 3);
  for (let row = from; row < to; row++) {
    if (present(bits, row)) slice[(row - from) >> 3] |= 1 << ((row - from) & 7);
  }
  return slice;
}
