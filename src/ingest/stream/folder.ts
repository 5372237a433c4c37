/**
 * A folder where files land: NDJSON or CSV, each read whole, in the order of their names. A file counts from the moment
 * it has its name, so it must be whole by then: write it under another (`.part`, `.tmp`, or with a leading dot) and rename.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { FileRows, type FileText, placeShape, START } from './file-rows.ts';
import { openFile } from './growing-file.ts';
import { parsePosition } from './position.ts';
import type { RowStream, StreamBatch, StreamPosition } from './stream.ts';
import { type TextFormat, textFormatOf } from './text-rows.ts';
import { POLL, pause } from './wait.ts';

/** The file at hand, the place in it or that it was read to its end, and how many files had been begun. */
const positionShape = z.strictObject({
  file: z.string(),
  place: z.union([placeShape, z.literal('end')]),
  files: z.int().positive(),
});
type FolderPosition = Readonly<z.infer<typeof positionShape>>;

/** How files of a folder are written; the format by their names where it is not given. */
export interface FolderText {
  /** As the user knows the folder. */
  readonly name: string;
  readonly format?: TextFormat;
  readonly delimiter?: string;
}

/** Follows the folder at a path. */
export function openFolder(path: string, text: FolderText): RowStream {
  return {
    name: text.name,
    read: (from, signal) => readFolder(path, text, positionOf(text.name, from), signal),
    close: async () => {},
  };
}

function positionOf(name: string, from: StreamPosition | null): FolderPosition | undefined {
  return parsePosition(positionShape, from, name, 'place in a folder');
}

async function* readFolder(
  path: string,
  text: FolderText,
  from: FolderPosition | undefined,
  signal: AbortSignal,
): AsyncGenerator<StreamBatch> {
  let at = from;
  if (at !== undefined) {
    const seen = (await landed(path, text)).filter((name) => name <= (at as FolderPosition).file);
    if (seen.length > at.files) throw late(text.name, seen, at);
    if (at.place !== 'end') {
      if (seen.at(-1) !== at.file) throw gone(text.name, at.file);
      yield* readOne(path, text, at, signal);
    }
  }
  while (!signal.aborted) {
    const names = await landed(path, text);
    const before = names.filter((name) => at !== undefined && name <= at.file);
    if (at !== undefined && before.length > at.files) throw late(text.name, before, at);
    const next = names[before.length];
    if (next === undefined) {
      await pause(POLL, signal);
      if (at !== undefined && !signal.aborted) yield { rows: [], position: at };
      continue;
    }
    at = { file: next, place: START, files: (at?.files ?? 0) + 1 };
    for await (const batch of readOne(path, text, at, signal)) {
      at = batch.position as FolderPosition;
      yield batch;
    }
  }
}

/** Rows of one file from a place on. */
async function* readOne(
  path: string,
  text: FolderText,
  at: FolderPosition,
  signal: AbortSignal,
): AsyncGenerator<StreamBatch> {
  const name = join(text.name, at.file);
  const format = text.format ?? textFormatOf(at.file);
  if (format === undefined) throw unknownFormat(name);
  const file: FileText = { name, format, delimiter: text.delimiter };
  const handle = await openFile(join(path, at.file), name);
  try {
    const rows = await FileRows.open(handle, file, at.place === 'end' ? START : at.place);
    while (!signal.aborted) {
      const next = await rows.next(true);
      const isEnd = next === undefined || rows.place.offset === (await handle.stat()).size;
      yield { rows: next ?? [], position: { ...at, place: isEnd ? 'end' : rows.place } };
      if (isEnd) return;
    }
  } finally {
    await handle.close();
  }
}

/** Names of the files that have landed, in order. */
async function landed(path: string, text: FolderText): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: Error) => {
    throw new SoraError('not-found', `${text.name}: the folder cannot be read: ${cause.message}.`, { cause });
  });
  return entries
    .filter((entry) => !entry.isDirectory() && !/^\.|\.(?:tmp|part)$/i.test(entry.name))
    .map((entry) => entry.name)
    .sort();
}

function gone(name: string, file: string): SoraError {
  return new SoraError(
    'not-found',
    `${join(name, file)}: the file was being read, and is gone. Put it back; files may go once later ones have been read.`,
    { details: { file } },
  );
}

function late(name: string, names: readonly string[], at: FolderPosition): SoraError {
  return new SoraError(
    'bad-input',
    `${name}: ${names.length} files are named up to "${at.file}", and ${at.files} had been begun: one has landed before its turn and would never be read. Names must sort in the order that files land; rename it to come after "${at.file}".`,
    { details: { file: at.file, files: at.files, found: names.length } },
  );
}

function unknownFormat(name: string): SoraError {
  return new SoraError(
    'unsupported-format',
    `${name}: only NDJSON and CSV can be followed, and its name ends like neither. Give --format, or write it under a name that starts with a dot until it is one.`,
    { details: { file: name } },
  );
}
