/**
 * Binary columns: opaque bytes, whose format nobody told us. Features are the measures of summary/byte-features.ts
 * that vary (log length, entropy, √shares of 32 ranges of byte values), standardised and held within ten standard
 * deviations, then a mark of missing values: at most 35 columns, whatever the values hold. A missing value is 0
 * in all but its mark.
 */
import { z } from 'zod';
import type { BinaryColumn, Column } from '../../particle/column.ts';
import { isPresent } from '../../particle/column.ts';
import { BYTE_FEATURES, byteFeatureName, byteFeatures } from '../../summary/byte-features.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

const shape = z.object({
  transform: z.literal('binary'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  /** Feature i is (measure `index` − centre) · scale. */
  measures: z.array(
    z.object({
      index: z
        .int()
        .min(0)
        .max(BYTE_FEATURES - 1),
      centre: z.number(),
      scale: z.number(),
    }),
  ),
  missing: z.boolean(),
});

export type BinaryStep = z.infer<typeof shape>;

/** Spreads below it are rounding. */
const LEAST_STD = 1e-9;
/** Farthest a feature goes, in standard deviations. */
const FARTHEST = 10;

function fit({ field, statistics, centred }: FitContext): BinaryStep | Dropped {
  const { present, missing, content } = statistics;
  if (present === 0 || content === undefined) return { dropped: 'no value is present' };
  const measures: BinaryStep['measures'] = [];
  for (const [index, std] of content.std.entries()) {
    if (std <= LEAST_STD) continue;
    const mean = content.mean[index];
    // In CSR the ranges that most values lack keep their zeros.
    const rare = !centred && index >= 2 && mean < std;
    measures.push({ index, centre: rare ? 0 : mean, scale: 1 / std });
  }
  if (measures.length === 0 && missing === 0) {
    return { dropped: 'its values do not differ in length, entropy or byte frequencies' };
  }
  return {
    transform: 'binary',
    column: field.name,
    width: measures.length + (missing > 0 ? 1 : 0),
    why: `length, entropy and byte frequencies, standardised${missing > 0 ? `; ${missing} missing → marked` : ''}`,
    measures,
    missing: missing > 0,
  };
}

function feature(step: BinaryStep, index: number): string {
  const measure = step.measures[index];
  return `${step.column} ${measure === undefined ? 'missing' : byteFeatureName(measure.index)}`;
}

function apply(step: BinaryStep, column: Column, context: ApplyContext): void {
  const { values, validity } = column as BinaryColumn;
  const { rows, output, tally } = context;
  const { measures } = step;
  const out = output.block(context.base, step.width);
  const found = new Float64Array(BYTE_FEATURES);
  let imputed = 0;
  for (let i = 0; i < output.rows; i++) {
    const row = rows === undefined ? i : rows[i];
    if (!isPresent(validity, row)) {
      if (step.missing) out[measures.length * output.stride + i] = 1;
      imputed++;
      continue;
    }
    byteFeatures(values[row], found);
    for (let k = 0; k < measures.length; k++) {
      const { index, centre, scale } = measures[k];
      const value = (found[index] - centre) * scale;
      out[k * output.stride + i] = Math.max(-FARTHEST, Math.min(FARTHEST, value));
    }
  }
  tallyUp(tally.imputed, step.column, imputed);
}

export const binary = transform<BinaryStep>({
  name: 'binary',
  types: ['binary'],
  encodings: ['auto', 'bytes'],
  shape,
  fit,
  entries: (step) => step.measures.length,
  feature,
  apply,
});
