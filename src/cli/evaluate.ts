/** `sora evaluate`: how good a model is on labelled data. */
import { Command } from 'commander';
import { evaluateShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { metricsScreen } from './screen.ts';

const EXAMPLES = `
Examples:
  sora evaluate people.sora/models/income later.csv
  sora evaluate people.sora/models/income people.sora --at 3 --json`;

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('Evaluate a model on labelled rows, with intervals and the baseline beside it.')
    .argument('<model>', 'model directory')
    .argument('[inputs...]', 'files, folders, globs, a store, or - for standard input');
  addCommonFlags(addFlags(command, evaluateShape)).addHelpText('after', EXAMPLES);
  return command.action((model: string, inputs: string[], flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(evaluateShape, flags);
      const { evaluate } = await import('../pipeline/evaluate.ts');
      const result = await evaluate(model, inputs, { ...options, signal, onProgress, onNote: say });
      return { json: result, screen: `\n${metricsScreen(result.evaluation)}  ${result.verdict}` };
    }),
  );
}
