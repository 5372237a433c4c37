/**
 * One value of an object as a column keeps it. The same rules for rows in process, iterables and JSON that DuckDB
 * could not take as a whole; they agree with what DuckDB does to strings of a delimited file.
 */
import type { Field } from '../particle/schema.ts';
import { parseNumber, textOf } from './guess.ts';
import { type DateFormat, parseTime } from './time.ts';

/** Stands for a value that does not fit its column. */
export const BAD: unique symbol = Symbol('bad');

/** What a column takes: numbers (booleans as 0 and 1, times as milliseconds), strings, bytes; null is missing. */
export type Converted = number | string | Uint8Array | null | typeof BAD;

/** Converts a value for a field. `normalise` says which strings are missing, `format` how dates are written. */
export function convertValue(
  field: Field,
  value: unknown,
  normalise: (text: string) => string | undefined,
  format?: DateFormat,
): Converted {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') {
    const text = normalise(value);
    return text === undefined ? null : convertText(field, text, format);
  }
  switch (field.type) {
    case 'number':
      return numberOf(value);
    case 'boolean':
      return booleanOf(value);
    case 'timestamp':
      return timeOf(value);
    case 'binary':
      return value instanceof Uint8Array ? value : BAD;
    default: {
      if (typeof value === 'number' && Number.isNaN(value)) return null;
      if (typeof value === 'object' && !(value instanceof Date)) return BAD;
      return normalise(textOf(value)) ?? null;
    }
  }
}

function convertText(field: Field, text: string, format: DateFormat | undefined): Converted {
  switch (field.type) {
    case 'number':
      return parseNumber(text) ?? BAD;
    case 'boolean':
      return /^(?:true|t|yes|y|1)$/i.test(text) ? 1 : /^(?:false|f|no|n|0)$/i.test(text) ? 0 : BAD;
    case 'timestamp':
      return parseTime(text, format) ?? BAD;
    case 'binary':
      return Buffer.from(text, 'utf8');
    case 'sparse':
      return BAD;
    default:
      return text;
  }
}

function numberOf(value: unknown): Converted {
  if (typeof value === 'number') return Number.isNaN(value) ? null : value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value);
  return BAD;
}

function booleanOf(value: unknown): Converted {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number' && Number.isNaN(value)) return null;
  return value === 1 || value === 1n ? 1 : value === 0 || value === 0n ? 0 : BAD;
}

function timeOf(value: unknown): Converted {
  const time = value instanceof Date ? value.getTime() : value;
  if (typeof time !== 'number') return BAD;
  return Number.isNaN(time) ? null : Number.isFinite(time) ? time : BAD;
}
