/**
 * Arrow columns as columns: the inverse of arrow-write.ts, checked on the way.
 * Numbers stay views of the bytes they came in; offsets and codes are checked against what they point into.
 */
import type { Column as ArrowColumn, Batch, Table } from '@uwdata/flechette';
import { SoraError } from '../errors.ts';
import { forEachAbsent, unpackBits } from './bits.ts';
import { milliseconds } from './canonical.ts';
import type { Column, NumberArray, SparseColumn } from './column.ts';
import type { Field, Schema } from './schema.ts';
import { decodeUtf8 } from './utf8.ts';

/** A batch with the strings of its dictionary, if it has one. */
type Parts = Batch<unknown> & { readonly cache?: readonly string[] };

/** The columns of a table that `arrowColumns` wrote for this schema; throws `corrupt` if it did not. */
export function particleColumns(schema: Schema, rows: number, table: Table): Column[] {
  const expected = schema.fields.reduce((sum, field) => sum + (field.type === 'sparse' ? 2 : 1), 0);
  if (table.numCols !== expected) {
    throw damaged('the file', `holds ${table.numCols} Arrow columns where its schema has ${expected}`);
  }
  let next = 0;
  return schema.fields.map((field) => {
    const batch = singleBatch(field, table.getChildAt(next++), rows);
    if (field.type !== 'sparse') return readColumn(field, batch, rows);
    return readSparse(field, batch, singleBatch(field, table.getChildAt(next++), rows), rows);
  });
}

function singleBatch(field: Field, column: ArrowColumn<unknown>, rows: number): Parts {
  const batch = column.data[0];
  if (column.data.length !== 1 || batch.length !== rows) {
    throw damaged(
      field.name,
      `has ${column.length} rows in ${column.data.length} batches, expected ${rows} in 1`,
    );
  }
  return batch;
}

function readColumn(field: Field, batch: Parts, rows: number): Column {
  const validity = readValidity(field, batch, rows);
  switch (field.type) {
    case 'number':
      return { type: 'number', values: numbers(field, batch.values, rows), validity };
    case 'boolean':
      expectLength(field, 'bits', batch.values, (rows + 7) >> 3);
      return { type: 'boolean', values: unpackBits(batch.values as Uint8Array, rows), validity };
    case 'timestamp': {
      const { values } = batch;
      if (!(values instanceof BigInt64Array)) throw damaged(field.name, 'is not a timestamp in the file');
      expectLength(field, 'values', values, rows);
      const words = new Int32Array(values.buffer, values.byteOffset, rows * 2);
      return { type: 'timestamp', values: milliseconds(words), validity };
    }
    case 'category':
      return readCategory(field, batch, rows, validity);
    case 'text': {
      const { offsets, bytes } = runs(field, batch, rows);
      return { type: 'text', values: decodeUtf8(offsets, bytes, rows), validity };
    }
    case 'binary': {
      const { offsets, bytes } = runs(field, batch, rows);
      const values = Array.from({ length: rows }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]));
      return { type: 'binary', values, validity };
    }
    case 'sparse':
      throw new SoraError('internal', 'A sparse column is read from two Arrow columns.');
  }
}

function readValidity(field: Field, batch: Parts, rows: number): Uint8Array | undefined {
  if (batch.nullCount === 0) return undefined;
  expectLength(field, 'validity bytes', batch.validity, (rows + 7) >> 3);
  return batch.validity;
}

function numbers(field: Field, values: unknown, rows: number): NumberArray {
  if (
    values instanceof Float32Array ||
    values instanceof Float64Array ||
    values instanceof Int8Array ||
    values instanceof Int16Array ||
    values instanceof Int32Array
  ) {
    expectLength(field, 'values', values, rows);
    return values;
  }
  throw damaged(field.name, 'is not a number of 8, 16, 32 or 64 bits in the file');
}

function readCategory(field: Field, batch: Parts, rows: number, validity: Uint8Array | undefined): Column {
  const { values, cache: dictionary } = batch;
  if (!(values instanceof Int32Array) || dictionary === undefined) {
    throw damaged(field.name, 'is not dictionary-encoded in the file');
  }
  expectLength(field, 'codes', values, rows);
  const codes = validity === undefined ? values : values.slice();
  forEachAbsent(validity, rows, (row) => {
    codes[row] = -1;
  });
  let highest = -1;
  let lowest = 0;
  for (let row = 0; row < rows; row++) {
    if (codes[row] > highest) highest = codes[row];
    if (codes[row] < lowest) lowest = codes[row];
  }
  if (highest >= dictionary.length || lowest < (validity === undefined ? 0 : -1)) {
    throw damaged(field.name, `has codes ${lowest} … ${highest} into ${dictionary.length} categories`);
  }
  return { type: 'category', codes, dictionary: Array.from(dictionary), validity };
}

/** Offsets and bytes of text or binary, checked. */
function runs(field: Field, batch: Parts, rows: number): { offsets: Int32Array; bytes: Uint8Array } {
  const { offsets, values } = batch;
  if (!(values instanceof Uint8Array)) throw damaged(field.name, 'is not text or binary in the file');
  return { offsets: checkedOffsets(field, offsets, rows, values.length), bytes: values };
}

function checkedOffsets(field: Field, offsets: unknown, rows: number, limit: number): Int32Array {
  if (!(offsets instanceof Int32Array)) throw damaged(field.name, 'has no 32-bit offsets in the file');
  expectLength(field, 'offsets', offsets, rows + 1);
  let ascending = offsets[0] === 0;
  for (let row = 0; row < rows; row++) ascending = ascending && offsets[row] <= offsets[row + 1];
  if (!ascending || offsets[rows] > limit) {
    throw damaged(field.name, `has offsets that do not ascend from 0 to at most ${limit}`);
  }
  return offsets;
}

function readSparse(field: Field, indexBatch: Parts, valueBatch: Parts, rows: number): SparseColumn {
  const indices = indexBatch.children?.[0]?.values;
  const values = valueBatch.children?.[0]?.values;
  if (!(indices instanceof Uint32Array) || !(values instanceof Float32Array)) {
    throw damaged(field.name, 'is not a list of uint32 and one of float32 in the file');
  }
  const starts = checkedOffsets(field, indexBatch.offsets, rows, indices.length);
  expectLength(field, 'indices', indices, starts[rows]);
  expectLength(field, 'values', values, starts[rows]);
  return {
    type: 'sparse',
    starts: new Uint32Array(starts.buffer, starts.byteOffset, starts.length),
    indices: checkedIndices(field, starts, indices),
    values,
    width: field.width ?? 0,
    validity: readValidity(field, indexBatch, rows),
  };
}

function checkedIndices(field: Field, starts: Int32Array, indices: Uint32Array): Uint32Array {
  const width = field.width ?? 0;
  for (let row = 0; row + 1 < starts.length; row++) {
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      if (indices[at] >= width || (at > starts[row] && indices[at - 1] >= indices[at])) {
        throw damaged(field.name, `row ${row} has index ${indices[at]}, not ascending below ${width}`);
      }
    }
  }
  return indices;
}

function expectLength(field: Field, what: string, array: { length: number }, expected: number): void {
  if (
    array.length < expected ||
    (what !== 'validity bytes' && what !== 'bits' && array.length !== expected)
  ) {
    throw damaged(field.name, `has ${array.length} ${what}, expected ${expected}`);
  }
}

function damaged(where: string, what: string): SoraError {
  return new SoraError('corrupt', `Particle file is damaged: "${where}" ${what}.`, {
    details: { column: where },
  });
}
