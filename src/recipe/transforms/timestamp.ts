/**
 * Timestamps: a trend in years, and one-hot month, weekday and hour (UTC), as far as the data spans them.
 * One-hot parts need no sine or cosine, so they are exact everywhere, and a linear model can follow any season.
 */
import { z } from 'zod';
import type { Column, TimestampColumn } from '../../particle/column.ts';
import { isPresent } from '../../particle/column.ts';
import { hourOf, isMidnight, MONTHS, monthOf, WEEKDAYS, weekdayOf, yearsSince2000 } from '../calendar.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

export const PARTS = ['month', 'weekday', 'hour'] as const;
export type Part = (typeof PARTS)[number];

const shape = z.object({
  transform: z.literal('timestamp'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  /** Trend: (years since 2000, held inside `range`, - centre) · scale. */
  centre: z.number(),
  scale: z.number(),
  range: z.tuple([z.number(), z.number()]),
  parts: z.array(z.enum(PARTS)),
  missing: z.boolean(),
  /** false: the parts alone. */
  trend: z.boolean().optional(),
});

export type TimestampStep = z.infer<typeof shape>;

const SIZES: Record<Part, number> = { month: 12, weekday: 7, hour: 24 };
export const PART_OF: Record<Part, (milliseconds: number) => number> = {
  month: monthOf,
  weekday: weekdayOf,
  hour: hourOf,
};
const DAY_MS = 86_400_000;

function fit({ field, statistics, encoding }: FitContext): TimestampStep | Dropped {
  const { number, missing } = statistics;
  if (number === undefined || number.present === 0) return { dropped: 'no value is present' };
  if (number.min === number.max && missing === 0) return { dropped: 'always the same time' };
  const parts = encoding === 'standard' ? [] : partsOf(number);
  const trend = encoding !== 'cyclic';
  if (!trend && parts.length === 0) return { dropped: 'its times span less than a week and have no hours' };
  const [low, high] = [yearsSince2000(number.min), yearsSince2000(number.max)];
  const years = number.grid.map(yearsSince2000);
  const mean = years.reduce((sum, year) => sum + year / years.length, 0);
  const variance = years.reduce((sum, year) => sum + ((year - mean) * (year - mean)) / years.length, 0);
  return {
    transform: 'timestamp',
    column: field.name,
    width: (trend ? 1 : 0) + parts.reduce((sum, part) => sum + SIZES[part], 0) + (missing > 0 ? 1 : 0),
    why: `${[...(trend ? ['trend'] : []), ...parts].join(', ')} (UTC)${missing > 0 ? `, ${missing} missing → marked` : ''}`,
    centre: mean,
    scale: variance > 0 ? 1 / Math.sqrt(variance) : 1,
    range: [low - (high - low), high + (high - low)],
    parts,
    missing: missing > 0,
    ...(trend ? {} : { trend }),
  };
}

/** Months when the data spans two, weekdays when it spans a week, hours unless all values are midnights. */
export function partsOf({ min, max, grid }: { min: number; max: number; grid: Float64Array }): Part[] {
  const span = max - min;
  const dates = grid.every(isMidnight);
  return PARTS.filter((part) =>
    part === 'month' ? span > 59 * DAY_MS : part === 'weekday' ? span >= 6 * DAY_MS : !dates,
  );
}

function feature(step: TimestampStep, index: number): string {
  if (step.trend !== false && index === 0) return `${step.column} trend`;
  let at = step.trend === false ? index : index - 1;
  for (const part of step.parts) {
    if (at < SIZES[part]) return `${step.column} ${part}=${partName(part, at)}`;
    at -= SIZES[part];
  }
  return `${step.column} missing`;
}

function partName(part: Part, value: number): string {
  return part === 'month' ? MONTHS[value] : part === 'weekday' ? WEEKDAYS[value] : String(value);
}

function apply(step: TimestampStep, column: Column, context: ApplyContext): void {
  const { values, validity } = column as TimestampColumn;
  const { rows, output, tally } = context;
  const trend = step.trend === false ? undefined : output.block(context.base, 1);
  const absent = new Int32Array(output.rows).fill(-1);
  let imputed = 0;
  for (let i = 0; i < output.rows; i++) {
    const row = rows === undefined ? i : rows[i];
    if (isPresent(validity, row)) {
      if (trend) trend[i] = trendOf(step, values[row]);
    } else {
      absent[i] = 0;
      imputed++;
    }
  }
  let base = context.base + (trend ? 1 : 0);
  for (const part of step.parts) {
    output.slots(base, partSlots(PART_OF[part], values, rows, absent));
    base += SIZES[part];
  }
  if (step.missing) output.slots(base, absent);
  tallyUp(tally.imputed, step.column, imputed);
}

function trendOf(step: TimestampStep, milliseconds: number): number {
  const years = yearsSince2000(milliseconds);
  const [low, high] = step.range;
  return ((years < low ? low : years > high ? high : years) - step.centre) * step.scale;
}

function partSlots(
  of: (milliseconds: number) => number,
  values: Float64Array,
  rows: Uint32Array | undefined,
  absent: Int32Array,
): Int32Array {
  const slots = new Int32Array(absent.length);
  for (let i = 0; i < slots.length; i++) {
    slots[i] = absent[i] < 0 ? of(values[rows === undefined ? i : rows[i]]) : -1;
  }
  return slots;
}

export const timestamp = transform<TimestampStep>({
  name: 'timestamp',
  types: ['timestamp'],
  encodings: ['auto', 'calendar', 'cyclic', 'standard'],
  shape,
  fit,
  entries: (step) => (step.trend === false ? 0 : 1) + step.parts.length,
  feature,
  apply,
});
