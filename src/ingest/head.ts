/**
 * The beginning of a file, decompressed, and a file as a stream of decompressed bytes.
 * gzip by `node:zlib` (several members too); zstd by `node:zlib` where it has it, else through DuckDB, which reads
 * text by lines.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { SoraError } from '../errors.ts';
import { type Database, literal, pathLiteral } from './duckdb.ts';
import type { Compression } from './format.ts';
import { packedBytes } from './packed-text.ts';
import { chunkOf } from './vectors.ts';

/** A file and how it is compressed. */
export interface PackedFile {
  readonly path: string;
  readonly name: string;
  readonly compression: Compression;
}

/** The first bytes of the file as they lie on disk. */
export async function rawHead(path: string, count: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(Math.min(count, (await file.stat()).size));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}

/** First bytes after decompression, and whether that is all of the file. */
export async function head(
  file: PackedFile,
  count: number,
  database: Database,
): Promise<{ bytes: Buffer; complete: boolean }> {
  if (file.compression === 'none') {
    const bytes = await rawHead(file.path, count + 1);
    return { bytes: bytes.subarray(0, count), complete: bytes.length <= count };
  }
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of unpacked(file, database)) {
    parts.push(Buffer.from(part));
    length += part.length;
    if (length > count) break;
  }
  return { bytes: Buffer.concat(parts).subarray(0, count), complete: length <= count };
}

/** The file's bytes, decompressed, in pieces. */
export async function* unpacked(file: PackedFile, database: Database): AsyncGenerator<Buffer> {
  const decoder = decoderOf(file.compression);
  if (decoder === undefined) {
    yield* linesByDatabase(file, database);
    return;
  }
  const source = createReadStream(file.path, { highWaterMark: 1 << 18 });
  if (decoder === 'none') {
    yield* source;
    return;
  }
  source.on('error', (error) => decoder.destroy(error));
  try {
    yield* source.pipe(decoder);
  } catch (cause) {
    throw new SoraError(
      'bad-input',
      `${file.name}: the ${file.compression} data is damaged or cut short: ${(cause as Error).message}.`,
      {
        cause,
        details: { file: file.name },
      },
    );
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

type ZstdDecompress = () => Duplex;

function decoderOf(compression: Compression): Duplex | 'none' | undefined {
  if (compression === 'none') return 'none';
  if (compression === 'gzip') return zlib.createGunzip();
  const create = (zlib as unknown as { createZstdDecompress?: ZstdDecompress }).createZstdDecompress;
  return create?.();
}

/** Options that make `read_csv` give whole lines: no quotes, and a delimiter that text does not contain. */
export function lineOptions(compression: Compression): string {
  const name = compression === 'none' ? 'none' : compression;
  return `auto_detect = false, header = false, delim = ${literal('\u0001\u0002')}, quote = '', escape = '', compression = '${name}', columns = {'line': 'VARCHAR'}, max_line_size = 16000000`;
}

async function* linesByDatabase(file: PackedFile, database: Database): AsyncGenerator<Buffer> {
  const layout = { fields: [{ name: 'line', type: 'text', role: 'feature' } as const], hashes: [undefined] };
  const newline = Buffer.from('\n');
  const sql = `SELECT line FROM read_csv(${pathLiteral(file.path)}, ${lineOptions(file.compression)})`;
  for await (const raw of database.stream(sql)) {
    const [part] = chunkOf(raw, layout).parts;
    if (part.kind !== 'packed') continue;
    const lines: Buffer[] = [];
    for (let row = 0; row < raw.rows; row++) lines.push(packedBytes(part, row), newline);
    yield Buffer.concat(lines);
  }
}
