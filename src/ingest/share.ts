/**
 * Which share of a source has been read. DuckDB knows it of files as they are; of a packed one it is estimated from
 * rows and their mean length, because gzip files end with their unpacked size (modulo 2^32).
 */
import { open } from 'node:fs/promises';
import type { Database } from './duckdb.ts';
import type { FileSource } from './inputs.ts';

/** An estimate never says that a source is done. */
const ALMOST = 0.99;

/** Gives the share from 0 to 1 after so many rows; undefined where it is not known. */
export type ShareOf = (rows: number) => number | undefined;

/** The share of a file whose rows have `rowBytes` bytes on average in the sample. */
export async function shareOf(source: FileSource, rowBytes: number, database: Database): Promise<ShareOf> {
  if (source.compression === 'none') return () => database.progress();
  const total = source.compression === 'gzip' ? await unpackedBytes(source) : 0;
  if (total < source.bytes || rowBytes <= 0) return () => undefined;
  return (rows) => Math.min(ALMOST, (rows * rowBytes) / total);
}

async function unpackedBytes({ path, bytes }: FileSource): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, Math.max(0, bytes - 4));
    return buffer.readUInt32LE(0);
  } finally {
    await file.close();
  }
}
