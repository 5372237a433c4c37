/**
 * Categories of many levels: target encoding, the frequency of the level, and one-hot slots of the commonest levels.
 * The encoding of a level is its label mean, mixed with rows of the overall mean (Micci-Barreca, 2001), on
 * the scale of the margin and relative to the overall mean: logit, log, log share by class, or standard deviations.
 * A level never seen is 0 on every one of these scales; missing values are a level.
 * Out of fold: while fitting, a row is encoded from the folds it is not in, so it never sees its own label.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { log } from '../../kernel/elementary.ts';
import type { Column } from '../../particle/column.ts';
import type { TargetStatistics } from '../../summary/target.ts';
import type { LabelSpec } from '../label.ts';
import { countOf, fillSlots, levelTable } from '../levels.ts';
import type { ColumnStatistics, LevelStatistics } from '../statistics.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

/** Most outputs (classes) that get an encoding each. */
export const MAX_OUTPUTS = 32;
/** A level with this share of the rows, and this many, has a slot of its own; at most {@link MAX_SLOTS} of them. */
const SLOT_SHARE = 0.01;
const SLOT_ROWS = 30;
const MAX_SLOTS = 32;

const shape = z.object({
  transform: z.literal('target'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  /** Levels that have statistics, most frequent first. */
  levels: z.array(z.string()),
  /** The first `slots` levels have a one-hot feature each, after the encodings and the frequency. */
  slots: z.int(),
  /** One encoding for each output: names of classes, or a single empty name. */
  outputs: z.array(z.string()),
  /** Encoding of level l, output o at `l * outputs + o`; the last level stands for missing values. */
  values: z.array(z.number()),
  /** The same by fold left out; only needed to fit. */
  foldValues: z.array(z.array(z.number())).optional(),
  /** Fitted to other rows than those it is now used to fit with. */
  foreign: z.boolean().optional(),
  /** Standardised log(1 + rows) of each level and of missing values, and of a level never seen. */
  frequencies: z.array(z.number()),
  rareFrequency: z.number(),
  missing: z.boolean(),
});

export type TargetStep = z.infer<typeof shape>;

const UNKNOWN = -1;
/** Levels that differ by chance alone are pulled this hard to the mean. */
const MOST_SMOOTHING = 10_000;

function fit(context: FitContext): TargetStep | Dropped {
  const { field, statistics, label, options, encoding } = context;
  const { levels, target } = statistics;
  if (levels === undefined || statistics.present === 0) return { dropped: 'no value is present' };
  if (levels.distinct > 0.9 * statistics.present && encoding === 'auto') {
    return { dropped: `almost every value is different (${levels.distinct} in ${statistics.present} rows)` };
  }
  if (target === undefined || label === undefined) return { dropped: 'target encoding needs a label' };
  const counts = levelCounts(target);
  const least = Math.max(SLOT_ROWS, SLOT_SHARE * (statistics.present + statistics.missing));
  const slots = Math.min(MAX_SLOTS, commonLevels(counts, least));
  const outputs = target.outputs === 1 ? [''] : [...label.classes!];
  const missing = statistics.missing > 0;
  const sums = sumFolds(target);
  const smoothing = smoothings(target, sums, options.smoothing);
  const encoded = (left?: number) => encode(target, sums, left, label, smoothing);
  return {
    transform: 'target',
    column: field.name,
    width: outputs.length + 1 + slots + (missing ? 1 : 0),
    why: reason(statistics, levels, slots),
    levels: [...target.levels],
    slots,
    outputs,
    values: encoded(),
    foldValues: Array.from({ length: target.folds }, (_, fold) => encoded(fold)),
    ...frequencies(counts, statistics.missing),
    missing,
  };
}

/** Rows of each level, over all folds. */
function levelCounts({ levels, folds, counts }: TargetStatistics): Float64Array {
  const total = new Float64Array(levels.length);
  for (let fold = 0; fold < folds; fold++) addTo(total, 0, counts, fold, levels.length);
  return total;
}

/** How many levels, from the first, have at least `least` rows. */
function commonLevels(counts: Float64Array, least: number): number {
  const rare = counts.findIndex((count) => count < least);
  return rare < 0 ? counts.length : rare;
}

function reason(statistics: ColumnStatistics, levels: LevelStatistics, slots: number): string {
  const own = slots > 0 ? `, ${slots} common levels one-hot` : '';
  const missing = statistics.missing > 0 ? `, ${statistics.missing} missing → a level and a mark` : '';
  return `${levels.distinct} levels → mean of the label (out of fold) and frequency${own}${missing}`;
}

/**
 * Label sums over levels and, last, missing values: weights `[l]`, sums and squares `[l * outputs + o]`,
 * and over all rows: `all`, `allSums[o]`.
 */
interface Sums {
  readonly weights: Float64Array;
  readonly sums: Float64Array;
  readonly squares: Float64Array;
  readonly all: number;
  readonly allSums: Float64Array;
}

/** Sums over all folds, or over one. O(folds × levels × outputs). */
function sumFolds(table: TargetStatistics, only?: number): Sums {
  const { levels, folds, outputs } = table;
  const weights = new Float64Array(levels.length + 1);
  const sums = new Float64Array((levels.length + 1) * outputs);
  const squares = new Float64Array(levels.length * outputs);
  const allSums = new Float64Array(outputs);
  let all = 0;
  for (let fold = 0; fold < folds; fold++) {
    if (only !== undefined && fold !== only) continue;
    addTo(weights, 0, table.weights, fold, levels.length);
    addTo(weights, levels.length, table.missingWeights, fold, 1);
    addTo(sums, 0, table.sums, fold, levels.length * outputs);
    addTo(sums, levels.length * outputs, table.missingSums, fold, outputs);
    addTo(squares, 0, table.squares, fold, levels.length * outputs);
    addTo(allSums, 0, table.foldSums, fold, outputs);
    all += table.foldWeights[fold];
  }
  return { weights, sums, squares, all, allSums };
}

/** Adds part `fold` of `from`, `count` numbers, to `into` at `at`. */
function addTo(into: Float64Array, at: number, from: Float64Array, fold: number, count: number): void {
  for (let i = 0; i < count; i++) into[at + i] += from[fold * count + i];
}

/**
 * Rows of the overall mean mixed into each level, by output: the empirical Bayes amount, the variance within levels
 * over the variance between them (one-way analysis of variance). Levels that differ by chance alone get the most.
 */
function smoothings(table: TargetStatistics, totals: Sums, asked: number | undefined): number[] {
  const { outputs } = table;
  return Array.from({ length: outputs }, (_, output) => {
    if (asked !== undefined) return asked;
    let [rows, squaredRows, between, within, levels] = [0, 0, 0, 0, 0];
    const mean = totals.allSums[output] / totals.all;
    for (let level = 0; level < table.levels.length; level++) {
      const weight = totals.weights[level];
      if (!(weight > 0)) continue;
      const sum = totals.sums[level * outputs + output];
      levels++;
      rows += weight;
      squaredRows += weight * weight;
      between += weight * (sum / weight - mean) * (sum / weight - mean);
      within += Math.max(0, totals.squares[level * outputs + output] - (sum / weight) * sum);
    }
    const noise = within / Math.max(1, rows - levels);
    const spread = (between - (levels - 1) * noise) / Math.max(1, rows - squaredRows / rows);
    return spread > 0 ? Math.min(MOST_SMOOTHING, Math.max(1, noise / spread)) : MOST_SMOOTHING;
  });
}

/** Encodings of all levels and of missing values, from every fold but `left`, or from all. */
function encode(
  table: TargetStatistics,
  totals: Sums,
  left: number | undefined,
  label: LabelSpec,
  smoothing: readonly number[],
): number[] {
  const { outputs } = table;
  const out = left === undefined ? undefined : sumFolds(table, left);
  const all = totals.all - (out?.all ?? 0);
  const values: number[] = [];
  for (let level = 0; level <= table.levels.length; level++) {
    const weight = totals.weights[level] - (out?.weights[level] ?? 0);
    for (let output = 0; output < outputs; output++) {
      const at = level * outputs + output;
      const prior = all > 0 ? (totals.allSums[output] - (out?.allSums[output] ?? 0)) / all : 0;
      const sum = totals.sums[at] - (out?.sums[at] ?? 0);
      const mean = (sum + smoothing[output] * prior) / (weight + smoothing[output]);
      values.push(short(onMargin(mean, prior, label)));
    }
  }
  return values;
}

/** A mean on the scale of the margin, relative to the overall mean; 0 where that scale has no value. */
export function onMargin(mean: number, prior: number, label: LabelSpec): number {
  if (label.kind === 'number') return label.std! > 0 ? (mean - prior) / label.std! : 0;
  if (!(prior > 0) || !(mean > 0)) return 0;
  if (label.kind !== 'binary') return log(mean / prior);
  return mean < 1 && prior < 1 ? log((mean * (1 - prior)) / ((1 - mean) * prior)) : 0;
}

/** Log of 1 + rows of each level and of missing values, standardised over the rows of the levels. */
function frequencies(
  counts: Float64Array,
  missing: number,
): Pick<TargetStep, 'frequencies' | 'rareFrequency'> {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const mean = counts.reduce((sum, count) => sum + (count / total) * log(1 + count), 0);
  const variance = counts.reduce((sum, count) => {
    const off = log(1 + count) - mean;
    return sum + (count / total) * off * off;
  }, 0);
  const scale = variance > 1e-12 ? 1 / Math.sqrt(variance) : 0;
  const of = (count: number) => short((log(1 + count) - mean) * scale);
  return {
    frequencies: [...Array.from(counts, of), of(missing)],
    rareFrequency: of((counts.at(-1) ?? 0) / 2),
  };
}

/** Six significant digits: enough for a mean of a sample, and a third of the text. */
export function short(x: number): number {
  return Number(x.toPrecision(6));
}

function feature(step: TargetStep, index: number): string {
  const { outputs, slots, column } = step;
  if (index < outputs.length) {
    return outputs.length === 1 ? `mean(${column})` : `mean(${column})→${outputs[index]}`;
  }
  if (index === outputs.length) return `frequency(${column})`;
  if (index <= outputs.length + slots) return `${column}=${step.levels[index - outputs.length - 1]}`;
  return `${column} missing`;
}

function apply(step: TargetStep, column: Column, context: ApplyContext): void {
  const { output, rows, base, tally } = context;
  const table = levelTable(step.levels);
  const absent = step.levels.length;
  const levels = new Int32Array(output.rows);
  fillSlots(column, rows, (level) => table.get(level) ?? UNKNOWN, absent, levels);
  tallyUp(tally.unknown, step.column, countOf(levels, UNKNOWN));
  tallyUp(tally.imputed, step.column, countOf(levels, absent));
  writeEncodings(step, levels, context);
  const first = base + step.outputs.length + 1;
  if (step.slots > 0)
    output.slots(
      first,
      levels.map((level) => (level < step.slots ? level : -1)),
    );
  if (step.missing)
    output.slots(
      first + step.slots,
      levels.map((level) => (level === absent ? 0 : -1)),
    );
}

function writeEncodings(
  step: TargetStep,
  levels: Int32Array,
  { output, base, rows, folds }: ApplyContext,
): void {
  const outputs = step.outputs.length;
  const { stride } = output;
  const out = output.block(base, outputs + 1);
  // What other rows say of these needs no folds.
  const foldOf = step.foreign ? undefined : folds?.();
  const tables = foldTables(step, foldOf !== undefined);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i];
    if (level === step.levels.length && !step.missing) continue;
    out[outputs * stride + i] = level < 0 ? step.rareFrequency : step.frequencies[level];
    if (level < 0) continue;
    const values = tables[foldOf === undefined ? 0 : foldOf[rows === undefined ? i : rows[i]]];
    for (let k = 0; k < outputs; k++) out[k * stride + i] = values[level * outputs + k];
  }
}

/** The encodings by fold left out, or the one of all folds. */
function foldTables(step: TargetStep, byFold: boolean): readonly (readonly number[])[] {
  if (!byFold) return [step.values];
  if (step.foldValues !== undefined) return step.foldValues;
  throw new SoraError(
    'bad-option',
    `Column "${step.column}": the recipe was stripped of what fitting needs.`,
  );
}

/** Without the tables that only fitting reads. */
function strip(step: TargetStep): TargetStep {
  const { foldValues: _, ...rest } = step;
  return rest;
}

export const target = transform<TargetStep>({
  name: 'target',
  types: ['category'],
  encodings: ['target'],
  shape,
  fit,
  entries: (step) => step.outputs.length + 1,
  feature,
  apply,
  strip,
});
