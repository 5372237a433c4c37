/** A store in a temporary folder, for data that is looked at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryStore {
  readonly directory: string;
  dispose(): Promise<void>;
}

/** Makes the folder; `dispose` removes it with all that is in it. */
export async function temporaryStore(): Promise<TemporaryStore> {
  const directory = await mkdtemp(join(tmpdir(), 'sora-'));
  return { directory, dispose: () => rm(directory, { recursive: true, force: true }) };
}
