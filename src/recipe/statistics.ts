/**
 * The statistics of one column in the form that transforms read, made from its profile.
 * A quantile table becomes a grid of evenly spaced quantiles, which every numeric decision is made on.
 */
import type { ColumnProfile, NumberProfile } from '../summary/profile.ts';
import type { QuantileTable } from '../summary/quantiles.ts';
import type { TargetStatistics } from '../summary/target.ts';
import type { TextFrequency } from './text-frequency.ts';

/** Points of a grid: enough to see a value of 0.1 % of the rows. */
export const GRID_SIZE = 1000;

/** A number or timestamp column with at least one finite value. */
export interface NumberStatistics {
  readonly present: number;
  readonly missing: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Whether all are whole numbers. */
  readonly integers: boolean;
  /** Number of different values, an estimate when there are many. */
  readonly distinct: number;
  /** 0 for a single value. */
  readonly std: number;
  /** Ascending values at evenly spaced quantiles; all values when there are fewer than {@link GRID_SIZE}. */
  readonly grid: Float64Array;
}

export interface LevelStatistics {
  /** Most frequent first; counts are lower bounds when there are too many levels to count. */
  readonly top: readonly { readonly level: string; readonly count: number }[];
  /** Number of levels, an estimate when there are very many. */
  readonly distinct: number;
}

/** What is known of a column; parts that do not belong to its type are absent. */
export interface ColumnStatistics {
  readonly present: number;
  readonly missing: number;
  readonly number?: NumberStatistics;
  /** Rows that are true, of a boolean column. */
  readonly ones: number;
  readonly levels?: LevelStatistics;
  /** Words of a text on average; 0 for other columns. */
  readonly meanWords: number;
  /** Frequent words, once they have been counted. */
  readonly words?: TextFrequency;
  readonly sparse?: {
    readonly width: number;
    readonly entries: number;
    /** Largest magnitude of each feature; absent for very wide columns. */
    readonly greatest?: readonly number[];
  };
  /** Mean and standard deviation of the measures of byte-features.ts, of a binary column with values. */
  readonly content?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** Label by level and fold, once it has been summed. */
  readonly target?: TargetStatistics;
  /** The same of each path of a nested column, coarsest first. */
  readonly nested?: readonly TargetStatistics[];
}

/** Statistics of a column from its profile and, where known, its words and targets. */
export function statisticsOf(
  profile: ColumnProfile,
  words?: TextFrequency,
  target?: TargetStatistics,
  nested?: readonly TargetStatistics[],
): ColumnStatistics {
  const { present, missing } = profile;
  const common = { present, missing, ones: 0, meanWords: 0, words, target, nested };
  switch (profile.type) {
    case 'number':
    case 'timestamp':
      return { ...common, number: numberStatistics(profile) };
    case 'boolean':
      return { ...common, ones: profile.trues };
    case 'category': {
      const top = profile.values.map(({ value, count }) => ({ level: value, count }));
      return { ...common, levels: { top, distinct: Math.max(profile.distinct.estimate, top.length) } };
    }
    case 'sparse': {
      const { width, entries, features } = profile;
      return { ...common, sparse: { width, entries, greatest: features?.greatest } };
    }
    case 'binary':
      return { ...common, content: profile.content };
    case 'text':
      return { ...common, meanWords: profile.words.mean ?? 0 };
  }
}

function numberStatistics(profile: NumberProfile): NumberStatistics | undefined {
  const { present, missing, min, max, mean, std, quantiles, integers, distinct } = profile;
  if (min === null || max === null) return undefined;
  const rest = { integers, distinct: distinct.estimate, grid: gridOf(quantiles) };
  return { present, missing, min, max, mean: mean ?? 0, std: std ?? 0, ...rest };
}

/** Values at ranks (i + ½)·n / size of a table. O(size + table). */
export function gridOf({ values, ends }: QuantileTable): Float64Array {
  const n = ends.length === 0 ? 0 : ends[ends.length - 1];
  const grid = new Float64Array(Math.min(GRID_SIZE, n));
  let at = 0;
  for (let i = 0; i < grid.length; i++) {
    const rank = ((i + 0.5) * n) / grid.length;
    while (ends[at] <= rank) at++;
    grid[i] = values[at];
  }
  return grid;
}
