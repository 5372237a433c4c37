/**
 * Numbers and booleans as they are, for trees: f32, NaN where missing. A tree asks for the order of values only, so
 * nothing is scaled, and it sends missing values to a side of their own, so nothing is filled in.
 * Infinities, and numbers beyond f32, are held at the largest f32: NaN alone means missing.
 */
import { z } from 'zod';
import { type BooleanColumn, type Column, isPresent, type NumberColumn } from '../../particle/column.ts';
import { type ApplyContext, type Dropped, type FitContext, transform } from '../transform.ts';

const shape = z.object({
  transform: z.literal('raw'),
  column: z.string(),
  width: z.literal(1),
  why: z.string(),
  /** At most two values: a mark of something. Absent: more. */
  mark: z.literal(true).optional(),
});

export type RawStep = z.infer<typeof shape>;

/** The largest finite f32. */
export const LARGEST_SINGLE = (2 - 2 ** -23) * 2 ** 127;

function fit({ field, statistics }: FitContext): RawStep | Dropped {
  const { present, missing, ones, number } = statistics;
  if (present === 0 || (field.type === 'number' && number === undefined))
    return { dropped: 'no value is present' };
  const constant = field.type === 'number' ? number!.min === number!.max : ones === 0 || ones === present;
  if (constant && missing === 0) return { dropped: `always ${number === undefined ? ones > 0 : number.min}` };
  const why = missing > 0 ? `as it is, ${missing} missing → a side of each split` : 'as it is';
  const isMark = number === undefined || number.distinct <= 2;
  return { transform: 'raw', column: field.name, width: 1, why, ...(isMark ? { mark: true } : {}) };
}

let singles = new Float32Array(0);

/** The values as f32, valid until the next call: rows are then gathered from one type of array. */
function asSingles(values: ArrayLike<number>): Float32Array {
  if (values instanceof Float32Array) return values;
  if (singles.length < values.length) singles = new Float32Array(values.length);
  singles.set(values);
  return singles;
}

/** O(rows): a copy, then one pass over floats for infinities and one for missing values where there are any. */
function apply(_step: RawStep, column: Column, { rows, output, base }: ApplyContext): void {
  const { values, validity } = column as NumberColumn | BooleanColumn;
  const out = output.block(base, 1);
  const count = output.rows;
  if (rows === undefined) out.set(values);
  else {
    const source = asSingles(values);
    for (let i = 0; i < count; i++) out[i] = source[rows[i]];
  }
  if (values instanceof Float32Array || values instanceof Float64Array) holdFinite(out, count);
  if (validity === undefined) return;
  for (let i = 0; i < count; i++) {
    if (!isPresent(validity, rows === undefined ? i : rows[i])) out[i] = Number.NaN;
  }
}

function holdFinite(out: Float32Array, count: number): void {
  if (allFinite(out, count)) return;
  for (let i = 0; i < count; i++) {
    const x = out[i];
    if (x > LARGEST_SINGLE) out[i] = LARGEST_SINGLE;
    else if (x < -LARGEST_SINGLE) out[i] = -LARGEST_SINGLE;
  }
}

/** Exponent of an f32, all of it set where the number is infinite or NaN; one more in its last place is then the sign. */
const EXPONENT = 0x7f800000;
const LAST_PLACE = 0x00800000;

/** Whether no value is infinite or NaN. */
function allFinite(out: Float32Array, count: number): boolean {
  const words = new Int32Array(out.buffer, out.byteOffset, count);
  let seen = 0;
  for (let i = 0; i < count; i++) seen |= (words[i] & EXPONENT) + LAST_PLACE;
  return (seen | 0) >= 0;
}

export const raw = transform<RawStep>({
  name: 'raw',
  types: ['number', 'boolean'],
  encodings: ['raw'],
  shape,
  fit,
  entries: () => 1,
  feature: (step) => step.column,
  apply,
});
