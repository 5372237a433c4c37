/**
 * A fitted model as a value, and its two files: `model.json` (everything a reader may want to know, canonical and
 * indented) and `parameters.safetensors`. Pure and free of Node, so that a browser can open one: the seal of
 * `model.json` and the hash of the parameters, which it carries, are checked by whoever reads files (files.ts).
 * Nothing that differs between two runs stands in it: no time, path, host, worker count or speed.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { LOSS_NAMES, type LossName, type LossSpec } from '../loss/registry.ts';
import { parseSchema, type Schema } from '../particle/schema.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';
import { type FactorModel, factorFromTensors, factorTensors } from './factor.ts';
import type { Forest } from './forest.ts';
import { forestFromTensors, forestTensors } from './forest-tensors.ts';
import { carriedState, type ModelHistory, modelHistoryShape } from './history.ts';
import type { Tensors } from './safetensors.ts';
import { isFactors, type Parameters } from './scorer.ts';

/**
 * Newest version of the model format that this code reads. It writes the oldest version that can say what a model is,
 * so that an older Sora reads what it can and refuses the rest as newer.
 */
export const MODEL_VERSION = 4;
/** First version that knows each learner. */
const SINCE = { glm: 1, trees: 2, factor: 4 } as const;
/** First version that knows each loss that the first did not. */
const LOSS_SINCE: Partial<Record<LossName, number>> = {
  gamma: 3,
  tweedie: 3,
  quantile: 3,
  lambdarank: 3,
  own: 3,
};
/** First version that knows features over time. */
const HISTORY_SINCE = 4;
export const MODEL_FORMAT = 'sora-model';
export const MODEL_FILE = 'model.json';
export const PARAMETERS_FILE = 'parameters.safetensors';

const learnerCommon = {
  loss: z.enum(LOSS_NAMES),
  outputs: z.int().positive(),
  features: z.int().nonnegative(),
  /** The options it was fitted with. */
  options: z.record(z.string(), z.json()),
  converged: z.boolean(),
  /** Why the fit ended. */
  reason: z.string(),
  rounds: z.int().nonnegative(),
  /** Binary only: rows with at least this probability are of the positive class. */
  threshold: z.number().min(0).max(1).optional(),
};

const learnerShape = z.discriminatedUnion('name', [
  z.object({
    name: z.literal('glm'),
    ...learnerCommon,
    objective: z.number(),
    gradientNorm: z.number(),
    /**
     * Mean part of each column (in order of first appearance in the recipe) in the margin of each output, over training
     * rows: column · outputs + output. What explanations are counted from.
     */
    means: z.array(z.number()).optional(),
  }),
  z.object({
    name: z.literal('trees'),
    ...learnerCommon,
    /** Mean loss after the last round that was kept: of the rows it was grown on, and of those kept back to stop. */
    trainLoss: z.number().optional(),
    holdOutLoss: z.number().optional(),
  }),
  z.object({
    name: z.literal('factor'),
    ...learnerCommon,
    /** Mean loss in the last pass that was kept, and of the rows kept back after it. */
    trainLoss: z.number().optional(),
    holdOutLoss: z.number().optional(),
  }),
]);

/** What fitted the model, and how it ended. */
export type LearnerRecord = Readonly<z.infer<typeof learnerShape>>;

const provenanceShape = z.object({
  /** Version of Sora that wrote the model. */
  sora: z.string(),
  /** Identity of the snapshot of the store that was learned from. */
  snapshot: z.string().optional(),
  seed: z.int().optional(),
  split: z.json().optional(),
  /** How rows weighed less by age, where they did: column, newest value of it, half-life. */
  ageing: z.json().optional(),
  /** The updates that led here from a model that was trained, oldest first. */
  updates: z
    .array(
      z.object({
        /** SHA-256 of the parameters of the model before. */
        from: z.string(),
        /** Identity of the snapshot that the model before had learned from. */
        snapshot: z.string(),
        /** First and last commit of the store that brought new rows. */
        commits: z.tuple([z.int(), z.int()]),
        /** What was done, in a few words. */
        how: z.string(),
        /** Rows learned from and their weight, all told. */
        rows: z.number(),
        weight: z.number(),
      }),
    )
    .optional(),
  /** The model that training started from on a schema of its own: SHA-256 of its parameters. */
  transfer: z.string().optional(),
});

/** Where the model comes from: enough to fit it again. */
export type Provenance = Readonly<z.infer<typeof provenanceShape>>;

/** A fitted model. */
export interface Model {
  /** Columns of the data it was fitted on; those of the recipe must be there to predict. */
  readonly schema: Schema;
  readonly recipe: Recipe;
  readonly learner: LearnerRecord;
  /** Constant predictions of the training rows: what the model has to beat. */
  readonly baseline?: Json;
  /** Evaluation on held-out rows. */
  readonly metrics?: Json;
  readonly provenance: Provenance;
  /** Features over time, and what is carried of the rows it was fitted on. */
  readonly history?: ModelHistory;
  readonly tensors: Tensors;
}

/** Where the parameters are and what they must hash to. */
export interface ParametersEntry {
  readonly file: typeof PARAMETERS_FILE;
  readonly bytes: number;
  readonly sha256: string;
}

const shape = z.object({
  schema: z.unknown(),
  recipe: z.unknown(),
  learner: learnerShape,
  baseline: z.json().optional(),
  metrics: z.json().optional(),
  provenance: provenanceShape,
  history: modelHistoryShape.optional(),
  files: z.tuple([z.object({ file: z.literal(PARAMETERS_FILE), bytes: z.int(), sha256: z.string() })]),
});

/** What `model.json` says; files.ts gives it its text and its seal. */
export function modelRecord(
  model: Omit<Model, 'tensors'>,
  parameters: ParametersEntry,
): { readonly [key: string]: Json | undefined } {
  const { schema, recipe, learner, baseline, metrics, provenance, history } = model;
  const record = { schema, recipe, learner, baseline, metrics, provenance, history, files: [parameters] };
  return {
    format: MODEL_FORMAT,
    version: Math.max(SINCE[learner.name], LOSS_SINCE[learner.loss] ?? 1, history ? HISTORY_SINCE : 1),
    ...(record as unknown as { [key: string]: Json }),
  };
}

/** What `model.json` says, checked; the tensors are still to be read. */
export interface ParsedModel {
  readonly model: Omit<Model, 'tensors'>;
  readonly parameters: ParametersEntry;
}

/**
 * Reads the text of `model.json`. Throws `corrupt` when it is not a model, `newer-format` when a newer version
 * wrote it; `where` names it in messages.
 */
export function parseModelJson(text: string, where: string): ParsedModel {
  const json = parseObject(text, where);
  if (json.format !== MODEL_FORMAT) {
    throw new SoraError('corrupt', `${where} is not a model: its format is ${JSON.stringify(json.format)}.`);
  }
  if (!(typeof json.version === 'number' && json.version <= MODEL_VERSION)) {
    throw new SoraError(
      'newer-format',
      `${where} has format version ${String(json.version)}; this version of Sora reads up to ${MODEL_VERSION}: update it.`,
      { details: { version: json.version, supported: MODEL_VERSION } },
    );
  }
  const result = shape.safeParse(json);
  if (!result.success) {
    throw new SoraError('corrupt', `${where} is not a whole model: ${z.prettifyError(result.error)}`, {
      cause: result.error,
    });
  }
  const { schema, recipe, learner, baseline, metrics, provenance, history, files } = result.data;
  return {
    model: {
      schema: parseSchema(schema),
      recipe: parseRecipe(recipe),
      learner,
      baseline: baseline as Json | undefined,
      metrics: metrics as Json | undefined,
      provenance,
      ...(history ? { history } : {}),
    },
    parameters: files[0],
  };
}

function parseObject(text: string, where: string): { [key: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw new SoraError(
      'corrupt',
      `${where} is not JSON. Restore the model from a backup, or train it again.`,
      {
        cause,
      },
    );
  }
  throw new SoraError('corrupt', `${where} is not a JSON object.`);
}

/** Joins what was parsed with its tensors; throws `corrupt` unless their shapes are those of the learner. */
export function assembleModel(parsed: ParsedModel, tensors: Tensors, where: string): Model {
  const model: Model = { ...parsed.model, tensors };
  modelParameters(model, where);
  carriedState(model, where);
  return model;
}

/** The loss of a model with its parameter, as the learner's options hold it. */
export function recordedLoss({ loss, options }: Pick<LearnerRecord, 'loss' | 'options'>): LossSpec {
  const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
  if (loss === 'quantile') return { name: loss, quantile: number(options.quantile) };
  if (loss === 'tweedie') return { name: loss, power: number(options.tweediePower) };
  if (loss === 'own') return { name: loss, link: options.link === 'log' ? 'log' : 'identity' };
  const delta = number(options.delta);
  return delta === undefined ? { name: loss } : { name: loss, delta };
}

/** The parameters of a model, checked, as evaluation and prediction take them. */
export function modelParameters(model: Model, where = 'the model'): Parameters {
  if (model.learner.name === 'factor') return modelFactors(model, where);
  return model.learner.name === 'glm' ? glmParameters(model, where) : modelForest(model, where);
}

/** Tensors that hold the parameters of a learner. */
export function parameterTensors(
  parameters: Parameters,
  { outputs, features }: Pick<LearnerRecord, 'outputs' | 'features'>,
): Tensors {
  if (parameters instanceof Float64Array) return glmTensors(parameters, outputs, features);
  if (isFactors(parameters)) return factorTensors(parameters, { outputs, features });
  return forestTensors(parameters);
}

/** The factorization machine of a model, checked. */
function modelFactors({ learner, recipe, tensors }: Model, where: string): FactorModel {
  if (recipe.width !== learner.features || recipe.layout !== 'csr') {
    throw new SoraError(
      'corrupt',
      `The machine of ${where} reads ${learner.features} sparse features, and its recipe gives ${recipe.width} ${recipe.layout} ones.`,
    );
  }
  return factorFromTensors(tensors, learner, where);
}

/** The trees of a model, checked. */
export function modelForest({ learner, recipe, tensors }: Model, where = 'the model'): Forest {
  if (recipe.width !== learner.features || recipe.layout !== 'dense') {
    throw new SoraError(
      'corrupt',
      `The trees of ${where} read ${learner.features} dense features, and its recipe gives ${recipe.width} ${recipe.layout} ones.`,
    );
  }
  return forestFromTensors(tensors, learner, where);
}

/** Tensors of a generalised linear model from its parameters (output-major, intercept last; see docs). */
export function glmTensors(parameters: Float64Array, outputs: number, features: number): Tensors {
  const coefficients = new Float64Array(outputs * features);
  const intercepts = new Float64Array(outputs);
  for (let k = 0; k < outputs; k++) {
    const start = k * (features + 1);
    coefficients.set(parameters.subarray(start, start + features), k * features);
    intercepts[k] = parameters[start + features];
  }
  return {
    coefficients: { shape: [outputs, features], values: coefficients },
    intercepts: { shape: [outputs], values: intercepts },
  };
}

/** The parameters of a generalised linear model, output-major with the intercept last. */
export function glmParameters(model: Model, where = 'the model'): Float64Array {
  const { outputs, features } = model.learner;
  const coefficients = model.tensors.coefficients;
  const intercepts = model.tensors.intercepts;
  const fits =
    coefficients?.values instanceof Float64Array &&
    intercepts?.values instanceof Float64Array &&
    String(coefficients.shape) === String([outputs, features]) &&
    String(intercepts.shape) === String([outputs]) &&
    model.recipe.width === features;
  if (!fits) {
    throw new SoraError(
      'corrupt',
      `The parameters of ${where} are not the coefficients [${outputs}, ${features}] and intercepts [${outputs}] that model.json and its recipe of ${model.recipe.width} features ask for.`,
    );
  }
  const parameters = new Float64Array(outputs * (features + 1));
  for (let k = 0; k < outputs; k++) {
    parameters.set(coefficients.values.subarray(k * features, (k + 1) * features), k * (features + 1));
    parameters[k * (features + 1) + features] = intercepts.values[k];
  }
  return parameters;
}
