/**
 * From a block to a particle: NaN becomes missing, numbers take their final physical type.
 * The type is a function of the values and the role: integers of up to 32 bits as the smallest of int8, int16 and
 * int32; other features as float32, because that is what learners compute with, unless a value does not fit its range
 * or `precision` asks for more; everything else (labels, weights, times, keys) exactly.
 */
import { SoraError } from '../errors.ts';
import { canonicalValidity } from '../particle/bits.ts';
import { type Column, emptyValidity, type NumberArray } from '../particle/column.ts';
import { narrowNumbers } from '../particle/numbers.ts';
import type { Particle } from '../particle/particle.ts';
import type { Field } from '../particle/schema.ts';

/** How fractional features are kept. */
export type Precision = 'f32' | 'f64';

/** Largest finite float32. */
const MAX_FLOAT32 = 3.4028234663852886e38;

/** The particle of a block. Takes over the block's arrays. O(values). */
export function narrowParticle(block: Particle, precision: Precision): Particle {
  const columns = block.columns.map((column, index) =>
    narrowColumn(block.schema.fields[index], column, precision),
  );
  return { schema: block.schema, rows: block.rows, columns };
}

function narrowColumn(field: Field, column: Column, precision: Precision): Column {
  if (column.type === 'number') {
    const values = column.values as Float64Array;
    const validity = canonicalValidity(presentNumbers(values, column.validity), values.length);
    if (field.role === 'key' || field.role === 'group') checkExact(field, values);
    const narrowed =
      field.role === 'feature' && precision === 'f32'
        ? narrowFeature(values, validity)
        : narrowNumbers(values, validity);
    return { type: 'number', values: narrowed, validity };
  }
  if (column.type === 'timestamp') {
    return {
      ...column,
      validity: canonicalValidity(presentNumbers(column.values, column.validity), column.values.length),
    };
  }
  if (column.type === 'sparse') return column;
  const rows = column.type === 'category' ? column.codes.length : column.values.length;
  return { ...column, validity: canonicalValidity(column.validity, rows) };
}

/** The bitmap without the rows that hold NaN; those become 0, as do values at rows that were missing before. */
function presentNumbers(values: Float64Array, validity: Uint8Array | undefined): Uint8Array | undefined {
  let bits = validity;
  let own = false;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (!Number.isNaN(value)) continue;
    values[row] = 0;
    if (!own) {
      bits = validity === undefined ? emptyValidity(values.length).fill(0xff) : validity.slice();
      own = true;
    }
    (bits as Uint8Array)[row >> 3] &= ~(1 << (row & 7));
  }
  if (bits !== undefined) clearMissing(values, bits);
  return bits;
}

function clearMissing(values: Float64Array, bits: Uint8Array): void {
  for (let byte = 0; byte << 3 < values.length; byte++) {
    if (bits[byte] === 0xff) continue;
    const end = Math.min(values.length, (byte + 1) << 3);
    for (let row = byte << 3; row < end; row++) if ((bits[byte] & (1 << (row & 7))) === 0) values[row] = 0;
  }
}

/** Integers in the smallest type, else float32; float64 only for values beyond the range of float32. */
function narrowFeature(values: Float64Array, validity: Uint8Array | undefined): NumberArray {
  let min = 0;
  let max = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value !== (value | 0) || (value === 0 && 1 / value < 0)) return toFloat32(values, validity);
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min >= -0x80 && max <= 0x7f) return new Int8Array(values);
  return min >= -0x8000 && max <= 0x7fff ? new Int16Array(values) : new Int32Array(values);
}

function toFloat32(values: Float64Array, validity: Uint8Array | undefined): NumberArray {
  let largest = 0;
  for (let row = 0; row < values.length; row++) {
    const size = Math.abs(values[row]);
    if (size > largest && size !== Number.POSITIVE_INFINITY) largest = size;
  }
  return largest > MAX_FLOAT32 ? narrowNumbers(values, validity) : new Float32Array(values);
}

/** Keys must not run together: an integer from 2^53 on may stand for its neighbours too. */
function checkExact(field: Field, values: Float64Array): void {
  const limit = Number.MAX_SAFE_INTEGER;
  const row = values.findIndex((value) => Math.abs(value) > limit && Number.isFinite(value));
  if (row < 0) return;
  throw new SoraError(
    'bad-input',
    `Column "${field.name}" (${field.role}) holds ${values[row]}, beyond ±${limit}, where numbers are no longer exact and different ones would become one. Read it as strings: --types ${field.name}=category.`,
    { details: { column: field.name, value: values[row], limit } },
  );
}
