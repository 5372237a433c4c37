/**
 * A file that grows: NDJSON, or CSV with a header. Rows are taken as lines are completed; a half-written last line
 * waits. The file is the one that was opened: once it has been replaced or cut short, what was left in it has been
 * taken, and the stream ends with an error rather than go on in another.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { SoraError } from '../../errors.ts';
import { type FilePlace, FileRows, type FileText, placeShape, START } from './file-rows.ts';
import { parsePosition } from './position.ts';
import type { RowStream, StreamBatch, StreamPosition } from './stream.ts';
import { POLL, pause } from './wait.ts';

/** Follows the file at a path. */
export function openGrowingFile(path: string, text: FileText): RowStream {
  return {
    name: text.name,
    read: (from, signal) => readRows(path, text, placeOf(text.name, from), signal),
    close: async () => {},
  };
}

function placeOf(name: string, from: StreamPosition | null): FilePlace {
  return parsePosition(placeShape, from, name, 'place in a file') ?? START;
}

async function* readRows(
  path: string,
  text: FileText,
  from: FilePlace,
  signal: AbortSignal,
): AsyncGenerator<StreamBatch> {
  const handle = await openFile(path, text.name);
  try {
    const rows = await FileRows.open(handle, text, from);
    while (!signal.aborted) {
      const next = await rows.next(false);
      if (next === undefined) {
        await checkSame(path, handle, rows, text.name);
        await pause(POLL, signal);
      }
      if (next !== undefined || !signal.aborted) {
        yield { rows: next ?? [], position: rows.place };
      }
    }
  } finally {
    await handle.close();
  }
}

/** Opens a file to read; `not-found` or `io-failed`. */
export async function openFile(path: string, name: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new SoraError(
        'not-found',
        `${name}: there is no such file. Correct the path, or make it first.`,
        {
          cause,
        },
      );
    }
    throw new SoraError('io-failed', `${name}: cannot be opened: ${message}.`, { cause });
  }
}

/** Throws unless the path still names the file that is read, and that has not become shorter. */
async function checkSame(path: string, handle: FileHandle, rows: FileRows, name: string): Promise<void> {
  const now = await stat(path).catch(() => undefined);
  const read = await handle.stat();
  const { offset } = rows.place;
  const half = rows.pending > 0 ? `; its last ${rows.pending} bytes are half a row and were not taken` : '';
  if (now === undefined) {
    throw new SoraError('not-found', `${name}: the file was removed after byte ${offset}${half}.`, {
      details: { offset },
    });
  }
  const replaced = now.ino !== read.ino || now.dev !== read.dev;
  if (!replaced && read.size >= offset + rows.pending) return;
  const what = replaced
    ? 'another file has taken its name (rotated?)'
    : `it was cut short to ${read.size} bytes`;
  throw new SoraError(
    'schema-mismatch',
    `${name}: ${what} after byte ${offset}${half}. Rows taken so far are kept; follow the new file under another --name, or let files land in a folder and follow that.`,
    { details: { offset, size: read.size } },
  );
}
