/**
 * Several particles of one schema as one: rows in order, dictionaries joined in order of first appearance,
 * numbers in the narrowest physical type that holds those of all parts exactly.
 */
import { SoraError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import { canonicalValidity, copyBits } from './bits.ts';
import { canonicalCategories, intern } from './canonical.ts';
import {
  type BinaryColumn,
  type BooleanColumn,
  type CategoryColumn,
  type Column,
  type ColumnOf,
  emptyValidity,
  type NumberArray,
  type NumberColumn,
  type SparseColumn,
  type TextColumn,
  type TimestampColumn,
} from './column.ts';
import { widestType } from './numbers.ts';
import type { Particle } from './particle.ts';
import type { ColumnType, Field, Schema } from './schema.ts';

/** All rows of the particles, in order. Throws `schema-mismatch` if their schemas differ. O(rows × columns). */
export function mergeParticles(particles: readonly Particle[]): Particle {
  if (particles.length === 0)
    throw new SoraError('bad-option', 'Cannot merge no particles; give one or more.');
  if (particles.length === 1) return particles[0];
  const { schema } = particles[0];
  for (let i = 1; i < particles.length; i++) checkSchema(schema, particles[i].schema, i);
  const counts = particles.map((particle) => particle.rows);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const columns = schema.fields.map((field, index) =>
    mergeColumn(
      field,
      particles.map((particle) => particle.columns[index]),
      counts,
      rows,
    ),
  );
  return { schema, rows, columns };
}

function checkSchema(expected: Schema, actual: Schema, index: number): void {
  if (expected === actual) return;
  const differs =
    expected.fields.length !== actual.fields.length ||
    expected.fields.some(
      (field, i) => canonicalJson(field as Json) !== canonicalJson(actual.fields[i] as Json),
    );
  if (!differs) return;
  const list = (schema: Schema) =>
    schema.fields.map((field) => `${field.name}: ${field.type} ${field.role}`).join(', ');
  throw new SoraError(
    'schema-mismatch',
    `Particle ${index} has columns (${list(actual)}), particle 0 has (${list(expected)}); only particles of one schema merge.`,
    { details: { particle: index } },
  );
}

function mergeColumn(
  field: Field,
  columns: readonly Column[],
  counts: readonly number[],
  rows: number,
): Column {
  const validity = mergeValidity(columns, counts, rows);
  switch (field.type) {
    case 'number': {
      const parts = typed(columns, 'number').map((column) => column.values);
      return {
        type: 'number',
        values: joinInto(new (widestType(parts))(rows), parts),
        validity,
      } as NumberColumn;
    }
    case 'boolean': {
      const parts = typed(columns, 'boolean').map((column) => column.values);
      return { type: 'boolean', values: joinInto(new Uint8Array(rows), parts), validity } as BooleanColumn;
    }
    case 'timestamp': {
      const parts = typed(columns, 'timestamp').map((column) => column.values);
      return {
        type: 'timestamp',
        values: joinInto(new Float64Array(rows), parts),
        validity,
      } as TimestampColumn;
    }
    case 'category':
      return mergeCategories(typed(columns, 'category'), rows, validity);
    case 'text': {
      const values = typed(columns, 'text').flatMap((column) => column.values);
      return { type: 'text', values, validity } as TextColumn;
    }
    case 'binary': {
      const values = typed(columns, 'binary').flatMap((column) => column.values);
      return { type: 'binary', values, validity } as BinaryColumn;
    }
    case 'sparse':
      return mergeSparse(typed(columns, 'sparse'), rows, validity);
  }
}

/** The columns as those of one type; the schema has said so. */
function typed<T extends ColumnType>(columns: readonly Column[], type: T): ColumnOf<T>[] {
  return columns.map((column) => {
    if (column.type === type) return column as ColumnOf<T>;
    throw new SoraError('internal', `A ${column.type} column stands where the schema has ${type}.`);
  });
}

function mergeValidity(
  columns: readonly Column[],
  counts: readonly number[],
  rows: number,
): Uint8Array | undefined {
  if (columns.every((column) => column.validity === undefined)) return undefined;
  const validity = emptyValidity(rows);
  let at = 0;
  columns.forEach((column, index) => {
    copyBits(validity, at, column.validity, 0, counts[index]);
    at += counts[index];
  });
  return canonicalValidity(validity, rows);
}

function joinInto<T extends NumberArray | Uint8Array | Uint32Array>(
  target: T,
  parts: readonly ArrayLike<number>[],
): T {
  let at = 0;
  for (const part of parts) {
    target.set(part, at);
    at += part.length;
  }
  return target;
}

function mergeCategories(
  columns: readonly CategoryColumn[],
  rows: number,
  validity: Uint8Array | undefined,
): CategoryColumn {
  const codes = new Int32Array(rows);
  const dictionary: string[] = [];
  const known = new Map<string, number>();
  let at = 0;
  for (const column of columns) {
    const part = canonicalCategories(column, column.validity);
    const recoded = Int32Array.from(part.dictionary, (entry) => intern(known, dictionary, entry));
    for (let row = 0; row < part.codes.length; row++) {
      const code = part.codes[row];
      codes[at++] = code < 0 ? -1 : recoded[code];
    }
  }
  return { type: 'category', codes, dictionary, validity };
}

function mergeSparse(
  columns: readonly SparseColumn[],
  rows: number,
  validity: Uint8Array | undefined,
): SparseColumn {
  const entries = columns.reduce((sum, column) => sum + column.indices.length, 0);
  const starts = new Uint32Array(rows + 1);
  let row = 0;
  for (const column of columns) {
    const base = starts[row];
    for (let i = 1; i < column.starts.length; i++) starts[++row] = base + column.starts[i];
  }
  return {
    type: 'sparse',
    starts,
    indices: joinInto(
      new Uint32Array(entries),
      columns.map((column) => column.indices),
    ),
    values: joinInto(
      new Float32Array(entries),
      columns.map((column) => column.values),
    ),
    width: columns[0].width,
    validity,
  };
}
