/**
 * Windows over the particles of a store: any summary over stretches of rows, places or time, out of the partials of the merge
 * tree. A window is made of whole nodes, each computed once and kept, and of the particles that its ends cut. So hours,
 * days and weeks come from the same partials, a second run observes nothing, and new particles cost what they are.
 */
import { SoraError } from '../errors.ts';
import { exp } from '../kernel/elementary.ts';
import type { ParticleRef } from '../particle/particle.ts';
import { parseSpan } from '../recipe/history/spec.ts';
import { inlineExecutor } from '../run/inline.ts';
import type { Part } from '../run/part.ts';
import { openRanges, type Ranges } from '../run/ranges.ts';
import type { Reference } from '../run/reference.ts';
import type { Executor } from '../run/session.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { openStore, type Store } from '../store/store.ts';
import { summaryReference } from '../summary/catalog.ts';
import type { Extremes } from '../summary/extremes.ts';
import { rolesCache } from './data.ts';
import { roledReference } from './source.ts';

/** What a window holds, and how windows follow each other. */
export interface WindowedOptions {
  /** Summary of particles, e.g. `summaryReference('moments')`. */
  readonly summary: Reference;
  /** `tumbling`: one after the other; `sliding`: each `step` on from the one before; `decaying`: all rows, less with age. */
  readonly kind: 'tumbling' | 'sliding' | 'decaying';
  /** Length of a window: `{ particles: 8 }`, `{ rows: 10000 }`, `{ time: '1d' }`. */
  readonly size?: WindowSize;
  /** Sliding: from the end of one window to the next, counted as the size is. */
  readonly step?: WindowSize;
  /** Decaying: age after which a particle weighs half; its age is that of its newest row. */
  readonly halfLife?: WindowSize;
  /** Timestamp column; default: the one with the role time. */
  readonly time?: string;
  /** Default: inline. An executor that is passed in stays open. */
  readonly executor?: Executor;
  readonly snapshot?: Snapshot;
}

/** A distance in particles, rows, or time (`30min`, `1h`, `1d`, `1w`). */
export type WindowSize =
  | { readonly particles: number }
  | { readonly rows: number }
  | { readonly time: string };

/** What a summary says of a window [from, to): places of particles, of rows, or times in milliseconds. */
export interface Windowed<Value> {
  readonly from: number;
  readonly to: number;
  readonly value: Value;
}

/** All windows that hold something, oldest first, and the particles that had to be observed for them. */
export interface WindowedResult<Value> {
  readonly windows: readonly Windowed<Value>[];
  readonly observed: number;
}

/** Where each particle begins and ends on the clock by which windows are cut: [from, to). */
interface Clock {
  readonly unit: 'particles' | 'rows' | 'time';
  /** Particles that had to be observed to know. */
  readonly observed: number;
  readonly spans: readonly { readonly from: number; readonly to: number }[];
  /** The part of a particle that lies in [from, to) of the clock. */
  part(at: number, from: number, to: number): Part;
}

/** Windows of weeks begin on Mondays; 1970-01-01 was a Thursday. */
const WEEK = 604_800_000;
const MONDAY = 4 * 86_400_000;

/**
 * Windows over a store.
 * @example
 * const { windows } = await windowed('events.sora', {
 *   summary: summaryReference('moments'), kind: 'tumbling', size: { time: '1d' },
 * });
 */
export async function windowed<Value>(
  place: string | Store,
  options: WindowedOptions,
): Promise<WindowedResult<Value>> {
  const store = typeof place === 'string' ? await openStore(place) : place;
  const executor = options.executor ?? inlineExecutor();
  try {
    const snapshot = options.snapshot ?? (await store.snapshot());
    const { particles } = snapshot;
    const session = {
      particles,
      source: roledReference(store.reference, snapshot.schema),
      partials: rolesCache(store, snapshot.schema),
    };
    const ranges = await openRanges<unknown, Value>(executor, session, options.summary);
    const clock = await clockOf(executor, session, snapshot, options);
    const windows =
      options.kind === 'decaying'
        ? [await decaying(ranges, clock, options)]
        : await cut(ranges, clock, options);
    return {
      windows: windows.filter((one) => one !== undefined),
      observed: ranges.observed + clock.observed,
    };
  } finally {
    if (options.executor === undefined) await executor.close();
    if (typeof place === 'string') store.close();
  }
}

async function clockOf(
  executor: Executor,
  session: Parameters<typeof openRanges>[1],
  { schema, particles }: Snapshot,
  { kind, size, step, halfLife, time }: WindowedOptions,
): Promise<Clock> {
  const asked = kind === 'decaying' ? halfLife : size;
  if (asked === undefined) throw missing(kind === 'decaying' ? 'halfLife' : 'size', kind);
  if (kind === 'sliding' && step === undefined) throw missing('step', kind);
  if ('time' in asked) {
    const column = time ?? schema.fields.find(({ role }) => role === 'time')?.name;
    if (column === undefined) {
      throw new SoraError(
        'bad-option',
        'Windows of time need a column of timestamps: name it with the option time.',
      );
    }
    return timeClock(executor, session, column);
  }
  const unit = 'rows' in asked ? 'rows' : 'particles';
  let at = 0;
  const spans = particles.map(({ rows }) => ({ from: at, to: (at += unit === 'rows' ? rows : 1) }));
  return {
    unit,
    observed: 0,
    spans,
    part: (particle, from, to) => ({
      rows: [
        Math.max(0, from - spans[particle].from),
        Math.min(to, spans[particle].to) - spans[particle].from,
      ],
    }),
  };
}

/** By the least and greatest time of each particle, out of partials of their own. */
async function timeClock(
  executor: Executor,
  session: Parameters<typeof openRanges>[1],
  column: string,
): Promise<Clock> {
  const reference = summaryReference('extremes', { columns: [column] });
  const times = await openRanges<unknown, Readonly<Record<string, Extremes>>>(executor, session, reference);
  const spans = await Promise.all(
    session.particles.map(async (_: ParticleRef, at: number) => {
      const { min = null, max = null } = times.summary.read(await times.state(at, at + 1))[column] ?? {};
      return min === null || max === null ? { from: 0, to: 0 } : { from: min, to: max + 1 };
    }),
  );
  return {
    unit: 'time',
    observed: times.observed,
    spans,
    part: (_, from, to) => ({ within: { column, from, to } }),
  };
}

function lengthOf(size: WindowSize, unit: Clock['unit'], option: string): number {
  const length = 'time' in size ? parseSpan(size.time, option) : undefined;
  const amount =
    unit === 'time'
      ? length && 'milliseconds' in length
        ? length.milliseconds
        : undefined
      : (size as Partial<Record<string, number>>)[unit];
  if (amount !== undefined && amount > 0 && (unit === 'time' || Number.isInteger(amount))) return amount;
  throw new SoraError(
    'bad-option',
    `Option ${option} of a window is ${JSON.stringify(size)}: give a positive number of ${unit}, as the other options are counted.`,
  );
}

function missing(option: string, kind: string): SoraError {
  return new SoraError(
    'bad-option',
    `A ${kind} window needs the option ${option}, e.g. { time: '1d' } or { rows: 1000 }.`,
  );
}

/** Tumbling windows end at multiples of their size, sliding ones at multiples of the step: appends change none before. */
async function cut<Value>(
  ranges: Ranges<unknown, Value>,
  clock: Clock,
  { kind, size, step }: WindowedOptions,
): Promise<(Windowed<Value> | undefined)[]> {
  const length = lengthOf(size as WindowSize, clock.unit, 'size');
  const stride = kind === 'sliding' ? lengthOf(step as WindowSize, clock.unit, 'step') : length;
  const used = clock.spans.filter(({ from, to }) => to > from);
  if (used.length === 0) return [];
  const [first, last] = [Math.min(...used.map(({ from }) => from)), Math.max(...used.map(({ to }) => to))];
  const origin = clock.unit === 'time' && stride % WEEK === 0 ? MONDAY : 0;
  const windows: (Windowed<Value> | undefined)[] = [];
  let end = origin + (Math.floor((first - origin) / stride) + 1) * stride;
  for (; end - length < last; end += stride) {
    windows.push(await windowAt(ranges, clock, end - length, end));
    if (kind === 'sliding' && end >= last) break;
  }
  return windows;
}

/** Whole particles out of the tree, and parts of those that the ends cut, in order. */
async function windowAt<Value>(
  ranges: Ranges<unknown, Value>,
  clock: Clock,
  from: number,
  to: number,
): Promise<Windowed<Value> | undefined> {
  const { summary } = ranges;
  const state = summary.empty();
  let any = false;
  for (let at = 0; at < clock.spans.length; at++) {
    const span = clock.spans[at];
    if (span.to <= from || span.from >= to || span.to <= span.from) continue;
    any = true;
    const isWhole = (one: Clock['spans'][number] | undefined) =>
      one !== undefined && one.from >= from && one.to <= to && one.to > one.from;
    if (!isWhole(span)) {
      summary.merge(state, await ranges.part(at, clock.part(at, from, to)));
      continue;
    }
    let end = at + 1;
    while (isWhole(clock.spans[end])) end++;
    summary.merge(state, await ranges.state(at, end));
    at = end - 1;
  }
  return any ? { from, to, value: summary.read(state) } : undefined;
}

/** All particles, each scaled by its age: that of its newest row behind the newest of all. */
async function decaying<Value>(
  ranges: Ranges<unknown, Value>,
  { spans, unit }: Clock,
  { halfLife }: WindowedOptions,
): Promise<Windowed<Value> | undefined> {
  const { summary } = ranges;
  const life = lengthOf(halfLife as WindowSize, unit, 'halfLife');
  if (summary.scale === undefined) {
    throw new SoraError(
      'bad-option',
      `Summary ${summary.id.split(' ')[0]} cannot be weighed by age: take tumbling or sliding windows of it.`,
    );
  }
  const used = spans.filter(({ from, to }) => to > from);
  if (used.length === 0) return undefined;
  const newest = Math.max(...used.map(({ to }) => to));
  const state = summary.empty();
  for (const [at, { from, to }] of spans.entries()) {
    if (to <= from) continue;
    const one = await ranges.state(at, at + 1);
    summary.scale(one, exp((Math.LN2 * (to - newest)) / life));
    summary.merge(state, one);
  }
  return { from: Math.min(...used.map(({ from }) => from)), to: newest, value: summary.read(state) };
}
