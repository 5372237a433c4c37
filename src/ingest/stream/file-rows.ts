/**
 * Rows of one text file from a byte on, piece by piece; shared by growing files and folders. What stands at a position
 * is checked against a hash of the bytes before it, so that another file under the same name is not taken for this one.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import type { RowObject } from '../inputs.ts';
import {
  checkLength,
  csvHeader,
  csvParser,
  parseNdjson,
  type TextFormat,
  type TextParser,
} from './text-rows.ts';

/** A place in a file: its offset, and the SHA-256 of the bytes (at most {@link MARK_BYTES}) before it. */
export const placeShape = z.strictObject({
  offset: z.int().nonnegative(),
  before: z.string(),
});
export type FilePlace = Readonly<z.infer<typeof placeShape>>;

/** The start of any file. */
export const START: FilePlace = { offset: 0, before: '' };

const MARK_BYTES = 256;
const PIECE_BYTES = 64 << 10;

/** How the file is written. */
export interface FileText {
  /** As the user knows it. */
  readonly name: string;
  readonly format: TextFormat;
  readonly delimiter?: string;
}

/** Reads rows of an open file in order. */
export class FileRows {
  readonly #handle: FileHandle;
  readonly #text: FileText;
  #parse: TextParser | undefined;
  /** Bytes read that are no whole row yet, and where they start. */
  #rest: Buffer = Buffer.alloc(0);
  #offset: number;
  /** The bytes before the offset, for its hash. */
  #before: Buffer = Buffer.alloc(0);

  private constructor(handle: FileHandle, text: FileText, offset: number) {
    this.#handle = handle;
    this.#text = text;
    this.#offset = offset;
  }

  /** Rows from a place on. Throws `schema-mismatch` where the file is not the one that the place was in. */
  static async open(handle: FileHandle, text: FileText, place: FilePlace): Promise<FileRows> {
    const rows = new FileRows(handle, text, place.offset);
    if (place.offset === 0) return rows;
    const start = Math.max(0, place.offset - MARK_BYTES);
    rows.#before = await readAt(handle, start, place.offset - start);
    if (rows.#before.length < place.offset - start || hashOf(rows.#before) !== place.before) {
      throw otherFile(text.name, place.offset, (await handle.stat()).size);
    }
    if (text.format === 'csv') await rows.#readHeader(true);
    else rows.#parse = parseNdjson;
    return rows;
  }

  /** Where the next row starts. */
  get place(): FilePlace {
    return this.#offset === 0 ? START : { offset: this.#offset, before: hashOf(this.#before) };
  }

  /** Bytes of a row that has begun and is not whole. */
  get pending(): number {
    return this.#rest.length;
  }

  /** The next rows: undefined at the end of what is there. `whole` says that the file will not grow. */
  async next(whole: boolean): Promise<RowObject[] | undefined> {
    if (this.#parse === undefined && !(await this.#readHeader(whole))) return undefined;
    for (;;) {
      const piece = await readAt(this.#handle, this.#offset + this.#rest.length, PIECE_BYTES);
      const atEnd = piece.length === 0;
      if (atEnd && (!whole || this.#rest.length === 0)) return undefined;
      const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
      const { rows, used } = (this.#parse as TextParser)(bytes, atEnd && whole);
      this.#take(bytes, used);
      if (rows.length > 0) return rows;
      checkLength(this.#rest.length, this.#text.name, `byte ${this.#offset}`);
      if (atEnd) return undefined;
    }
  }

  #take(bytes: Buffer, used: number): void {
    if (used > 0) {
      const all = used >= MARK_BYTES ? bytes : Buffer.concat([this.#before, bytes.subarray(0, used)]);
      const end = used >= MARK_BYTES ? used : all.length;
      this.#before = Buffer.from(all.subarray(Math.max(0, end - MARK_BYTES), end));
      this.#offset += used;
    }
    this.#rest = bytes.subarray(used);
  }

  /** Reads what stands before the first row; false while it is not whole. */
  async #readHeader(whole: boolean): Promise<boolean> {
    const { format, delimiter, name } = this.#text;
    let bytes = await readAt(this.#handle, 0, PIECE_BYTES);
    const mark = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    let used = mark;
    if (format === 'ndjson') {
      if (bytes.length === 0) return false;
      this.#parse = parseNdjson;
    } else {
      let header = csvHeader(bytes.subarray(mark), false, delimiter);
      while (header === undefined) {
        checkLength(bytes.length, name, 'its first line');
        const more = await readAt(this.#handle, bytes.length, bytes.length + PIECE_BYTES);
        bytes = Buffer.concat([bytes, more]);
        header = csvHeader(bytes.subarray(mark), whole && more.length === 0, delimiter);
        if (header === undefined && more.length === 0) return false;
      }
      this.#parse = csvParser(header);
      used += header.bytes;
    }
    if (this.#offset === 0) this.#take(bytes.subarray(0, used), used);
    return true;
  }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}

function otherFile(name: string, offset: number, size: number): SoraError {
  const what =
    size < offset ? `it has ${size} bytes, so it was cut short or replaced` : 'other bytes stand before it';
  return new SoraError(
    'schema-mismatch',
    `${name}: rows up to byte ${offset} were taken, and now ${what}. Give the file that was followed, or follow this one under another --name.`,
    { details: { offset, size } },
  );
}
