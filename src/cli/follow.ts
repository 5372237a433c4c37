/** `sora follow`: a stream becomes particles and an online model, committed together. */
import { Command } from 'commander';
import type { PrequentialScores } from '../evaluate/prequential.ts';
import { formatCount, formatDuration } from '../explain/format.ts';
import type { DriftEvent } from '../fit/online/drift/events.ts';
import { followShape } from '../pipeline/follow/options.ts';
import type { SourceOutage } from '../pipeline/follow/outages.ts';
import type { FollowCommit, FollowResult } from '../pipeline/follow/result.ts';
import type { ClassEvent, FollowEvent } from '../pipeline/follow/state.ts';
import { addCommonFlags, runCommand } from './command.ts';
import { addFlags, readFlags } from './flags.ts';
import { pathOf } from './screen.ts';
import { alignRows } from './terminal.ts';

const EXAMPLES = `
Examples:
  tail -F clicks.ndjson | sora follow - --target clicked --store clicks.sora
  sora follow events.csv --target price --until-idle 60
  sora follow landing/ --target fraud --key id --label-delay --wait-rows 100000
  sora follow events.csv --target up --learner ftrl --drift adwin --policy step
  sora follow 'postgres://sora@db/shop?table=orders&cursor=id' --target returned --store shop.sora --catch-up
  sora follow events.csv --target price --from-commit 12     # take rows after commit 12 again
  sora predict clicks.sora/models/clicked new.csv

Called again, it goes on where the last commit stands, also after kill -9. With --json, one line a commit,
and one when the source goes away and when it is back.`;

const ENDED: Record<FollowResult['ended'], string> = {
  source: 'the source ended',
  idle: 'nothing came for a while',
  rows: 'as many rows as asked for',
  stopped: 'stopped on request',
};

/** What became of the rows, in a line. */
export function countsText({ counts }: Pick<FollowResult, 'counts'>): string {
  const parts: [number, string][] = [
    [counts.learned, 'learned'],
    [counts.unlabelled, 'without label'],
    [counts.joined, 'joined with their label later'],
    [counts.expired, 'whose label did not come in time'],
    [counts.waiting, 'waiting for their label'],
    [counts.unmatched, 'labels of no row'],
    [counts.bad, 'bad rows'],
    [counts.caughtUp ?? 0, 'of the store learned before them'],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${formatCount(count)} ${what}`)
    .join(', ');
}

/** A score beside that of repeating the last label. */
export function scoreText({ accuracy, logLoss, mae, sameAsLast }: PrequentialScores): string {
  if (accuracy === undefined) {
    return `mean absolute error ${(mae ?? 0).toPrecision(4)}, of repeating the last number ${sameAsLast.toPrecision(4)}`;
  }
  return `accuracy ${accuracy.toFixed(4)}, of repeating the last label ${sameAsLast.toFixed(4)}; log loss ${(logLoss ?? 0).toFixed(4)}`;
}

/** Where following stands, on one screen. */
export function followScreen(result: FollowResult): string {
  const { scores, lag } = result;
  const rate = formatCount(result.rows / Math.max(result.seconds, 1e-3));
  return alignRows([
    [
      '  rows',
      `${formatCount(result.rows)} now, ${formatCount(result.counts.taken)} in all: ${countsText(result)}`,
    ],
    ['  score', `${scoreText(scores)} · ${formatCount(scores.rows)} rows`],
    ['  learner', result.learner],
    ...(driftText(result) === '' ? [] : [['  drift', driftText(result)]]),
    [
      '  time',
      `${formatDuration(1000 * result.seconds)} · ${rate} rows/s · lag ${lag.p50} ms, 99 % within ${lag.p99} ms`,
    ],
    ['  ended', ENDED[result.ended]],
    ['  store', `${pathOf(result.store)} · commit ${result.commit} (${formatCount(result.commits)} now)`],
    ['  model', `${pathOf(result.store)}/models/${result.name}`],
  ]);
}

const HAPPENED: Record<DriftEvent['kind'], string> = {
  warning: 'a first sign of drift',
  drift: 'drift: errors have become larger',
  better: 'errors have become smaller',
  swap: 'the rival is better and took over',
  'give-up': 'the rival was not better and was dropped',
};

/** A decision about drift, or a class that came, in a line. */
export function eventText(event: FollowEvent): string {
  const at = `row ${formatCount(event.row + 1)} · `;
  return at + (event.kind === 'class' ? classText(event) : driftEventText(event));
}

function classText({ label, classes }: ClassEvent): string {
  return `a new class, ${JSON.stringify(label)}: ${formatCount(classes)} are known now`;
}

function driftEventText(event: DriftEvent): string {
  const { kind, detector, before, after, delay, action } = event;
  const ofRivals = kind === 'swap' || kind === 'give-up';
  const change = `${before.toFixed(3)} → ${after.toFixed(3)}`;
  const done = ofRivals || action === 'none' ? '' : `: ${action}`;
  const evidence = ofRivals
    ? `mean error ${change} over ${formatCount(delay)} rows of both`
    : `${detector}: mean error ${change} since about ${formatCount(Math.round(delay))} rows`;
  return `${HAPPENED[kind]} (${evidence})${done}`;
}

/** What is told of a source that is away or back, in a line. */
function outageText({ kind, source, since, reason, seconds = 0 }: SourceOutage): string {
  if (kind === 'back') return `${source} is back after ${formatDuration(1000 * seconds)}`;
  return `${source} is away since ${since} (${reason}); it is tried again until it is back`;
}

const COUNTED: Record<DriftEvent['kind'], string> = {
  warning: 'first signs',
  drift: 'drift found',
  better: 'errors smaller',
  swap: 'rival took over',
  'give-up': 'rival dropped',
};

/** Decisions about drift by kind, in a line. */
function driftText({ drift }: FollowResult): string {
  return Object.entries(drift)
    .map(([kind, count]) => `${COUNTED[kind as DriftEvent['kind']]} ${formatCount(count)} ×`)
    .join(', ');
}

export function followCommand(): Command {
  const command = new Command('follow')
    .description('Follow a stream: every row is predicted, learned and committed, exactly once.')
    .argument(
      '<source>',
      '- (NDJSON on standard input), a growing file, a folder where files land, or a URL',
    );
  addCommonFlags(addFlags(command, followShape)).addHelpText('after', EXAMPLES);
  return command.action((source: string, flags) =>
    runCommand(
      flags,
      async ({ signal, onProgress, say }) => {
        const options = readFlags(followShape, flags);
        const { follow } = await import('../pipeline/follow/follow.ts');
        const onCommit = (commit: FollowCommit) => {
          if (flags.json) process.stdout.write(`${JSON.stringify(commit)}\n`);
          else for (const event of commit.events) say(eventText(event));
        };
        const onOutage = (outage: SourceOutage) => {
          if (flags.json) process.stdout.write(`${JSON.stringify(outage)}\n`);
          else say(outageText(outage));
        };
        const hooks = { signal, onProgress, onNote: say, onCommit, onOutage };
        const result = await follow(source, { ...options, ...hooks });
        return { json: result, screen: followScreen(result) };
      },
      { lines: true },
    ),
  );
}
