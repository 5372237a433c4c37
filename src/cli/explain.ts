/** `sora explain`: what each column gives to the predictions of a model, over all rows and row by row. */
import { Command } from 'commander';
import {
  formatCount,
  formatCounted,
  formatDuration,
  formatNumber,
  formatPercent,
  formatShort,
} from '../explain/format.ts';
import type { ColumnExplanation, ExplainResult, RowExplanation } from '../pipeline/explain.ts';
import { explainShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora explain people.sora/models/income new.csv
  sora explain people.sora/models/income new.csv --out why.csv --keep id
  sora explain people.sora/models/income people.sora --interactions --limit 1000
  sora explain people.sora/models/income people.sora --permutations 5

Contributions are in the unit of the margin: log odds for two classes, the target's own unit for numbers. Base and
contributions of a row add up to its margin. They say what the model does, not what causes what.`;

const COLUMNS = 15;
const CONTRIBUTIONS = 5;

function bar(strength: number, most: number): string {
  return '▇'.repeat(Math.max(strength > 0 ? 1 : 0, Math.round((16 * strength) / most)));
}

/** Columns by their strength, with what else is known of them. */
function columnsTable(title: string, columns: readonly ColumnExplanation[]): string {
  const shown = columns.slice(0, COLUMNS);
  const most = shown[0]?.strength || 1;
  const [first] = shown;
  const hasGain = first?.gain !== undefined;
  const hasLoss = first?.lossIncrease !== undefined;
  const head = [
    `  ${title}`,
    '',
    'mean |c|',
    ...(hasGain ? ['gain', 'splits'] : []),
    ...(hasLoss ? ['loss without it'] : []),
  ];
  const rows = shown.map(({ name, strength, gain = 0, splits = 0, lossIncrease }) => [
    `    ${formatShort(name, 40)}`,
    bar(strength, most),
    formatNumber(strength),
    ...(hasGain ? [formatPercent(gain), formatPercent(splits)] : []),
    ...(lossIncrease
      ? [`+${formatNumber(lossIncrease.mean)} ± ${formatNumber(lossIncrease.spread)}`.replace('+-', '-')]
      : []),
  ]);
  const more = columns.length - shown.length;
  return `${alignRows([head, ...rows], [2, 3, 4, 5])}${more > 0 ? `\n    and ${formatCount(more)} more` : ''}\n`;
}

/** A row: how its margin comes about. */
function rowText({ row, prediction, output, base, margin, contributions }: RowExplanation): string {
  const shown = contributions.slice(0, CONTRIBUTIONS).filter(({ contribution }) => contribution !== 0);
  const rest = margin - base - shown.reduce((sum, { contribution }) => sum + contribution, 0);
  const signed = (x: number) => (x < 0 ? formatNumber(x) : `+${formatNumber(x)}`);
  const said = typeof prediction === 'number' ? formatNumber(prediction) : String(prediction);
  return [
    `  row ${row}: ${said}, margin${output === '' ? '' : ` of ${output}`} ${formatNumber(margin)}`,
    alignRows(
      [
        ['    base', '', formatNumber(base)],
        ...shown.map(({ name, value, contribution }) => [
          `    ${formatShort(name, 40)}`,
          value === null ? '' : formatShort(String(value), 24),
          signed(contribution),
        ]),
        ...(contributions.length > shown.length ? [['    all others', '', signed(rest)]] : []),
      ],
      [2],
    ),
    '',
  ].join('\n');
}

/** One screen: columns over all rows, pairs, then the first rows. */
export function explainScreen(result: ExplainResult): string {
  const { rows, unit, columns, interactions, first, loss, notes } = result;
  return [
    `\n  ${formatCounted(rows, 'row')} explained; contributions c are in ${unit}\n`,
    columnsTable(interactions ? 'columns alone' : 'columns', columns),
    ...(interactions ? [columnsTable('pairs of columns', interactions)] : []),
    ...(loss ? [`  mean loss ${formatNumber(loss.mean)} on ${formatCounted(loss.rows, 'row')}\n`] : []),
    ...first.map(rowText),
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .description('Show what each column gives to the predictions of a model: exact SHAP values.')
    .argument('<model>', 'model directory')
    .argument('[inputs...]', 'files, folders, globs, a store, or - for standard input');
  addCommonFlags(addFlags(command, explainShape)).addHelpText('after', EXAMPLES);
  return command.action((model: string, inputs: string[], flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(explainShape, flags);
      const { explain } = await import('../pipeline/explain.ts');
      const result = await explain(model, inputs, { ...options, signal, onProgress, onNote: say });
      const place = result.out === undefined ? '' : ` · ${pathOf(result.out)}`;
      say(`${formatCounted(result.rows, 'row')} in ${formatDuration(1000 * result.seconds)}${place}`);
      return { json: result, screen: result.out === undefined ? explainScreen(result) : '' };
    }),
  );
}
