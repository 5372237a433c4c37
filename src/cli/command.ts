/**
 * What every command shares: --json and --quiet, Ctrl-C, error printing and exit codes.
 * A command is a function from checked options to a result; the result prints as one screen, or as JSON.
 */
import type { Command } from 'commander';
import { SoraError } from '../errors.ts';
import type { OnProgress } from '../pipeline/progress.ts';
import { progressView } from './terminal.ts';

/** What a running command may use. */
export interface Context {
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** Says something on standard error at once (schema, notes); silent with --quiet and --json. */
  readonly say: (text: string) => void;
}

/** What a command gives back: JSON for programs, a screen for people, an exit code if not 0. */
export interface Outcome {
  readonly json: unknown;
  readonly screen: string;
  readonly exit?: number;
}

const GRACE = 3000;

/** Flags that every command has. */
export function addCommonFlags(command: Command): Command {
  return command
    .option('--json', 'Print the result as JSON on standard output, and nothing else.')
    .option('--quiet', 'Show no progress and no notes.');
}

/** An error as people read it; defects keep their stack. */
export function describeError(error: unknown): { text: string; exit: number; json: unknown } {
  if (error instanceof SoraError) {
    const { code, message, details, exit } = error;
    return { text: `sora: ${message}`, exit, json: { error: { code, message, details } } };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const text = `sora: This is a defect in Sora, please report it.\n${message}`;
  return { text, exit: 70, json: { error: { code: 'internal', message, details: {} } } };
}

/**
 * Runs a command to its end and sets the exit code. The first Ctrl-C aborts the signal, and everything stops at the
 * next block of rows; a second one, or three seconds, ends the process. Nothing half-written is ever visible, since
 * every file is renamed into place. With `lines`, JSON is written on one line, as that of commands that write several.
 */
export async function runCommand(
  flags: { json?: boolean; quiet?: boolean },
  work: (context: Context) => Promise<Outcome>,
  { lines = false } = {},
): Promise<void> {
  const quiet = flags.json || flags.quiet;
  const controller = new AbortController();
  const view = progressView({ quiet });
  const jsonText = (value: unknown) => JSON.stringify(value, null, lines ? undefined : 2);
  let interrupts = 0;
  const interrupt = () => {
    interrupts++;
    controller.abort();
    if (interrupts > 1) process.exit(130);
    setTimeout(() => process.exit(130), GRACE).unref();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const say = (text: string) => {
    if (quiet) return;
    view.finish();
    process.stderr.write(`${text}\n`);
  };
  try {
    const outcome = await work({ signal: controller.signal, onProgress: view.onProgress, say });
    view.finish();
    const text = flags.json ? jsonText(outcome.json) : outcome.screen;
    if (text !== '') process.stdout.write(`${text}\n`);
    process.exitCode = outcome.exit ?? 0;
  } catch (error) {
    view.finish();
    const described = controller.signal.aborted
      ? describeError(new SoraError('cancelled', 'Stopped on request; nothing half-written was kept.'))
      : describeError(error);
    if (flags.json) process.stdout.write(`${jsonText(described.json)}\n`);
    else process.stderr.write(`${described.text}\n`);
    process.exitCode = described.exit;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
