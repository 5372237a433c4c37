/** Models of other libraries become directories of Sora, and models of trees become files of others. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import { exportedModel } from '../model/exchange/exported.ts';
import { importText } from '../model/exchange/import.ts';
import { importedModel } from '../model/exchange/model.ts';
import { lightgbmText } from '../model/exchange/to-lightgbm.ts';
import { onnxBytes } from '../model/exchange/to-onnx.ts';
import { loadModel, saveModel } from '../model/files.ts';
import { MODEL_FILE } from '../model/model.ts';
import { directoryStorage, removeTemporary } from '../store/directory.ts';
import { checkOptions, type ExportOptions, exportShape, type ImportOptions, importShape } from './options.ts';
import { removeReport } from './report.ts';
import { VERSION } from './version.ts';

/** What was read, and where the model is now. */
export interface ImportResult {
  /** The model directory. */
  readonly directory: string;
  /** Who made the model, and its objective by its own name. */
  readonly source: string;
  readonly objective: string;
  readonly kind: 'binary' | 'multiclass' | 'number' | 'count';
  readonly trees: number;
  readonly leaves: number;
  /** Columns that the model reads. */
  readonly columns: readonly string[];
  readonly target: string;
  readonly classes?: readonly string[];
  readonly notes: readonly string[];
}

/** What was written. */
export interface ExportResult {
  readonly file: string;
  readonly format: 'lightgbm' | 'onnx';
  readonly bytes: number;
  readonly trees: number;
  readonly leaves: number;
  /** Features that the file reads, in order. */
  readonly features: readonly string[];
  readonly notes: readonly string[];
}

const ENDINGS = { lightgbm: '.txt', onnx: '.onnx' } as const;

/**
 * Reads a text model of LightGBM or a JSON model of XGBoost and saves it as a model of Sora.
 * Throws `unsupported-format` or `bad-input`, saying what in the file and what to do.
 * @example
 * const { directory } = await importModel('model.txt', { target: 'income', classes: ['no', 'yes'] });
 * const model = await loadModel(directory);
 */
export async function importModel(file: string, given: ImportOptions = {}): Promise<ImportResult> {
  const { target, classes, force, out } = checkOptions(importShape, given);
  const directory = resolve(out ?? `${basename(file, extname(file))}.model`);
  refuseToReplace(join(directory, MODEL_FILE), directory, force);
  const imported = importText(await textOf(file), file);
  const model = importedModel(imported, { target, classes }, VERSION, file);
  await removeReport(directory);
  await saveModel(directory, model);
  const { kind, classes: names } = model.recipe.label!;
  return {
    directory,
    source: imported.source,
    objective: imported.objective,
    kind,
    ...sizeOf(imported.forest),
    columns: imported.features.map(({ name }) => name),
    target,
    classes: names,
    notes: imported.notes,
  };
}

/**
 * Writes a model of trees as a text model of LightGBM or as ONNX. Throws `unsupported-format` for a linear model.
 * @example
 * await exportModel('people.sora/models/income', { out: 'income.onnx' });
 */
export async function exportModel(directory: string, given: ExportOptions = {}): Promise<ExportResult> {
  const options = checkOptions(exportShape, given);
  const format = options.format ?? formatOf(options.out);
  const file = resolve(options.out ?? `${basename(resolve(directory))}${ENDINGS[format]}`);
  refuseToReplace(file, file, options.force);
  const exported = exportedModel(await loadModel(directory), directory);
  const bytes =
    format === 'onnx' ? onnxBytes(exported, VERSION) : new TextEncoder().encode(lightgbmText(exported));
  await writeWhole(file, bytes);
  return {
    file,
    format,
    bytes: bytes.length,
    ...sizeOf(exported.forest),
    features: exported.features.map(({ name }) => name),
    notes: exported.notes,
  };
}

function sizeOf({ starts, nodeFeatures }: { starts: Uint32Array; nodeFeatures: Int32Array }) {
  return { trees: starts.length - 1, leaves: nodeFeatures.filter((feature) => feature < 0).length };
}

function formatOf(out: string | undefined): ExportResult['format'] {
  const ending = out === undefined ? '' : extname(out).toLowerCase();
  for (const format of ['lightgbm', 'onnx'] as const) if (ENDINGS[format] === ending) return format;
  throw new SoraError(
    'bad-option',
    `The form of ${out === undefined ? 'the file is not given' : `"${out}" is not known by its ending`}: say --format lightgbm or onnx, or let --out end in .txt or .onnx.`,
    { details: { option: 'format' } },
  );
}

function refuseToReplace(found: string, name: string, force: boolean): void {
  if (force || !existsSync(found)) return;
  throw new SoraError(
    'bad-option',
    `${name} is there already: choose another --out, or replace it with --force.`,
    { details: { option: 'out', value: name } },
  );
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = absent
      ? `There is no file ${file}.`
      : `Could not read ${file}: ${(cause as Error).message}`;
    throw new SoraError(absent ? 'not-found' : 'io-failed', reason, { cause, details: { path: file } });
  }
}

/** The file appears under its name when it is whole. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const storage = directoryStorage(dirname(file));
  await storage.put(basename(file), bytes);
  await storage.flush([basename(file)]);
  await removeTemporary(dirname(file));
}
