/** `sora train`: data in, a model, an evaluation and a report out. */
import { Command } from 'commander';
import { formatBytes, formatCount, formatDuration, formatNumber, formatPercent } from '../explain/format.ts';
import { describeEnd } from '../pipeline/describe.ts';
import { trainShape } from '../pipeline/options.ts';
import type { TrainResult } from '../pipeline/train-result.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { metricsScreen, pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora train people.csv --target income
  sora train 'parts/*.parquet' --target price --workers 4 --memory 2GB
  sora train claims.csv --target ClaimNb --exposure Exposure
  sora train people.csv --target income --learner linear  not gradient-boosted trees
  sora train people.sora --target income --at -1          the data as of one commit ago
  cat events.ndjson | sora train - --target clicked --store events.sora`;

/** Bars of the strongest columns. */
function featuresScreen({ features, strength: measure }: TrainResult): string {
  const shown = features.slice(0, 8);
  if (shown.length === 0) return '';
  const most = shown[0].strength;
  const rows = shown.map(({ name, strength }) => [
    `    ${name}`,
    '▇'.repeat(Math.max(1, Math.round((20 * strength) / most))),
    measure === 'gain' ? formatPercent(strength) : formatNumber(strength),
  ]);
  const of = measure === 'gain' ? ' by share of the gain' : '';
  return `\n  strongest columns${of}\n${alignRows(rows)}\n`;
}

/** The strongest words and entries, where columns have a feature for each. */
function coefficientsScreen(coefficients: TrainResult['coefficients']): string {
  if (coefficients.length === 0) return '';
  const rows = coefficients.map(({ name, coefficient, class: label }) => [
    `    ${name}`,
    formatNumber(coefficient),
    label === undefined ? '' : `for ${label}`,
  ]);
  return `  largest coefficients of words and entries\n${alignRows(rows, [1])}\n`;
}

function costScreen(result: TrainResult): string {
  const stages = Object.entries(result.seconds)
    .filter(([, seconds]) => seconds > 0)
    .map(([name, seconds]) => `${name} ${formatDuration(1000 * seconds)}`)
    .join(', ');
  const total = Object.values(result.seconds).reduce((sum, seconds) => sum + seconds, 0);
  const rate = `${formatCount(result.rows.total / Math.max(total, 1e-3))} rows/s`;
  return alignRows([
    ['  time', `${formatDuration(1000 * total)} (${stages}) · ${rate}`],
    [
      '  memory',
      `${formatBytes(result.peakMemory)} at the peak, ${result.workers || 'no'} worker thread${result.workers === 1 ? '' : 's'}`,
    ],
    ['  store', `${pathOf(result.store)} · commit ${result.commit}`],
    ['  model', pathOf(result.directory)],
    ...(result.report === undefined ? [] : [['  report', pathOf(result.report)]]),
  ]);
}

function rowsLine({ train, calibration, test }: TrainResult['rows']): string {
  const calibrating = calibration === undefined ? '' : `${formatCount(calibration)} to calibrate, `;
  return `${formatCount(train)} to learn from, ${calibrating}${formatCount(test)} held out`;
}

/** The one screen that training ends with; notes that were said already are not said again. */
export function trainScreen(result: TrainResult, said: ReadonlySet<string> = new Set()): string {
  const { rows, fit } = result;
  return [
    '',
    alignRows([
      ['  target', result.target],
      ['  learner', `${result.learner} · ${formatCount(result.featureCount)} features · ${describeEnd(fit)}`],
      ['  rows', rowsLine(rows)],
    ]),
    '',
    metricsScreen(result.evaluation, result.folds),
    `  ${result.verdict}`,
    ...result.notes.filter((note) => !said.has(note)).map((note) => `  ${note}`),
    featuresScreen(result),
    coefficientsScreen(result.coefficients),
    costScreen(result),
    '',
    `  next: sora predict ${pathOf(result.directory)} <file>`,
  ].join('\n');
}

export function trainCommand(): Command {
  const command = new Command('train')
    .description('Train, evaluate and explain a model; the data becomes a store of particles.')
    .argument('[inputs...]', 'files, folders, globs, a store, or - for standard input');
  addCommonFlags(addFlags(command, trainShape)).addHelpText('after', EXAMPLES);
  return command.action((inputs: string[], flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(trainShape, flags);
      const { train } = await import('../pipeline/train.ts');
      const said = new Set<string>();
      const onNote = (note: string) => {
        said.add(note);
        say(note);
      };
      const result = await train(inputs, { ...options, signal, onProgress, onNote });
      const { model: _, ...json } = result;
      return { json, screen: trainScreen(result, said) };
    }),
  );
}
