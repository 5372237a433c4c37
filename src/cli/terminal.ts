/**
 * What the command line shows while it works: a bar with rate and time left on a terminal, plain lines elsewhere,
 * nothing with --quiet or --json. Everything goes to standard error; results alone go to standard output.
 */
import { type Options, SingleBar } from 'cli-progress';
import { formatBytes, formatCount, formatDuration } from '../explain/format.ts';
import type { OnProgress, Progress } from '../pipeline/progress.ts';

const LINE_INTERVAL = 2000;
const BAR: Options = {
  format: '{stage} {bar} {percentage}% {amount}{rate}{left}{note}',
  barsize: 24,
  hideCursor: true,
  clearOnComplete: true,
  stopOnComplete: false,
  barCompleteChar: '█',
  barIncompleteChar: '░',
  stream: process.stderr,
  fps: 12,
  gracefulExit: false,
};

/** Shows progress until `finish`. */
export interface ProgressView {
  readonly onProgress: OnProgress;
  finish(): void;
}

function amount(value: number, unit: Progress['unit']): string {
  return unit === 'bytes' ? formatBytes(value) : `${formatCount(value)} ${unit}`;
}

/** Rate and time left of a stage that began at `start` (milliseconds). */
export function describeRate(progress: Progress, elapsed: number): { rate: string; left: string } {
  if (elapsed < 300 || progress.done <= 0) return { rate: '', left: '' };
  const perSecond = (1000 * progress.done) / elapsed;
  const rate = ` · ${amount(perSecond, progress.unit)}/s`;
  if (progress.total === undefined || progress.total <= progress.done) return { rate, left: '' };
  return { rate, left: ` · ${formatDuration((1000 * (progress.total - progress.done)) / perSecond)} left` };
}

function barView(): ProgressView {
  let bar: SingleBar | undefined;
  let stage = '';
  let start = 0;
  const finish = () => {
    bar?.stop();
    bar = undefined;
    stage = '';
  };
  const onProgress: OnProgress = (progress) => {
    if (progress.stage !== stage) {
      finish();
      stage = progress.stage;
      start = performance.now();
    }
    const { rate, left } = describeRate(progress, performance.now() - start);
    const payload = {
      stage: progress.stage.padEnd(11),
      amount: amount(progress.done, progress.unit),
      rate,
      left,
      note: progress.note ? ` · ${progress.note}` : '',
    };
    const total = Math.max(progress.total ?? progress.done * 2, 1);
    if (!bar) {
      bar = new SingleBar(BAR);
      bar.start(total, progress.done, payload);
    } else {
      bar.setTotal(total);
      bar.update(progress.done, payload);
    }
  };
  return { onProgress, finish };
}

function lineView(write: (line: string) => void): ProgressView {
  let stage = '';
  let start = 0;
  let last = 0;
  const onProgress: OnProgress = (progress) => {
    const now = performance.now();
    if (progress.stage !== stage) {
      stage = progress.stage;
      start = now;
      last = now;
      write(`${stage} …`);
      return;
    }
    if (now - last < LINE_INTERVAL) return;
    last = now;
    const { rate, left } = describeRate(progress, now - start);
    const share = progress.total ? ` (${Math.floor((100 * progress.done) / progress.total)} %)` : '';
    const note = progress.note ? ` · ${progress.note}` : '';
    write(`${stage} ${amount(progress.done, progress.unit)}${share}${rate}${left}${note}`);
  };
  return { onProgress, finish: () => {} };
}

/** The view that fits: silent, a bar on a terminal, or plain lines. */
export function progressView(options: { quiet?: boolean }): ProgressView {
  if (options.quiet) return { onProgress: () => {}, finish: () => {} };
  if (process.stderr.isTTY) return barView();
  return lineView((line) => process.stderr.write(`${line}\n`));
}

/** Columns of text, aligned; columns named in `right` are flush right. */
export function alignRows(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
