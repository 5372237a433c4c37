/**
 * Timestamps for trees: years since the first one of the fit, and month, weekday and hour (UTC) as numbers, as far as
 * the data spans them; NaN where missing. A tree cuts a month anywhere, so one number does for twelve marks.
 */
import { z } from 'zod';
import { type Column, isPresent, type TimestampColumn } from '../../particle/column.ts';
import { yearsSince2000 } from '../calendar.ts';
import { type ApplyContext, type Dropped, type FitContext, transform } from '../transform.ts';
import { PART_OF, PARTS, partsOf } from './timestamp.ts';

const shape = z.object({
  transform: z.literal('instant'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  /** Years since 2000 of the first timestamp: differences from it keep their digits in f32. */
  origin: z.number(),
  parts: z.array(z.enum(PARTS)),
  /** false: the parts alone. */
  trend: z.boolean().optional(),
});

export type InstantStep = z.infer<typeof shape>;

function fit({ field, statistics, encoding }: FitContext): InstantStep | Dropped {
  const { number, missing } = statistics;
  if (number === undefined || number.present === 0) return { dropped: 'no value is present' };
  if (number.min === number.max && missing === 0) return { dropped: 'always the same time' };
  const parts = partsOf(number);
  const trend = encoding !== 'cyclic';
  if (!trend && parts.length === 0) return { dropped: 'its times span less than a week and have no hours' };
  const gone = missing > 0 ? `, ${missing} missing → a side of each split` : '';
  return {
    transform: 'instant',
    column: field.name,
    width: (trend ? 1 : 0) + parts.length,
    why: `${[...(trend ? ['years'] : []), ...parts].join(', ')} (UTC) as numbers${gone}`,
    origin: yearsSince2000(number.min),
    parts,
    ...(trend ? {} : { trend }),
  };
}

function apply(step: InstantStep, column: Column, { rows, output, base }: ApplyContext): void {
  const { values, validity } = column as TimestampColumn;
  const out = output.block(base, step.width);
  const of = [
    ...(step.trend === false ? [] : [(time: number) => yearsSince2000(time) - step.origin]),
    ...step.parts.map((part) => PART_OF[part]),
  ];
  for (const [feature, read] of of.entries()) {
    const start = feature * output.stride;
    for (let i = 0; i < output.rows; i++) {
      const row = rows === undefined ? i : rows[i];
      out[start + i] = isPresent(validity, row) ? read(values[row]) : Number.NaN;
    }
  }
}

export const instant = transform<InstantStep>({
  name: 'instant',
  types: ['timestamp'],
  encodings: ['raw', 'cyclic'],
  shape,
  fit,
  entries: (step) => step.width,
  feature: (step, index) =>
    `${step.column} ${[...(step.trend === false ? [] : ['years']), ...step.parts][index]}`,
  apply,
});
