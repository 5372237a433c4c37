/**
 * What every reader is: it opens a source and says its columns, then reads rows as chunks under a plan.
 */
import type { Field } from '../particle/schema.ts';
import type { BadRows } from './bad-rows.ts';
import type { Chunk } from './chunk.ts';
import type { Converted } from './convert.ts';
import type { Database } from './duckdb.ts';
import type { PlainText } from './plain-text.ts';
import type { GuessedColumn } from './schema.ts';
import type { DateFormat } from './time.ts';

/** What readers share. */
export interface ReadContext {
  readonly database: Database;
  readonly options: ReaderOptions;
  readonly signal?: AbortSignal;
  /** Fixed schema, if the rows must agree with one that is there already. */
  readonly fields?: readonly Field[];
}

/** Options that say how sources are written. */
export interface ReaderOptions {
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean;
  readonly names?: readonly string[];
  /** Character set of text that is not UTF-8. */
  readonly encoding?: 'utf-8' | 'utf-16' | 'latin-1';
  /** Strings that mean missing; replaces the usual ones. */
  readonly missing?: readonly string[];
  /** Vowpal Wabbit text: logarithm of the number of slots; default 18. */
  readonly vwBits?: number;
  /** Vowpal Wabbit text: first letters of two namespaces whose products are features too, as in `ab`. */
  readonly vwInteractions?: readonly string[];
  /** Rows at the beginning that types are inferred from. */
  readonly sample: number;
}

/** A field of the table and where it is in the source: the index of its column, or -1 if it is not there. */
export interface PlannedField {
  readonly field: Field;
  readonly column: number;
  /** How the source writes dates in this column, unless in ISO 8601. */
  readonly format?: DateFormat;
  /** Further strings that mean missing in this column. */
  readonly markers?: readonly string[];
  /** What is wrong with a value that is of the type, if it does not fit all the same; asked for rows of objects alone. */
  readonly problem?: (value: Exclude<Converted, null>) => ValueProblem | undefined;
}

/** What a value should have been, and what to do about it. */
export interface ValueProblem {
  readonly expected: string;
  readonly remedy: string;
}

export interface ReadPlan {
  readonly fields: readonly PlannedField[];
  readonly badRows: BadRows;
  /** Told the share of the source that has been read, from 0 to 1, when a reader knows it. */
  readonly onShare?: (share: number | undefined) => void;
}

/** An opened source. */
export interface OpenSource {
  readonly columns: readonly GuessedColumn[];
  readonly notes: readonly string[];
  /** Names of columns are positions only (no header): match by position where the count agrees. */
  readonly positional?: boolean;
  /** Rows in order. A chunk is valid until the next is asked for. */
  read(plan: ReadPlan): AsyncIterable<Chunk>;
  /** The source as text that workers can parse by themselves, if it is; `missing`: strings that mean missing, a field. */
  plain?(fields: readonly PlannedField[], missing: readonly (readonly string[])[]): PlainText | undefined;
  /** Lets go of the source if it is not read. */
  close?(): Promise<void>;
}
