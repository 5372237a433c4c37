/**
 * Sizes of text and binary columns: how long values are, how many words they have, how many differ.
 * Lengths are UTF-16 units (text) or bytes (binary); words are runs without white space.
 */
import type { Column } from '../particle/column.ts';
import { isPresent } from '../particle/column.ts';
import { BLOCK } from './blocks.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, recordPerColumn } from './columns.ts';
import {
  type Distinct,
  DistinctRun,
  type DistinctState,
  emptyDistinct,
  mergeDistinct,
  parseDistinct,
  readDistinct,
  writeDistinct,
} from './distinct.ts';
import {
  addExtremes,
  type ExtremesState,
  emptyExtremes,
  mergeExtremes,
  parseExtremes,
  writeExtremes,
} from './extremes.ts';
import {
  addMoments,
  emptyMoments,
  type MomentsState,
  mergeMoments,
  parseMoments,
  writeMoments,
} from './moments.ts';

/** Mean and range of a size. */
export interface Sizes {
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

export interface TextSizes {
  readonly present: number;
  readonly missing: number;
  /** Values of length 0. */
  readonly empty: number;
  readonly length: Sizes;
  /** Of binary columns always 0. */
  readonly words: Sizes;
  readonly distinct: Distinct;
}

interface SizesState {
  readonly moments: MomentsState;
  readonly extremes: ExtremesState;
}

export interface TextState {
  missing: number;
  readonly length: SizesState;
  readonly words: SizesState;
  readonly distinct: DistinctState;
}

function emptySizes(): SizesState {
  return { moments: emptyMoments(), extremes: emptyExtremes() };
}

function addSizes(state: SizesState, values: Float64Array, count: number): void {
  addMoments(state.moments, values, count);
  addExtremes(state.extremes, values, count);
}

function readSizes({ moments, extremes }: SizesState): Sizes {
  if (moments.n === 0) return { mean: null, min: null, max: null };
  return { mean: moments.mean, min: extremes.min, max: extremes.max };
}

export function emptyText(): TextState {
  return { missing: 0, length: emptySizes(), words: emptySizes(), distinct: emptyDistinct() };
}

/** Adds the rows of a text or binary column. O(characters). */
export function addTexts(state: TextState, column: Column, rows: Uint32Array | undefined): void {
  if (column.type !== 'text' && column.type !== 'binary') return;
  const lengths = new Float64Array(BLOCK);
  const words = new Float64Array(BLOCK);
  const distinct = new DistinctRun(state.distinct);
  const total = rows?.length ?? column.values.length;
  let count = 0;
  for (let i = 0; i < total; i++) {
    const row = rows === undefined ? i : rows[i];
    if (!isPresent(column.validity, row)) {
      state.missing++;
      continue;
    }
    const value = column.values[row];
    lengths[count] = value.length;
    words[count] = typeof value === 'string' ? countWords(value) : 0;
    if (typeof value === 'string') distinct.addText(value);
    else distinct.addBytes(value);
    if (++count === BLOCK) {
      addSizes(state.length, lengths, count);
      addSizes(state.words, words, count);
      count = 0;
    }
  }
  addSizes(state.length, lengths, count);
  addSizes(state.words, words, count);
  distinct.finish();
}

/** Runs of characters above the space; the ideographic and no-break space separate too. */
function countWords(text: string): number {
  let words = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const space = unit <= 0x20 || unit === 0xa0 || unit === 0x3000;
    if (!space && !inside) words++;
    inside = !space;
  }
  return words;
}

export function mergeText(into: TextState, from: TextState): void {
  into.missing += from.missing;
  for (const part of ['length', 'words'] as const) {
    mergeMoments(into[part].moments, from[part].moments);
    mergeExtremes(into[part].extremes, from[part].extremes);
  }
  mergeDistinct(into.distinct, from.distinct);
}

export function readText(state: TextState): TextSizes {
  return {
    present: state.length.moments.n,
    missing: state.missing,
    empty: state.length.extremes.zeros,
    length: readSizes(state.length),
    words: readSizes(state.words),
    distinct: readDistinct(state.distinct),
  };
}

export function writeText(writer: ByteWriter, state: TextState): void {
  writer.f64(state.missing);
  for (const part of [state.length, state.words]) {
    writeMoments(writer, part.moments);
    writeExtremes(writer, part.extremes);
  }
  writeDistinct(writer, state.distinct);
}

export function parseText(reader: ByteReader): TextState {
  const sizes = () => ({ moments: parseMoments(reader), extremes: parseExtremes(reader) });
  return { missing: reader.count(), length: sizes(), words: sizes(), distinct: parseDistinct(reader) };
}

const statistic: ColumnStatistic<TextState, TextSizes> = {
  tag: 'texts/1',
  types: ['text', 'binary'],
  empty: emptyText,
  observe: addTexts,
  merge: mergeText,
  read: readText,
  write: writeText,
  parse: parseText,
};

/** Summary of the sizes of every text and binary column, or of `columns`. O(characters). */
export function texts(options?: ColumnsOptions | null) {
  return recordPerColumn(statistic, options ?? {});
}
