/** Prediction over tables of any size: read, score particle by particle, write; one row out for each row in. */
import { SoraError } from '../errors.ts';
import type { Precision } from '../ingest/narrow.ts';
import { loadModel } from '../model/files.ts';
import type { Model } from '../model/model.ts';
import { particlePredictor } from '../model/predict.ts';
import { type Column, isPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import { openStore } from '../store/store.ts';
import { type Hooks, type Inputs, storeOf } from './data.ts';
import { type Answers, followedPredictor, isFollowed, openFollowed } from './follow/followed.ts';
import { checkOptions, type PredictOptions, predictShape } from './options.ts';
import { type Block, type Cell, fileOutput, standardOutput, type TableWriter } from './output.ts';

/** What was predicted, in numbers. */
export interface PredictResult {
  readonly rows: number;
  /** Rows that could not be read and were left out, as the options allow. */
  readonly badRows: number;
  readonly out?: string;
  /** Missing values that were filled in, by column. */
  readonly imputed: Readonly<Record<string, number>>;
  /** Categories that training never saw, by column. */
  readonly unknown: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** Most classes whose probabilities each get a column. */
const MOST_COLUMNS = 50;

/** Value of a column in a row, as it is written. */
export function cellOf(column: Column, row: number): Cell {
  if (!isPresent(column.validity, row)) return null;
  switch (column.type) {
    case 'category':
      return column.dictionary[column.codes[row]] ?? null;
    case 'boolean':
      return column.values[row] === 1;
    case 'timestamp':
      return new Date(column.values[row]).toISOString();
    case 'number':
      return column.values instanceof Float32Array ? shortest(column.values[row]) : column.values[row];
    case 'text':
      return column.values[row];
    default:
      return null;
  }
}

/** The shortest decimal that is this f32, so that 14.46 is written as it came; nine digits tell any two apart. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** A named column of what is written. */
export interface OutputColumn {
  readonly name: string;
  cell(row: number): Cell;
}

/** Columns that say what was predicted: the answer, its probability, and those of the classes where there are few. */
export function predictionColumns(predictions: Answers): OutputColumn[] {
  const { classes, probabilities, classIndices, values } = predictions;
  if (!classes || !probabilities || !classIndices) {
    const numbers = values as Float64Array;
    return [{ name: 'prediction', cell: (row) => numbers[row] }];
  }
  const width = classes.length;
  const columns: OutputColumn[] = [
    { name: 'prediction', cell: (row) => classes[classIndices[row]] },
    { name: 'probability', cell: (row) => probabilities[row * width + classIndices[row]] },
  ];
  if (width > MOST_COLUMNS) return columns;
  const each = classes.map((name, c) => ({
    name: `p(${name})`,
    cell: (row: number) => probabilities[row * width + c],
  }));
  return [...columns, ...each];
}

/** Columns of the input that are copied; throws `not-found` naming those there are. */
export function keptColumns(particle: Particle, keep: readonly string[]): OutputColumn[] {
  return keep.map((name) => {
    const index = particle.schema.fields.findIndex((field) => field.name === name);
    if (index < 0) {
      const names = particle.schema.fields.map((field) => field.name).join(', ');
      throw new SoraError('not-found', `There is no column "${name}" to keep; the columns are: ${names}.`);
    }
    const column = particle.columns[index];
    return { name, cell: (row: number) => cellOf(column, row) };
  });
}

function blockOf(particle: Particle, predictions: Answers, keep: readonly string[]): Block {
  const columns = [...keptColumns(particle, keep), ...predictionColumns(predictions)];
  return {
    rows: particle.rows,
    names: columns.map(({ name }) => name),
    cell: (column, row) => columns[column].cell(row),
  };
}

function addCounts(into: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(from)) into[name] = (into[name] ?? 0) + count;
}

/** Rows as they come, particle by particle. */
interface Rows {
  readonly particles: AsyncIterable<Particle>;
  readonly notes: readonly string[];
  badRows(): number;
}

/** Opens inputs, or a store, to be read once under the schema of the model. */
export async function openRows(
  model: Pick<Model, 'schema'>,
  inputs: Inputs,
  options: PredictOptions,
  hooks: Hooks,
  precision: Precision = 'f32',
): Promise<Rows> {
  const directory = options.sql === undefined ? storeOf(inputs) : undefined;
  if (directory !== undefined) {
    const store = await openStore(directory);
    const snapshot = await store.snapshot(options.at);
    async function* particles() {
      for (const ref of snapshot.particles) yield await store.loadParticle(ref);
    }
    return { particles: particles(), notes: [], badRows: () => 0 };
  }
  const { keep, out, at, modelAt, memory, workers, ...read } = options;
  const { readTable } = await import('../ingest/ingest.ts');
  const table = await readTable(inputs, {
    ...read,
    schema: model.schema,
    keep,
    precision,
    signal: hooks.signal,
  });
  return { particles: table.particles, notes: table.notes, badRows: () => table.report().badRows };
}

/** A model that predicts: trained, or followed. */
interface Predictor {
  readonly schema: Schema;
  /** What its numbers were learned at. */
  readonly precision: Precision;
  score(particle: Particle): Answers;
}

async function openPredictor(directory: string, at: string | undefined): Promise<Predictor> {
  if (await isFollowed(directory)) {
    const found = await openFollowed(directory, at);
    return { schema: found.state.plan.schema, precision: 'f64', score: followedPredictor(found) };
  }
  if (at !== undefined) {
    throw new SoraError('bad-option', `Option --model-at is for followed models, and ${directory} is none.`);
  }
  const model = await loadModel(directory);
  return { schema: model.schema, precision: 'f32', score: particlePredictor(model, { following: true }) };
}

/**
 * Applies a model to files, a store, an iterable or standard input.
 * @example
 * await predict('people.sora/models/income', 'new.csv', { out: 'predictions.csv' });
 */
export async function predict(
  directory: string,
  inputs: Inputs,
  given: PredictOptions & Hooks = {},
): Promise<PredictResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const options = checkOptions(predictShape, plain);
  const started = performance.now();
  const { schema, precision, score } = await openPredictor(directory, options.modelAt);
  const rows = await openRows({ schema }, inputs, options, { signal }, precision);
  for (const note of rows.notes) onNote?.(note);
  const writer: TableWriter = options.out === undefined ? standardOutput() : await fileOutput(options.out);
  const imputed: Record<string, number> = {};
  const unknown: Record<string, number> = {};
  let done = 0;
  try {
    for await (const particle of rows.particles) {
      const predictions = score(particle);
      addCounts(imputed, predictions.imputed);
      addCounts(unknown, predictions.unknown);
      await writer.write(blockOf(particle, predictions, options.keep ?? []));
      done += particle.rows;
      onProgress?.({ stage: 'predicting', done, unit: 'rows' });
    }
    await writer.close();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return {
    rows: done,
    badRows: rows.badRows(),
    out: options.out,
    imputed,
    unknown,
    notes: rows.notes,
    seconds: (performance.now() - started) / 1000,
  };
}
