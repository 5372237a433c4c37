/** `sora backtest`: how good a model would have been at several moments, beside forecasts that need none. */
import { Command } from 'commander';
import { metricLabel } from '../evaluate/result.ts';
import { formatCount, formatDuration, formatNumber } from '../explain/format.ts';
import type { BacktestFold, BacktestResult } from '../pipeline/backtest.ts';
import { backtestShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora backtest load.csv --target load --time at --lags load:24,168 --horizon 24 --season 168
  sora backtest load.csv --target load --time at --folds 8 --test-span 30d --gap 1d --window 365d
  sora backtest store.sora --target sales --time day --by shop --lags sales:7 --rolling sales:mean:28 --horizon 7`;

/** Metrics that a screen has room for. */
const SHOWN = ['rmse', 'mae', 'accuracy', 'auc', 'logLoss'];

function foldRow(fold: BacktestFold, index: number, names: readonly string[]): string[] {
  const { learned, tested, metrics, naive } = fold;
  const of = (list: BacktestFold['metrics'], name: string) => {
    const found = list.find((metric) => metric.name === name);
    return found === undefined ? '' : formatNumber(found.value);
  };
  return [
    `    ${index + 1}`,
    day(tested.from),
    formatCount(learned.rows),
    formatCount(tested.rows),
    ...names.flatMap((name) => [of(metrics, name), ...naive.map((one) => of(one.metrics, name))]),
  ];
}

/** A time without its seconds; a number as it is. */
function day(time: string | number | undefined): string {
  return typeof time === 'string' ? time.slice(0, 16).replace('T', ' ') : String(time ?? '');
}

/** The one screen of a backtest. */
export function backtestScreen({
  target,
  learner,
  folds,
  metrics,
  naive,
  notes,
  seconds,
}: BacktestResult): string {
  const names = SHOWN.filter((name) => metrics.some((metric) => metric.name === name));
  const head = [
    '  fold',
    'tested from',
    'learned',
    'tested',
    ...names.flatMap((name) => [metricLabel(name), ...naive.map((one) => one.name)]),
  ];
  const mean = (list: BacktestResult['metrics'], name: string) => {
    const found = list.find((metric) => metric.name === name);
    return found === undefined ? '' : formatNumber(found.mean);
  };
  const means = names.flatMap((name) => [
    mean(metrics, name),
    ...naive.map((one) => mean(one.metrics, name)),
  ]);
  const right = head.map((_, at) => at).slice(2);
  return [
    '',
    alignRows([
      ['  target', target],
      ['  learner', learner],
      ['  time', formatDuration(1000 * seconds)],
    ]),
    '',
    alignRows(
      [head, ...folds.map((fold, at) => foldRow(fold, at, names)), ['    mean', '', '', '', ...means]],
      right,
    ),
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}

export function backtestCommand(): Command {
  const command = new Command('backtest')
    .description('Fit and judge at several moments in turn, beside forecasts that need no model.')
    .argument('[inputs...]', 'files, folders, globs, a store, or - for standard input');
  addCommonFlags(addFlags(command, backtestShape)).addHelpText('after', EXAMPLES);
  return command.action((inputs: string[], flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(backtestShape, flags);
      const { backtest } = await import('../pipeline/backtest.ts');
      const result = await backtest(inputs, { ...options, signal, onProgress, onNote: say });
      return { json: result, screen: backtestScreen(result) };
    }),
  );
}
