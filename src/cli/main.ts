#!/usr/bin/env node
/** Entry of the command line: one file a command, registered here. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ERRORS } from '../errors.ts';
import { backtestCommand } from './backtest.ts';
import { compactCommand } from './compact.ts';
import { driftCommand } from './drift.ts';
import { evaluateCommand } from './evaluate.ts';
import { explainCommand } from './explain.ts';
import { exportCommand } from './export.ts';
import { followCommand } from './follow.ts';
import { importCommand } from './import.ts';
import { ingestCommand } from './ingest.ts';
import { inspectCommand } from './inspect.ts';
import { predictCommand } from './predict.ts';
import { trainCommand } from './train.ts';
import { updateCommand } from './update.ts';
import { verifyCommand } from './verify.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = new Command('sora')
  .description('Machine learning on particles: from a file to a model you can trust.')
  .version(version)
  .showHelpAfterError('Run with --help for options and examples.')
  .showSuggestionAfterError()
  .addCommand(trainCommand())
  .addCommand(updateCommand())
  .addCommand(backtestCommand())
  .addCommand(predictCommand())
  .addCommand(evaluateCommand())
  .addCommand(explainCommand())
  .addCommand(ingestCommand())
  .addCommand(followCommand())
  .addCommand(inspectCommand())
  .addCommand(driftCommand())
  .addCommand(verifyCommand())
  .addCommand(compactCommand())
  .addCommand(importCommand())
  .addCommand(exportCommand())
  .addHelpText(
    'after',
    `
Examples:
  sora train people.csv --target income
  sora predict people.sora/models/income new.csv --out predictions.csv
  sora inspect people.sora`,
  );

/** `exitOverride` does not pass on to commands that were made elsewhere. */
for (const command of [program, ...program.commands]) command.exitOverride();

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`sora: Could not write to standard output: ${error.message}\n`);
  process.exit(ERRORS['io-failed'].exit);
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : ERRORS['bad-option'].exit;
}
