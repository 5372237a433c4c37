/** Models before updates, kept beside the updated one as `<name>.<n>`; and the way back to them. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import { loadModel, parametersHash, saveModel } from '../model/files.ts';
import type { Model } from '../model/model.ts';
import { removeReport } from './report.ts';

/** Where the updated model goes: `out`, or in place of the one before, which is kept beside it first. */
export async function keepVersion(
  directory: string,
  before: Model,
  out: string | undefined,
): Promise<{ target: string; previous?: string }> {
  const target = resolve(out ?? directory);
  if (target !== resolve(directory)) return { target };
  const previous = versionName(target, before.provenance.updates?.length ?? 0);
  await saveModel(previous, before);
  return { target, previous };
}

/** Where a model goes that has had so many updates. */
function versionName(directory: string, updates: number): string {
  return `${resolve(directory)}.${updates + 1}`;
}

/** Puts back the model before the last update. Throws `not-found` where it is not there any more. */
export async function undoUpdate(directory: string): Promise<{ directory: string; model: Model }> {
  const model = await loadModel(directory);
  const last = model.provenance.updates?.at(-1);
  if (last === undefined)
    throw new SoraError('bad-option', `The model ${directory} was never updated: there is nothing to undo.`);
  const place = versionName(directory, (model.provenance.updates?.length ?? 0) - 1);
  const before = await loadModel(place);
  if (parametersHash(before) !== last.from) {
    throw new SoraError(
      'not-found',
      `The model in ${place} is not the one that ${directory} was updated from: restore it from a backup.`,
    );
  }
  await removeReport(directory);
  await saveModel(directory, before);
  rmSync(place, { recursive: true, force: true });
  return { directory, model: before };
}
