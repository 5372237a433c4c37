/**
 * The model directory: `model.json` and `parameters.safetensors`, written so that it holds a whole model at every
 * moment. To replace one, the new parameters are first put beside the old (`parameters.next.safetensors`), then
 * `model.json` is replaced at once, which is the moment of change, then the parameters take their name.
 * Knows bytes and names; where they lie is the storage's concern.
 */
import { SoraError } from '../errors.ts';
import { directoryStorage, removeTemporary } from '../store/directory.ts';
import { corrupt, sha256 } from '../store/sealed.ts';
import { checkSealedJson, nextName, sealJsonText } from '../store/sealed-text.ts';
import type { ObjectStorage } from '../store/storage.ts';
import {
  assembleModel,
  MODEL_FILE,
  type Model,
  modelRecord,
  PARAMETERS_FILE,
  parseModelJson,
} from './model.ts';
import { decodeTensors, encodeTensors } from './safetensors.ts';

const NEXT_FILE = nextName(PARAMETERS_FILE);
const REMEDY = 'Restore the model from a backup, or train it again.';

/** The two files of a model, by name. Equal models give equal bytes. */
export function modelFiles(model: Model): Record<typeof MODEL_FILE | typeof PARAMETERS_FILE, Uint8Array> {
  const parameters = encodeTensors(model.tensors);
  const entry = { file: PARAMETERS_FILE, bytes: parameters.length, sha256: sha256(parameters) } as const;
  const text = sealJsonText(modelRecord(model, entry));
  return { [MODEL_FILE]: new TextEncoder().encode(text), [PARAMETERS_FILE]: parameters };
}

/** The model in the files of {@link modelFiles}; `corrupt` if a byte differs, `newer-format` if it is too new. */
export function modelFromFiles(
  files: Readonly<Record<string, Uint8Array | undefined>>,
  where: string,
): Model {
  const json = files[MODEL_FILE];
  if (json === undefined) {
    throw new SoraError(
      'not-found',
      `There is no model at ${where}: it has no ${MODEL_FILE}. Train one, or correct the path.`,
    );
  }
  checkSealedJson(json, `${where}/${MODEL_FILE}`, REMEDY);
  const parsed = parseModelJson(new TextDecoder().decode(json), `${where}/${MODEL_FILE}`);
  const expected = parsed.parameters.sha256;
  const bytes = [files[PARAMETERS_FILE], files[NEXT_FILE]].find(
    (one) => one !== undefined && sha256(one) === expected,
  );
  if (bytes === undefined) {
    const found = files[PARAMETERS_FILE] === undefined ? 'no file' : sha256(files[PARAMETERS_FILE]);
    throw corrupt(`${where}/${PARAMETERS_FILE}`, `SHA-256 ${expected}`, found, REMEDY);
  }
  return assembleModel(parsed, decodeTensors(bytes), where);
}

/** SHA-256 of a model's parameters file: what other models call it by. */
export function parametersHash({ tensors }: Pick<Model, 'tensors'>): string {
  return sha256(encodeTensors(tensors));
}

/** Writes a model to a directory (or any storage), replacing the one there. Durable when it returns. */
export async function saveModel(target: string | ObjectStorage, model: Model): Promise<void> {
  const storage = typeof target === 'string' ? directoryStorage(target) : target;
  const files = modelFiles(model);
  await storage.put(NEXT_FILE, files[PARAMETERS_FILE]);
  await storage.flush([NEXT_FILE]);
  await storage.put(MODEL_FILE, files[MODEL_FILE]);
  await storage.flush([MODEL_FILE]);
  if (await isMine(storage, files)) {
    await storage.put(PARAMETERS_FILE, files[PARAMETERS_FILE]);
    await storage.flush([PARAMETERS_FILE]);
    if (await isMine(storage, files)) await storage.delete(NEXT_FILE);
  }
  if (typeof target === 'string') await removeTemporary(target);
}

/** Ends what a {@link saveModel} that was killed had still to do; nothing where none was. */
export async function finishSave(directory: string, model: Model): Promise<void> {
  const isUnfinished = (await directoryStorage(directory).get(NEXT_FILE)) !== undefined;
  if (isUnfinished) await saveModel(directory, model);
}

/** Whether no other training has replaced the model since; if one has, the rest is its to do. */
async function isMine(storage: ObjectStorage, files: ReturnType<typeof modelFiles>): Promise<boolean> {
  const now = await storage.get(MODEL_FILE);
  return now !== undefined && Buffer.compare(now, files[MODEL_FILE]) === 0;
}

/** Reads a model from a directory (or any storage), every byte checked. */
export async function loadModel(source: string | ObjectStorage): Promise<Model> {
  const storage = typeof source === 'string' ? directoryStorage(source) : source;
  for (let before = await storage.get(MODEL_FILE); ; ) {
    const next = await storage.get(NEXT_FILE);
    const parameters = await storage.get(PARAMETERS_FILE);
    try {
      const files = { [MODEL_FILE]: before, [NEXT_FILE]: next, [PARAMETERS_FILE]: parameters };
      return modelFromFiles(files, storage.location);
    } catch (error) {
      if (before === undefined) await refuseFollowed(storage);
      // The model may have been replaced between the reads: then its description is another by now.
      const after = await storage.get(MODEL_FILE);
      if (before === undefined || after === undefined || sha256(after) === sha256(before)) throw error;
      before = after;
    }
  }
}

/** Throws `unsupported-format` where the folder holds the versions of an online model instead. */
async function refuseFollowed(storage: ObjectStorage): Promise<void> {
  for await (const { key } of storage.list('')) {
    if (!key.endsWith('.online')) continue;
    throw new SoraError(
      'unsupported-format',
      `The model at ${storage.location} is the online one of a followed stream, which sora follow teaches and sora predict and sora inspect read; for this, train a model on the rows of its store (sora train).`,
    );
  }
}
