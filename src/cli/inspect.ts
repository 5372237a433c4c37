/** `sora inspect`: shows what a store, model, particle file or data file holds. */
import { Command } from 'commander';
import { formatBytes, formatCount, formatNumber, formatPercent } from '../explain/format.ts';
import { describeEnd, describeValues, learnerName } from '../pipeline/describe.ts';
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

type FoundModel = Extract<Inspection, { kind: 'model' }>;

/** What is known of the fit, by learner. */
function learnerRows({ model: { learner }, forest }: FoundModel): string[][] {
  if (learner.name === 'glm') return [['  objective', formatNumber(learner.objective)]];
  const { trees, leaves, depth } = forest!;
  const { trainLoss, holdOutLoss } = learner;
  const known = [
    trainLoss === undefined ? '' : `${formatNumber(trainLoss)} training`,
    holdOutLoss === undefined ? '' : `${formatNumber(holdOutLoss)} on rows kept back`,
  ].filter((text) => text !== '');
  return [
    ['  trees', `${formatCount(trees)}, ${formatCount(leaves)} leaves, up to ${formatCount(depth)} deep`],
    ...(known.length > 0 ? [['  mean loss', known.join(', ')]] : []),
  ];
}

/** Columns that helped trees most. */
function importanceLines({ forest }: FoundModel): string[] {
  const used = forest?.importance.filter(({ strength }) => strength > 0) ?? [];
  if (used.length === 0) return [];
  const rows = used.slice(0, RECENT).map(({ name, strength }) => [`    ${name}`, formatPercent(strength)]);
  return ['  strongest columns by share of the gain', alignRows(rows, [1]), ''];
}

function modelScreen(found: FoundModel): string {
  const { path, model } = found;
  const { learner, recipe, provenance } = model;
  return [
    `\n  ${pathOf(path)}`,
    alignRows([
      ['  learner', `${learnerName(learner)}, ${describeEnd(learner)}`],
      ...learnerRows(found),
      ['  features', `${formatCount(recipe.width)} (${recipe.layout})`],
      ['  snapshot', provenance.snapshot ?? ''],
      ['  written by', `sora ${provenance.sora}`],
    ]),
    '',
    ...importanceLines(found),
    ...describeRecipe(recipe).map((line) => `  ${line}`),
  ].join('\n');
}

/** The screen of what was found. */
export function inspectScreen(found: Inspection): string {
  if (found.kind === 'data') return dataScreen(found);
  if (found.kind === 'model') return modelScreen(found);
  return `\n  particle ${found.hash}\n\n${found.text}`;
}

/** What was found, for programs; of trees the size, not a number for each node. */
function inspectJson(found: Inspection): unknown {
  if (found.kind !== 'model' || found.forest === undefined) return found;
  const { tensors: _, ...model } = found.model;
  return { ...found, model };
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
      return { json: inspectJson(found), screen: inspectScreen(found) };
    }),
  );
}
