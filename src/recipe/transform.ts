/**
 * What a transform is: how one column becomes features. Fitting turns statistics into a JSON step;
 * applying a step to a column is pure, needs no statistics, and runs in browsers too.
 * A new transform is one file in transforms/ and one line in transforms/index.ts.
 */
import type { z } from 'zod';
import type { Column } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import type { ColumnType, Field } from '../particle/schema.ts';
import type { LabelSpec } from './label.ts';
import type { CheckedOptions, Encoding } from './options.ts';
import type { Output } from './output.ts';
import type { ColumnStatistics } from './statistics.ts';

/** The fitted preparation of one column; transforms add what they need. */
export interface Step {
  readonly transform: string;
  readonly column: string;
  /** Number of features. */
  readonly width: number;
  /** One phrase on what was decided and why, for reports. */
  readonly why: string;
}

/** What a transform may fit from. */
export interface FitContext {
  readonly field: Field;
  readonly statistics: ColumnStatistics;
  /** The encoding asked for; 'auto' leaves it to the transform. */
  readonly encoding: Encoding;
  readonly options: CheckedOptions;
  /** Most knots a number column may have under the budget; `few`: if that is one for each of its values. */
  readonly knots: { readonly most: number; readonly few: number };
  /** Most words a text column may have a feature for. */
  readonly words: number;
  /** Whether small columns are centred; they are not in CSR, where a zero costs nothing. */
  readonly centred: boolean;
  readonly label?: LabelSpec;
}

/** A column that gives no features, and why. */
export interface Dropped {
  readonly dropped: string;
}

/** Imputed values and unknown categories, by column; filled while applying. */
export interface Tally {
  readonly imputed: Record<string, number>;
  readonly unknown: Record<string, number>;
}

/** Where a step reads and writes. */
export interface ApplyContext {
  /** Rows of the particle to take, ascending; absent: all. Length is `output.rows`. */
  readonly rows?: Uint32Array;
  readonly output: Output;
  /** The particle, for steps that read further columns. */
  readonly particle: Particle;
  /** First feature of this step. */
  readonly base: number;
  /** Fold of each particle row, while fitting; absent when full statistics apply. */
  readonly folds?: () => Uint8Array;
  readonly tally: Tally;
}

export interface Transform<S extends Step = Step> {
  readonly name: string;
  readonly types: readonly ColumnType[];
  /** Encodings by which a user asks for this transform; 'auto' if it is its types' default. */
  readonly encodings: readonly Encoding[];
  /** Whether its features are codes of categories: 0, 1, 2 … without an order, NaN for none. */
  readonly categorical?: boolean;
  readonly shape: z.ZodType<S>;
  fit(context: FitContext): S | Dropped;
  /** About how many features of a row are not zero, for the choice of layout. */
  entries(step: S, statistics: ColumnStatistics): number;
  /** Name of feature `index` of the step, e.g. `age>37`. */
  feature(step: S, index: number): string;
  /** 1 for a level or word, 2 for a band of how common levels are; absent: features are neither. */
  group?(step: S, index: number): 1 | 2;
  apply(step: S, column: Column, context: ApplyContext): void;
  /** The step without what only fitting reads; absent: all of it is needed to predict. */
  strip?(step: S): S;
}

/** Forgets the step type, so that transforms of many steps fit one table; shapes check steps read from JSON. */
export function transform<S extends Step>(definition: Transform<S>): Transform {
  return definition as unknown as Transform;
}

/** No feature exceeds this, whatever the data: squares and sums of features must not overflow. */
export const LARGEST_FEATURE = 1e9;

/** Adds to a count of the tally. */
export function tallyUp(counts: Record<string, number>, column: string, count: number): void {
  if (count > 0) counts[column] = (counts[column] ?? 0) + count;
}
