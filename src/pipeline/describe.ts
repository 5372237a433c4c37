/** What a column holds, in a few words: for `inspect` and the report. */
import { formatCount, formatNumber, formatPercent } from '../explain/format.ts';
import type { ColumnProfile, NumberProfile } from '../summary/profile.ts';

/** Values of a column in a few words. */
export function describeValues(column: ColumnProfile): string {
  if (column.type === 'number') return describeNumbers(column, formatNumber);
  if (column.type === 'timestamp')
    return describeNumbers(column, (time) => new Date(time).toISOString().slice(0, 16));
  if (column.type === 'boolean') return `${formatPercent(column.trues / Math.max(1, column.present))} true`;
  if (column.type === 'category') {
    const top = column.values
      .slice(0, 3)
      .map(({ value, count }) => `${value} ${formatPercent(count / column.present)}`);
    return `${formatCount(column.distinct.estimate)} levels: ${top.join(', ')}`;
  }
  if (column.type === 'sparse')
    return `${formatCount(column.entries)} entries of ${formatCount(column.width)} features`;
  if (column.type === 'text') return `${formatNumber(column.words.mean ?? 0)} words on average`;
  return '';
}

function describeNumbers({ min, max, mean }: NumberProfile, format: (value: number) => string): string {
  if (min === null || max === null || mean === null) return 'no values';
  return `${format(min)} … ${format(max)}, mean ${format(mean)}`;
}
