/** `sora predict`: a model applied to files of any size. */
import { Command } from 'commander';
import { formatCount, formatDuration } from '../explain/format.ts';
import { predictShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { pathOf } from './screen.ts';

const EXAMPLES = `
Examples:
  sora predict people.sora/models/income new.csv > predictions.csv
  sora predict people.sora/models/income new.parquet --out predictions.parquet --keep id,name
  cat new.ndjson | sora predict people.sora/models/income -`;

export function predictCommand(): Command {
  const command = new Command('predict')
    .description('Predict rows of files, a store or standard input; one line out for each row in.')
    .argument('<model>', 'model directory')
    .argument('[inputs...]', 'files, folders, globs, a store, or - for standard input');
  addCommonFlags(addFlags(command, predictShape)).addHelpText('after', EXAMPLES);
  return command.action((model: string, inputs: string[], flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(predictShape, flags);
      const { predict } = await import('../pipeline/predict.ts');
      const result = await predict(model, inputs, { ...options, signal, onProgress, onNote: say });
      const place = result.out === undefined ? '' : ` · ${pathOf(result.out)}`;
      say(`${formatCount(result.rows)} rows in ${formatDuration(1000 * result.seconds)}${place}`);
      return { json: result, screen: '' };
    }),
  );
}
