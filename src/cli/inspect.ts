/** `sora inspect`: shows what a store, model, particle file or data file holds. */
import { Command } from 'commander';
import type { EvaluationResult } from '../evaluate/result.ts';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatNumber,
  formatPercent,
  formatShort,
} from '../explain/format.ts';
import type { Json } from '../json.ts';
import { describeEnd, describeValues, learnerName } from '../pipeline/describe.ts';
import type { Inspection } from '../pipeline/inspect.ts';
import { inspectShape } from '../pipeline/options.ts';
import { spanText } from '../recipe/history/spec.ts';
import { describeRecipe } from '../recipe/recipe.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { countsText, scoreText } from './follow.ts';
import { metricsScreen, pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora inspect people.csv
  sora inspect people.sora --at -1
  sora inspect people.sora --summary moments --json
  sora inspect people.sora/models/income`;

/** Commits that are listed. */
const RECENT = 10;
/** Columns that are listed; more would push everything else off the screen. */
const MOST_COLUMNS = 100;

type DataFound = Extract<Inspection, { kind: 'data' }>;

function columnsTable({ profile }: DataFound): string {
  const rows = profile.columns
    .slice(0, MOST_COLUMNS)
    .map((column) => [
      `  ${formatShort(column.name, 40)}`,
      column.type,
      column.role,
      formatPercent(column.missing / Math.max(1, column.missing + column.present)),
      column.present > 0 ? describeValues(column) : 'no values',
    ]);
  const more = profile.columns.length - rows.length;
  const table = alignRows([['  column', 'type', 'role', 'missing', 'values'], ...rows], [3]);
  return more > 0 ? `${table}\n  … and ${formatCounted(more, 'column')} more (--json lists all)` : table;
}

/** The newest commits: what each took off the list of particles and put on it. */
function commitsTable(commits: DataFound['commits']): string {
  let count = 0;
  const rows = commits.map(({ commit, when, why, add, remove }) => {
    const removed = remove === 'all' ? count : remove.length;
    count += add.length - removed;
    const change = [removed > 0 ? `−${formatCount(removed)}` : '', `+${formatCount(add.length)}`];
    return [`  ${commit}`, when, change.join(' ').trim(), `= ${formatCounted(count, 'particle')}`, why];
  });
  const earlier = rows.length - RECENT;
  const head = earlier > 0 ? [`  … ${formatCounted(earlier, 'earlier commit')}`] : [];
  return ['  commits', ...head, alignRows(rows.slice(-RECENT), [2, 3])].join('\n');
}

function dataScreen(found: DataFound): string {
  const { snapshot, commits, models, notes, summary } = found;
  const size = [
    formatCounted(snapshot.rows, 'row'),
    formatCounted(snapshot.particles.length, 'particle'),
    formatBytes(snapshot.bytes),
  ];
  if (found.isStore) size.push(`commit ${snapshot.commit} of ${commits.length}`);
  return [
    `\n  ${pathOf(found.path)} · ${size.join(' · ')}`,
    '',
    columnsTable(found),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `  ${note}`)] : []),
    ...(models.length > 0 ? ['', `  models  ${models.join(', ')}`] : []),
    ...(commits.length > 0 ? ['', commitsTable(commits)] : []),
    ...summaryLines(summary),
  ].join('\n');
}

function summaryLines(summary: DataFound['summary']): string[] {
  return summary ? ['', `  ${summary.name}`, JSON.stringify(summary.value, null, 2)] : [];
}

type FoundModel = Extract<Inspection, { kind: 'model' }>;

/** What is known of the fit, by learner. */
function learnerRows({ model: { learner }, forest }: FoundModel): string[][] {
  if (learner.name === 'glm') return [['  objective', formatNumber(learner.objective)]];
  const { trainLoss, holdOutLoss } = learner;
  const known = [
    trainLoss === undefined ? '' : `${formatNumber(trainLoss)} training`,
    holdOutLoss === undefined ? '' : `${formatNumber(holdOutLoss)} on rows kept back`,
  ].filter((text) => text !== '');
  if (forest === undefined) return known.length > 0 ? [['  mean loss', known.join(', ')]] : [];
  const { trees, leaves, depth } = forest;
  return [
    ['  trees', `${formatCount(trees)}, ${formatCount(leaves)} leaves, up to ${formatCount(depth)} deep`],
    ...(known.length > 0 ? [['  mean loss', known.join(', ')]] : []),
  ];
}

/** Columns that helped trees most. */
function importanceLines({ forest }: FoundModel): string[] {
  const used = forest?.importance.filter(({ strength }) => strength > 0) ?? [];
  if (used.length === 0) return [];
  const splits = new Map(forest?.splits.map(({ name, strength }) => [name, strength]));
  const rows = used
    .slice(0, RECENT)
    .map(({ name, strength }) => [
      `    ${name}`,
      formatPercent(strength),
      formatPercent(splits.get(name) ?? 0),
    ]);
  return [alignRows([['  strongest columns by share of', 'the gain', 'the splits'], ...rows], [1, 2]), ''];
}

/** Penalties and what else was asked of the fit, in words; of an imported model, its maker and objective. */
function learnerOptions({ options }: FoundModel['model']['learner']): string {
  if (options.source !== undefined) return `by ${String(options.source)}`;
  const isFactor = options.factors !== undefined;
  const said = isFactor
    ? [`vectors of ${options.factors}`, `priors of ${options.prior} and ${options.factorPrior} rows`]
    : [`L2 ${formatNumber(Number(options.l2 ?? 0))}`];
  if (Number(options.l1 ?? 0) > 0) said.push(`L1 ${formatNumber(Number(options.l1))}`);
  if (options.classWeight === 'balanced') said.push('balanced classes');
  if (options.calibrate === true) said.push('calibrated');
  return said.join(', ');
}

/** What rows are told of earlier ones, and of how many the model carries the newest rows. */
function historyLines({ history }: FoundModel['model']): string[] {
  if (history === undefined) return [];
  const { time, by, horizon, features } = history.spec;
  const order = `${time ?? 'position'}${by === undefined ? '' : `, by ${by}`}`;
  const carried = `series carried on: ${formatCount(history.series.length)}`;
  const names = features.map(({ name }) => name).join(', ');
  return [`  over time: ${names} (in order of ${order}; ${spanText(horizon)} ahead; ${carried})`, ''];
}

function modelScreen(found: FoundModel): string {
  const { path, model } = found;
  const { learner, recipe, provenance, baseline } = model;
  const evaluation = model.metrics as EvaluationResult | undefined;
  const rows = (baseline as { rows?: number } | undefined)?.rows;
  return [
    `\n  ${pathOf(path)}`,
    alignRows([
      ['  target', recipe.label === undefined ? '' : `${recipe.label.column} · ${recipe.label.note}`],
      ['  learner', `${learnerName(learner)}, ${learnerOptions(learner)}, ${describeEnd(learner)}`],
      ...learnerRows(found),
      ['  features', `${formatCount(recipe.width)} (${recipe.layout})`],
      ...(rows === undefined ? [] : [['  rows', `${formatCount(rows)} learned from`]]),
      ...(provenance.snapshot === undefined ? [] : [['  snapshot', provenance.snapshot]]),
      ['  written by', `sora ${provenance.sora}`],
    ]),
    '',
    ...(evaluation
      ? [metricsScreen(evaluation)]
      : ['  No rows were held out, so nothing is known of how good it is.\n']),
    ...importanceLines(found),
    ...historyLines(model),
    ...describeRecipe({ ...recipe, label: undefined }).map((line) => `  ${line}`),
  ].join('\n');
}

type FoundFollowed = Extract<Inspection, { kind: 'followed' }>;

/** Detector and policy, in a line. */
function watchText(drift: Json): string {
  const { detector, policy } = drift as { detector: { name: string }; policy: string };
  const { name, ...options } = detector;
  return `${name}, ${policy}${Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : ''}`;
}

function followedScreen({ path, commit, state, classes, scores }: FoundFollowed): string {
  const { plan, counts, source } = state;
  const target = plan.schema.fields.find(({ role }) => role === 'label')?.name ?? '';
  const { name, ...options } = plan.learner as { name: string };
  const said = Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : '';
  return [
    `\n  ${pathOf(path)} · followed`,
    alignRows([
      ['  target', `${target}${classes.length > 0 ? ` · ${classes.join(', ')}` : ''}`],
      ['  learner', name + said],
      ...(plan.drift === undefined ? [] : [['  drift', watchText(plan.drift)]]),
      ['  source', source],
      ['  rows', countsText({ counts: { ...counts, waiting: 0 } })],
      ['  score', scoreText(scores)],
      ['  commit', String(commit)],
    ]),
  ].join('\n');
}

/** The screen of what was found. */
export function inspectScreen(found: Inspection): string {
  if (found.kind === 'data') return dataScreen(found);
  if (found.kind === 'model') return modelScreen(found);
  if (found.kind === 'followed') return followedScreen(found);
  return [
    `\n  ${pathOf(found.path)} · particle ${found.hash}\n`,
    found.text,
    ...summaryLines(found.summary),
  ].join('\n');
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
    runCommand(flags, async ({ signal, onProgress }) => {
      const { inspect } = await import('../pipeline/inspect.ts');
      const found = await inspect(path, { ...readFlags(inspectShape, flags), signal, onProgress });
      return { json: inspectJson(found), screen: inspectScreen(found) };
    }),
  );
}
