/** `sora inspect`: shows what a store, model, particle file or data file holds. */
import { Command } from 'commander';
import { formatBytes, formatCount, formatNumber, formatPercent } from '../explain/format.ts';
import type { Model } from '../model/model.ts';
import { describeEnd, describeValues } from '../pipeline/describe.ts';
import type { Inspection } from '../pipeline/inspect.ts';
import { inspectShape } from '../pipeline/options.ts';
import { describeRecipe } from '../recipe/recipe.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora inspect people.csv
  sora inspect people.sora --at -1
  sora inspect people.sora --summary moments --json
  sora inspect people.sora/models/income`;

const RECENT = 10;

function dataScreen(found: Extract<Inspection, { kind: 'data' }>): string {
  const { snapshot, profile, commits, summary } = found;
  const head = ['  column', 'type', 'role', 'missing', 'values'];
  const rows = profile.columns.map((column) => [
    `  ${column.name}`,
    column.type,
    column.role,
    formatPercent(column.missing / Math.max(1, column.missing + column.present)),
    column.present > 0 ? describeValues(column) : '',
  ]);
  const log = commits
    .slice(-RECENT)
    .map(({ commit, when, why, add }) => [`  ${commit}`, when, `+${add.length} particles`, why]);
  const size = `${formatCount(snapshot.rows)} rows · ${formatCount(snapshot.particles.length)} particles · ${formatBytes(snapshot.bytes)}`;
  return [
    `\n  ${pathOf(found.path)} · ${size}${found.isStore ? ` · commit ${snapshot.commit}` : ''}`,
    '',
    alignRows([head, ...rows], [3]),
    ...(log.length > 0 ? ['', '  commits', alignRows(log)] : []),
    ...(summary ? ['', `  ${summary.name}`, JSON.stringify(summary.value, null, 2)] : []),
  ].join('\n');
}

/** What is known of the fit, by learner. */
function learnerRows({ learner }: Model): string[][] {
  if (learner.name === 'glm') return [['  objective', formatNumber(learner.objective)]];
  return [];
}

function modelScreen(path: string, model: Model): string {
  const { learner, recipe, provenance } = model;
  return [
    `\n  ${pathOf(path)}`,
    alignRows([
      ['  learner', `${learner.name}, ${learner.loss} loss, ${describeEnd(learner)}`],
      ...learnerRows(model),
      ['  features', `${formatCount(recipe.width)} (${recipe.layout})`],
      ['  snapshot', provenance.snapshot ?? ''],
      ['  written by', `sora ${provenance.sora}`],
    ]),
    '',
    ...describeRecipe(recipe).map((line) => `  ${line}`),
  ].join('\n');
}

/** The screen of what was found. */
export function inspectScreen(found: Inspection): string {
  if (found.kind === 'data') return dataScreen(found);
  if (found.kind === 'model') return modelScreen(found.path, found.model);
  return `\n  particle ${found.hash}\n\n${found.text}`;
}

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('Show what a store, a model, a particle file or a data file holds.')
    .argument('<path>', 'store, model directory, particle (.arrow) or data file');
  addCommonFlags(addFlags(command, inspectShape)).addHelpText('after', EXAMPLES);
  return command.action((path: string, flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const { inspect } = await import('../pipeline/inspect.ts');
      const found = await inspect(path, {
        ...readFlags(inspectShape, flags),
        signal,
        onProgress,
        onNote: say,
      });
      return { json: found, screen: inspectScreen(found) };
    }),
  );
}
