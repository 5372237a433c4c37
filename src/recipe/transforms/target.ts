/**
 * Categories of many levels: target encoding, the frequency of the level, and one-hot slots of the commonest levels.
 * The encoding of a level is its label mean, mixed with `smoothing` rows of the overall mean (Micci-Barreca, 2001), on
 * the scale of the margin and relative to the overall mean: logit, log, log share by class, or standard deviations.
 * A level never seen, or missing, is 0 on every one of these scales.
 * Out of fold: while fitting, a row is encoded from the folds it is not in, so it never sees its own label.
 */
import { z } from 'zod';
import { log } from '../../kernel/elementary.ts';
import type { Column } from '../../particle/column.ts';
import type { LabelSpec } from '../label.ts';
import { countOf, fillSlots, levelTable } from '../levels.ts';
import type { LevelStatistics } from '../statistics.ts';
import type { TargetTable } from '../target-table.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

/** Most outputs (classes) that get an encoding each. */
export const MAX_OUTPUTS = 32;
/** A level with this share of the rows has a slot of its own, at most {@link MAX_SLOTS} of them. */
const SLOT_SHARE = 0.01;
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
  /** Encoding of level l, output o at `l * outputs + o`. */
  values: z.array(z.number()),
  /** The same by fold left out; only needed to fit. */
  foldValues: z.array(z.array(z.number())).optional(),
  /** Standardised log(1 + rows) of each level, and of one never seen. */
  frequencies: z.array(z.number()),
  rareFrequency: z.number(),
  missing: z.boolean(),
});

export type TargetStep = z.infer<typeof shape>;

const UNKNOWN = -1;
const MISSING = -2;

function fit(context: FitContext): TargetStep | Dropped {
  const { field, statistics, label, options, encoding } = context;
  const { levels, target } = statistics;
  if (levels === undefined || statistics.present === 0) return { dropped: 'no value is present' };
  if (levels.distinct > 0.9 * statistics.present && encoding === 'auto') {
    return { dropped: `almost every value is different (${levels.distinct} in ${statistics.present} rows)` };
  }
  if (target === undefined || label === undefined) return { dropped: 'target encoding needs a label' };
  const totals = targetTotals(target);
  const slots = levels.top.filter((one) => one.count >= SLOT_SHARE * statistics.present).length;
  const outputs = target.outputs === 1 ? [''] : [...label.classes!];
  const missing = statistics.missing > 0;
  const own = Math.min(MAX_SLOTS, slots);
  return {
    transform: 'target',
    column: field.name,
    width: outputs.length + 1 + own + (missing ? 1 : 0),
    why: `${levels.distinct} levels → mean of the label (out of fold), frequency${own > 0 ? `, ${own} common levels one-hot` : ''}${missing ? `, ${statistics.missing} missing → marked` : ''}`,
    levels: levels.top.map((one) => one.level),
    slots: own,
    outputs,
    values: encode(target, levels, totals, undefined, label, options.smoothing),
    foldValues: Array.from({ length: target.folds }, (_, fold) =>
      encode(target, levels, totals, fold, label, options.smoothing),
    ),
    ...frequencies(levels),
    missing,
  };
}

/** Weights and sums over all folds. */
interface Totals {
  readonly weights: Float64Array;
  readonly sums: Float64Array;
  readonly weight: number;
  readonly sum: Float64Array;
}

function targetTotals({ levels, folds, outputs, weights, sums, foldWeights, foldSums }: TargetTable): Totals {
  const totals = {
    weights: new Float64Array(levels.length),
    sums: new Float64Array(levels.length * outputs),
    weight: 0,
    sum: new Float64Array(outputs),
  };
  for (let fold = 0; fold < folds; fold++) {
    addTo(totals.weights, weights, fold);
    addTo(totals.sums, sums, fold);
    addTo(totals.sum, foldSums, fold);
    totals.weight += foldWeights[fold];
  }
  return totals;
}

function addTo(into: Float64Array, from: Float64Array, fold: number): void {
  for (let i = 0; i < into.length; i++) into[i] += from[fold * into.length + i];
}

/** Encodings of all levels from every fold but `left`, or from all. O(levels × outputs). */
function encode(
  table: TargetTable,
  levels: LevelStatistics,
  totals: Totals,
  left: number | undefined,
  label: LabelSpec,
  smoothing: number,
): number[] {
  const { outputs, levels: order } = table;
  const of = (total: Float64Array, parts: Float64Array, at: number) =>
    total[at] - (left === undefined ? 0 : parts[left * total.length + at]);
  const weight = totals.weight - (left === undefined ? 0 : table.foldWeights[left]);
  const index = levelTable(order);
  const values: number[] = [];
  for (const { level } of levels.top) {
    const at = index.get(level);
    const rows = at === undefined ? 0 : of(totals.weights, table.weights, at);
    for (let output = 0; output < outputs; output++) {
      const prior = weight > 0 ? of(totals.sum, table.foldSums, output) / weight : 0;
      const sum = at === undefined ? 0 : of(totals.sums, table.sums, at * outputs + output);
      values.push(onMargin((sum + smoothing * prior) / (rows + smoothing), prior, label));
    }
  }
  return values;
}

/** A mean on the scale of the margin, relative to the overall mean; 0 where that scale has no value. */
function onMargin(mean: number, prior: number, label: LabelSpec): number {
  if (label.kind === 'number') return label.std! > 0 ? (mean - prior) / label.std! : 0;
  if (!(prior > 0) || !(mean > 0)) return 0;
  if (label.kind !== 'binary') return log(mean / prior);
  return mean < 1 && prior < 1 ? log((mean * (1 - prior)) / ((1 - mean) * prior)) : 0;
}

/** Log of 1 + rows of each level, standardised over rows. */
function frequencies({ top }: LevelStatistics): Pick<TargetStep, 'frequencies' | 'rareFrequency'> {
  const logs = top.map((one) => log(1 + one.count));
  const total = top.reduce((sum, one) => sum + one.count, 0);
  const mean = top.reduce((sum, one, i) => sum + (one.count / total) * logs[i], 0);
  const variance = top.reduce(
    (sum, one, i) => sum + (one.count / total) * (logs[i] - mean) * (logs[i] - mean),
    0,
  );
  const scale = variance > 1e-12 ? 1 / Math.sqrt(variance) : 0;
  return { frequencies: logs.map((x) => (x - mean) * scale), rareFrequency: (log(1) - mean) * scale };
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
  const slots = new Int32Array(output.rows);
  fillSlots(column, rows, (level) => table.get(level) ?? UNKNOWN, MISSING, slots);
  tallyUp(tally.unknown, step.column, countOf(slots, UNKNOWN));
  tallyUp(tally.imputed, step.column, countOf(slots, MISSING));
  writeEncodings(step, slots, context);
  if (step.slots > 0)
    output.slots(
      base + step.outputs.length + 1,
      slots.map((slot) => (slot < step.slots ? slot : -1)),
    );
  if (step.missing)
    output.slots(
      base + step.width - 1,
      slots.map((slot) => (slot === MISSING ? 0 : -1)),
    );
}

function writeEncodings(
  step: TargetStep,
  slots: Int32Array,
  { output, base, rows, folds }: ApplyContext,
): void {
  const outputs = step.outputs.length;
  const { stride } = output;
  const out = output.block(base, outputs + 1);
  const foldOf = folds === undefined ? undefined : folds();
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    if (slot === MISSING) continue;
    out[outputs * stride + i] = slot < 0 ? step.rareFrequency : step.frequencies[slot];
    if (slot < 0) continue;
    const values =
      foldOf === undefined ? step.values : step.foldValues![foldOf[rows === undefined ? i : rows[i]]];
    for (let k = 0; k < outputs; k++) out[k * stride + i] = values[slot * outputs + k];
  }
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
});
