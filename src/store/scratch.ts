/**
 * Scratch of a worker in `tmp/` of the store: what it knows of particles that do not fit its memory, from one round to
 * the next. One file a name, written in place; what is read back is checked. It belongs to one source, ends with
 * it, and may be lost at any time: a reader is then told so. What processes that died have left is removed.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checksum } from '../kernel/checksum.ts';
import type { Scratch } from '../run/session.ts';
import { attempt, readInto, writeAll } from './cache-files.ts';
import { TEMPORARY } from './directory.ts';

const PREFIX = 'scratch-';

/** Scratch in the store at `root`; nothing is made before something is written. */
export function storeScratch(root: string): Scratch {
  const folder = join(root, TEMPORARY, `${PREFIX}${process.pid}-${randomUUID()}`);
  const sums = new Map<string, Uint32Array>();
  let made = false;
  const open = (name: string, flags: string): number | undefined =>
    attempt(() => openSync(join(folder, name), flags));
  const make = (): void => {
    made = true;
    attempt(() => removeAbandoned(join(root, TEMPORARY)));
    attempt(() => mkdirSync(folder, { recursive: true }));
  };
  return {
    read(name, target) {
      const sum = sums.get(name);
      const fd = sum && open(name, 'r');
      if (sum === undefined || fd === undefined) return false;
      try {
        const count = attempt(() => readInto(fd, target, 0));
        return count === target.length && checksum(target).every((word, i) => word === sum[i]);
      } finally {
        closeSync(fd);
      }
    },
    write(name, bytes) {
      if (!made) make();
      sums.delete(name);
      // Written in place where the file is there: its pages are then used again.
      const fd = open(name, 'r+') ?? open(name, 'w');
      if (fd === undefined) return false;
      try {
        const written = attempt(() => {
          writeAll(fd, bytes);
          sums.set(name, checksum(bytes));
          return true;
        });
        return written === true;
      } finally {
        closeSync(fd);
      }
    },
    clear() {
      sums.clear();
      if (made) attempt(() => rmSync(folder, { recursive: true, force: true }));
      made = false;
    },
  };
}

/** Removes the scratch of processes that are gone. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : Number.NaN;
    if (Number.isInteger(pid) && !isAlive(pid)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
