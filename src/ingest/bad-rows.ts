/**
 * Rows that cannot be read: stop at the first, count them, or set them aside in a file. Never lost silently.
 * Quarantined rows are NDJSON: one object a row with file, line, column, value, reason and the raw text.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import type { ColumnType } from '../particle/schema.ts';

export const BAD_ROW_POLICIES = ['fail', 'skip', 'quarantine'] as const;
export type BadRowPolicy = (typeof BAD_ROW_POLICIES)[number];

/** A row that could not be read. */
export interface BadRow {
  /** File, stream or query, as the user knows it. */
  readonly file: string;
  /** Line of a text file, from 1: where the row starts. */
  readonly line?: number;
  /** Number of the row, from 1, where there are no lines. */
  readonly row?: number;
  /** Name of the column, and its number from 1. */
  readonly column?: string;
  readonly position?: number;
  readonly value?: string;
  /** What the value should have been. */
  readonly expected?: string;
  readonly reason: string;
  /** What to do about it, where that is not to correct the row or to read the column otherwise. */
  readonly remedy?: string;
  /** The row as it stands in the file. */
  readonly raw?: string;
}

/** Where quarantined rows go: a file, or a function. */
export type Quarantine = string | ((row: BadRow) => void);

const EXAMPLES = 20;
const SHOWN = 80;

const EXPECTED: Readonly<Record<ColumnType, string>> = {
  number: 'a number',
  boolean: 'true or false',
  category: 'a string',
  text: 'a string',
  timestamp: 'a date or time',
  binary: 'bytes',
  sparse: 'index:value pairs',
};

/** What a column of this type expects, in words. */
export function expected(type: ColumnType): string {
  return EXPECTED[type];
}

/** Takes bad rows as readers find them. */
export class BadRows {
  readonly policy: BadRowPolicy;
  readonly examples: BadRow[] = [];
  #count = 0;
  readonly #quarantine: Quarantine | undefined;
  #file: number | undefined;

  constructor(policy: BadRowPolicy, quarantine?: Quarantine) {
    if (!BAD_ROW_POLICIES.includes(policy)) {
      throw new SoraError('bad-option', `Bad rows "${policy}" is none of: ${BAD_ROW_POLICIES.join(', ')}.`);
    }
    if (policy === 'quarantine' && quarantine === undefined) {
      throw new SoraError('bad-option', 'Quarantine needs a file for the rows: --quarantine FILE.');
    }
    this.policy = policy;
    this.#quarantine = quarantine;
  }

  /** Rows left out so far. */
  get count(): number {
    return this.#count;
  }

  /** The file that rows were written to, if any were. */
  get path(): string | undefined {
    return this.#file === undefined ? undefined : resolve(this.#quarantine as string);
  }

  /** Takes one bad row; throws it as `bad-input` under the policy `fail`. */
  add(row: BadRow): void {
    if (this.policy === 'fail') throw badRowError(row);
    this.#count++;
    if (this.examples.length < EXAMPLES) this.examples.push(row);
    if (this.policy === 'quarantine') this.#write(row);
  }

  /** Closes the file. */
  close(): void {
    if (this.#file !== undefined && this.#file >= 0) closeSync(this.#file);
    if (this.#file !== undefined) this.#file = -1;
  }

  #write(row: BadRow): void {
    if (typeof this.#quarantine === 'function') {
      this.#quarantine(row);
      return;
    }
    const path = this.#quarantine as string;
    try {
      if (this.#file === undefined) {
        mkdirSync(dirname(resolve(path)), { recursive: true });
        this.#file = openSync(path, 'w');
      }
      writeSync(this.#file, `${JSON.stringify(row)}\n`);
    } catch (cause) {
      throw new SoraError(
        'io-failed',
        `${path}: quarantined rows cannot be written: ${(cause as Error).message}.`,
        {
          cause,
        },
      );
    }
  }
}

/** The error for a bad row: where, what, and what to do. */
export function badRowError(row: BadRow): SoraError {
  return new SoraError('bad-input', `${describeBadRow(row)} ${remedy(row)}`, { details: { ...row } });
}

/** `file:line:column: reason.` */
export function describeBadRow(row: BadRow): string {
  const place = [row.file, row.line, row.line === undefined ? undefined : row.position]
    .filter((part) => part !== undefined)
    .join(':');
  const at = row.line === undefined && row.row !== undefined ? `${place}: row ${row.row}` : place;
  if (row.column === undefined || row.value === undefined) return `${at}: ${row.reason}.`;
  const wanted = row.expected === undefined ? `: ${row.reason}` : `, expected ${row.expected}`;
  return `${at}: column "${row.column}" holds ${shown(row.value)}${wanted}.`;
}

function shown(value: string): string {
  return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value);
}

function remedy(row: BadRow): string {
  const skip = '--bad-rows skip or quarantine goes on without such rows.';
  if (row.remedy !== undefined) return `${row.remedy} ${skip}`;
  if (row.column === undefined || row.expected === undefined) return `Correct the row, or: ${skip}`;
  return `--types ${row.column}=category keeps such values as they are; ${skip}`;
}
