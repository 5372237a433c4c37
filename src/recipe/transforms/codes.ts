/**
 * Categories as codes for trees, which split them by sets: 0 for the most frequent level of the fit, equal counts in
 * code-point order, at most {@link MAX_CODES} levels; all further levels share one more code, "other".
 * A level that the fit never saw is "other" where there is such a code, else NaN like a missing value: either way it
 * goes with rows of which as little is known.
 */
import { z } from 'zod';
import type { Column } from '../../particle/column.ts';
import { countOf, fillSlots, levelTable } from '../levels.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

/** Most levels with a code of their own: with "other" they fit the 255 bins of a byte beside missing values. */
export const MAX_CODES = 254;

const shape = z.object({
  transform: z.literal('codes'),
  column: z.string(),
  width: z.literal(1),
  why: z.string(),
  /** Levels by code. */
  levels: z.array(z.string()).max(MAX_CODES),
  /** Whether code `levels.length` stands for all other levels. */
  other: z.boolean(),
});

export type CodesStep = z.infer<typeof shape>;

const UNKNOWN = -1;
const MISSING = -2;
/** In fewer rows than this, values that are almost all different may still say something. */
const FEW_ROWS = 50;

function fit({ field, statistics, encoding, options }: FitContext): CodesStep | Dropped {
  const { levels, present, missing } = statistics;
  if (levels === undefined || present === 0) return { dropped: 'no value is present' };
  if (levels.distinct === 1 && missing === 0) return { dropped: `always "${levels.top[0].level}"` };
  if (encoding === 'auto' && present > FEW_ROWS && levels.distinct > 0.9 * present) {
    return { dropped: `almost every value is different (${levels.distinct} in ${present} rows)` };
  }
  const ordered = [...levels.top].sort((a, b) => b.count - a.count || (a.level < b.level ? -1 : 1));
  const frequent = ordered.filter(({ count }) => count >= (options.minCount ?? 1));
  const kept = (frequent.length === 0 ? ordered : frequent).slice(0, MAX_CODES);
  const rest = levels.distinct - kept.length;
  const gone = missing > 0 ? `, ${missing} missing → a side of each split` : '';
  return {
    transform: 'codes',
    column: field.name,
    width: 1,
    why: `codes of ${kept.length} levels${rest > 0 ? `, ${rest} rarer → other` : ''}${gone}`,
    levels: kept.map(({ level }) => level),
    other: rest > 0,
  };
}

function apply(step: CodesStep, column: Column, { rows, output, base, tally }: ApplyContext): void {
  const table = levelTable(step.levels);
  const slots = new Int32Array(output.rows);
  fillSlots(column, rows, (level) => table.get(level) ?? UNKNOWN, MISSING, slots);
  tallyUp(tally.unknown, step.column, countOf(slots, UNKNOWN));
  const out = output.block(base, 1);
  const unknown = step.other ? step.levels.length : Number.NaN;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    out[i] = slot >= 0 ? slot : slot === UNKNOWN ? unknown : Number.NaN;
  }
}

export const codes = transform<CodesStep>({
  name: 'codes',
  types: ['category'],
  encodings: ['codes'],
  categorical: true,
  shape,
  fit,
  entries: () => 1,
  feature: (step) => step.column,
  apply,
});
