/**
 * Predictions written as a table: CSV or NDJSON line by line, Parquet through DuckDB at the end. A file appears under
 * its name only when it is whole. Memory stays constant, whatever the number of rows.
 */
import { once } from 'node:events';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { Writable } from 'node:stream';
import { SoraError } from '../errors.ts';

/** One cell: text, a number, or nothing. */
export type Cell = string | number | boolean | null;

/** Named columns of one block of rows. */
export interface Block {
  readonly rows: number;
  readonly names: readonly string[];
  /** The cell of a column in a row. */
  cell(column: number, row: number): Cell;
}

export interface TableWriter {
  write(block: Block): Promise<void>;
  /** Makes the file appear. */
  close(): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

type Format = 'csv' | 'ndjson' | 'parquet';

const FORMATS: Record<string, Format> = {
  '.csv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.parquet': 'parquet',
};

function formatOf(path: string): Format {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format) return format;
  throw new SoraError(
    'bad-option',
    `Cannot write "${path}": the name must end in ${Object.keys(FORMATS).join(', ')}.`,
  );
}

/** A CSV field, quoted where RFC 4180 asks for it. */
function csvField(cell: Cell): string {
  if (cell === null) return '';
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvLines(block: Block, withHead: boolean): string {
  const lines = withHead ? [block.names.map(csvField).join(',')] : [];
  for (let row = 0; row < block.rows; row++) {
    lines.push(block.names.map((_, column) => csvField(block.cell(column, row))).join(','));
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}

function jsonLines(block: Block): string {
  const lines: string[] = [];
  for (let row = 0; row < block.rows; row++) {
    lines.push(
      JSON.stringify(Object.fromEntries(block.names.map((name, column) => [name, block.cell(column, row)]))),
    );
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}

/** Writes to standard output as CSV. */
export function standardOutput(stream: Writable = process.stdout): TableWriter {
  let head = true;
  return {
    async write(block) {
      const text = csvLines(block, head);
      head = false;
      if (!stream.write(text)) await once(stream, 'drain');
    },
    close: async () => {},
    discard: async () => {},
  };
}

/** Runs a file operation; `io-failed`, naming the file, if it is refused. */
async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SoraError('io-failed', `Could not write ${path}: ${reason}`, { cause, details: { path } });
  }
}

/** Writes to a file whose ending names the format; the folder is made if need be. */
export async function fileOutput(path: string): Promise<TableWriter> {
  const format = formatOf(path);
  const part = `${path}.${process.pid}.part`;
  const file = await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    return open(part, 'w');
  });
  let head = true;
  return {
    async write(block) {
      const text = format === 'csv' ? csvLines(block, head) : jsonLines(block);
      head = false;
      await writing(path, () => file.writeFile(text));
    },
    close: () =>
      writing(path, async () => {
        await file.sync();
        await file.close();
        if (format === 'parquet') await toParquet(part, path);
        else await rename(part, path);
      }),
    async discard() {
      await file.close();
      await rm(part, { force: true });
    },
  };
}

/** NDJSON to Parquet with Zstandard, in constant memory. */
async function toParquet(lines: string, path: string): Promise<void> {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const whole = `${lines}.parquet`;
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `COPY (SELECT * FROM read_json(${quote(lines)}, format = 'newline_delimited')) TO ${quote(whole)} (FORMAT parquet, CODEC zstd)`,
    );
    await rename(whole, path);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(lines, { force: true });
    await rm(whole, { force: true });
  }
}
