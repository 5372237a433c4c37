/**
 * Number columns: impute, clip, signed log1p of heavy tails, standardise, and hinges.
 * With t = log ? sign(x)·log1p(|x| / unit) : x after imputing and clipping, the features are
 * (t - centre)·scale, then (max(0, t - at) - centre)·scale per knot, then [x = spike], then [missing].
 * Hinges let a linear model follow curves (a linear spline, Friedman's MARS basis at quantile knots).
 */
import { z } from 'zod';
import { log1p } from '../../kernel/elementary.ts';
import { SCALE_ROWS, type Scaler, withScaler } from '../../kernel/scale.ts';
import type { Column, NumberArray, NumberColumn } from '../../particle/column.ts';
import { conditionalGrid, shareOf, spikeOf } from '../grid.ts';
import type { NumberStatistics } from '../statistics.ts';
import {
  type ApplyContext,
  type Dropped,
  type FitContext,
  LARGEST_FEATURE,
  tallyUp,
  transform,
} from '../transform.ts';

const affine = { centre: z.number(), scale: z.number() };

const shape = z.object({
  transform: z.literal('number'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  /** Replaces missing values: the median. */
  fill: z.number(),
  /** Whether the last feature says that the value was missing. */
  missing: z.boolean(),
  /** Values are held inside these bounds; wide ones when the fit saw nothing far out. */
  clip: z.tuple([z.number(), z.number()]),
  /** Unit of the signed log1p; absent: no log. */
  unit: z.number().positive().optional(),
  ...affine,
  /** Knots: `value` in units of the column, `at` after the log. */
  knots: z.array(z.object({ value: z.number(), at: z.number(), ...affine })),
  /** A value that stands for itself, such as the 0 of most rows. */
  spike: z.number().optional(),
});

export type NumberStep = z.infer<typeof shape>;

type Range = readonly [low: number, high: number];

/** sign(x)·log1p(|x| / unit). */
function signedLog(x: number, unit: number): number {
  return x < 0 ? -log1p(-x / unit) : log1p(x / unit);
}

function fit(context: FitContext): NumberStep | Dropped {
  const statistics = context.statistics.number;
  const { field } = context;
  if (statistics === undefined || statistics.present === 0) return { dropped: 'no value is present' };
  const missing = statistics.missing > 0;
  if (statistics.min === statistics.max && !missing) return { dropped: `always ${print(statistics.min)}` };
  const mode = modeOf(context, statistics);
  const spike = mode === 'standard' ? undefined : spikeOf(statistics.grid);
  const grid = spike === undefined ? statistics.grid : conditionalGrid(statistics.grid, spike);
  const bounds = boundsOf(statistics, grid, spike);
  const { clip } = bounds;
  const clipped = statistics.grid.map((x) => clamp(x, clip));
  const unit = mode === 'log' || (mode !== 'standard' && isHeavy(grid)) ? logUnit(grid) : undefined;
  const onScale = (x: number) => (unit === undefined ? x : signedLog(x, unit));
  const transformed = clipped.map(onScale);
  const ends: Range = [onScale(clip[0]), onScale(clip[1])];
  const exact = bounds.inside && unit === undefined;
  const knots =
    mode === 'standard' || mode === 'log'
      ? []
      : hinges(knotsOf(statistics, grid, clip, context.knots), transformed, ends, onScale, context.centred);
  const isSpike = spike !== undefined && knots.length > 0 && statistics.min !== statistics.max;
  return {
    transform: 'number',
    column: field.name,
    width: 1 + knots.length + (isSpike ? 1 : 0) + (missing ? 1 : 0),
    why: reason(missing, bounds.said, unit, knots.length, isSpike ? spike : undefined, statistics),
    fill: fillValue(statistics),
    missing,
    clip,
    unit,
    ...(exact ? standardise(statistics.mean, statistics.std, ends) : standardiseGrid(transformed, ends)),
    knots,
    spike: isSpike ? spike : undefined,
  };
}

/** What was asked for; left to itself, a column that numbers the rows is only standardised: a trend, no curve. */
function modeOf({ encoding, options }: FitContext, statistics: NumberStatistics): string {
  if (encoding !== 'auto') return encoding;
  return options.numeric === 'auto' && numbersRows(statistics) ? 'standard' : options.numeric;
}

/** Whole numbers, nearly all different, that fill at least half of their range: a counter of rows. */
function numbersRows({ integers, distinct, present, min, max }: NumberStatistics): boolean {
  return integers && present > 50 && distinct > 0.9 * present && max - min < 2 * present;
}

/** The median, as a value of the column. */
function fillValue(statistics: NumberStatistics): number {
  return statistics.grid[statistics.grid.length >> 1];
}

/**
 * Centre and 1 / standard deviation of values that lie between `ends`. The scale is held low enough that no value
 * exceeds {@link LARGEST_FEATURE}: a few huge values beyond the grid must not overflow an f32.
 */
function standardise(centre: number, std: number, ends: Range): { centre: number; scale: number } {
  const reach = Math.max(ends[1] - centre, centre - ends[0]);
  const scale = Math.min(std > 0 ? 1 / std : 1, LARGEST_FEATURE / reach);
  return { centre, scale: Number.isFinite(scale) ? scale : 1 };
}

function standardiseGrid(grid: Float64Array, ends: Range): { centre: number; scale: number } {
  let mean = 0;
  for (const x of grid) mean += x / grid.length;
  let variance = 0;
  for (const x of grid) variance += ((x - mean) * (x - mean)) / grid.length;
  return standardise(mean, Math.sqrt(variance), ends);
}

function clamp(x: number, [low, high]: Range): number {
  return x < low ? low : x > high ? high : x;
}

/**
 * Bounds at the 0.5 % and 99.5 % quantiles pushed out by twice their distance from the median: only values
 * far outside the bulk are cut. On a side where there are none, the bound is a guard, ten ranges off, that only
 * keeps infinities and slips of the keyboard out of the arithmetic.
 */
function boundsOf({ min, max }: NumberStatistics, grid: Float64Array, spike: number | undefined): Bounds {
  const [p005, p50, p995] = [0.005, 0.5, 0.995].map((share) => grid[shareOf(grid, share)]);
  const low = Math.min(p005 - 2 * (p50 - p005), spike ?? Number.POSITIVE_INFINITY);
  const high = Math.max(p995 + 2 * (p995 - p50), spike ?? Number.NEGATIVE_INFINITY);
  const [cutLow, cutHigh] = [min < low, max > high];
  const guard = 10 * ((cutHigh ? high : max) - (cutLow ? low : min));
  const clip: [number, number] = [
    clamp(cutLow ? low : min - guard, LARGEST),
    clamp(cutHigh ? high : max + guard, LARGEST),
  ];
  const sides = [cutLow ? `below ${print(clip[0])}` : '', cutHigh ? `above ${print(clip[1])}` : ''];
  const cuts = sides.filter((side) => side !== '').join(' and ');
  return { clip, said: cuts === '' ? '' : `clipped ${cuts}`, inside: min >= clip[0] && max <= clip[1] };
}

interface Bounds {
  readonly clip: [number, number];
  /** What is cut, in words; empty if nothing is. */
  readonly said: string;
  /** Whether all values that the fit saw lie inside. */
  readonly inside: boolean;
}

/** Squares of numbers up to here stay finite. */
const LARGEST: Range = [-1e150, 1e150];

/** Whether one tail is more than eight times as long as the half of the bulk beside it (a normal's is 3.4). */
function isHeavy(grid: Float64Array): boolean {
  const [p1, p25, p50, p75, p99] = [0.01, 0.25, 0.5, 0.75, 0.99].map((share) => grid[shareOf(grid, share)]);
  const bulk = Math.max(p75 - p50, p50 - p25);
  return bulk > 0 && Math.max(p99 - p50, p50 - p1) > 8 * bulk;
}

/** 1, or for columns of small fractions the power of two at the low end of their magnitudes. */
function logUnit(grid: Float64Array): number {
  const magnitudes = Float64Array.from(grid, Math.abs)
    .filter((x) => x > 0)
    .sort();
  const low = magnitudes.length === 0 ? 1 : magnitudes[shareOf(magnitudes, 0.1)];
  let unit = 1;
  while (unit > low && unit > 1e-30) unit /= 2;
  return unit;
}

/** Rows a value from which each may have a bend of its own. */
const ROWS_A_VALUE = 20;

/**
 * Where hinges bend: at even quantiles; where whole numbers are few and frequent, at each of them, so that every value
 * has its own effect, as an indicator would give it, and neighbours still share what they have in common.
 */
function knotsOf(
  statistics: NumberStatistics,
  grid: Float64Array,
  range: Range,
  { most, few }: FitContext['knots'],
): number[] {
  const { integers, distinct, present } = statistics;
  const isFew = integers && distinct - 2 <= few && present >= ROWS_A_VALUE * distinct;
  if (!isFew) return knotValues(grid, range, most);
  const values = [...new Set(grid)].sort((a, b) => a - b);
  return values.slice(1, -1).filter((value) => value > range[0] && value < range[1]);
}

/** Up to `count` distinct values at even quantiles, inside the range. */
function knotValues(grid: Float64Array, [low, high]: Range, count: number): number[] {
  const values = new Set<number>();
  const [first, last] = [Math.max(grid[0], low), Math.min(grid[grid.length - 1], high)];
  for (let k = 1; k <= count; k++) {
    const value = grid[shareOf(grid, k / (count + 1))];
    if (value > first && value < last) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function hinges(
  values: readonly number[],
  transformed: Float64Array,
  ends: Range,
  onScale: (x: number) => number,
  centred: boolean,
): NumberStep['knots'] {
  return values.map((value) => {
    const at = onScale(value);
    const above = transformed.map((t) => Math.max(0, t - at));
    const { centre, scale } = standardiseGrid(above, [0, Math.max(0, ends[1] - at)]);
    return { value, at, centre: centred ? centre : 0, scale };
  });
}

/** Short text of a number: six significant digits. */
function print(x: number): string {
  return String(Number(x.toPrecision(6)));
}

function reason(
  missing: boolean,
  clipped: string,
  unit: number | undefined,
  knots: number,
  spike: number | undefined,
  statistics: NumberStatistics,
): string {
  const parts = ['standardised'];
  if (unit !== undefined) parts.unshift('log of a heavy tail');
  if (clipped !== '') parts.unshift(clipped);
  if (missing)
    parts.unshift(`${statistics.missing} missing → median ${print(fillValue(statistics))}, marked`);
  if (knots > 0) parts.push(`${knots} hinges`);
  if (spike !== undefined) parts.push(`own effect of ${print(spike)}`);
  return parts.join(', ');
}

/** Six digits if they tell the knots apart, else all. */
function printKnot({ knots }: NumberStep, index: number): string {
  const short = new Set(knots.map(({ value }) => print(value)));
  return short.size === knots.length ? print(knots[index].value) : String(knots[index].value);
}

function feature(step: NumberStep, index: number): string {
  const name = step.unit === undefined ? step.column : `log(${step.column})`;
  if (index === 0) return name;
  if (index <= step.knots.length) return `${name}>${printKnot(step, index - 1)}`;
  if (step.spike !== undefined && index === step.knots.length + 1)
    return `${step.column}=${print(step.spike)}`;
  return `${step.column} missing`;
}

const absent = new Uint8Array(SCALE_ROWS);

function apply(step: NumberStep, column: Column, context: ApplyContext): void {
  const { output, base, tally } = context;
  const out = output.block(base, step.width);
  const imputed = withScaler((scaler) => writeColumn(step, column as NumberColumn, context, out, scaler));
  tallyUp(tally.imputed, step.column, imputed);
}

/** All features of the step, block by block; returns how many values were missing. */
function writeColumn(
  step: NumberStep,
  { values, validity }: NumberColumn,
  { rows, output }: ApplyContext,
  out: Float32Array,
  scaler: Scaler,
): number {
  const { block } = scaler;
  const whole = rows === undefined ? undefined : asDoubles(values);
  let imputed = 0;
  for (let start = 0; start < output.rows; start += SCALE_ROWS) {
    const count = Math.min(SCALE_ROWS, output.rows - start);
    if (rows === undefined) block.set(values.subarray(start, start + count));
    else gather(whole!, rows, start, count, block);
    if (validity !== undefined) imputed += impute(validity, rows, start, count, step.fill, block);
    writeFeatures(step, out, start, output.stride, count, validity !== undefined, scaler);
  }
  return imputed;
}

let doubles = new Float64Array(0);

/** The values as f64, valid until the next call: rows are then gathered from one type of array. */
function asDoubles(values: NumberArray): Float64Array {
  if (values instanceof Float64Array) return values;
  if (doubles.length < values.length) doubles = new Float64Array(values.length);
  doubles.set(values);
  return doubles;
}

function gather(
  source: Float64Array,
  rows: Uint32Array,
  start: number,
  count: number,
  block: Float64Array,
): void {
  for (let i = 0; i < count; i++) block[i] = source[rows[start + i]];
}

/** Fills the missing values of the block and marks them in `absent`; returns how many. */
function impute(
  validity: Uint8Array,
  rows: Uint32Array | undefined,
  start: number,
  count: number,
  fill: number,
  block: Float64Array,
): number {
  let imputed = 0;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? start + i : rows[start + i];
    const missing = ((validity[row >> 3] >> (row & 7)) & 1) ^ 1;
    absent[i] = missing;
    if (missing === 1) {
      block[i] = fill;
      imputed++;
    }
  }
  return imputed;
}

function writeFeatures(
  step: NumberStep,
  out: Float32Array,
  start: number,
  stride: number,
  count: number,
  marked: boolean,
  scaler: Scaler,
): void {
  const { block } = scaler;
  const { centre, scale, spike } = step;
  const [low, high] = step.clip;
  let at = start;
  const spikeAt = start + (1 + step.knots.length) * stride;
  if (spike !== undefined) writeSpike(out, spikeAt, count, spike, block);
  // What follows the first feature sees clipped values; one that is clipped already is clipped for nothing.
  if (step.unit !== undefined || step.knots.length > 0) clipBlock(count, low, high, block);
  if (step.unit === undefined) {
    scaler.clipped(out, at, count, { low, high, centre, scale });
  } else {
    logBlock(count, step.unit, block);
    scaler.clipped(out, at, count, {
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
      centre,
      scale,
    });
  }
  for (const knot of step.knots) {
    at += stride;
    scaler.hinge(out, at, count, { knot: knot.at, centre: knot.centre, scale: knot.scale });
  }
  if (step.missing && marked) {
    const missingAt = start + (step.width - 1) * stride;
    for (let i = 0; i < count; i++) out[missingAt + i] = absent[i];
    // A filled value is no sighting of the spike: the missing mark carries the row.
    if (spike !== undefined) for (let i = 0; i < count; i++) if (absent[i] === 1) out[spikeAt + i] = 0;
  }
}

function writeSpike(out: Float32Array, at: number, count: number, spike: number, block: Float64Array): void {
  for (let i = 0; i < count; i++) out[at + i] = block[i] === spike ? 1 : 0;
}

function clipBlock(count: number, low: number, high: number, block: Float64Array): void {
  for (let i = 0; i < count; i++) {
    const x = block[i];
    block[i] = x < low ? low : x > high ? high : x;
  }
}

function logBlock(count: number, unit: number, block: Float64Array): void {
  for (let i = 0; i < count; i++) block[i] = signedLog(block[i], unit);
}

export const number = transform<NumberStep>({
  name: 'number',
  types: ['number'],
  encodings: ['auto', 'standard', 'log', 'basis'],
  shape,
  fit,
  entries: (step) => 1 + step.knots.length / 2,
  feature,
  apply,
});
