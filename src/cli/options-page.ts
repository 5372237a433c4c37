/** The page `docs/options.md`, written from the option schemas; a test keeps the file equal to it. */
import type { z } from 'zod';
import { followShape } from '../pipeline/follow/options.ts';
import {
  backtestShape,
  compactShape,
  driftShape,
  evaluateShape,
  explainShape,
  exportShape,
  flagName,
  importShape,
  ingestShape,
  inspectShape,
  predictShape,
  trainShape,
  updateShape,
  verifyShape,
} from '../pipeline/options.ts';
import { flagsOf } from './flags.ts';

const COMMANDS: readonly (readonly [string, z.ZodObject])[] = [
  ['train', trainShape],
  ['update', updateShape],
  ['backtest', backtestShape],
  ['predict', predictShape],
  ['evaluate', evaluateShape],
  ['explain', explainShape],
  ['ingest', ingestShape],
  ['follow', followShape],
  ['inspect', inspectShape],
  ['drift', driftShape],
  ['verify', verifyShape],
  ['compact', compactShape],
  ['import', importShape],
  ['export', exportShape],
];

function fallbackText(fallback: unknown): string {
  return fallback === undefined ? '' : `\`${String(fallback)}\``;
}

function commandTable([name, shape]: readonly [string, z.ZodObject]): string {
  const rows = flagsOf(shape).map((flag) => {
    const choices = flag.choices
      ? ` One of ${flag.choices.map((choice) => `\`${choice}\``).join(', ')}.`
      : '';
    const names = `\`--${flagName(flag.key)}\` | \`${flag.key}\``;
    return `| ${names} | ${flag.kind} | ${fallbackText(flag.fallback)} | ${flag.description}${choices} |`;
  });
  return [
    `## sora ${name}`,
    '',
    '| flag | in the API | kind | default | what it does |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** Markdown of all options of all commands. */
export function optionsPage(): string {
  return [
    '# Options',
    '',
    'Written from `src/pipeline/options.ts`, where every option is declared once. Lists take commas or repeated flags,',
    'pairs are `name=value`, a boolean is switched off by `--no-…`. Every command also has `--json`, `--quiet` and',
    '`--help`.',
    '',
    ...COMMANDS.map(commandTable),
  ].join('\n');
}
