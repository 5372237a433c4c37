/**
 * Backtests: the model is fitted on what was known at some moment and judged on what came after it, at several moments in
 * turn (rolling origin). Beside it stand forecasts that need no model: the same as last, the same as a season ago.
 */
import { SoraError } from '../errors.ts';
import { type Naive, naiveReference } from '../evaluate/naive.ts';
import type { Metric } from '../evaluate/result.ts';
import { rowsFrom, type TimeRange, timeOfNewest, timeRange } from '../evaluate/time-rank.ts';
import { historySpec, parseSpan, type Span, spanText } from '../recipe/history/spec.ts';
import type { LabelSpec } from '../recipe/label.ts';
import type { Session } from '../run/session.ts';
import type { Range, Split } from '../summary/split.ts';
import { type FoldMetric, foldMetric } from './cross-validate.ts';
import { type Data, type Hooks, type Inputs, openData, openSession } from './data.ts';
import { learnerName } from './describe.ts';
import { evaluateOn, fitOn } from './fit.ts';
import { POSITION, withHistory } from './history.ts';
import { askedLearner, checkFamily, chooseLearner } from './learner.ts';
import { checkLossOptions } from './loss-choice.ts';
import {
  type BacktestOptions,
  backtestShape,
  type CheckedTrain,
  checkOptions,
  trainShape,
} from './options.ts';
import { openExecutor } from './resources.ts';
import { ageingOf, checkTimeOptions, clockOf, ticks } from './time.ts';

/** Rows from one time to another, the second not included; times as text, or numbers of rows. */
export interface Stretch {
  readonly from?: string | number;
  readonly to?: string | number;
  readonly rows: number;
}

/** One origin: what was learned from, what was predicted, and how well. */
export interface BacktestFold {
  readonly learned: Stretch;
  readonly tested: Stretch;
  readonly metrics: readonly Metric[];
  readonly naive: readonly Naive[];
}

/** A backtest. */
export interface BacktestResult {
  readonly target: string;
  readonly learner: string;
  readonly folds: readonly BacktestFold[];
  /** Over the folds: the model's metrics, and those of each naive forecast. */
  readonly metrics: readonly FoldMetric[];
  readonly naive: readonly { readonly name: string; readonly metrics: readonly FoldMetric[] }[];
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** Borders of a fold on the clock. */
interface Borders {
  readonly learn: Range;
  readonly test: Range;
}

const LAST = 'same as last';
const SEASON = 'same as a season ago';

/**
 * Fits and judges at several moments, the newest rows last.
 * @example
 * const { folds } = await backtest('load.csv', { target: 'load', time: 'at', lags: ['load:24,168'], horizon: '24' });
 */
export async function backtest(inputs: Inputs, given: BacktestOptions & Hooks): Promise<BacktestResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks: Hooks = { signal, onProgress, onNote };
  const started = performance.now();
  const { folds, testSpan, season, ...rest } = checkOptions(backtestShape, plain);
  const asked = { ...rest, testFraction: 0, split: 'time', folds: undefined } as const;
  let options: CheckedTrain = { ...trainShape.parse({}), ...asked, timed: true };
  const family = askedLearner(options);
  if (family) checkFamily(family, options);
  checkLossOptions(options);
  checkTimeOptions(options);
  const opened = await openData(inputs, options, hooks, { needTarget: true });
  const { data, clock } = await withNaive(opened, options, season, hooks);
  const choice = family === undefined ? chooseLearner(data.schema, data.snapshot.rows) : undefined;
  if (choice) {
    checkFamily(choice.family, options);
    options = { ...options, learner: choice.family };
  }
  const { bytes, rows } = data.snapshot;
  const executor = openExecutor(options, { bytes, cells: rows * data.schema.fields.length });
  try {
    const session = await openSession(executor, data, hooks, options.cache);
    const range = await timeRange(session, clock);
    const results: (BacktestFold & { readonly label: LabelSpec; readonly learner: string })[] = [];
    for (const borders of await foldsOf(session, data, range, options, { folds, testSpan })) {
      results.push(await judge(session, data, range, options, borders, hooks));
      onNote?.(`fold ${results.length} of ${folds} is done`);
    }
    await session.close();
    const [first] = results;
    return {
      target: `${first.label.column} · ${first.label.note}`,
      learner: first.learner,
      folds: results.map(({ learned, tested, metrics, naive }) => ({ learned, tested, metrics, naive })),
      metrics: overFolds(results.map(({ metrics }) => metrics)),
      naive: first.naive.map(({ name }, at) => ({
        name,
        metrics: overFolds(results.map(({ naive }) => naive[at].metrics)),
      })),
      notes: [...data.notes, ...(choice ? [`${choice.family}: ${choice.why}`] : [])],
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await executor.close();
  }
}

/** The data with the features that were asked for, and columns of naive forecasts that nobody learns from. */
async function withNaive(data: Data, options: CheckedTrain, season: string | undefined, hooks: Hooks) {
  const { time, byRow } = clockOf(data, options);
  const column = data.schema.fields.find(({ role }) => role === 'label')?.name as string;
  const horizon = parseSpan(options.horizon ?? '1', 'horizon');
  const back = seasonOf(season, horizon);
  const named = [
    { name: LAST, column, span: horizon },
    ...(back ? [{ name: SEASON, column, span: back }] : []),
  ];
  const spec = historySpec(data.schema, { ...options, named });
  const ignored = named.map(({ name }) => name);
  const task = { spec, position: byRow, ignored, cached: options.cache };
  const { data: derived } = await withHistory(data, task, { ...hooks, resources: options });
  return { data: derived, clock: time ?? POSITION };
}

/** The least number of whole seasons that is known a horizon ahead. */
function seasonOf(text: string | undefined, horizon: Span): Span | undefined {
  if (text === undefined) return undefined;
  const season = parseSpan(text, 'season');
  if ('rows' in season && 'rows' in horizon)
    return { rows: season.rows * Math.ceil(horizon.rows / season.rows) };
  if ('milliseconds' in season && 'milliseconds' in horizon) {
    return { milliseconds: season.milliseconds * Math.ceil(horizon.milliseconds / season.milliseconds) };
  }
  if ('rows' in horizon && horizon.rows === 1) return season;
  throw new SoraError(
    'bad-option',
    `Option --season is "${text}", and --horizon "${spanText(horizon)}": give both in rows, or both as times.`,
  );
}

/** Borders of the folds, oldest first: equal stretches at the end, each behind all (or a window) of what is before it. */
async function foldsOf(
  session: Session,
  data: Data,
  range: TimeRange,
  options: CheckedTrain,
  { folds, testSpan }: { readonly folds: number; readonly testSpan?: string },
): Promise<Borders[]> {
  const { column, rows, newest } = range;
  const span =
    testSpan === undefined ? { rows: Math.floor(rows / (folds + 1)) } : parseSpan(testSpan, 'test-span');
  const start = async (back: number) =>
    'rows' in span
      ? timeOfNewest(session, range, back * span.rows)
      : newest + 1 - back * ticks(span, data, range, 'test-span');
  const borders: Borders[] = [];
  let test: Range | undefined;
  for (let fold = 0; fold < folds; fold++) {
    const from = test?.to ?? (await start(folds - fold));
    test = { column, from, ...(fold < folds - 1 ? { to: await start(folds - fold - 1) } : {}) };
    const end = await backFrom(session, data, range, from, options.gap, 'gap');
    const first =
      options.window === undefined
        ? undefined
        : await backFrom(session, data, range, end, options.window, 'window');
    borders.push({ learn: { column, ...(first === undefined ? {} : { from: first }), to: end }, test });
  }
  if ((borders[0].learn.to as number) > range.oldest) return borders;
  throw new SoraError(
    'bad-data',
    `Nothing is left to learn from before the first of ${folds} folds: use fewer (--folds), or shorter ones (--test-span).`,
  );
}

/** A time that lies a distance before another. */
async function backFrom(
  session: Session,
  data: Data,
  range: TimeRange,
  time: number,
  text: string | undefined,
  option: string,
): Promise<number> {
  if (text === undefined) return time;
  const span = parseSpan(text, option);
  if (!('rows' in span)) return time - ticks(span, data, range, option);
  return timeOfNewest(session, range, (await rowsFrom(session, range, time)) + span.rows);
}

/** Fits on one side of the borders and judges on the other. */
async function judge(
  session: Session,
  data: Data,
  range: TimeRange,
  options: CheckedTrain,
  { learn, test }: Borders,
  hooks: Hooks,
): Promise<BacktestFold & { readonly label: LabelSpec; readonly learner: string }> {
  const { seed } = options;
  const train: Split = { seed, fraction: 0, side: 'train', within: learn };
  const held: Split = { seed, fraction: 1, side: 'test', within: test };
  const after = await rowsFrom(session, range, learn.to as number);
  const ageing = ageingOf(data, range, { end: learn.to, after }, options.halfLife);
  const fitted = await fitOn(
    session,
    data.schema,
    { ...options, ...(ageing ? { ageing } : {}) },
    train,
    hooks,
  );
  const evaluation = await evaluateOn(session, fitted, held);
  const columns = [LAST, SEASON].filter((name) => data.schema.fields.some((field) => field.name === name));
  const { column, classes } = fitted.label;
  const { value: naive } = await session.reduce<unknown, readonly Naive[]>({
    summary: naiveReference({ label: { column, ...(classes ? { classes } : {}) }, columns, split: held }),
    keep: 'root',
    label: 'naive forecasts',
  });
  return {
    learned: { ...stretch(data.schema, learn), rows: fitted.baseline.rows },
    tested: { ...stretch(data.schema, test), rows: evaluation.rows },
    metrics: evaluation.metrics,
    naive,
    label: fitted.label,
    learner: learnerName(fitted.learner.record),
  };
}

/** A range with its ends as people read them. */
function stretch({ fields }: Data['schema'], { column, from, to }: Range): Omit<Stretch, 'rows'> {
  const isTime = fields.some(({ name, type }) => name === column && type === 'timestamp');
  const text = (end: number) => (isTime ? new Date(end).toISOString() : end);
  return {
    ...(from === undefined ? {} : { from: text(from) }),
    ...(to === undefined ? {} : { to: text(to) }),
  };
}

/** Metrics over folds, of those that the first fold has. */
function overFolds(folds: readonly (readonly Metric[])[]): FoldMetric[] {
  return folds[0].map(({ name }) =>
    foldMetric(
      name,
      folds.flatMap((metrics) => metrics.filter((one) => one.name === name).map(({ value }) => value)),
    ),
  );
}
