/**
 * Rows in order of time, as options of training: which features look back, which rows are held out, learned from, and how
 * much each weighs. "Newest" is always of the rows that there are; no clock is read.
 */
import { SoraError } from '../errors.ts';
import { type TimeRange, timeOfNewest, timeRange } from '../evaluate/time-rank.ts';
import type { ModelHistory } from '../model/history.ts';
import { keptHistory } from '../model/history.ts';
import type { Tensors } from '../model/safetensors.ts';
import { asksHistory, historySpec, parseSpan, type Span } from '../recipe/history/spec.ts';
import type { Decay } from '../recipe/view.ts';
import type { Session } from '../run/session.ts';
import type { Range, Split } from '../summary/split.ts';
import type { Data, Hooks } from './data.ts';
import { POSITION, withHistory } from './history.ts';
import type { CheckedTrain } from './options.ts';

/** Options of training that concern time. */
export type TimeOptions = Pick<
  CheckedTrain,
  'split' | 'lags' | 'rolling' | 'since' | 'by' | 'horizon' | 'gap' | 'window' | 'halfLife'
> &
  Pick<CheckedTrain, 'testFraction' | 'seed' | 'workers' | 'memory' | 'cache' | 'folds'>;

/** Whether the newest rows are held out, rather than any. */
export function isTimed(options: TimeOptions): boolean {
  const { split, window, halfLife, gap } = options;
  if (split !== 'auto') return split === 'time';
  return asksHistory(options) || window !== undefined || halfLife !== undefined || gap !== undefined;
}

/** Throws `bad-option` on options that do not go together, before anything is read. */
export function checkTimeOptions(options: TimeOptions): void {
  for (const key of ['gap', 'window', 'halfLife', 'horizon'] as const) {
    const text = options[key];
    if (text !== undefined) parseSpan(text, key === 'halfLife' ? 'half-life' : key);
  }
  const refuse = (option: string, why: string) => {
    throw new SoraError('bad-option', `Option --${option} ${why}.`, { details: { option } });
  };
  if (options.gap !== undefined && !isTimed(options))
    refuse('gap', 'is between rows in order of time: add --split time');
  if (options.horizon !== undefined && !asksHistory(options)) {
    refuse('horizon', 'is for features over time: add --lags, --rolling or --since');
  }
  if (options.by !== undefined && !asksHistory(options)) {
    refuse('by', 'is for features over time: add --lags, --rolling or --since');
  }
  if (options.folds !== undefined && isTimed(options)) {
    refuse('folds', 'takes any particles as folds, and these rows are in order of time: use sora backtest');
  }
}

/** Data in order of time, and what its model keeps of it. */
export interface TimedData {
  readonly data: Data;
  readonly kept?: { readonly history: ModelHistory; readonly tensors: Tensors };
  /** Column that says what is new: that of role time, or the number of the row. */
  readonly clock: string;
}

/** Adds the columns that the options ask for. */
export async function timedData(data: Data, options: TimeOptions, hooks: Hooks): Promise<TimedData> {
  const { time, asked, byRow } = clockOf(data, options);
  if (!asked && !byRow) return { data, clock: time ?? POSITION };
  const spec = historySpec(data.schema, options);
  const { data: derived, state } = await withHistory(
    data,
    { spec, position: byRow, cached: options.cache },
    { ...hooks, resources: options },
  );
  return { data: derived, clock: time ?? POSITION, ...(asked ? { kept: keptHistory(spec, state) } : {}) };
}

/** What rows are ordered by, and whether their numbers are needed. */
export function clockOf({ schema }: Data, options: TimeOptions) {
  const time = schema.fields.find(({ role }) => role === 'time');
  const inRows = options.halfLife !== undefined && 'rows' in parseSpan(options.halfLife, 'half-life');
  const numeric = time?.type === 'timestamp' || time?.type === 'number';
  if (time && !numeric && isTimed(options)) {
    throw new SoraError(
      'bad-option',
      `Option --time is "${time.name}", a column of type ${time.type}: it has to hold timestamps or numbers (--types ${time.name}=timestamp).`,
    );
  }
  const byRow = isTimed(options) && (time === undefined || inRows);
  return { time: time?.name, asked: asksHistory(options), byRow };
}

/** Which rows are learned from and which judge, and how rows weigh. */
export interface TimePlan {
  readonly train?: Split;
  readonly test?: Split;
  readonly ageing?: Decay;
}

/** Finds the borders: a few rounds over the times. */
export async function planTime(
  session: Session,
  { data, clock }: TimedData,
  options: TimeOptions,
): Promise<TimePlan> {
  const range = await timeRange(session, clock);
  const { seed, testFraction } = options;
  const held = Math.round(range.rows * testFraction);
  const start = held > 0 ? await timeOfNewest(session, range, held) : undefined;
  const end = start === undefined ? undefined : await before(session, data, range, start, held, options.gap);
  const learned = held + (options.gap && held > 0 && isRows(options.gap) ? spanRows(options.gap) : 0);
  const from =
    options.window === undefined
      ? undefined
      : await windowStart(session, data, range, end, learned, options.window);
  const within: Range = {
    column: clock,
    ...(from === undefined ? {} : { from }),
    ...(end === undefined ? {} : { to: end }),
  };
  const ageing = ageingOf(data, range, { end, after: learned }, options.halfLife);
  const train: Split = { seed, fraction: 0, side: 'train', within };
  const test: Split = { seed, fraction: 1, side: 'test', within: { column: clock, from: start } };
  return {
    ...(from === undefined && end === undefined ? {} : { train }),
    ...(start === undefined ? {} : { test }),
    ...(ageing ? { ageing } : {}),
  };
}

/** Where the rows to learn from end: a gap before those that are held out. */
async function before(
  session: Session,
  data: Data,
  range: TimeRange,
  start: number,
  held: number,
  gap: string | undefined,
): Promise<number> {
  if (gap === undefined) return start;
  const span = parseSpan(gap, 'gap');
  return 'rows' in span
    ? timeOfNewest(session, range, held + span.rows)
    : start - ticks(span, data, range, 'gap');
}

/** The first time of the newest rows to learn from. */
async function windowStart(
  session: Session,
  data: Data,
  range: TimeRange,
  end: number | undefined,
  after: number,
  text: string,
): Promise<number> {
  const span = parseSpan(text, 'window');
  if ('rows' in span) return timeOfNewest(session, range, after + span.rows);
  // Times are in [from, end): the newest row itself is one of them.
  return (end ?? range.newest + 1) - ticks(span, data, range, 'window');
}

/** Weights by age, counted from the end of the rows to learn from, behind which `after` rows stand. */
export function ageingOf(
  data: Data,
  range: TimeRange,
  { end, after }: { readonly end?: number; readonly after: number },
  text: string | undefined,
): Decay | undefined {
  if (text === undefined) return undefined;
  const span = parseSpan(text, 'half-life');
  if ('rows' in span)
    return { column: POSITION, newest: data.snapshot.rows - 1 - after, halfLife: span.rows };
  const halfLife = ticks(span, data, range, 'half-life');
  return { column: range.column, newest: end ?? range.newest, halfLife };
}

/** Milliseconds of a time; throws `bad-option` where the clock does not count them. */
export function ticks(span: Span, { schema }: Data, { column }: TimeRange, option: string): number {
  const isTime = schema.fields.some(({ name, type }) => name === column && type === 'timestamp');
  if ('milliseconds' in span && isTime) return span.milliseconds;
  throw new SoraError(
    'bad-option',
    `Option --${option} is a time, and there is no column of timestamps: name one with --time, or give rows.`,
    { details: { option } },
  );
}

function isRows(text: string): boolean {
  return 'rows' in parseSpan(text, 'gap');
}

function spanRows(text: string): number {
  const span = parseSpan(text, 'gap');
  return 'rows' in span ? span.rows : 0;
}
