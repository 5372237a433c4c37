/**
 * Content of binary columns: mean and spread of every measure of byte-features.ts over the values that are present.
 * Law: merge is associative up to rounding; the merge tree fixes the order.
 */
import { type Column, isPresent } from '../particle/column.ts';
import { BYTE_FEATURES, byteFeatures } from './byte-features.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, recordPerColumn } from './columns.ts';
import {
  addMoments,
  emptyMoments,
  type MomentsState,
  mergeMoments,
  parseMoments,
  readMoments,
  writeMoments,
} from './moments.ts';

/** Moments of each measure, and rows without a value. */
export interface BytesState {
  missing: number;
  readonly moments: readonly MomentsState[];
}

/** Mean and standard deviation of each measure, in the order of `byteFeatureName`; empty where no value is present. */
export interface ByteContent {
  readonly present: number;
  readonly missing: number;
  readonly mean: readonly number[];
  /** Square roots of sample variances; 0 for a single value. */
  readonly std: readonly number[];
}

/** Rows measured together; 34 measures of them take 68 KiB. */
const BLOCK_ROWS = 256;

const measures = Array.from({ length: BYTE_FEATURES }, (_, index) => index);

export function emptyBytes(): BytesState {
  return { missing: 0, moments: measures.map(emptyMoments) };
}

/** Adds the rows of a binary column. O(bytes + 256 rows). */
export function addBytes(state: BytesState, column: Column, rows: Uint32Array | undefined): void {
  if (column.type !== 'binary') return;
  const block = new Float64Array(BYTE_FEATURES * BLOCK_ROWS);
  const total = rows?.length ?? column.values.length;
  let count = 0;
  for (let i = 0; i < total; i++) {
    const row = rows === undefined ? i : rows[i];
    if (!isPresent(column.validity, row)) {
      state.missing++;
      continue;
    }
    byteFeatures(column.values[row], block, count, BLOCK_ROWS);
    if (++count < BLOCK_ROWS) continue;
    addBlock(state, block, count);
    count = 0;
  }
  addBlock(state, block, count);
}

function addBlock({ moments }: BytesState, block: Float64Array, count: number): void {
  for (const index of measures) addMoments(moments[index], block.subarray(index * BLOCK_ROWS), count);
}

export function mergeBytes(into: BytesState, from: BytesState): void {
  into.missing += from.missing;
  for (const index of measures) mergeMoments(into.moments[index], from.moments[index]);
}

export function readBytes({ missing, moments }: BytesState): ByteContent {
  const read = moments.map(readMoments);
  const { n } = read[0];
  if (n === 0) return { present: 0, missing, mean: [], std: [] };
  return {
    present: n,
    missing,
    mean: read.map(({ mean }) => mean ?? 0),
    std: read.map(({ std }) => std ?? 0),
  };
}

export function writeBytes(writer: ByteWriter, state: BytesState): void {
  writer.f64(state.missing);
  for (const moments of state.moments) writeMoments(writer, moments);
}

export function parseBytes(reader: ByteReader): BytesState {
  return { missing: reader.count(), moments: measures.map(() => parseMoments(reader)) };
}

const statistic: ColumnStatistic<BytesState, ByteContent> = {
  tag: 'bytes/1',
  types: ['binary'],
  empty: emptyBytes,
  observe: addBytes,
  merge: mergeBytes,
  read: readBytes,
  write: writeBytes,
  parse: parseBytes,
};

/** Summary of the content of every binary column, or of `columns`. O(bytes), 1.4 kB of state a column. */
export function bytes(options?: ColumnsOptions | null) {
  return recordPerColumn(statistic, options ?? {});
}
