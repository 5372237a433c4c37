/**
 * Verification of `models/<name>/`: a sealed `model.json`, the files it lists, and a sealed `report.html`.
 * A model is replaced file by file (model/files.ts), so a file may also lie under its next name; and one that was
 * replaced while it was being checked is checked again.
 */
import { TEMPORARY } from './directory.ts';
import { checkSealedJson, checkSealedPage, nextName, type SealedFile, sealedFiles } from './sealed-text.ts';
import type { ObjectStorage } from './storage.ts';
import { checkHash, type Finding, findingOf } from './verify-check.ts';

/** Folder of models, as a key of the store. */
export const MODELS = 'models/';

const MODEL_FILE = 'model.json';
const REPORT_FILE = 'report.html';
const REMEDY = 'Train the model again, or restore it from a backup.';
/** Replacements met while one model is being checked, after which the last findings stand. */
const MAX_ATTEMPTS = 10;

/** What became of a file: part of a whole model, left by a killed training, without its model.json, or foreign. */
export type ModelFileKind = 'whole' | 'leftover' | 'orphan' | 'unknown';

/** What is wrong in a folder, and what its files are. */
export interface ModelCheck {
  readonly findings: readonly { readonly file: string; readonly finding: Finding }[];
  /** What the file of this key is, if nothing is wrong with it. */
  readonly kindOf: (key: string) => ModelFileKind;
  /** Whether the model is whole without this leftover. */
  readonly isFree: (key: string) => boolean;
}

/** The folder of a model, `models/<name>/`, that the key lies in; undefined if it lies in none. */
export function modelFolder(key: string): string | undefined {
  const end = key.startsWith(MODELS) ? key.indexOf('/', MODELS.length) : -1;
  return end < 0 ? undefined : key.slice(0, end + 1);
}

/** Checks every byte of the model in `folder`. */
export async function checkModel(
  storage: ObjectStorage,
  folder: string,
  onPiece: () => void,
): Promise<ModelCheck> {
  for (let attempt = 1; ; attempt++) {
    const json = await storage.get(folder + MODEL_FILE);
    const check = await checkOnce(storage, folder, json, onPiece);
    if (check.findings.length === 0 || attempt === MAX_ATTEMPTS) return check;
    const now = await storage.get(folder + MODEL_FILE);
    if (Buffer.compare(json ?? Buffer.alloc(0), now ?? Buffer.alloc(0)) === 0) return check;
  }
}

async function checkOnce(
  storage: ObjectStorage,
  folder: string,
  json: Uint8Array | undefined,
  onPiece: () => void,
): Promise<ModelCheck> {
  const findings: { file: string; finding: Finding }[] = [];
  const note = (file: string, finding: Finding | undefined) => {
    if (finding !== undefined) findings.push({ file, finding });
  };
  const page = await storage.get(folder + REPORT_FILE);
  note(folder + REPORT_FILE, page && findingIn(() => checkSealedPage(page, folder + REPORT_FILE, REMEDY)));
  const damaged = json && findingIn(() => checkSealedJson(json, folder + MODEL_FILE, REMEDY));
  note(folder + MODEL_FILE, damaged);
  const judged = json !== undefined && damaged === undefined;
  const files = judged ? sealedFiles(json, folder + MODEL_FILE, REMEDY) : [];
  const used = new Set<string>();
  for (const file of files) {
    const { finding, usesNext } = await checkListed(storage, folder, file, onPiece);
    note(folder + file.file, finding);
    if (usesNext) used.add(folder + nextName(file.file));
  }
  const listed = new Set([MODEL_FILE, REPORT_FILE, ...files.map(({ file }) => file)]);
  const kindOf = (key: string): ModelFileKind => {
    const name = key.slice(folder.length);
    if (name.startsWith(TEMPORARY) || /\.next(\.[^./]+)?$/.test(name)) return 'leftover';
    if (!judged) return name === MODEL_FILE ? 'whole' : 'orphan';
    return listed.has(name) ? 'whole' : 'unknown';
  };
  const isFree = (key: string) => (judged || json === undefined) && !used.has(key);
  return { findings, kindOf, isFree };
}

function findingIn(check: () => void): Finding | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return findingOf(error, 'a sealed text');
  }
}

async function checkListed(
  storage: ObjectStorage,
  folder: string,
  { file, sha256 }: SealedFile,
  onPiece: () => void,
): Promise<{ readonly finding?: Finding; readonly usesNext?: boolean }> {
  const expected = { sha256, remedy: REMEDY };
  const key = folder + file;
  const isThere = (await storage.stat(key)) !== undefined;
  const finding = isThere ? await checkHash(storage, key, expected, onPiece) : missing(sha256);
  if (finding === undefined) return {};
  const next = folder + nextName(file);
  if ((await storage.stat(next)) === undefined) return { finding };
  const usesNext = (await checkHash(storage, next, expected, onPiece)) === undefined;
  return usesNext ? { usesNext } : { finding };
}

function missing(sha256: string): Finding {
  return { kind: 'missing', expected: `SHA-256 ${sha256}`, found: 'no file', remedy: REMEDY };
}
