/**
 * Temporary files of a read: one folder a process, removed when it ends; what a killed process left behind is removed
 * by the next one that needs a folder.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'sora-ingest-';

const live = new Set<string>();
let watching = false;

/** A new folder of this process. */
export async function temporaryFolder(): Promise<string> {
  if (!watching) {
    watching = true;
    removeStale();
    process.once('exit', () => {
      for (const folder of live) rmSync(folder, { recursive: true, force: true });
    });
  }
  mkdirSync(tmpdir(), { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  live.add(folder);
  return folder;
}

/** Removes a folder that {@link temporaryFolder} made. */
export async function removeFolder(folder: string): Promise<void> {
  live.delete(folder);
  await rm(folder, { recursive: true, force: true });
}

/** Removes folders of processes that are no more. */
export function removeStale(): void {
  for (const name of readdirSync(tmpdir())) {
    const match = /^sora-(?:ingest|duckdb)-(\d+)/.exec(name);
    if (match !== null && !isAlive(Number(match[1]))) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
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
