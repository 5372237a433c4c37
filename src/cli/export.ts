/** `sora export`: a model of trees as a file of LightGBM, or as ONNX. */
import { Command } from 'commander';
import { formatBytes, formatCount } from '../explain/format.ts';
import type { ExportResult } from '../pipeline/exchange.ts';
import { exportShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { listOf, pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora export people.sora/models/income --out income.onnx
  sora export people.sora/models/income --format lightgbm
  sora export people.sora/models/income --out income.onnx --force --json`;

/** What was written, on one screen. */
function exportScreen({ file, format, bytes, trees, leaves, features, notes }: ExportResult): string {
  return alignRows([
    ['  model', `${formatCount(trees)} trees, ${formatCount(leaves)} leaves`],
    ['  features', `${formatCount(features.length)}, in this order: ${listOf(features)}`],
    ...notes.map((note) => ['  note', note]),
    ['  written', `${pathOf(file)} (${format}, ${formatBytes(bytes)})`],
  ]);
}

export function exportCommand(): Command {
  const command = new Command('export')
    .description('Write a model of trees as a text model of LightGBM, or as ONNX.')
    .argument('<model>', 'model directory');
  addCommonFlags(addFlags(command, exportShape)).addHelpText('after', EXAMPLES);
  return command.action((directory: string, flags) =>
    runCommand(flags, async () => {
      const { exportModel } = await import('../pipeline/exchange.ts');
      const result = await exportModel(directory, readFlags(exportShape, flags));
      return { json: result, screen: exportScreen(result) };
    }),
  );
}
