/**
 * Models in the store: `models/<name>.json` is a sealed manifest that names files by path and SHA-256;
 * the files lie under `models/<name>/<id>/`, `id` being the hash of the manifest's list. The manifest is written
 * last and replaced at once, so a reader sees all files of one model or all of another.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import { mapConcurrent } from './concurrent.ts';
import { corrupt, openSealed, type SealedKind, sealJson, sha256 } from './sealed.ts';
import { checkKey, type ObjectStorage } from './storage.ts';

const MANIFEST: SealedKind = { format: 'sora-model-files', version: 1 };
const REMEDY = 'Train the model again, or restore it from a backup.';
const CONCURRENCY = 8;

/** Folder of models, as a key of the store. */
export const MODELS = 'models/';

/** Whether the key is that of a manifest. */
export function isManifestKey(key: string): boolean {
  return key.startsWith(MODELS) && key.endsWith('.json') && !key.slice(MODELS.length).includes('/');
}

/** Bytes by relative path. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>;

/** A file of a manifest: where it lies and what its bytes must be. */
export interface ModelFile {
  readonly path: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

const shape = z.object({
  files: z.array(
    z.object({ path: z.string(), file: z.string(), bytes: z.int().nonnegative(), sha256: z.string() }),
  ),
});

/** Key of the manifest of a model; names are one part of a key. */
function manifestKey(name: string): string {
  checkKey(name);
  if (name.includes('/')) throw new SoraError('bad-option', `The name of a model has no "/": ${name}`);
  return `${MODELS}${name}.json`;
}

/** The files that the manifest in `bytes` names; `corrupt` if it is damaged. */
export function decodeManifest(bytes: Uint8Array, key: string): readonly ModelFile[] {
  const result = shape.safeParse(openSealed(MANIFEST, bytes, key, REMEDY));
  if (!result.success) throw corrupt(key, 'a manifest', z.prettifyError(result.error), REMEDY);
  return result.data.files;
}

/** Stores the files of a model, replacing those it had. Durable when it returns. */
export async function storeModel(storage: ObjectStorage, name: string, files: ModelFiles): Promise<void> {
  const manifest = manifestKey(name);
  const previous = await storage.get(manifest);
  const listed = Object.entries(files)
    .map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const folder = `${MODELS}${name}/${sha256(canonicalJson(listed)).slice(0, 32)}`;
  const entries = listed.map((file) => ({ ...file, file: `${folder}/${file.path}` }));
  await mapConcurrent(entries, CONCURRENCY, (entry) => storage.put(entry.file, files[entry.path]));
  await storage.flush(entries.map((entry) => entry.file));
  await storage.put(manifest, sealJson(MANIFEST, { files: entries }));
  await storage.flush([manifest]);
  if (previous !== undefined)
    await removeFiles(storage, previous, manifest, new Set(entries.map((e) => e.file)));
}

async function removeFiles(storage: ObjectStorage, manifest: Uint8Array, key: string, kept: Set<string>) {
  let files: readonly ModelFile[] = [];
  try {
    files = decodeManifest(manifest, key);
  } catch {
    return;
  }
  await mapConcurrent(files, CONCURRENCY, async ({ file }) => {
    if (!kept.has(file)) await storage.delete(file);
  });
}

/** The files of a model by path; `not-found` if there is none, `corrupt` if a byte differs. */
export async function readModel(storage: ObjectStorage, name: string): Promise<ModelFiles> {
  const key = manifestKey(name);
  for (let manifest = await storage.get(key); manifest !== undefined; ) {
    const files = await mapConcurrent(decodeManifest(manifest, key), CONCURRENCY, (entry) =>
      readFile(storage, entry),
    );
    const damaged = files.find((file) => file instanceof SoraError);
    if (damaged === undefined) return Object.fromEntries(files as (readonly [string, Uint8Array])[]);
    // The model may have been replaced while its files were being read: then the manifest is another.
    const again = await storage.get(key);
    if (again !== undefined && sha256(again) === sha256(manifest)) throw damaged;
    manifest = again;
  }
  throw new SoraError('not-found', `No model "${name}" in the store at ${storage.location}.`);
}

async function readFile(storage: ObjectStorage, entry: ModelFile) {
  const bytes = await storage.get(entry.file);
  const found = bytes === undefined ? 'no file' : sha256(bytes);
  return bytes === undefined || found !== entry.sha256
    ? corrupt(entry.file, `SHA-256 ${entry.sha256}`, found, REMEDY)
    : ([entry.path, bytes] as const);
}
