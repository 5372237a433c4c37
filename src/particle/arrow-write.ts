/**
 * Columns as Arrow columns: the mapping table of docs/particle-format.md, written out.
 * Numbers go as they lie in memory; nothing here loops over the values of a numeric column.
 */
import {
  Column as ArrowColumn,
  type Field as ArrowField,
  Batch,
  binary,
  bool,
  type DataType,
  dictionary,
  field,
  float32,
  float64,
  int8,
  int16,
  int32,
  list,
  TimeUnit,
  timestamp,
  uint32,
  utf8,
} from '@uwdata/flechette';
import { canonicalValidity, packBits } from './bits.ts';
import { canonicalCategories, maskMissing, microseconds } from './canonical.ts';
import type { BinaryColumn, CategoryColumn, Column, NumberArray, SparseColumn } from './column.ts';
import { countPresent } from './column.ts';
import { encodeUtf8 } from './utf8.ts';

/** An Arrow field with its column. */
export interface ArrowPair {
  readonly field: ArrowField;
  readonly column: ArrowColumn<unknown>;
}

/** The parts that a batch of any type may have. */
type Parts = Partial<Pick<Batch<unknown>, 'values' | 'offsets' | 'children'>> & {
  readonly dictionary?: ArrowColumn<unknown>;
};

const NONE = new Uint8Array(0);

/** The Arrow columns of one particle column: two for sparse, one for every other type. */
export function arrowColumns(name: string, column: Column, rows: number): ArrowPair[] {
  const validity = canonicalValidity(column.validity, rows);
  const pair = (type: DataType, parts: Parts, suffix = ''): ArrowPair => ({
    field: field(name + suffix, type, true),
    column: arrowColumn(type, rows, validity, parts),
  });
  switch (column.type) {
    case 'number':
      return [pair(numberType(column.values), { values: maskMissing(column.values, validity, 0) })];
    case 'boolean':
      return [pair(bool(), { values: packBits(maskMissing(column.values, validity, 0)) })];
    case 'timestamp':
      return [
        pair(timestamp(TimeUnit.MICROSECOND, 'UTC'), {
          values: microseconds(column.values, validity, name),
        }),
      ];
    case 'category':
      return [categoryPair(pair, column, validity)];
    case 'text': {
      const text = encodeUtf8(column.values);
      return [pair(utf8(), { offsets: text.offsets, values: text.bytes })];
    }
    case 'binary':
      return [pair(binary(), binaryParts(column))];
    case 'sparse':
      return sparsePairs(pair, column);
  }
}

type MakePair = (type: DataType, parts: Parts, suffix?: string) => ArrowPair;

function categoryPair(pair: MakePair, column: CategoryColumn, validity: Uint8Array | undefined): ArrowPair {
  const { codes, dictionary: entries } = canonicalCategories(column, validity);
  const text = encodeUtf8(entries);
  const entryType = utf8();
  return pair(dictionary(entryType, int32()), {
    // Readers may look codes up before they look at validity: 0 is safe under missing rows, -1 is not.
    values: maskMissing(codes, validity, 0),
    dictionary: arrowColumn(entryType, entries.length, undefined, {
      offsets: text.offsets,
      values: text.bytes,
    }),
  });
}

function binaryParts(column: BinaryColumn): Parts {
  const offsets = new Int32Array(column.values.length + 1);
  for (let row = 0; row < column.values.length; row++) {
    offsets[row + 1] = offsets[row] + column.values[row].length;
  }
  const values = new Uint8Array(offsets[column.values.length]);
  for (let row = 0; row < column.values.length; row++) values.set(column.values[row], offsets[row]);
  return { offsets, values };
}

function sparsePairs(pair: MakePair, column: SparseColumn): ArrowPair[] {
  const offsets = new Int32Array(column.starts.buffer, column.starts.byteOffset, column.starts.length);
  const half = (item: DataType, values: Uint32Array | Float32Array, suffix: string) =>
    pair(
      list(field('item', item, true)),
      { offsets, children: [arrowBatch(item, values.length, undefined, { values })] },
      suffix,
    );
  return [half(uint32(), column.indices, '.indices'), half(float32(), column.values, '.values')];
}

/** Arrow type of a physical array of numbers. */
function numberType(values: NumberArray): DataType {
  if (values instanceof Float32Array) return float32();
  if (values instanceof Float64Array) return float64();
  if (values instanceof Int8Array) return int8();
  return values instanceof Int16Array ? int16() : int32();
}

function arrowColumn(
  type: DataType,
  rows: number,
  validity: Uint8Array | undefined,
  parts: Parts,
): ArrowColumn<unknown> {
  return new ArrowColumn([arrowBatch(type, rows, validity, parts)], type);
}

function arrowBatch(
  type: DataType,
  rows: number,
  validity: Uint8Array | undefined,
  { dictionary: entries, ...parts }: Parts,
): Batch<unknown> {
  const nullCount = rows - countPresent(validity, rows);
  const batch = new Batch<unknown>({ length: rows, nullCount, type, validity: validity ?? NONE, ...parts });
  // The writer reads a dictionary from its batch; `setDictionary` would decode every entry first.
  return entries === undefined ? batch : Object.assign(batch, { dictionary: entries });
}
