/**
 * Text as DuckDB wants it: which character set a file is in, and a temporary copy in UTF-8 with one kind of line end
 * for files that mix them. Line ends inside quotes stay as they are.
 */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TextDecoder } from 'node:util';
import { SoraError } from '../errors.ts';
import type { Database } from './duckdb.ts';
import { type PackedFile, unpacked } from './head.ts';
import type { Dialect } from './records.ts';
import { removeFolder, temporaryFolder } from './temporary.ts';

export type Encoding = 'utf-8' | 'latin-1' | 'utf-16';

/** The character set of a beginning of a file, and that beginning as text. */
export function textEncoding(
  bytes: Buffer,
  complete: boolean,
  told: Encoding | undefined,
): { encoding: Encoding; text: string; notes: string[] } {
  if (
    told === 'utf-16' ||
    (told === undefined && (startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff)))
  ) {
    return { encoding: 'utf-16', text: utf16Decoder(bytes).decode(bytes), notes: ['read as UTF-16'] };
  }
  if (told !== 'latin-1') {
    // A character may be cut in two at the end of the sample.
    const decoder = new TextDecoder('utf-8', { fatal: true });
    try {
      return { encoding: 'utf-8', text: decoder.decode(bytes, { stream: !complete }), notes: [] };
    } catch {
      if (told === 'utf-8') return { encoding: 'utf-8', text: bytes.toString('utf8'), notes: [] };
    }
  }
  const notes = told === undefined ? ['not UTF-8: read as Latin-1 (--encoding says otherwise)'] : [];
  return { encoding: 'latin-1', text: bytes.toString('latin1'), notes };
}

function startsWith(bytes: Buffer, first: number, second: number): boolean {
  return bytes.length >= 2 && bytes[0] === first && bytes[1] === second;
}

function utf16Decoder(head: Buffer): TextDecoder {
  return new TextDecoder(startsWith(head, 0xfe, 0xff) ? 'utf-16be' : 'utf-16le');
}

export interface Copy {
  readonly file: PackedFile;
  remove(): Promise<void>;
}

interface Source {
  readonly file: PackedFile;
  readonly encoding: Encoding;
  readonly text: { readonly dialect: Dialect };
}

/** A temporary copy of the file in UTF-8 with `\n` at the end of every record. Constant memory. */
export async function normalisedCopy(
  source: Source,
  database: Database,
  signal?: AbortSignal,
): Promise<Copy> {
  const folder = await temporaryFolder();
  const path = join(folder, 'text');
  try {
    await pipeline(Readable.from(normalised(source, database)), createWriteStream(path), { signal });
  } catch (cause) {
    await removeFolder(folder);
    if (signal?.aborted) throw new SoraError('cancelled', 'Stopped on request.', { cause: signal.reason });
    if (cause instanceof SoraError) throw cause;
    throw new SoraError('io-failed', `${source.file.name}: cannot be copied: ${(cause as Error).message}.`, {
      cause,
    });
  }
  return { file: { path, name: source.file.name, compression: 'none' }, remove: () => removeFolder(folder) };
}

async function* normalised(
  { file, encoding, text }: Source,
  database: Database,
): AsyncGenerator<string | Buffer> {
  const unify = lineEndUnifier(text.dialect.quote);
  let decoder: TextDecoder | undefined;
  for await (const bytes of unpacked(file, database)) {
    if (encoding === 'utf-16') {
      decoder ??= utf16Decoder(bytes);
      yield unify(decoder.decode(bytes, { stream: true }));
    } else {
      // Delimiters, quotes and line ends are ASCII, which no byte of a longer UTF-8 character is.
      yield Buffer.from(unify(bytes.toString('latin1')), 'latin1');
    }
  }
}

/** Turns `\r\n` and `\r` outside quotes into `\n`, piece by piece. */
export function lineEndUnifier(quote: string): (piece: string) => string {
  let inQuotes = false;
  let afterReturn = false;
  const pattern =
    quote === ''
      ? /\r\n?|\n/g
      : new RegExp(`\\r\\n?|\\n|${quote.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`, 'g');
  return (piece) => {
    const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    const unified = text.replace(pattern, (match) => {
      if (match === quote) {
        inQuotes = !inQuotes;
        return match;
      }
      return inQuotes ? match : '\n';
    });
    if (piece.length > 0) afterReturn = !inQuotes && text.endsWith('\r');
    return unified;
  };
}
