/** `sora ingest`: files become particles in a store, in one commit. */
import { Command } from 'commander';
import { formatBytes, formatCount, formatDuration } from '../explain/format.ts';
import type { IngestResult } from '../pipeline/ingest.ts';
import { ingestShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora ingest people.csv --target income
  sora ingest march.csv --store people.sora --append
  sora ingest 'logs/*.ndjson.gz' --store logs.sora --bad-rows quarantine
  sora ingest --sql "SELECT * FROM 'trips.parquet' WHERE fare > 0" --store trips.sora`;

/** What an ingest did, on one screen. */
export function ingestScreen(result: IngestResult): string {
  const rate = `${formatCount(result.rows / Math.max(result.seconds, 1e-3))} rows/s`;
  const did = result.unchanged
    ? 'unchanged: the store already holds exactly this'
    : `${formatDuration(1000 * result.seconds)} · ${rate}`;
  return alignRows([
    ['  rows', `${formatCount(result.rows)} in ${formatCount(result.particles)} particles`],
    ['  size', formatBytes(result.bytes)],
    ...(result.badRows > 0
      ? [
          [
            '  bad rows',
            `${formatCount(result.badRows)}${result.quarantine ? ` in ${pathOf(result.quarantine)}` : ''}`,
          ],
        ]
      : []),
    ['  time', did],
    ['  store', `${pathOf(result.store)} · commit ${result.commit}`],
  ]);
}

export function ingestCommand(): Command {
  const command = new Command('ingest')
    .description('Turn files, a query or standard input into a store of particles.')
    .argument('[inputs...]', 'files, folders, globs, or - for standard input');
  addCommonFlags(addFlags(command, ingestShape)).addHelpText('after', EXAMPLES);
  return command.action((inputs: string[], flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(ingestShape, flags);
      const { ingest } = await import('../pipeline/ingest.ts');
      const result = await ingest(inputs, { ...options, signal, onProgress, onNote: say });
      return { json: result, screen: ingestScreen(result) };
    }),
  );
}
