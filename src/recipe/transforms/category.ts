/**
 * Category columns of few levels: one-hot (the default), ordinal, or hashed into a fixed number of slots.
 * Rare levels are grouped as "other"; a level never seen counts as "other" too, or as none if there is no group.
 * Missing values have a slot of their own when the fit saw any.
 */
import { z } from 'zod';
import type { Column } from '../../particle/column.ts';
import { hashText } from '../../random.ts';
import { countOf, fillSlots, levelTable } from '../levels.ts';
import type { LevelStatistics } from '../statistics.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

const shape = z.object({
  transform: z.literal('category'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  encoding: z.enum(['onehot', 'ordinal', 'hash']),
  /** One-hot: levels with a slot, most frequent first. Ordinal: all levels, in code-point order. Hash: none. */
  levels: z.array(z.string()),
  /** Whether a slot after the levels takes rare and unknown ones. */
  other: z.boolean(),
  /** Whether the last feature says that the value was missing. */
  missing: z.boolean(),
  /** One-hot: band of each level by its rows, in slots between the levels and the mark of missing values. */
  bands: z.array(z.int()).optional(),
  /** Ordinal: mean and 1 / standard deviation of the index. */
  centre: z.number(),
  scale: z.number(),
});

export type CategoryStep = z.infer<typeof shape>;

/** Slots that are no features: an unknown level, a missing value. */
const UNKNOWN = -1;
const MISSING = -2;

function fit(context: FitContext): CategoryStep | Dropped {
  const { statistics, field, encoding } = context;
  const { levels } = statistics;
  if (levels === undefined || statistics.present === 0) return { dropped: 'no value is present' };
  const missing = statistics.missing > 0;
  if (levels.distinct === 1 && !missing) return { dropped: `always ${JSON.stringify(levels.top[0].level)}` };
  const common = { transform: 'category' as const, column: field.name, missing, centre: 0, scale: 1 };
  if (encoding === 'hash') return hashed(common, context, levels);
  if (encoding === 'ordinal') return ordinal(common, levels);
  return onehot(common, context, levels);
}

type Common = Pick<CategoryStep, 'transform' | 'column' | 'missing' | 'centre' | 'scale'>;

function onehot(common: Common, { statistics, options }: FitContext, levels: LevelStatistics): CategoryStep {
  const least = options.minCount ?? defaultMinCount(statistics.present + statistics.missing);
  const frequent = levels.top.filter((one) => one.count >= least).slice(0, options.onehotLevels);
  const kept = frequent.length === 0 ? levels.top.slice(0, options.onehotLevels) : frequent;
  const rest = levels.distinct - kept.length;
  const other = rest > 0;
  const banded = options.for === 'factor' && options.rowBands.includes(common.column);
  const bands = banded ? kept.map(({ count }) => bandOf(count)) : undefined;
  return {
    ...common,
    ...(bands && { bands }),
    width: kept.length + (other ? 1 : 0) + bandCount(bands) + (common.missing ? 1 : 0),
    why: `one-hot, ${kept.length} levels${other ? `, ${rest} with fewer than ${least} rows or past the limit → other` : ''}${missingText(statistics.missing)}`,
    encoding: 'onehot',
    levels: kept.map((one) => one.level),
    other,
  };
}

/** Band of a count: 1, 2, 3, 4–5, 6–7, 8–11 … two for each doubling. */
function bandOf(count: number): number {
  const power = 31 - Math.clz32(count);
  return Math.max(0, 2 * power - 1 + ((count >> Math.max(0, power - 1)) & 1) * (power > 0 ? 1 : 0));
}

/** Slots that bands take: one more than the greatest. */
function bandCount(bands: readonly number[] | undefined): number {
  return bands === undefined ? 0 : bands.reduce((most, band) => Math.max(most, band), 0) + 1;
}

/** Features of the step that are bands: from which on, and how many. */
function bandRange(step: CategoryStep): { from: number; count: number } {
  return { from: step.levels.length + (step.other ? 1 : 0), count: bandCount(step.bands) };
}

function isBand(step: CategoryStep, index: number): boolean {
  const { from, count } = bandRange(step);
  return index >= from && index < from + count;
}

function missingText(missing: number): string {
  return missing > 0 ? `, ${missing} missing → own slot` : '';
}

/** 5 rows, fewer in small data (1 in 100), more in large (1 in 20,000). */
export function defaultMinCount(rows: number): number {
  return Math.max(1, Math.min(5, Math.round(rows / 100)), Math.round(rows / 20_000));
}

function ordinal(common: Common, levels: LevelStatistics): CategoryStep {
  const ordered = [...levels.top].sort((a, b) => (a.level < b.level ? -1 : a.level > b.level ? 1 : 0));
  const total = ordered.reduce((sum, one) => sum + one.count, 0);
  const mean = ordered.reduce((sum, one, index) => sum + index * (one.count / total), 0);
  const variance = ordered.reduce(
    (sum, one, index) => sum + (index - mean) * (index - mean) * (one.count / total),
    0,
  );
  return {
    ...common,
    width: 1 + (common.missing ? 1 : 0),
    why: `index among ${ordered.length} levels in code-point order, standardised`,
    encoding: 'ordinal',
    levels: ordered.map((one) => one.level),
    other: false,
    centre: mean,
    scale: variance > 0 ? 1 / Math.sqrt(variance) : 1,
  };
}

function hashed(common: Common, { options }: FitContext, levels: LevelStatistics): CategoryStep {
  const bits = options.hashBits ?? Math.min(12, Math.max(4, 32 - Math.clz32(levels.distinct)));
  return {
    ...common,
    width: 2 ** bits + (common.missing ? 1 : 0),
    why: `${levels.distinct} levels hashed into ${2 ** bits} slots`,
    encoding: 'hash',
    levels: [],
    other: false,
  };
}

function feature(step: CategoryStep, index: number): string {
  if (step.missing && index === step.width - 1) return `${step.column} missing`;
  if (step.encoding === 'ordinal') return `rank(${step.column})`;
  if (step.encoding === 'hash') return `${step.column}#${index}`;
  if (isBand(step, index)) return `rows(${step.column})#${index - bandRange(step).from}`;
  return index < step.levels.length ? `${step.column}=${step.levels[index]}` : `${step.column} other`;
}

function apply(step: CategoryStep, column: Column, context: ApplyContext): void {
  const { output, rows, tally } = context;
  const slots = new Int32Array(output.rows);
  fillSlots(column, rows, slotOf(step), MISSING, slots);
  tallyUp(tally.unknown, step.column, countOf(slots, UNKNOWN));
  tallyUp(tally.imputed, step.column, countOf(slots, MISSING));
  if (step.encoding === 'ordinal') writeOrdinal(step, slots, context);
  else writeSlots(step, slots, context);
}

function writeSlots(step: CategoryStep, slots: Int32Array, { output, base }: ApplyContext): void {
  const unknown = step.other ? step.levels.length : -1;
  const missing = step.missing ? step.width - 1 : -1;
  const bands =
    step.bands && slots.map((slot) => (slot >= 0 && slot < step.levels.length ? step.bands![slot] : -1));
  for (let i = 0; i < slots.length; i++) {
    if (slots[i] === MISSING) slots[i] = bands === undefined ? missing : -1;
    else if (slots[i] < 0) slots[i] = unknown;
  }
  output.slots(base, slots);
  if (bands === undefined) return;
  output.slots(base + bandRange(step).from, bands);
}

/** Levels grouped as "other" while fitting are unknown to the step too: the list of them is not kept. */
function slotOf(step: CategoryStep): (level: string) => number {
  if (step.encoding === 'hash') {
    const mask = step.width - (step.missing ? 1 : 0) - 1;
    return (level) => hashText(level) & mask;
  }
  const table = levelTable(step.levels);
  return (level) => table.get(level) ?? UNKNOWN;
}

function writeOrdinal(step: CategoryStep, slots: Int32Array, { output, base }: ApplyContext): void {
  const out = output.block(base, step.width);
  for (let i = 0; i < slots.length; i++) {
    if (slots[i] >= 0) out[i] = (slots[i] - step.centre) * step.scale;
    else if (slots[i] === MISSING && step.missing) out[output.stride + i] = 1;
  }
}

export const category = transform<CategoryStep>({
  name: 'category',
  types: ['category'],
  encodings: ['onehot', 'ordinal', 'hash'],
  shape,
  fit,
  entries: () => 1,
  feature,
  group: (step, index) => (isBand(step, index) ? 2 : 1),
  apply,
});
