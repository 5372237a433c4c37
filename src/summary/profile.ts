/**
 * The profile of a data set: what ingest prints, `inspect` shows and a recipe is fitted from, in one pass.
 * It is the product of the summaries of this folder, chosen per column by its type.
 * The value is plain JSON; nothing in it is NaN or infinite.
 */
import type { BooleanColumn, Column } from '../particle/column.ts';
import type { ColumnType, Field, Role } from '../particle/schema.ts';
import { COLUMN_TYPES } from '../particle/schema.ts';
import {
  addBytes,
  type BytesState,
  emptyBytes,
  mergeBytes,
  parseBytes,
  readBytes,
  writeBytes,
} from './bytes.ts';
import type { ByteReader, ByteWriter } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, perColumn } from './columns.ts';
import {
  addCategories,
  COUNTS_CAP,
  type Count,
  type CountsState,
  emptyCounts,
  mergeCounts,
  parseCounts,
  readCounts,
  writeCounts,
} from './counts.ts';
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
  readExtremes,
  writeExtremes,
} from './extremes.ts';
import {
  addMoments,
  eachNumber,
  emptyMoments,
  type MomentsState,
  mergeMoments,
  parseMoments,
  readMoments,
  writeMoments,
} from './moments.ts';
import {
  emptySketch,
  mergeSketch,
  parseSketch,
  type QuantileTable,
  SKETCH_K,
  SketchRun,
  type SketchState,
  tableOf,
  writeSketch,
} from './quantiles.ts';
import {
  addSparse,
  emptySparse,
  mergeSparse,
  parseSparse,
  readSparse,
  SPARSE_WIDTH,
  type SparseFeatures,
  type SparseState,
  writeSparse,
} from './sparse.ts';
import {
  addTexts,
  emptyText,
  mergeText,
  parseText,
  readText,
  type Sizes,
  type TextState,
  writeText,
} from './texts.ts';
import {
  addValues,
  emptyValues,
  mergeValues,
  parseValues,
  readValues,
  type ValueCount,
  type ValuesState,
  writeValues,
} from './values.ts';

/** What is known of every column. `present + missing` is the number of rows looked at. */
interface ColumnFacts {
  readonly name: string;
  readonly role: Role;
  readonly present: number;
  readonly missing: number;
}

export interface NumberProfile extends ColumnFacts {
  /** Timestamps are milliseconds since 1970. */
  readonly type: 'number' | 'timestamp';
  /** Infinite values; they count as present, and everything below is of the finite ones. */
  readonly infinite: number;
  readonly zeros: number;
  /** Whether every value is a whole number. */
  readonly integers: boolean;
  /** Null without values. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Square root of the sample variance; null below two values. */
  readonly std: number | null;
  readonly skewness: number | null;
  readonly kurtosis: number | null;
  readonly distinct: Distinct;
  /** Read with `quantile(column, q)`. */
  readonly quantiles: QuantileTable;
  /** Label columns of at most 256 different values: each, ascending, with its exact count. Else null. */
  readonly values: readonly ValueCount[] | null;
}

export interface BooleanProfile extends ColumnFacts {
  readonly type: 'boolean';
  readonly trues: number;
  readonly mean: number | null;
  readonly std: number | null;
}

export interface CategoryProfile extends ColumnFacts {
  readonly type: 'category';
  readonly distinct: Distinct;
  /** Most common first, equal counts by name; at most 8192 of them. */
  readonly values: readonly Count[];
  /** A count may be too low by this much, and a value not listed stands at most this often; 0: all is exact. */
  readonly error: number;
}

export interface TextProfile extends ColumnFacts {
  readonly type: 'text';
  readonly empty: number;
  /** In UTF-16 units. */
  readonly length: Sizes;
  readonly words: Sizes;
  readonly distinct: Distinct;
}

export interface BinaryProfile extends ColumnFacts {
  readonly type: 'binary';
  readonly empty: number;
  /** In bytes. */
  readonly length: Sizes;
  readonly distinct: Distinct;
  /** Mean and standard deviation of each measure of `byteFeatureName`; empty without values. */
  readonly content: { readonly mean: readonly number[]; readonly std: readonly number[] };
}

export interface SparseProfile extends ColumnFacts {
  readonly type: 'sparse';
  readonly width: number;
  /** Stored entries of all rows. */
  readonly entries: number;
  /** Null when the column is wider than 131,072 features. */
  readonly features: SparseFeatures | null;
}

export type ColumnProfile =
  | NumberProfile
  | BooleanProfile
  | CategoryProfile
  | TextProfile
  | BinaryProfile
  | SparseProfile;

/** Columns in the order of the schema. */
export interface Profile {
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
}

/** The profile of the column with this name, or undefined. */
export function columnProfile(profile: Profile, name: string): ColumnProfile | undefined {
  return profile.columns.find((column) => column.name === name);
}

interface NumberState {
  readonly extremes: ExtremesState;
  readonly moments: MomentsState;
  readonly sketch: SketchState;
  readonly distinct: DistinctState;
  readonly values?: ValuesState;
}

interface BooleanState {
  missing: number;
  trues: number;
  falses: number;
}

interface CategoryState {
  readonly counts: CountsState;
  readonly distinct: DistinctState;
}

interface BinaryState {
  readonly sizes: TextState;
  readonly content: BytesState;
}

/** How one kind of column is profiled: a statistic without its registration. */
type Kind<State> = Omit<ColumnStatistic<State, ColumnProfile>, 'tag' | 'types'>;

const numbers: Kind<NumberState> = {
  empty: (field) => ({
    extremes: emptyExtremes(),
    moments: emptyMoments(),
    sketch: emptySketch(),
    distinct: emptyDistinct(),
    values: field.role === 'label' ? emptyValues() : undefined,
  }),
  observe: observeNumbers,
  merge(into, from, key) {
    mergeExtremes(into.extremes, from.extremes);
    mergeMoments(into.moments, from.moments);
    mergeSketch(into.sketch, from.sketch, SKETCH_K, key);
    mergeDistinct(into.distinct, from.distinct);
    if (into.values) mergeValues(into.values, from.values ?? { counts: undefined });
  },
  read(state, { name, type, role }) {
    const { present, missing, infinite, zeros, integers, min, max } = readExtremes(state.extremes);
    const { mean, std, skewness, kurtosis } = readMoments(state.moments);
    return {
      ...{ name, type: type as 'number' | 'timestamp', role, present, missing, infinite, zeros, integers },
      ...{ min, max, mean, std, skewness, kurtosis, distinct: readDistinct(state.distinct) },
      quantiles: tableOf(state.sketch),
      values: state.values ? readValues(state.values) : null,
    };
  },
  write(writer, state) {
    writeExtremes(writer, state.extremes);
    writeMoments(writer, state.moments);
    writeSketch(writer, state.sketch);
    writeDistinct(writer, state.distinct);
    if (state.values) writeValues(writer, state.values);
  },
  parse: (reader, field) => ({
    extremes: parseExtremes(reader),
    moments: parseMoments(reader),
    sketch: parseSketch(reader),
    distinct: parseDistinct(reader),
    values: field.role === 'label' ? parseValues(reader) : undefined,
  }),
};

function observeNumbers(
  state: NumberState,
  column: Column,
  rows: Uint32Array | undefined,
  key: number,
): void {
  if (column.type !== 'number' && column.type !== 'timestamp') return;
  const sketch = new SketchRun(rows?.length ?? column.values.length, key);
  const distinct = new DistinctRun(state.distinct);
  const left = eachNumber(column, rows, (values, count) => {
    addExtremes(state.extremes, values, count);
    addMoments(state.moments, values, count);
    sketch.add(values, count);
    distinct.addNumbers(values, count);
    if (state.values) addValues(state.values, values, count);
  });
  sketch.finish(state.sketch, SKETCH_K);
  distinct.finish();
  state.extremes.missing += left.missing;
  state.extremes.infinite += left.infinite;
}

const booleans: Kind<BooleanState> = {
  empty: () => ({ missing: 0, trues: 0, falses: 0 }),
  observe(state, column, rows) {
    const { values, validity } = column as BooleanColumn;
    const total = rows?.length ?? values.length;
    for (let i = 0; i < total; i++) {
      const row = rows === undefined ? i : rows[i];
      if (validity !== undefined && (validity[row >> 3] & (1 << (row & 7))) === 0) state.missing++;
      else if (values[row] !== 0) state.trues++;
      else state.falses++;
    }
  },
  merge(into, from) {
    into.missing += from.missing;
    into.trues += from.trues;
    into.falses += from.falses;
  },
  read({ missing, trues, falses }, { name, role }) {
    const present = trues + falses;
    const variance = present > 1 ? (trues * falses) / present / (present - 1) : null;
    const std = variance === null ? null : Math.sqrt(variance);
    return {
      name,
      type: 'boolean',
      role,
      present,
      missing,
      trues,
      mean: present > 0 ? trues / present : null,
      std,
    };
  },
  write(writer, state) {
    for (const value of [state.missing, state.trues, state.falses]) writer.f64(value);
  },
  parse: (reader) => ({ missing: reader.count(), trues: reader.count(), falses: reader.count() }),
};

const categories: Kind<CategoryState> = {
  empty: () => ({ counts: emptyCounts(), distinct: emptyDistinct() }),
  observe(state, column, rows) {
    if (column.type !== 'category') return;
    const tally = addCategories(state.counts, column, rows, COUNTS_CAP);
    const distinct = new DistinctRun(state.distinct);
    for (const [code, value] of column.dictionary.entries()) if (tally[code] > 0) distinct.addText(value);
    distinct.finish();
  },
  merge(into, from) {
    mergeCounts(into.counts, from.counts, COUNTS_CAP);
    mergeDistinct(into.distinct, from.distinct);
  },
  read(state, { name, role }) {
    const { total, missing, values, error } = readCounts(state.counts);
    const distinct = error === 0 ? { estimate: values.length, exact: true } : readDistinct(state.distinct);
    return { name, type: 'category', role, present: total, missing, distinct, values, error };
  },
  write(writer, state) {
    writeCounts(writer, state.counts);
    writeDistinct(writer, state.distinct);
  },
  parse: (reader) => ({ counts: parseCounts(reader), distinct: parseDistinct(reader) }),
};

const textual: Kind<TextState> = {
  empty: emptyText,
  observe: addTexts,
  merge: mergeText,
  read: (state, { name, role }) => ({ name, type: 'text', role, ...readText(state) }),
  write: writeText,
  parse: parseText,
};

const binaries: Kind<BinaryState> = {
  empty: () => ({ sizes: emptyText(), content: emptyBytes() }),
  observe({ sizes, content }, column, rows) {
    addTexts(sizes, column, rows);
    addBytes(content, column, rows);
  },
  merge(into, from) {
    mergeText(into.sizes, from.sizes);
    mergeBytes(into.content, from.content);
  },
  read({ sizes, content }, { name, role }) {
    const { words: _, ...facts } = readText(sizes);
    const { mean, std } = readBytes(content);
    return { name, type: 'binary', role, ...facts, content: { mean, std } };
  },
  write(writer, { sizes, content }) {
    writeText(writer, sizes);
    writeBytes(writer, content);
  },
  parse: (reader) => ({ sizes: parseText(reader), content: parseBytes(reader) }),
};

const matrices: Kind<SparseState> = {
  empty: emptySparse,
  observe: (state, column, rows) => addSparse(state, column, rows, SPARSE_WIDTH),
  merge: (into, from) => mergeSparse(into, from, SPARSE_WIDTH),
  read: (state, { name, role }) => ({ name, type: 'sparse', role, ...readSparse(state) }),
  write: writeSparse,
  parse: parseSparse,
};

/** The kind of a column by its type. Its state is opaque here: only its own kind ever touches it. */
const KINDS: Readonly<Record<ColumnType, Kind<unknown>>> = {
  number: opaque(numbers),
  timestamp: opaque(numbers),
  boolean: opaque(booleans),
  category: opaque(categories),
  text: opaque(textual),
  binary: opaque(binaries),
  sparse: opaque(matrices),
};

function opaque<State>(kind: Kind<State>): Kind<unknown> {
  return kind as Kind<unknown>;
}

/** A state that knows its kind, so that column states of one profile may differ. */
interface Kept {
  readonly kind: Kind<unknown>;
  readonly state: unknown;
}

const keep = (field: Field, state: unknown): Kept => ({ kind: KINDS[field.type], state });

const statistic: ColumnStatistic<Kept, ColumnProfile> = {
  tag: 'profile/2',
  types: COLUMN_TYPES,
  empty: (field) => keep(field, KINDS[field.type].empty(field)),
  observe: ({ kind, state }, column, rows, key) => kind.observe(state, column, rows, key),
  merge: (into, from, key) => into.kind.merge(into.state, from.state, key),
  read: ({ kind, state }, field) => kind.read(state, field),
  write: (writer: ByteWriter, { kind, state }) => kind.write(writer, state),
  parse: (reader: ByteReader, field) => keep(field, KINDS[field.type].parse(reader, field)),
};

/**
 * Summary of everything a recipe needs to know of every column, in one pass over a particle.
 * State is bounded whatever the data: about 15 kB a numeric column, 8192 categories, 131,072 sparse features.
 * @param options `columns` to look at, and `split` to look at one side of a hold-out only
 */
export function profile(options?: ColumnsOptions | null) {
  return perColumn(statistic, options ?? {}, (columns, rows): Profile => {
    return { rows, columns: columns.map(([, value]) => value) };
  });
}
