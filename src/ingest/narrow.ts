/**
 * From a block to a particle: NaN becomes missing, numbers take their final physical type.
 * The type is a function of the values and the role: integers of up to 32 bits as the smallest of int8, int16 and
 * int32; other features as float32, because that is what learners compute with, unless a value does not fit its range
 * or `precision` asks for more; everything else (labels, weights, times, keys) exactly.
 */
import { SoraError } from '../errors.ts';
import { canonicalValidity, forEachAbsent } from '../particle/bits.ts';
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
  if (column.type === 'number' || column.type === 'timestamp') {
    const values = column.values as Float64Array;
    const known = clearMissing(values, column.validity);
    if (column.type === 'timestamp')
      return { ...column, validity: withoutNaN(values, known, values.some(Number.isNaN)) };
    const range = rangeOf(values);
    const validity = withoutNaN(values, known, range.missing);
    if (field.role === 'key' || field.role === 'group') checkExact(field, values);
    const narrowed =
      field.role === 'feature' && precision === 'f32'
        ? narrowFeature(values, validity, range)
        : narrowNumbers(values, validity);
    return { type: 'number', values: narrowed, validity };
  }
  if (column.type === 'sparse') return column;
  const rows = column.type === 'category' ? column.codes.length : column.values.length;
  return { ...column, validity: canonicalValidity(column.validity, rows) };
}

/** What one pass over numbers finds: NaN among them, all others integers of 32 bits, and within which bounds. */
interface NumberRange {
  readonly missing: boolean;
  readonly integers: boolean;
  readonly min: number;
  readonly max: number;
}

/** Bounds take in 0, which stands under missing rows. An infinity is no integer and counts in no bound. */
function rangeOf(values: Float64Array): NumberRange {
  let missing = false;
  let integers = true;
  let min = 0;
  let max = 0;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value !== (value | 0) || (value === 0 && 1 / value < 0)) {
      if (Number.isNaN(value)) {
        missing = true;
        continue;
      }
      integers = false;
      if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { missing, integers, min, max };
}

/** Writes 0 to missing rows, where a reader may have left anything; gives the bitmap in its one form. */
function clearMissing(values: Float64Array, validity: Uint8Array | undefined): Uint8Array | undefined {
  const canonical = canonicalValidity(validity, values.length);
  forEachAbsent(canonical, values.length, (row) => {
    values[row] = 0;
  });
  return canonical;
}

/** The bitmap without the rows that hold NaN; those become 0. */
function withoutNaN(
  values: Float64Array,
  validity: Uint8Array | undefined,
  hasNaN: boolean,
): Uint8Array | undefined {
  if (!hasNaN) return validity;
  const bits = validity?.slice() ?? emptyValidity(values.length).fill(0xff);
  for (let row = 0; row < values.length; row++) {
    if (!Number.isNaN(values[row])) continue;
    bits[row >> 3] &= ~(1 << (row & 7));
    values[row] = 0;
  }
  return canonicalValidity(bits, values.length);
}

/** Integers in the smallest type, else float32; float64 only for values beyond the range of float32. */
function narrowFeature(
  values: Float64Array,
  validity: Uint8Array | undefined,
  range: NumberRange,
): NumberArray {
  const { integers, min, max } = range;
  if (!integers) {
    return Math.max(-min, max) > MAX_FLOAT32 ? narrowNumbers(values, validity) : new Float32Array(values);
  }
  if (min >= -0x80 && max <= 0x7f) return new Int8Array(values);
  return min >= -0x8000 && max <= 0x7fff ? new Int16Array(values) : new Int32Array(values);
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
