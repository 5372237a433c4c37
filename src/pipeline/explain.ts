/**
 * Explanation of a saved model on rows of any number: what each column gave to each row's margin, written row by row, or
 * the means over all rows on workers and the first rows in full. What is added up is exact: base and contributions
 * make the margin.
 */
import { SoraError } from '../errors.ts';
import {
  type Attributions,
  addSums,
  emptySums,
  meanAttributions,
  readSums,
} from '../explain/attributions.ts';
import { type Attributor, attributor } from '../explain/attributor.ts';
import { type Explained, explainedModel } from '../explain/explained.ts';
import { gainShares, splitShares } from '../explain/importance.ts';
import { type Permutation, permutationImportance } from '../explain/permutation.ts';
import { loadModel } from '../model/files.ts';
import { historyAdder } from '../model/history.ts';
import type { Model } from '../model/model.ts';
import { type Predictions, particlePredictor } from '../model/predict.ts';
import { encodeParameters, isFactors } from '../model/scorer.ts';
import type { Particle } from '../particle/particle.ts';
import { sliceParticle } from '../particle/select.ts';
import { applyRecipe } from '../recipe/apply.ts';
import { learnerViewReference } from '../recipe/view.ts';
import { type Hooks, type Inputs, openSession } from './data.ts';
import { openForModel } from './model-data.ts';
import { checkOptions, type ExplainOptions, explainShape } from './options.ts';
import { type Block, type Cell, fileOutput } from './output.ts';
import { cellOf, keptColumns, type OutputColumn, openRows, predictionColumns } from './predict.ts';
import { openExecutor } from './resources.ts';

/** What a column, or a pair of columns, does to the margins. */
export interface ColumnExplanation {
  /** The column; `a × b` of a pair. */
  readonly name: string;
  /** Mean size of its contribution (mean |SHAP|), summed over outputs. */
  readonly strength: number;
  /** Mean contribution by output: which way it moves these rows. */
  readonly mean: readonly number[];
  /** Trees: share of the gain of all splits, and of their number. */
  readonly gain?: number;
  readonly splits?: number;
  /** How much the mean loss grows when the column is exchanged, and the deviation of that over repeats. */
  readonly lossIncrease?: { readonly mean: number; readonly spread: number };
}

/** One row in full. */
export interface RowExplanation {
  /** Counted from 1. */
  readonly row: number;
  readonly prediction: Cell;
  /** Class whose margin this is; empty for models of one margin. */
  readonly output: string;
  readonly base: number;
  readonly margin: number;
  /** Strongest first. */
  readonly contributions: readonly {
    readonly name: string;
    readonly value: Cell;
    readonly contribution: number;
  }[];
}

/** What was explained. */
export interface ExplainResult {
  readonly model: string;
  /** Rows that were explained. */
  readonly rows: number;
  readonly unit: string;
  readonly outputs: readonly string[];
  /** Margin that contributions are counted from, by output. */
  readonly base: readonly number[];
  /** Strongest first. */
  readonly columns: readonly ColumnExplanation[];
  /** Pairs of columns, strongest first, where they were asked for. */
  readonly interactions?: readonly ColumnExplanation[];
  /** The first rows; none where a file was written. */
  readonly first: readonly RowExplanation[];
  /** Mean loss on the rows that permutations looked at, and how many those were. */
  readonly loss?: { readonly mean: number; readonly rows: number };
  readonly out?: string;
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** Rows that are shown in full. */
const FIRST = 3;
/** Most rows that permutations look at. */
const PERMUTED_ROWS = 10_000;

interface Task extends Explained {
  readonly model: Model;
  readonly attributor: Attributor;
}

/** Everything but what was found. */
type Found = Pick<ExplainResult, 'first' | 'notes'> & {
  readonly means: Attributions;
  readonly permutation?: Permutation;
};

/**
 * Explains a model on files, a store, an iterable or standard input: with `out` every row is written with its
 * contributions, without it their means are found on workers.
 * @example
 * const { columns } = await explain('people.sora/models/income', 'new.csv');
 */
export async function explain(
  directory: string,
  inputs: Inputs,
  given: ExplainOptions & Hooks = {},
): Promise<ExplainResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks = { signal, onProgress, onNote };
  const options = checkOptions(explainShape, plain);
  checkTogether(options);
  const started = performance.now();
  const model = await loadModel(directory);
  const explained = explainedModel(model, { pairs: options.interactions });
  const parameters = encodeParameters(explained.parameters);
  const task = { ...explained, model, attributor: attributor(explained.options, parameters) };
  const found =
    options.out === undefined
      ? await explainMeans(task, inputs, options, hooks)
      : await explainRows(task, inputs, { ...options, out: options.out }, hooks);
  return {
    model: directory,
    rows: found.means.rows,
    unit: task.unit,
    outputs: task.outputs,
    base: [...task.attributor.base],
    ...ranking(task, found),
    first: found.first,
    ...(found.permutation ? { loss: { mean: found.permutation.loss, rows: found.permutation.rows } } : {}),
    ...(options.out === undefined ? {} : { out: options.out }),
    notes: [...found.notes, ...meaning(task)],
    seconds: (performance.now() - started) / 1000,
  };
}

/** Throws `bad-option` on options that do nothing beside each other. */
function checkTogether({ out, permutations, keep }: ExplainOptions): void {
  if (out !== undefined && permutations) {
    throw new SoraError(
      'bad-option',
      'Options --permutations and --out are for two runs: a file has contributions of rows, permutations say something of all rows.',
    );
  }
  if (out === undefined && keep !== undefined) {
    throw new SoraError('bad-option', 'Option --keep copies columns into the output file: add --out.');
  }
}

/** What is to be known of how the numbers came about. */
function meaning({ model: { learner }, options }: Task): string[] {
  if (learner.name === 'factor') {
    return [
      'Contributions are counted from rows in which a column has no entry; what two columns give together is shared.',
    ];
  }
  if (learner.name !== 'glm' || options.means) return [];
  return [
    'This model was written before means were kept: contributions are counted from features of 0, not from the mean row.',
  ];
}

/** Means over all rows, or about `limit` of them, on workers; and the first rows. */
async function explainMeans(
  task: Task,
  inputs: Inputs,
  options: ExplainOptions,
  hooks: Hooks,
): Promise<Found> {
  const { model, parameters } = task;
  const data = await openForModel(model, inputs, options, hooks);
  const executor = openExecutor(options, data.snapshot);
  try {
    const session = await openSession(executor, data, hooks, !data.temporary);
    const { recipe } = model;
    const view = learnerViewReference({ recipe, purpose: 'predict' });
    const means = await meanAttributions(session, { ...task.options, parameters, view, rows: options.limit });
    const permutation =
      (options.permutations ?? 0) > 0
        ? await permutationImportance(session, {
            ...task.options,
            parameters,
            view: learnerViewReference({ recipe, purpose: 'score' }),
            repeats: options.permutations ?? 1,
            seed: options.seed ?? 1,
            rows: Math.min(options.limit ?? PERMUTED_ROWS, PERMUTED_ROWS),
          })
        : undefined;
    await session.close();
    if (permutation?.rows === 0) {
      throw new SoraError(
        'bad-data',
        `The loss needs rows with the target "${recipe.label?.column ?? ''}", and there are none: leave --permutations out.`,
      );
    }
    const particle = await (data.load?.(0) ?? data.store.loadParticle(data.snapshot.particles[0]));
    const rows = sliceParticle({ ...particle, schema: data.schema }, 0, Math.min(FIRST, particle.rows));
    return { means, permutation, first: firstRows(task, rows), notes: data.notes };
  } finally {
    await executor.close();
    await data.dispose();
  }
}

/** Every row with its contributions to a file, as it is read; memory stays constant. */
async function explainRows(
  task: Task,
  inputs: Inputs,
  options: ExplainOptions & { readonly out: string },
  hooks: Hooks,
): Promise<Found> {
  const { interactions: _, limit = Number.POSITIVE_INFINITY, permutations: __, seed: ___, ...read } = options;
  const rows = await openRows(task.model, inputs, read, { signal: hooks.signal });
  for (const note of rows.notes) hooks.onNote?.(note);
  const predict = particlePredictor(task.model);
  const withHistory = historyAdder(task.model, { following: true });
  const sums = emptySums(task.outputs.length * task.names.length);
  const writer = await fileOutput(options.out);
  try {
    for await (const particle of rows.particles) {
      const left = limit - sums.rows;
      const part = withHistory(particle.rows <= left ? particle : sliceParticle(particle, 0, left));
      const { view } = applyRecipe(task.model.recipe, part);
      const values = task.attributor.attribute(view);
      addSums(sums, view, values);
      await writer.write(blockOf(task, part, predict(part), view.offsets, values, options.keep ?? []));
      hooks.onProgress?.({ stage: 'explaining', done: sums.rows, unit: 'rows' });
      if (sums.rows >= limit) break;
    }
    await writer.close();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return { means: readSums(sums), first: [], notes: rows.notes };
}

/** Name of what is said of an output: as it is, or with the class. */
function named(name: string, output: string): string {
  return output === '' ? name : `${name} (${output})`;
}

function blockOf(
  { attributor: { base, slots }, names, outputs }: Task,
  particle: Particle,
  predictions: Predictions,
  offsets: Float64Array | undefined,
  values: Float64Array,
  keep: readonly string[],
): Block {
  const { rows } = particle;
  const columns: OutputColumn[] = [...keptColumns(particle, keep), predictionColumns(predictions)[0]];
  outputs.forEach((output, k) => {
    columns.push({ name: named('base', output), cell: (row) => base[k] + (offsets?.[row] ?? 0) });
    names.forEach((name, slot) => {
      const at = (k * slots + slot) * rows;
      columns.push({ name: named(name, output), cell: (row) => values[at + row] });
    });
  });
  return {
    rows,
    names: columns.map(({ name }) => name),
    cell: (column, row) => columns[column].cell(row),
  };
}

/** Rows in full: of classes, the margin of the one that is predicted. */
function firstRows({ model, attributor, names, outputs }: Task, particle: Particle): RowExplanation[] {
  const predictions = particlePredictor(model)(particle);
  const [prediction] = predictionColumns(predictions);
  const { view } = applyRecipe(model.recipe, particle);
  const values = attributor.attribute(view);
  const { slots, base } = attributor;
  const cells = new Map(
    particle.schema.fields.map(({ name }, i) => [name, (row: number) => cellOf(particle.columns[i], row)]),
  );
  return Array.from({ length: particle.rows }, (_, row) => {
    const k = outputs.length > 1 ? (predictions.classIndices?.[row] ?? 0) : 0;
    const contributions = names.map((name, slot) => ({
      name,
      value: cells.get(name)?.(row) ?? null,
      contribution: values[(k * slots + slot) * particle.rows + row],
    }));
    return {
      row: row + 1,
      prediction: prediction.cell(row),
      output: outputs[k],
      base: base[k] + (view.offsets?.[row] ?? 0),
      margin: predictions.margins[row * outputs.length + k],
      contributions: contributions.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
    };
  });
}

/** Columns, and pairs where they were asked for, by falling strength. */
function ranking(task: Task, { means, permutation }: Found): Pick<ExplainResult, 'columns' | 'interactions'> {
  const { names, outputs, options, model, parameters } = task;
  const forest = parameters instanceof Float64Array || isFactors(parameters) ? undefined : parameters;
  const shares = (list: readonly { name: string; strength: number }[]) =>
    new Map(list.map(({ name, strength }) => [name, strength]));
  const gains = forest && shares(gainShares(model.recipe, forest));
  const splits = forest && shares(splitShares(model.recipe, forest));
  const all = names.map((name, slot): ColumnExplanation => {
    const own = outputs.map((_, k) => k * names.length + slot);
    const isColumn = slot < options.columns;
    return {
      name,
      strength: own.reduce((sum, at) => sum + means.absolute[at], 0),
      mean: own.map((at) => means.signed[at]),
      ...(isColumn && gains && splits ? { gain: gains.get(name), splits: splits.get(name) } : {}),
      ...(isColumn && permutation ? { lossIncrease: permutation.columns[slot] } : {}),
    };
  });
  const strongest = (list: ColumnExplanation[]) =>
    list.sort((a, b) => b.strength - a.strength || (a.name < b.name ? -1 : 1));
  return {
    columns: strongest(all.slice(0, options.columns)),
    ...(options.pairs ? { interactions: strongest(all.slice(options.columns)) } : {}),
  };
}
