/** Helpers of the tests of ingest: temporary files, tables read whole, rows as objects. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { type Column, isPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import type { TableInputs } from './inputs.ts';
import { type ReadReport, type ReadSettings, readTable } from './table.ts';

/** A folder that goes away after the tests of the file. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sora-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file into the folder and gives its path. */
export function fileWith(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Value of a column in a row: null where it is missing. */
export function valueIn(column: Column, row: number): unknown {
  if (!isPresent(column.validity, row)) return null;
  switch (column.type) {
    case 'category':
      return column.dictionary[column.codes[row]];
    case 'boolean':
      return column.values[row] === 1;
    case 'sparse': {
      const range = [column.starts[row], column.starts[row + 1]] as const;
      const indices = [...column.indices.subarray(...range)];
      return Object.fromEntries(indices.map((index, i) => [index, column.values[range[0] + i]]));
    }
    default:
      return column.values[row];
  }
}

/** Rows of a particle as objects. */
export function rowsOf(particle: Particle): Record<string, unknown>[] {
  return Array.from({ length: particle.rows }, (_, row) =>
    Object.fromEntries(
      particle.schema.fields.map((field, at) => [field.name, valueIn(particle.columns[at], row)]),
    ),
  );
}

export interface WholeTable {
  readonly schema: Schema;
  readonly notes: readonly string[];
  readonly particles: readonly Particle[];
  readonly rows: readonly Record<string, unknown>[];
  readonly report: ReadReport;
  /** Type by column name. */
  readonly types: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, string>>;
}

/** Reads a table whole. */
export async function readWhole(
  inputs: TableInputs | undefined,
  settings: ReadSettings = {},
): Promise<WholeTable> {
  const table = await readTable(inputs, settings);
  const particles: Particle[] = [];
  for await (const particle of table.particles) particles.push(particle);
  const { schema, notes } = table;
  return {
    schema,
    notes,
    particles,
    rows: particles.flatMap(rowsOf),
    report: table.report(),
    types: Object.fromEntries(schema.fields.map((field) => [field.name, field.type])),
    roles: Object.fromEntries(schema.fields.map((field) => [field.name, field.role])),
  };
}

/** The error that a promise rejects with. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; details?: Record<string, unknown> }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('It did not fail.');
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Folder of the real data sets, if they are there. */
export const dataFolder = process.env.SORA_DATA ?? join(root, '..', 'shared', 'data');

/** Path of a real data file, and whether it is there. */
export function realData(path: string): { path: string; there: boolean } {
  const full = join(dataFolder, path);
  return { path: full, there: existsSync(full) };
}
