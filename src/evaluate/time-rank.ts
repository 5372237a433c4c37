/**
 * The time before which so many rows lie: where rows are split by time. Exact, by counting in ever finer bins, whatever
 * the size of the data: a few rounds of two thousand counts each.
 */
import { SoraError } from '../errors.ts';
import type { Session } from '../run/session.ts';
import { summaryReference } from '../summary/catalog.ts';
import type { Extremes } from '../summary/extremes.ts';
import type { Histogram } from '../summary/histogram.ts';

const BINS = 2048;
/** Rounds after which the bins of any range are as fine as its numbers. */
const MOST_ROUNDS = 6;

/** The times of a column. */
export interface TimeRange {
  readonly column: string;
  /** Rows with a time. */
  readonly rows: number;
  readonly oldest: number;
  readonly newest: number;
}

/** One round. Throws `bad-data` where no row has a time. */
export async function timeRange(session: Session, column: string): Promise<TimeRange> {
  const { value } = await session.reduce<unknown, Readonly<Record<string, Extremes>>>({
    summary: summaryReference('extremes', { columns: [column] }),
    keep: 'nodes',
    label: 'times',
  });
  const found = value[column];
  if (found === undefined || found.min === null || found.max === null) {
    throw new SoraError(
      'bad-data',
      `Column "${column}" holds no time to split by: it is missing in all rows.`,
    );
  }
  const { present, infinite, min, max } = found;
  return { column, rows: present - infinite, oldest: min, newest: max };
}

/** The latest time at or after which there are `count` rows or more; rows of one time stay together. */
export async function timeOfNewest(session: Session, range: TimeRange, count: number): Promise<number> {
  const { column, rows } = range;
  let [low, high] = [range.oldest, beyond(range)];
  // Rows before the one that is looked for.
  let before = rows - Math.min(rows, Math.max(1, count));
  for (let round = 0; round < MOST_ROUNDS && high > low; round++) {
    const edges = edgesOf(low, high);
    if (edges.length < 3) break;
    const { value } = await session.reduce<unknown, Readonly<Record<string, Histogram>>>({
      summary: summaryReference('histogram', { columns: [column], edges }),
      keep: 'root',
      label: 'times',
    });
    const { counts } = value[column];
    let bin = 0;
    while (bin < counts.length - 1 && before >= counts[bin]) before -= counts[bin++];
    [low, high] = [edges[bin], edges[bin + 1]];
    if (Math.floor(low) === low && high - low <= 1) break;
  }
  return low;
}

/** A number later than the newest time, so that no bin ends at it. */
function beyond({ oldest, newest }: TimeRange): number {
  return Number.isInteger(newest) ? newest + 1 : newest + (newest - oldest) * 2 ** -40;
}

/** Number of rows at a time or later. */
export async function rowsFrom(session: Session, range: TimeRange, time: number): Promise<number> {
  const { column, rows, oldest, newest } = range;
  if (time <= oldest) return rows;
  if (time > newest) return 0;
  const { value } = await session.reduce<unknown, Readonly<Record<string, Histogram>>>({
    summary: summaryReference('histogram', { columns: [column], edges: [oldest, time, beyond(range)] }),
    keep: 'root',
    label: 'times',
  });
  return value[column].counts[1];
}

/** Ends of equal bins; whole numbers once the bins would be finer. */
function edgesOf(low: number, high: number): number[] {
  const whole = Number.isInteger(low) && Number.isInteger(high) && high - low <= BINS;
  const bins = whole ? high - low : BINS;
  const edges = Array.from({ length: bins + 1 }, (_, i) => {
    const edge = low + ((high - low) * i) / bins;
    return Number.isInteger(low) && !whole && high - low > BINS ? Math.floor(edge) : edge;
  });
  edges[bins] = high;
  return edges.filter((edge, i) => i === 0 || edge > edges[i - 1]);
}
