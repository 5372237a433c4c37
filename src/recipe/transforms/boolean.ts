/**
 * Boolean columns: 0 or 1, the share of ones where missing, and a mark of missing values if the fit saw any.
 */
import { z } from 'zod';
import type { BooleanColumn, Column } from '../../particle/column.ts';
import { isPresent } from '../../particle/column.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

const shape = z.object({
  transform: z.literal('boolean'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  fill: z.number(),
  missing: z.boolean(),
});

export type BooleanStep = z.infer<typeof shape>;

function fit({ field, statistics }: FitContext): BooleanStep | Dropped {
  const { present, missing, ones } = statistics;
  if (present === 0) return { dropped: 'no value is present' };
  if (missing === 0 && (ones === 0 || ones === present)) return { dropped: `always ${ones > 0}` };
  return {
    transform: 'boolean',
    column: field.name,
    width: missing > 0 ? 2 : 1,
    why: missing > 0 ? `0 or 1; ${missing} missing → the share of ones, marked` : '0 or 1',
    fill: ones / present,
    missing: missing > 0,
  };
}

function apply(step: BooleanStep, column: Column, context: ApplyContext): void {
  const { values, validity } = column as BooleanColumn;
  const { rows, output, tally } = context;
  const out = output.block(context.base, step.width);
  let imputed = 0;
  for (let i = 0; i < output.rows; i++) {
    const row = rows === undefined ? i : rows[i];
    if (isPresent(validity, row)) {
      out[i] = values[row];
      continue;
    }
    out[i] = step.fill;
    if (step.missing) out[output.stride + i] = 1;
    imputed++;
  }
  tallyUp(tally.imputed, step.column, imputed);
}

export const boolean = transform<BooleanStep>({
  name: 'boolean',
  types: ['boolean'],
  encodings: ['auto', 'standard'],
  shape,
  fit,
  entries: () => 1,
  feature: (step, index) => (index === 0 ? step.column : `${step.column} missing`),
  apply,
});
