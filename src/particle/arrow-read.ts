/**
 * Arrow buffers as columns: the inverse of arrow-write.ts, checked on the way.
 * Numbers stay views of the bytes they came in; offsets, codes and indices are checked against what they point into.
 */
import { SoraError } from '../errors.ts';
import type { ArrowFile, ArrowType, Batch } from './arrow-file.ts';
import { forEachAbsent, unpackBits } from './bits.ts';
import { milliseconds } from './canonical.ts';
import type { CategoryColumn, Column, NumberArray, SparseColumn } from './column.ts';
import type { Field, Schema } from './schema.ts';
import { decodeUtf8 } from './utf8.ts';

/** The columns of a file that `arrowColumns` wrote for this schema; throws `corrupt` if it did not. */
export function readColumns(schema: Schema, rows: number, file: ArrowFile): Column[] {
  const expected = schema.fields.reduce((sum, field) => sum + (field.type === 'sparse' ? 2 : 1), 0);
  const { record, types } = file;
  if (types.length !== expected || (expected > 0 && record?.rows !== rows)) {
    throw damaged(
      'the file',
      `has ${types.length} Arrow columns of ${record?.rows} rows, expected ${expected} of ${rows}`,
    );
  }
  if (record === undefined) return [];
  let next = 0;
  return schema.fields.map((field) => {
    const type = types[next];
    next += field.type === 'sparse' ? 2 : 1;
    return readColumn(field, type, record, rows, file);
  });
}

function readColumn(field: Field, type: ArrowType, batch: Batch, rows: number, file: ArrowFile): Column {
  const validity = readValidity(field, batch, rows);
  switch (field.type) {
    case 'number':
      return { type: 'number', values: readNumbers(field, type, batch, rows), validity };
    case 'boolean':
      return {
        type: 'boolean',
        values: unpackBits(exactly(field, batch.buffer(), (rows + 7) >> 3), rows),
        validity,
      };
    case 'timestamp':
      return {
        type: 'timestamp',
        values: milliseconds(ints(exactly(field, batch.buffer(), 8 * rows))),
        validity,
      };
    case 'category': {
      const codes = ints(exactly(field, batch.buffer(), 4 * rows));
      return checkedCategories(field, codes, readDictionary(field, type, file), validity);
    }
    case 'text': {
      const { offsets, bytes } = readRuns(field, batch, rows);
      return { type: 'text', values: decodeUtf8(offsets, bytes, rows), validity };
    }
    case 'binary': {
      const { offsets, bytes } = readRuns(field, batch, rows);
      const values = Array.from({ length: rows }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]));
      return { type: 'binary', values, validity };
    }
    case 'sparse':
      return readSparse(field, batch, rows, validity);
  }
}

/** The head of an array: its row count checked, its validity if rows are missing. */
function readValidity(field: Field, batch: Batch, rows: number): Uint8Array | undefined {
  const node = batch.node();
  if (node.rows !== rows) throw damaged(field.name, `has ${node.rows} rows, expected ${rows}`);
  const bitmap = batch.buffer();
  return node.missing === 0 ? undefined : exactly(field, bitmap, (rows + 7) >> 3);
}

function readNumbers(field: Field, type: ArrowType, batch: Batch, rows: number): NumberArray {
  const bytes = batch.buffer();
  switch (type.number) {
    case 'float32':
      exactly(field, bytes, 4 * rows);
      return new Float32Array(bytes.buffer, bytes.byteOffset, rows);
    case 'float64':
      exactly(field, bytes, 8 * rows);
      return new Float64Array(bytes.buffer, bytes.byteOffset, rows);
    case 'int8':
      exactly(field, bytes, rows);
      return new Int8Array(bytes.buffer, bytes.byteOffset, rows);
    case 'int16':
      exactly(field, bytes, 2 * rows);
      return new Int16Array(bytes.buffer, bytes.byteOffset, rows);
    case 'int32':
      return ints(exactly(field, bytes, 4 * rows));
    default:
      throw damaged(field.name, 'is not a number of 8, 16, 32 or 64 bits in the file');
  }
}

function ints(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

function readDictionary(field: Field, type: ArrowType, file: ArrowFile): string[] {
  const batch = type.dictionary === undefined ? undefined : file.dictionaries.get(type.dictionary);
  if (batch === undefined) throw damaged(field.name, 'has no dictionary in the file');
  const { rows } = batch.node();
  batch.buffer();
  const { offsets, bytes } = readRuns(field, batch, rows);
  return decodeUtf8(offsets, bytes, rows);
}

function checkedCategories(
  field: Field,
  stored: Int32Array,
  dictionary: readonly string[],
  validity: Uint8Array | undefined,
): CategoryColumn {
  const codes = validity === undefined ? stored : stored.slice();
  forEachAbsent(validity, codes.length, (row) => {
    codes[row] = -1;
  });
  let highest = -1;
  let lowest = 0;
  for (let row = 0; row < codes.length; row++) {
    if (codes[row] > highest) highest = codes[row];
    if (codes[row] < lowest) lowest = codes[row];
  }
  if (highest >= dictionary.length || lowest < (validity === undefined ? 0 : -1)) {
    throw damaged(field.name, `has codes ${lowest} to ${highest} into ${dictionary.length} categories`);
  }
  return { type: 'category', codes, dictionary, validity };
}

/** Offsets and bytes of text or binary. */
function readRuns(field: Field, batch: Batch, rows: number): { offsets: Int32Array; bytes: Uint8Array } {
  const offsets = ints(exactly(field, batch.buffer(), 4 * (rows + 1)));
  const bytes = batch.buffer();
  checkAscending(field, offsets, bytes.length);
  return { offsets, bytes };
}

function checkAscending(field: Field, offsets: Int32Array, limit: number): void {
  let ascending = offsets[0] === 0;
  for (let row = 1; row < offsets.length; row++) ascending = ascending && offsets[row - 1] <= offsets[row];
  if (ascending && offsets[offsets.length - 1] === limit) return;
  throw damaged(field.name, `has offsets that do not ascend from 0 to ${limit}`);
}

/** Both list columns: offsets, then the values inside; offsets of the second repeat those of the first. */
function readSparse(
  field: Field,
  batch: Batch,
  rows: number,
  validity: Uint8Array | undefined,
): SparseColumn {
  const first = readList(field, batch, rows);
  readValidity(field, batch, rows);
  const second = readList(field, batch, rows);
  const entries = first.content.length >> 2;
  exactly(field, second.content, 4 * entries);
  const { buffer, byteOffset } = first.content;
  const starts = new Uint32Array(first.offsets.buffer, first.offsets.byteOffset, rows + 1);
  const indices = new Uint32Array(buffer, byteOffset, entries);
  const values = new Float32Array(second.content.buffer, second.content.byteOffset, entries);
  const width = field.width ?? 0;
  checkIndices(field, starts, indices, width);
  return { type: 'sparse', starts, indices, values, width, validity };
}

/** Offsets of a list column and the bytes of its items, 4 each. */
function readList(field: Field, batch: Batch, rows: number): { offsets: Int32Array; content: Uint8Array } {
  const offsets = ints(exactly(field, batch.buffer(), 4 * (rows + 1)));
  const { rows: items } = batch.node();
  batch.buffer();
  const content = exactly(field, batch.buffer(), 4 * items);
  checkAscending(field, offsets, items);
  return { offsets, content };
}

/** Indices ascend within a row, so the last of a row is its largest. */
function checkIndices(field: Field, starts: Uint32Array, indices: Uint32Array, width: number): void {
  for (let row = 0; row + 1 < starts.length; row++) {
    const end = starts[row + 1];
    let last = -1;
    let at = starts[row];
    for (; at < end && indices[at] > last; at++) last = indices[at];
    if (at < end || last >= width) {
      const index = at < end ? indices[at] : last;
      throw damaged(field.name, `row ${row} has index ${index}, not ascending below ${width}`);
    }
  }
}

/** The bytes, if there are exactly so many. */
function exactly(field: Field, bytes: Uint8Array, expected: number): Uint8Array {
  if (bytes.length !== expected)
    throw damaged(field.name, `has a buffer of ${bytes.length} bytes, expected ${expected}`);
  return bytes;
}

function damaged(where: string, what: string): SoraError {
  return new SoraError('corrupt', `Particle file is damaged: "${where}" ${what}.`, {
    details: { column: where },
  });
}
