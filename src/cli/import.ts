/** `sora import`: a model of LightGBM or XGBoost becomes a model of Sora. */
import { Command } from 'commander';
import { formatCount } from '../explain/format.ts';
import type { ImportResult } from '../pipeline/exchange.ts';
import { importShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { listOf, pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora import model.txt --target income --classes no,yes
  sora import model.json --out churn.model
  sora predict churn.model new.csv > predictions.csv

Read are text models of LightGBM (Booster.save_model) and JSON models of XGBoost (save_model("model.json")).`;

/** What was read, on one screen. */
function importScreen(result: ImportResult): string {
  const { source, objective, kind, trees, leaves, columns, classes, target, directory, notes } = result;
  const answer = classes === undefined ? kind : `${kind}: ${listOf(classes)}`;
  return alignRows([
    ['  model', `${formatCount(trees)} trees, ${formatCount(leaves)} leaves, of ${source} (${objective})`],
    ['  columns', `${formatCount(columns.length)}: ${listOf(columns)}`],
    ['  predicts', `${target} (${answer})`],
    ...notes.map((note) => ['  note', note]),
    ['  saved', pathOf(directory)],
  ]);
}

export function importCommand(): Command {
  const command = new Command('import')
    .description('Turn a model of LightGBM or XGBoost into a model of Sora.')
    .argument('<file>', 'model file');
  addCommonFlags(addFlags(command, importShape)).addHelpText('after', EXAMPLES);
  return command.action((file: string, flags) =>
    runCommand(flags, async () => {
      const { importModel } = await import('../pipeline/exchange.ts');
      const result = await importModel(file, readFlags(importShape, flags));
      return { json: result, screen: importScreen(result) };
    }),
  );
}
