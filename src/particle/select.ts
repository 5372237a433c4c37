/**
 * Rows of a particle as a particle: by index or as a range.
 * Physical number types stay; dictionaries keep only what is left, in order of first appearance.
 */
import { SoraError } from '../errors.ts';
import { canonicalValidity, sliceValidity } from './bits.ts';
import { canonicalCategories } from './canonical.ts';
import { type Column, emptyValidity, isPresent, type SparseColumn, setPresent } from './column.ts';
import type { Particle } from './particle.ts';

/** The rows with these indices, in this order; an index may stand several times. O(selected × columns). */
export function selectRows(particle: Particle, rowIndices: Uint32Array): Particle {
  for (const row of rowIndices) {
    if (row >= particle.rows) throw outOfRange(`row ${row}`, particle.rows);
  }
  return {
    schema: particle.schema,
    rows: rowIndices.length,
    columns: particle.columns.map((column) => gather(column, rowIndices)),
  };
}

/** Rows [from, to). Numeric columns are views of the particle's arrays. */
export function sliceParticle(particle: Particle, from: number, to: number): Particle {
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= particle.rows)) {
    throw outOfRange(`rows ${from} to ${to}`, particle.rows);
  }
  if (from === 0 && to === particle.rows) return particle;
  return {
    schema: particle.schema,
    rows: to - from,
    columns: particle.columns.map((column) => slice(column, from, to)),
  };
}

function outOfRange(what: string, rows: number): SoraError {
  return new SoraError('bad-option', `Cannot take ${what} of a particle of ${rows} rows.`, {
    details: { rows },
  });
}

function slice(column: Column, from: number, to: number): Column {
  const validity = sliceValidity(column.validity, from, to);
  switch (column.type) {
    case 'number':
      return { type: 'number', values: column.values.subarray(from, to), validity };
    case 'boolean':
      return { type: 'boolean', values: column.values.subarray(from, to), validity };
    case 'timestamp':
      return { type: 'timestamp', values: column.values.subarray(from, to), validity };
    case 'category': {
      const { codes, dictionary } = column;
      const part = canonicalCategories({ codes: codes.subarray(from, to), dictionary }, validity);
      return { type: 'category', ...part, validity };
    }
    case 'text':
      return { type: 'text', values: column.values.slice(from, to), validity };
    case 'binary':
      return { type: 'binary', values: column.values.slice(from, to), validity };
    case 'sparse':
      return sliceSparse(column, from, to, validity);
  }
}

function sliceSparse(
  column: SparseColumn,
  from: number,
  to: number,
  validity: Uint8Array | undefined,
): SparseColumn {
  const first = column.starts[from];
  const last = column.starts[to];
  const starts = column.starts.slice(from, to + 1);
  for (let row = 0; row < starts.length; row++) starts[row] -= first;
  return {
    type: 'sparse',
    starts,
    indices: column.indices.subarray(first, last),
    values: column.values.subarray(first, last),
    width: column.width,
    validity,
  };
}

function gather(column: Column, rows: Uint32Array): Column {
  const validity = gatherValidity(column.validity, rows);
  switch (column.type) {
    case 'number':
      return { type: 'number', values: gatherNumbers(column.values, rows), validity };
    case 'boolean':
      return { type: 'boolean', values: gatherNumbers(column.values, rows), validity };
    case 'timestamp':
      return { type: 'timestamp', values: gatherNumbers(column.values, rows), validity };
    case 'category': {
      const codes = gatherNumbers(column.codes, rows);
      return {
        type: 'category',
        ...canonicalCategories({ codes, dictionary: column.dictionary }, validity),
        validity,
      };
    }
    case 'text':
      return { type: 'text', values: Array.from(rows, (row) => column.values[row]), validity };
    case 'binary':
      return { type: 'binary', values: Array.from(rows, (row) => column.values[row]), validity };
    case 'sparse':
      return gatherSparse(column, rows, validity);
  }
}

function gatherValidity(validity: Uint8Array | undefined, rows: Uint32Array): Uint8Array | undefined {
  if (validity === undefined) return undefined;
  const result = emptyValidity(rows.length);
  for (let i = 0; i < rows.length; i++) if (isPresent(validity, rows[i])) setPresent(result, i);
  return canonicalValidity(result, rows.length);
}

type Numbers = Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array;

function gatherNumbers<T extends Numbers>(values: T, rows: Uint32Array): T {
  const result = new (values.constructor as new (length: number) => T)(rows.length);
  for (let i = 0; i < rows.length; i++) result[i] = values[rows[i]];
  return result;
}

function gatherSparse(
  column: SparseColumn,
  rows: Uint32Array,
  validity: Uint8Array | undefined,
): SparseColumn {
  const starts = new Uint32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    starts[i + 1] = starts[i] + column.starts[rows[i] + 1] - column.starts[rows[i]];
  }
  const indices = new Uint32Array(starts[rows.length]);
  const values = new Float32Array(starts[rows.length]);
  for (let i = 0; i < rows.length; i++) {
    const from = column.starts[rows[i]];
    const to = column.starts[rows[i] + 1];
    indices.set(column.indices.subarray(from, to), starts[i]);
    values.set(column.values.subarray(from, to), starts[i]);
  }
  return { type: 'sparse', starts, indices, values, width: column.width, validity };
}
