/** `sora compact`: small particles of a store become larger ones and oversized ones smaller, in one commit. */
import { Command } from 'commander';
import { formatBytes, formatCount, formatDuration } from '../explain/format.ts';
import type { CompactResult } from '../pipeline/compact.ts';
import { compactShape } from '../pipeline/options.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora compact people.sora --dry-run
  sora compact people.sora
  sora compact people.sora --json

Rows and their order stay. Earlier commits keep their particles and are read as before (--at).`;

/** What was done, or would be, on one screen. */
export function compactScreen(result: CompactResult): string {
  const { store, particles, bytes, written, dryRun, commit } = result;
  if (!result.changed) {
    return `Nothing to do: the ${formatCount(particles.before)} particles of ${pathOf(store)} (${formatCount(result.rows)} rows) are of the right size.`;
  }
  const parts = [
    particles.merged > 0 ? `${formatCount(particles.merged)} merged` : '',
    particles.split > 0 ? `${formatCount(particles.split)} split` : '',
    particles.kept > 0 ? `${formatCount(particles.kept)} kept` : '',
  ].filter((part) => part !== '');
  const counts = `${formatCount(particles.before)} → ${formatCount(particles.after)} (${parts.join(', ')})`;
  const rows = `${formatCount(result.rows)}, in the same order`;
  if (dryRun) {
    return alignRows([
      ['  particles', counts],
      ['  rows', rows],
      ['  bytes', `${formatBytes(bytes.before)} now`],
      ['  store', `${pathOf(store)} · commit ${commit}; nothing was changed (--dry-run)`],
    ]);
  }
  const files = `${formatBytes(written.bytes)} in ${formatCount(written.particles)} particles; the old ones stay for commits up to ${commit - 1}`;
  return alignRows([
    ['  particles', counts],
    ['  rows', rows],
    ['  bytes', `${formatBytes(bytes.before)} → ${formatBytes(bytes.after ?? 0)}`],
    ['  written', files],
    ['  time', formatDuration(1000 * result.seconds)],
    ['  store', `${pathOf(store)} · commit ${commit}`],
  ]);
}

export function compactCommand(): Command {
  const command = new Command('compact')
    .description('Merge small particles of a store and split oversized ones, in one commit.')
    .argument('<store>', 'store directory');
  addCommonFlags(addFlags(command, compactShape)).addHelpText('after', EXAMPLES);
  return command.action((directory: string, flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const { compact } = await import('../pipeline/compact.ts');
      const options = readFlags(compactShape, flags);
      const result = await compact(directory, { ...options, signal, onProgress, onNote: say });
      return { json: result, screen: compactScreen(result) };
    }),
  );
}
