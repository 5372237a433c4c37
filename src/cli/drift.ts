/** `sora drift`: what has changed between two sets of rows, column by column. */
import { Command } from 'commander';
import type { ColumnDrift } from '../evaluate/drift.ts';
import { formatCount, formatNumber, formatPercent, formatShort } from '../explain/format.ts';
import type { DriftResult } from '../pipeline/drift.ts';
import { driftShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { listOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora drift people.sora --against later.csv
  sora drift stream.sora --window 10000 --fail-over 0.25
  sora drift people.sora/models/income --against later.csv
  sora drift stream.sora --at -5 --json

The score of a column is its population stability index (or that of its missing values), where it is above what chance
gives: below 0.1 nothing to speak of, from 0.25 on much. p is of the test of Kolmogorov and Smirnov, corrected for all
columns by Holm's method. Exit code 1: the score of some column reached --fail-over.`;

/** Columns that are listed. */
const MOST = 40;

function columnRow({ name, role, psi, chance, js, ks, missing, most, level }: ColumnDrift): string[] {
  const share = (value: number) => formatPercent(value);
  return [
    `  ${formatShort(name, 32)}${role === 'label' ? ' (label)' : ''}`,
    { none: '', moderate: 'moderate', large: 'LARGE' }[level],
    psi.toFixed(3),
    chance.toFixed(3),
    js.toFixed(3),
    ks === undefined ? '' : ks.distance.toFixed(3),
    ks === undefined ? '' : ks.corrected < 1e-4 ? '< 0.0001' : formatNumber(ks.corrected),
    missing.reference === missing.against ? '' : `${share(missing.reference)} → ${share(missing.against)}`,
    most === undefined
      ? ''
      : `${formatShort(most.place, 24)}: ${share(most.reference)} → ${share(most.against)}`,
  ];
}

/** The table, and what follows from it. */
export function driftScreen(result: DriftResult): string {
  const { columns, rows, incomparable } = result;
  const head = ['  column', '', 'PSI', 'chance', 'JS', 'KS', 'p', 'missing', 'what moved most'];
  const left = columns.length - MOST;
  return [
    `\n  ${result.reference} (${formatCount(rows.reference)} rows) → ${result.against} (${formatCount(rows.against)} rows)`,
    '',
    alignRows([head, ...columns.slice(0, MOST).map(columnRow)], [2, 3, 4, 5, 6]),
    ...(left > 0 ? [`  … and ${left} more that moved less (--json lists all)`] : []),
    ...(incomparable.length > 0 ? ['', `  Not compared: ${listOf(incomparable)}`] : []),
    '',
    `  ${result.verdict}`,
  ].join('\n');
}

export function driftCommand(): Command {
  const command = new Command('drift')
    .description('Show which columns have changed between older and newer rows, and how much.')
    .argument('<path>', 'store, file, or model directory (whose training rows are the reference)');
  addCommonFlags(addFlags(command, driftShape)).addHelpText('after', EXAMPLES);
  return command.action((path: string, flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(driftShape, flags);
      const { drift } = await import('../pipeline/drift.ts');
      const result = await drift(path, { ...options, signal, onProgress, onNote: say });
      return { json: result, screen: driftScreen(result), exit: result.failed ? 1 : 0 };
    }),
  );
}
