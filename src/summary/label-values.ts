/**
 * Labels and weights of the rows of a particle as numbers, for statistics that look at the label.
 * A row counts when its label is present, finite and of a known class, and its weight (and exposure) is positive.
 */
import { SoraError } from '../errors.ts';
import { type Column, isPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex, type Role, roleIndex } from '../particle/schema.ts';

/** How a label becomes a number: itself, or the index of its class. */
export type LabelEncoding = {
  readonly column: string;
  /** Names of the classes by index; absent for numbers and counts. */
  readonly classes?: readonly string[];
};

/** Number of each row's label; NaN where it is missing, infinite or of no known class. O(rows). */
export function labelNumbers(particle: Particle, label: LabelEncoding): Float64Array {
  const index = fieldIndex(particle.schema, label.column);
  if (index < 0) throw new SoraError('schema-mismatch', `There is no label column "${label.column}".`);
  const column = particle.columns[index];
  const { classes } = label;
  if (classes === undefined) return columnNumbers(column, label.column);
  const indexOf = new Map(classes.map((name, at) => [name, at]));
  return namesTo(column, label.column, (name) => indexOf.get(name) ?? Number.NaN);
}

/** The numbers of a column, NaN where missing or infinite. */
export function columnNumbers(column: Column, name: string): Float64Array {
  if (column.type !== 'number' && column.type !== 'boolean' && column.type !== 'timestamp') {
    throw new SoraError(
      'schema-mismatch',
      `Column "${name}" is of type ${column.type} and holds no numbers.`,
    );
  }
  const numbers = new Float64Array(column.values);
  for (let row = 0; row < numbers.length; row++) {
    if (!Number.isFinite(numbers[row]) || !isPresent(column.validity, row)) numbers[row] = Number.NaN;
  }
  return numbers;
}

/** A number for the name of each row's class, NaN where missing; `of` is asked once per different name. */
export function namesTo(column: Column, name: string, of: (name: string) => number): Float64Array {
  switch (column.type) {
    case 'category': {
      const ofCode = Float64Array.from(column.dictionary, of);
      const numbers = new Float64Array(column.codes.length);
      for (let row = 0; row < numbers.length; row++) {
        const code = column.codes[row];
        numbers[row] = code < 0 ? Number.NaN : ofCode[code];
      }
      return numbers;
    }
    case 'text':
      return Float64Array.from(column.values, (value, row) =>
        isPresent(column.validity, row) ? of(value) : Number.NaN,
      );
    case 'number':
    case 'boolean': {
      const text = column.type === 'boolean' ? (value: number) => String(value !== 0) : String;
      if (column.values.BYTES_PER_ELEMENT === 1) return bytesTo(column, (value) => of(text(value)));
      const numbers = new Float64Array(column.values);
      const find = remembered((value) => of(text(value)));
      for (let row = 0; row < numbers.length; row++) {
        numbers[row] = isPresent(column.validity, row) ? find(numbers[row]) : Number.NaN;
      }
      return numbers;
    }
    default:
      throw new SoraError(
        'schema-mismatch',
        `Column "${name}" is of type ${column.type} and holds no classes.`,
      );
  }
}

/** Numbers for the values of a column of bytes, by a table of the 256 there can be; NaN where missing. */
function bytesTo({ values, validity }: Bytes, of: (value: number) => number): Float64Array {
  const table = new Float64Array(256);
  const known = new Uint8Array(256);
  const numbers = new Float64Array(values.length);
  for (let row = 0; row < numbers.length; row++) {
    if (validity !== undefined && !isPresent(validity, row)) {
      numbers[row] = Number.NaN;
      continue;
    }
    const code = values[row] & 255;
    if (known[code] === 0) {
      known[code] = 1;
      table[code] = of(values[row]);
    }
    numbers[row] = table[code];
  }
  return numbers;
}

type Bytes = Pick<Extract<Column, { type: 'number' | 'boolean' }>, 'values' | 'validity'>;

/** The function with a table of what it said: an array for bytes, which most labels are, and a map for the rest. */
function remembered(of: (value: number) => number): (value: number) => number {
  const bytes = new Float64Array(256).fill(-1);
  const others = new Map<number, number>();
  return (value) => {
    const isByte = value >= 0 && value < 256 && Math.floor(value) === value;
    const known = isByte ? bytes[value] : others.get(value);
    if (known !== undefined && known !== -1) return known;
    const found = of(value);
    if (isByte) bytes[value] = found;
    else others.set(value, found);
    return found;
  };
}

/** Positive numbers of the column with this role, NaN elsewhere; undefined if no column has the role. */
export function roleNumbers(particle: Particle, role: Role): Float64Array | undefined {
  const index = roleIndex(particle.schema, role);
  if (index < 0) return undefined;
  const numbers = columnNumbers(particle.columns[index], particle.schema.fields[index].name);
  for (let row = 0; row < numbers.length; row++) if (!(numbers[row] > 0)) numbers[row] = Number.NaN;
  return numbers;
}
