/**
 * Whether a path still names the file that it named. A file that is opened more than once may have been replaced in
 * between; its rows would then be those of two files.
 */
import { closeSync, fstatSync, openSync, type Stats } from 'node:fs';
import { SoraError } from '../errors.ts';

/** Names a file on this machine, whatever is written to it. */
export function fileVersion({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev} ${ino} ${birthtimeMs}`;
}

/** Opens the file for reading. Throws `io-failed` if another one, or none, has its path now. */
export function openVersion({ path, name }: { path: string; name: string }, version: string): number {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    if (fileVersion(fstatSync(file)) === version) return file;
  } catch (cause) {
    throw replaced(name, cause);
  }
  closeSync(file);
  throw replaced(name);
}

function replaced(name: string, cause?: unknown): SoraError {
  return new SoraError(
    'io-failed',
    `${name}: the file was replaced or removed while it was read. Read it again, or a copy that stays.`,
    { cause, details: { file: name } },
  );
}
