/** The real data sets of `real-data.json` and where they lie; SORA_DATA names another folder than `../shared/data`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './cli.ts';
import sets from './real-data.json' with { type: 'json' };

/** A file, what is predicted from it, and the score it must reach. */
export interface RealSet {
  readonly name: string;
  readonly file: string;
  readonly rows: number;
  readonly target: string;
  /** One of those that every release must train on. */
  readonly required?: boolean;
  readonly task: string;
  readonly metric: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** What others reach, as their papers and manuals say. */
  readonly reference: string;
}

export const REAL_SETS: readonly RealSet[] = sets;

export const DATA = process.env.SORA_DATA ?? join(ROOT, '..', 'shared', 'data');

const OWN = 'repository:';

/** Path of a file of the sets; those that start with `repository:` ship with the project. */
export function realPath(file: string): string {
  return file.startsWith(OWN) ? join(ROOT, file.slice(OWN.length)) : join(DATA, file);
}

/** Whether the file is there. Says on standard error what is left out, so that a skipped test does not go unseen. */
export function isThere(file: string): boolean {
  const path = realPath(file);
  if (existsSync(path)) return true;
  console.warn(`Left out: there is no ${path}; SORA_DATA names the folder of real data sets.`);
  return false;
}
