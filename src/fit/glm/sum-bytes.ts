/**
 * Bytes of sums: long vectors of f64 that are mostly zero when features are many and a particle's rows few.
 * A vector is written dense or sparse, whichever is smaller (dense on a tie), so equal vectors give equal bytes.
 *
 *     vector   | u32 length | u32 non-zeros or 0xFFFFFFFF (dense) | u32 indices, if sparse | f64 numbers |
 */
import { corrupt } from '../../summary/codec.ts';

const DENSE = 0xffffffff;

/** Bytes of numbers and vectors, little-endian, without padding; -0 is written as 0. */
export function encodeSums(numbers: readonly number[], vectors: readonly Float64Array[]): Uint8Array {
  const counts = vectors.map(storedCount);
  const size = vectors.reduce((sum, vector, i) => sum + vectorBytes(vector, counts[i]), 8 * numbers.length);
  const bytes = new Uint8Array(size);
  bytes.set(new Uint8Array(Float64Array.from(numbers, (x) => x + 0).buffer));
  let at = 8 * numbers.length;
  for (const [i, vector] of vectors.entries()) {
    writeVector(bytes, at, vector, counts[i]);
    at += vectorBytes(vector, counts[i]);
  }
  return bytes;
}

/** Numbers to be written of a sparse vector, or {@link DENSE}. */
function storedCount(vector: Float64Array): number {
  let count = 0;
  for (let i = 0; i < vector.length; i++) if (vector[i] !== 0) count++;
  return count * 12 < vector.length * 8 ? count : DENSE;
}

function vectorBytes(vector: Float64Array, count: number): number {
  return 8 + (count === DENSE ? 8 * vector.length : 12 * count);
}

function writeVector(bytes: Uint8Array, at: number, vector: Float64Array, count: number): void {
  bytes.set(new Uint8Array(Uint32Array.of(vector.length, count).buffer), at);
  if (count === DENSE) {
    // Adding 0 makes 0 of -0.
    if (at % 8 === 0) addZero(vector, new Float64Array(bytes.buffer, at + 8, vector.length));
    else bytes.set(new Uint8Array(vector.map((x) => x + 0).buffer), at + 8);
    return;
  }
  const indices = new Uint32Array(count);
  const values = new Float64Array(count);
  for (let i = 0, next = 0; i < vector.length; i++) {
    if (vector[i] === 0) continue;
    indices[next] = i;
    values[next++] = vector[i];
  }
  bytes.set(new Uint8Array(indices.buffer), at + 8);
  bytes.set(new Uint8Array(values.buffer), at + 8 + 4 * count);
}

function addZero(from: Float64Array, to: Float64Array): void {
  for (let i = 0; i < from.length; i++) to[i] = from[i] + 0;
}

/** The numbers and vectors of {@link encodeSums}; throws `corrupt` on bytes that are none or of other lengths. */
export function decodeSums(
  bytes: Uint8Array,
  numberCount: number,
  lengths: readonly number[],
): { numbers: Float64Array; vectors: Float64Array[] } {
  let at = 0;
  const take = (size: number) => {
    if (at + size > bytes.length) throw corrupt(`${size} more bytes were expected at byte ${at}`);
    const part = new Uint8Array(bytes.subarray(at, at + size));
    at += size;
    return part.buffer;
  };
  const numbers = new Float64Array(take(numberCount * 8));
  const vectors = lengths.map((length) => {
    const [found, count] = new Uint32Array(take(8));
    if (found !== length) throw corrupt(`a vector has ${found} numbers, not ${length}`);
    if (count === DENSE) return new Float64Array(take(length * 8));
    if (count > length) throw corrupt(`${count} of ${length} numbers`);
    const [indices, values] = [new Uint32Array(take(count * 4)), new Float64Array(take(count * 8))];
    const vector = new Float64Array(length);
    for (let i = 0; i < count; i++) {
      if (indices[i] >= length || (i > 0 && indices[i] <= indices[i - 1]))
        throw corrupt(`index ${indices[i]}`);
      vector[indices[i]] = values[i];
    }
    return vector;
  });
  if (at !== bytes.length) throw corrupt(`${bytes.length - at} bytes are left over`);
  return { numbers, vectors };
}

/** into[i] += from[i]. */
export function addVector(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < from.length; i++) into[i] += from[i];
}
