/** `sora verify`: reads every byte of a store and names what is damaged. */
import { Command } from 'commander';
import { formatBytes, formatCount } from '../explain/format.ts';
import { verifyShape } from '../pipeline/options.ts';
import { verify } from '../pipeline/verify.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';

const EXAMPLES = `
Examples:
  sora verify people.sora
  sora verify people.sora --repair

Exit code 0: everything is as it was written. 1: damage was found (and is listed).`;

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Check every byte of a store against its hash.')
    .argument('<store>', 'store directory');
  addCommonFlags(addFlags(command, verifyShape)).addHelpText('after', EXAMPLES);
  return command.action((directory: string, flags) =>
    runCommand(flags, async ({ signal, onProgress }) => {
      const report = await verify(directory, { ...readFlags(verifyShape, flags), signal, onProgress });
      const lines = report.problems.map(
        (problem) =>
          `  ${problem.file}: ${problem.kind}; expected ${problem.expected}, found ${problem.found}. ${problem.remedy}`,
      );
      const read = `${formatCount(report.files)} files, ${formatBytes(report.bytes)} read`;
      const loose = report.orphans.length > 0 ? ` ${report.orphans.length} files that no commit names.` : '';
      const verdict = lines.length === 0 ? `Sound: ${read}.` : `Damaged: ${lines.length} problems; ${read}.`;
      return {
        json: report,
        screen: [...lines, verdict + loose].join('\n'),
        exit: lines.length === 0 ? 0 : 1,
      };
    }),
  );
}
