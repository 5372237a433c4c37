/** Following as a process: streams to follow, processes killed after so many commits, and what a store then holds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { SourceOutage } from '../src/pipeline/follow/outages.ts';
import { type CommittedState, type FollowEvent, newestState, stateOf } from '../src/pipeline/follow/state.ts';
import { randomUniform } from '../src/random.ts';
import { openStore } from '../src/store/store.ts';
import { MAIN } from './cli.ts';

/** A row of a stream in which the label comes in runs, its rule changes once, and some values are missing. */
export interface ElecLike {
  readonly id: number;
  readonly at: string;
  readonly price: number | null;
  readonly demand: number;
  readonly day: string;
  readonly label: string;
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** The same rows for the same count. */
export function elecLike(rows: number): ElecLike[] {
  const result: ElecLike[] = [];
  let level = 0.5;
  for (let id = 0; id < rows; id++) {
    level = 0.97 * level + 0.03 * randomUniform(7, 1, id);
    const price = level + 0.02 * randomUniform(7, 2, id);
    const demand = Math.round(1000 * randomUniform(7, 3, id)) / 8;
    const day = DAYS[Math.floor(id / 48) % 7];
    const rule = id < rows / 2 ? price > 0.51 : price + demand / 1000 > 0.57;
    const at = new Date(Date.UTC(2024, 0, 1) + id * 1_800_000).toISOString();
    const missing = randomUniform(7, 4, id) < 0.03;
    result.push({ id, at, price: missing ? null : price, demand, day, label: rule ? 'up' : 'down' });
  }
  return result;
}

export const ndjson = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Rows whose label comes `delay` rows later, in a record of its own; each `lost`-th never comes. */
export function delayed(rows: readonly ElecLike[], delay: number, lost: number): object[] {
  const result: object[] = [];
  for (let i = 0; i < rows.length + delay; i++) {
    if (i < rows.length) result.push({ ...rows[i], label: i % 10 === 9 ? rows[i].label : null });
    const late = rows[i - delay];
    if (late !== undefined && late.id % 10 !== 9 && late.id % lost !== 0) {
      result.push({ id: late.id, label: late.label });
    }
  }
  return result;
}

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Lines of JSON that were printed, but for those of outages. */
  readonly lines: readonly Record<string, unknown>[];
  readonly outages: readonly SourceOutage[];
  readonly stderr: string;
}

export interface RunSettings {
  readonly cwd: string;
  readonly input?: string;
  /** Kill the process once this many commits were printed, after so many milliseconds more. */
  readonly killAfter?: number;
  readonly delay?: number;
  readonly onCommit?: (count: number, child: ChildProcess) => void;
}

/** `sora follow … --json` to its end, or until it is killed. */
export function runFollow(words: readonly string[], settings: RunSettings): Promise<RunResult> {
  const { cwd, input, killAfter, delay = 0, onCommit } = settings;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, 'follow', ...words, '--json'], { cwd });
    const lines: Record<string, unknown>[] = [];
    const outages: SourceOutage[] = [];
    let rest = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const line = JSON.parse(part);
        if (line.kind === 'away' || line.kind === 'back') {
          outages.push(line);
          continue;
        }
        lines.push(line);
        onCommit?.(lines.length, child);
        if (lines.length === killAfter) setTimeout(() => child.kill('SIGKILL'), delay);
      }
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, lines, outages, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

/** Runs, and is killed each time after one more of these numbers of commits, and then to the end. */
export async function runKilled(
  words: readonly string[],
  kills: readonly (readonly [commits: number, delay: number])[],
  settings: Omit<RunSettings, 'killAfter' | 'delay'>,
): Promise<{ readonly killed: number; readonly last: RunResult }> {
  let killed = 0;
  for (const [killAfter, delay] of kills) {
    const run = await runFollow(words, { ...settings, killAfter, delay });
    if (run.signal === 'SIGKILL') killed++;
  }
  return { killed, last: await runFollow(words, settings) };
}

/** What following left in a store. */
export interface Followed {
  readonly newest: CommittedState;
  /** SHA-256 of the model's bytes. */
  readonly model: string;
  /** Decisions about drift, and classes that came, of all commits, in order. */
  readonly events: readonly FollowEvent[];
  /** Values of a column of all particles, in order; null where missing. */
  column(name: string): (number | string | null)[];
  readonly soundness: { readonly ok: boolean; readonly unknown: readonly string[] };
}

export async function followed(directory: string, name: string): Promise<Followed> {
  const store = await openStore(directory);
  const log = await store.log();
  const newest = newestState(log, name);
  if (newest === undefined) throw new Error(`nothing follows ${name}`);
  const bytes = await store.storage.get(newest.state.model);
  const { particles } = await store.snapshot();
  const loaded = await Promise.all(particles.map((ref) => store.loadParticle(ref)));
  const soundness = await store.verify();
  store.close();
  return {
    newest,
    events: log.flatMap((commit) => stateOf(commit, name)?.events ?? []),
    model: createHash('sha256')
      .update(bytes as Uint8Array)
      .digest('hex'),
    soundness,
    column: (wanted) =>
      loaded.flatMap(({ schema, columns, rows }) => {
        const column = columns[schema.fields.findIndex((field) => field.name === wanted)];
        return Array.from({ length: rows }, (_, row) => {
          const present = column.validity === undefined || (column.validity[row >> 3] >> (row & 7)) & 1;
          if (!present) return null;
          if (column.type === 'category') return column.dictionary[column.codes[row]];
          return column.type === 'number' || column.type === 'timestamp' ? column.values[row] : null;
        });
      }),
  };
}
