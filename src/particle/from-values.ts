/**
 * A column from plain JavaScript values: the type is inferred from them, or given and checked.
 * `null`, `undefined` and NaN are missing. Anything that does not fit names its row, column and value.
 */
import { SoraError } from '../errors.ts';
import { canonicalValidity } from './bits.ts';
import { intern } from './canonical.ts';
import { type Column, emptyValidity, setPresent } from './column.ts';
import { narrowNumbers } from './numbers.ts';
import type { ColumnType } from './schema.ts';

/** A value that a column can hold. */
export type Value = number | bigint | boolean | string | Date | Uint8Array | null | undefined;

/** Column types that plain values can make; sparse columns come from readers. */
export type ValueType = Exclude<ColumnType, 'sparse'>;

/**
 * The column of these values. Inferred types: number, boolean, category (strings), timestamp (`Date`),
 * binary (`Uint8Array`); only missing values make a number column. O(values).
 */
export function columnFromValues(name: string, values: ArrayLike<Value>, type?: ValueType): Column {
  const inferred = type ?? inferType(name, values);
  const validity = presence(values);
  switch (inferred) {
    case 'number': {
      const numbers = fill(new Float64Array(values.length), name, values, inferred, asNumber);
      return { type: 'number', values: narrowNumbers(numbers, validity), validity };
    }
    case 'boolean':
      return {
        type: 'boolean',
        values: fill(new Uint8Array(values.length), name, values, inferred, asBoolean),
        validity,
      };
    case 'timestamp':
      return {
        type: 'timestamp',
        values: fill(new Float64Array(values.length), name, values, inferred, asTime),
        validity,
      };
    case 'category': {
      const dictionary: string[] = [];
      const known = new Map<string, number>();
      const toCode = (value: Value) =>
        typeof value === 'string' ? intern(known, dictionary, value) : undefined;
      const codes = fill(new Int32Array(values.length).fill(-1), name, values, inferred, toCode);
      return { type: 'category', codes, dictionary, validity };
    }
    case 'text':
      return { type: 'text', values: convert(name, values, inferred, asText, ''), validity };
    case 'binary':
      return {
        type: 'binary',
        values: convert(name, values, inferred, asBytes, new Uint8Array(0)),
        validity,
      };
  }
}

/** Whether a value stands for nothing. */
export function isMissing(value: Value): value is null | undefined {
  return value === null || value === undefined || Number.isNaN(value);
}

function presence(values: ArrayLike<Value>): Uint8Array | undefined {
  const validity = emptyValidity(values.length);
  for (let row = 0; row < values.length; row++) if (!isMissing(values[row])) setPresent(validity, row);
  return canonicalValidity(validity, values.length);
}

function inferType(name: string, values: ArrayLike<Value>): ValueType {
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (isMissing(value)) continue;
    if (typeof value === 'number' || typeof value === 'bigint') return 'number';
    if (typeof value === 'boolean') return 'boolean';
    if (typeof value === 'string') return 'category';
    if (value instanceof Date) return 'timestamp';
    if (value instanceof Uint8Array) return 'binary';
    throw misfit(name, row, value, 'a number, boolean, string, Date or Uint8Array');
  }
  return 'number';
}

function asNumber(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' && BigInt(Number(value)) === value) return Number(value);
  return typeof value === 'boolean' ? Number(value) : undefined;
}

function asBoolean(value: Value): number | undefined {
  return value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : undefined;
}

function asTime(value: Value): number | undefined {
  const time = value instanceof Date ? value.getTime() : value;
  return typeof time === 'number' && Number.isFinite(time) ? time : undefined;
}

function asText(value: Value): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asBytes(value: Value): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}

function fill<T extends Float64Array | Int32Array | Uint8Array>(
  target: T,
  name: string,
  values: ArrayLike<Value>,
  type: ValueType,
  convertOne: (value: Value) => number | undefined,
): T {
  for (let row = 0; row < values.length; row++) {
    if (isMissing(values[row])) continue;
    const converted = convertOne(values[row]);
    if (converted === undefined) throw misfit(name, row, values[row], `a ${type} like the values before it`);
    target[row] = converted;
  }
  return target;
}

function convert<T>(
  name: string,
  values: ArrayLike<Value>,
  type: ValueType,
  convertOne: (value: Value) => T | undefined,
  missing: T,
): T[] {
  return Array.from({ length: values.length }, (_, row) => {
    if (isMissing(values[row])) return missing;
    const converted = convertOne(values[row]);
    if (converted === undefined) throw misfit(name, row, values[row], `a ${type} like the values before it`);
    return converted;
  });
}

function misfit(name: string, row: number, value: unknown, expected: string): SoraError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new SoraError('bad-input', `Column "${name}", row ${row}: ${shown} is not ${expected}.`, {
    details: { column: name, row, value: shown },
  });
}
