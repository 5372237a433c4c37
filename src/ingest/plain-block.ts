/**
 * A block of plain text (`plain-text.ts`) as the block of a particle: what workers do before they narrow and encode.
 * Gives the same rows as DuckDB, or nothing where a line is not plain; the file is read here, piece by piece.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, readSync } from 'node:fs';
import { type LineColumn, type LineParser, TEXT_BYTES, withLineParser } from '../kernel/csv.ts';
import { emptyValidity, setPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import type { Field, Schema } from '../particle/schema.ts';
import type { ChunkPart, PackedTextPart } from './chunk.ts';
import { openVersion } from './file-version.ts';
import { type Filler, fillerOf } from './filler.ts';
import { normaliser } from './missing.ts';
import { packedString } from './packed-text.ts';
import type { TextBlock, TextRange } from './plain-text.ts';

/** The rows of a block; undefined if not all of its lines are plain. */
export function parseBlock({ schema, rows, ranges }: TextBlock): Particle | undefined {
  const [{ text }] = ranges;
  const nulls = new Set(text.form.markers);
  const fillers = schema.fields.map((field, index) => {
    const normalise = normaliser(text.missing[index]);
    return fillerOf(field, rows, (value) => (nulls.has(value) ? undefined : normalise(value)));
  });
  const plain = ranges.every((range) => parseRange(range, schema, fillers, nulls));
  return plain ? { schema, rows, columns: fillers.map((filler) => filler.take(0)) } : undefined;
}

/** Fills in the rows of a range; false if not all of its lines are plain. */
function parseRange(
  range: TextRange,
  { fields }: Schema,
  fillers: readonly Filler[],
  nulls: ReadonlySet<string>,
): boolean {
  const { form, columns } = range.text;
  const file = openVersion(range.text, range.version);
  try {
    return withLineParser(form, (parser) => {
      const parts = fields.map((field, index) => partOf(field, parser.columns[columns[index]], nulls));
      return readRange(file, range, parser, (rows) => append(fillers, parts, rows)) === range.rows;
    });
  } finally {
    closeSync(file);
  }
}

/** Reads and parses the range piece by piece; tells how many rows it has, or -1 if they are not plain. */
function readRange(
  file: number,
  { text, start, end }: TextRange,
  parser: LineParser,
  take: (rows: number) => boolean,
): number {
  const { newline } = text.form;
  const room = Buffer.from(parser.text.buffer, parser.text.byteOffset, TEXT_BYTES);
  const lineByte = newline.charCodeAt(newline.length - 1);
  let rows = 0;
  let held = 0;
  for (let at = start; at < end || held > 0; ) {
    // Room is left for a line end, which the last line of a file may lack.
    const wanted = Math.min(TEXT_BYTES - newline.length - held, end - at);
    const read = wanted === 0 ? 0 : readSync(file, room, held, wanted, at);
    at += read;
    let length = held + read;
    if (at === end && room[length - 1] !== lineByte) length += room.write(newline, length, 'latin1');
    else if (read === 0) return -1;
    const whole = room.lastIndexOf(lineByte, length - 1) + 1;
    if (whole === 0 || !isUtf8(room.subarray(0, whole))) return -1;
    const parsed = parser.parse(whole, (count) => {
      rows += count;
      return take(count);
    });
    if (!parsed) return -1;
    room.copyWithin(0, whole, length);
    held = length - whole;
  }
  return rows;
}

function append(
  fillers: readonly Filler[],
  parts: readonly ((rows: number) => ChunkPart | undefined)[],
  rows: number,
) {
  for (let field = 0; field < fillers.length; field++) {
    const part = parts[field](rows);
    if (part === undefined) return false;
    fillers[field].append(part, 0, rows);
  }
  return true;
}

/** The part of a chunk that a column is, for so many rows. */
function partOf(
  field: Field,
  column: LineColumn,
  nulls: ReadonlySet<string>,
): (rows: number) => ChunkPart | undefined {
  if (field.type === 'number') {
    const part: ChunkPart = { kind: 'numbers', values: column.numbers, validity: undefined };
    return () => part;
  }
  const { buffer, byteOffset, byteLength } = column.packed;
  const part: PackedTextPart = {
    kind: 'packed',
    bytes: Buffer.from(buffer, byteOffset, byteLength),
    words: new Uint32Array(buffer, byteOffset, byteLength / 4),
    hashes: field.type === 'category' ? column.hashes : undefined,
    validity: undefined,
    follow: (memory, offset, length) =>
      new Uint8Array(memory, new DataView(memory).getUint32(offset, true), length),
  };
  return field.type === 'boolean' ? (rows) => booleansOf(part, rows, nulls) : () => part;
}

/** Strings as booleans; undefined if one is neither `true` nor `false`, in whatever case. */
function booleansOf(part: PackedTextPart, rows: number, nulls: ReadonlySet<string>): ChunkPart | undefined {
  const values = new Uint8Array(rows);
  const validity = emptyValidity(rows);
  for (let row = 0; row < rows; row++) {
    const text = packedString(part, row);
    if (nulls.has(text)) continue;
    if (!/^(?:true|false)$/i.test(text)) return undefined;
    values[row] = text.length === 4 ? 1 : 0;
    setPresent(validity, row);
  }
  return { kind: 'booleans', values, validity };
}
