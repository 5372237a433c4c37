/**
 * How new rows differ from those that a recipe was fitted to: categories it has no feature for, numbers outside of what
 * was seen, values that are missing where none were. One line a column, from two profiles; the numbers are counts.
 */
import { formatCount, formatNumber, formatPercent, formatShort } from '../explain/format.ts';
import { type ColumnProfile, columnProfile, type Profile } from '../summary/profile.ts';

/** A share of missing values that rose by this much is told. */
const MISSING_RISE = 0.05;
/** A mean that moved by so many standard deviations is told. */
const MEAN_SHIFT = 0.25;
/** New levels that are named. */
const NAMED = 3;

/** What changed, a sentence a finding; empty where nothing did. */
export function dataChanges(before: Profile, now: Profile): string[] {
  if (now.rows === 0 || before.rows === 0) return [];
  return now.columns.flatMap((column) => {
    const old = columnProfile(before, column.name);
    if (old === undefined || column.role === 'ignore' || column.role === 'key') return [];
    return [...missingChange(old, column), ...valueChange(old, column)].map(
      (text) => `${column.name}: ${text}`,
    );
  });
}

function missingShare({ present, missing }: ColumnProfile): number {
  return missing / Math.max(1, present + missing);
}

function missingChange(old: ColumnProfile, now: ColumnProfile): string[] {
  const [before, after] = [missingShare(old), missingShare(now)];
  if (after - before <= MISSING_RISE && !(before === 0 && after > 0)) return [];
  return [`${formatPercent(after)} of the new values are missing, ${formatPercent(before)} before`];
}

function valueChange(old: ColumnProfile, now: ColumnProfile): string[] {
  if (old.type === 'category' && now.type === 'category') {
    // Levels beyond the counted ones are known to have been there or not by their number alone.
    if (old.error > 0) return [];
    const known = new Set(old.values.map(({ value }) => value));
    const unknown = now.values.filter(({ value }) => !known.has(value));
    if (unknown.length === 0) return [];
    const rows = unknown.reduce((sum, { count }) => sum + count, 0);
    const names = unknown.slice(0, NAMED).map(({ value }) => formatShort(value));
    const more = unknown.length > NAMED ? ', …' : '';
    return [
      `${formatCount(unknown.length)} new level${unknown.length === 1 ? '' : 's'} in ${formatCount(rows)} rows (${names.join(', ')}${more})`,
    ];
  }
  if (old.type !== 'number' || now.type !== 'number') return [];
  return numberChange(old, now);
}

function numberChange(
  old: Extract<ColumnProfile, { type: 'number' | 'timestamp' }>,
  now: Extract<ColumnProfile, { type: 'number' | 'timestamp' }>,
): string[] {
  const { min, max, mean, std } = old;
  if (min === null || max === null || now.min === null || now.max === null) return [];
  const said: string[] = [];
  if (now.min < min) said.push(`down to ${formatNumber(now.min)}, ${formatNumber(min)} before`);
  if (now.max > max) said.push(`up to ${formatNumber(now.max)}, ${formatNumber(max)} before`);
  if (mean !== null && std !== null && now.mean !== null && Math.abs(now.mean - mean) > MEAN_SHIFT * std)
    said.push(`mean ${formatNumber(now.mean)}, ${formatNumber(mean)} before`);
  return said;
}
