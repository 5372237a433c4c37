/**
 * From a model's parameters and a view to margins: the one place where evaluation and prediction meet the learner.
 * A margin is the linear predictor, offset included: log odds, log shares (up to a constant), number, or log count.
 * Margins of K outputs stand row by row: output k of row r at r·K + k. Knows nothing of files or threads.
 */
import { SoraError } from '../errors.ts';
import { predictMargins } from '../kernel/glm.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { decodeFactors, encodeFactors, type FactorModel, factorScorer } from './factor.ts';
import type { Forest } from './forest.ts';
import { forestScorer } from './forest-predict.ts';
import { decodeForest, encodeForest } from './forest-tensors.ts';

/** What a scorer must know besides the parameters; JSON, so that it can stand in a reference. */
export interface ScorerOptions {
  /** Name of the learner that fitted the parameters. */
  readonly learner: 'glm' | 'trees' | 'factor';
  readonly loss: string;
  readonly outputs: number;
  readonly features: number;
}

/** Margins of the rows of a view: rows × outputs, row by row; freshly allocated. */
export type Scorer = (view: DenseView | CsrView) => Float64Array;

/** What a fit gives: coefficients of a generalised linear model (see `glmParameters`), trees, or a factorization machine. */
export type Parameters = Float64Array | Forest | FactorModel;

/** Whether parameters are those of a factorization machine. */
export function isFactors(parameters: Parameters): parameters is FactorModel {
  return 'kind' in parameters;
}

/** Bytes of parameters as a reference carries them: little-endian f64, or tensors. */
export function encodeParameters(parameters: Parameters): Uint8Array {
  if (isFactors(parameters)) return encodeFactors(parameters);
  if (!(parameters instanceof Float64Array)) return encodeForest(parameters);
  return new Uint8Array(parameters.slice().buffer);
}

/** The coefficients of {@link encodeParameters}, copied to an aligned array. */
export function decodeParameters(bytes: Uint8Array): Float64Array {
  return new Float64Array(new Uint8Array(bytes).buffer);
}

/** A scorer from encoded parameters; throws `internal` or `corrupt` if they do not fit the options. */
export function scorer(options: ScorerOptions, parameters: Uint8Array = new Uint8Array()): Scorer {
  const { learner, features } = options;
  const score = SCORERS[learner](options, parameters);
  return (view) => {
    if (view.features === features) return score(view);
    throw new SoraError(
      'schema-mismatch',
      `The view has ${view.features} features, the model ${features}: it was made with another recipe.`,
    );
  };
}

const SCORERS: Record<ScorerOptions['learner'], (options: ScorerOptions, parameters: Uint8Array) => Scorer> =
  {
    glm: linearScorer,
    trees: treeScorer,
    factor: (options, parameters) => factorScorer(decodeFactors(parameters, options), options.outputs),
  };

function linearScorer({ outputs, features }: ScorerOptions, parameters: Uint8Array): Scorer {
  const values = decodeParameters(parameters);
  const expected = outputs * (features + 1);
  if (values.length !== expected) {
    throw new SoraError(
      'internal',
      `A model of ${outputs} outputs and ${features} features has ${expected} parameters, not ${values.length}.`,
    );
  }
  return (view) => predictMargins(view, values, outputs);
}

function treeScorer(options: ScorerOptions, parameters: Uint8Array): Scorer {
  const score = forestScorer(decodeForest(parameters, options));
  return (view) => {
    if (view.kind === 'dense') return score(view);
    throw new SoraError('schema-mismatch', 'The view has sparse rows, and trees read dense columns.');
  };
}
