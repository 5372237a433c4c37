/** `sora verify`: reads every byte of a store and names what is damaged. */
import { Command } from 'commander';
import { formatBytes, formatCount } from '../explain/format.ts';
import { verifyShape } from '../pipeline/options.ts';
import type { VerifyReport } from '../store/verify.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';

const EXAMPLES = `
Examples:
  sora verify people.sora
  sora verify people.sora --repair

Exit code 0: everything is as it was written, or has been repaired. 1: damage was found (and is listed).`;

/** What was found, a line for each thing that is wrong, and the verdict. */
export function verifyScreen(report: VerifyReport): string {
  const { problems, orphans, leftovers, unknown } = report;
  const lines = problems.map(
    ({ file, kind, expected, found, remedy, repaired }) =>
      `  ${file}: ${kind}; expected ${expected}, found ${found}. ${repaired ? 'Repaired.' : remedy}`,
  );
  const read = `${formatCount(report.files)} files, ${formatBytes(report.bytes)} read`;
  const left = problems.filter(({ repaired }) => !repaired).length;
  const mended = problems.length - left;
  const verdict =
    left === 0 ? `Sound: ${read}.` : `Damaged: ${left} ${left === 1 ? 'problem' : 'problems'}; ${read}.`;
  const loose = [
    mended > 0 ? ` ${mended} repaired.` : '',
    orphans.length > 0 ? ` ${orphans.length} files that no commit names.` : '',
    leftovers.length > 0 ? ` ${leftovers.length} unfinished writes.` : '',
    unknown.length > 0 ? ` Not of the store: ${unknown.join(', ')}.` : '',
  ];
  return [...lines, verdict + loose.join('')].join('\n');
}

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Check every byte of a store against its hash.')
    .argument('<store>', 'store directory');
  addCommonFlags(addFlags(command, verifyShape)).addHelpText('after', EXAMPLES);
  return command.action((directory: string, flags) =>
    runCommand(flags, async ({ signal, onProgress }) => {
      const { verify } = await import('../pipeline/verify.ts');
      const report = await verify(directory, { ...readFlags(verifyShape, flags), signal, onProgress });
      return { json: report, screen: verifyScreen(report), exit: report.ok ? 0 : 1 };
    }),
  );
}
