/** `sora update`: a model goes on from what came since, or from files that are appended first. */
import { Command } from 'commander';
import { type EvaluationResult, metricLabel } from '../evaluate/result.ts';
import { formatCount, formatDuration, formatNumber } from '../explain/format.ts';
import { updateShape } from '../pipeline/options.ts';
import type { UpdateResult } from '../pipeline/update-result.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  sora update people.sora/models/income                    what its store has got since
  sora update people.sora/models/income march.csv          append the rows, then learn from them
  sora update people.sora/models/income --polish 2         and two passes over all rows
  sora update people.sora/models/income --trees refit --decay 0.5
  sora update people.sora/models/income --undo`;

/** Metrics of up to three evaluations side by side. */
function scores({ before, after, prequential, judged, particles }: UpdateResult): string {
  const some =
    judged && judged.old < particles.old ? ` of ${formatCount(judged.old + judged.new)} particles` : '';
  const columns: [string, EvaluationResult][] = [];
  if (before) columns.push([`before, ${formatCount(before.rows)} held out${some}`, before]);
  if (after) columns.push(['now', after]);
  if (prequential) columns.push([`before, ${formatCount(prequential.rows)} new rows`, prequential]);
  if (columns.length === 0) return '';
  const rows = columns[0][1].metrics.map(({ name }) => [
    `    ${metricLabel(name)}`,
    ...columns.map(([, { metrics }]) => {
      const found = metrics.find((metric) => metric.name === name);
      return found === undefined ? '' : formatNumber(found.value);
    }),
  ]);
  return `\n${alignRows([['  scores', ...columns.map(([head]) => head)], ...rows], [1, 2, 3])}\n`;
}

/** What was given and not appended, since the store held it. */
function heldLines({ held = [] }: UpdateResult): string[] {
  return held.map(({ name, commit }) => {
    const why = commit === undefined ? 'given twice' : `in the store since commit ${commit}`;
    return `  ${name}: ${why}, so it was not appended; --again appends it once more.`;
  });
}

/** What an update did, on one screen. */
export function updateScreen(result: UpdateResult): string {
  const { commits, rows, particles, observed, seconds, changes, fit } = result;
  if (commits === undefined)
    return [
      `  ${pathOf(result.directory)} has learned from everything in ${pathOf(result.store)}: nothing to do.`,
      ...heldLines(result),
    ].join('\n');
  const [first, last] = commits;
  return [
    '',
    alignRows([
      [
        '  new',
        `${formatCount(rows.new)} rows · commit${first === last ? ` ${first}` : `s ${first} to ${last}`}`,
      ],
      ['  done', `${result.how}${fit?.converged === false ? ' (not converged)' : ''}`],
      [
        '  observed',
        `${formatCount(observed.new)} of ${formatCount(particles.new)} new particles, ${formatCount(observed.old)} of ${formatCount(particles.old)} old ones`,
      ],
      ['  learned', `from ${formatCount(rows.learned)} rows, all told`],
    ]),
    ...heldLines(result),
    scores(result),
    ...changes.map((change) => `  ${change}`),
    alignRows([
      [
        '  time',
        Object.entries(seconds)
          .map(([name, time]) => `${name} ${formatDuration(1000 * time)}`)
          .join(', '),
      ],
      ['  model', pathOf(result.directory)],
      ...(result.report === undefined ? [] : [['  report', pathOf(result.report)]]),
      ...(result.previous === undefined ? [] : [['  before', pathOf(result.previous)]]),
    ]),
  ].join('\n');
}

export function updateCommand(): Command {
  const command = new Command('update')
    .description('Bring a model up to date with new rows, without training it anew.')
    .argument('<model>', 'model directory')
    .argument('[inputs...]', 'files of new rows, or the store; default: what the store has got since');
  addCommonFlags(addFlags(command, updateShape)).addHelpText('after', EXAMPLES);
  return command.action((model: string, inputs: string[], flags) =>
    runCommand(flags, async ({ signal, onProgress, say }) => {
      const options = readFlags(updateShape, flags);
      if (options.undo) {
        const { undoUpdate } = await import('../pipeline/update-versions.ts');
        const { directory } = await undoUpdate(model);
        return {
          json: { directory, how: 'undone' },
          screen: `  ${pathOf(directory)} is what it was before its last update.`,
        };
      }
      const { update } = await import('../pipeline/update.ts');
      const result = await update(model, inputs, { ...options, signal, onProgress, onNote: say });
      const { model: _, ...json } = result;
      return { json, screen: updateScreen(result) };
    }),
  );
}
