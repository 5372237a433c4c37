/**
 * From a model's parameters and a view to margins: the one place where evaluation and prediction meet the learner.
 * A margin is the linear predictor, offset included: log odds, log shares (up to a constant), number, or log count.
 * Margins of K outputs stand row by row: output k of row r at r·K + k. Knows nothing of files or threads.
 */
import { SoraError } from '../errors.ts';
import { predictMargins } from '../kernel/glm.ts';
import type { CsrView, DenseView } from '../particle/view.ts';

/** What a scorer must know besides the parameters; JSON, so that it can stand in a reference. */
export interface ScorerOptions {
  /** Name of the learner that fitted the parameters. */
  readonly learner: 'glm';
  readonly loss: string;
  readonly outputs: number;
  readonly features: number;
}

/** Margins of the rows of a view: rows × outputs, row by row; freshly allocated. */
export type Scorer = (view: DenseView | CsrView) => Float64Array;

/** Bytes of parameters as a reference carries them: little-endian f64. */
export function encodeParameters(parameters: Float64Array): Uint8Array {
  return new Uint8Array(parameters.slice().buffer);
}

/** The parameters of {@link encodeParameters}, copied to an aligned array. */
export function decodeParameters(bytes: Uint8Array): Float64Array {
  return new Float64Array(new Uint8Array(bytes).buffer);
}

/** A scorer from encoded parameters; throws `internal` if they do not fit the options. */
export function scorer(options: ScorerOptions, parameters: Uint8Array | undefined): Scorer {
  const { outputs, features } = options;
  const values = decodeParameters(parameters ?? new Uint8Array());
  const expected = outputs * (features + 1);
  if (values.length !== expected) {
    throw new SoraError(
      'internal',
      `A model of ${outputs} outputs and ${features} features has ${expected} parameters, not ${values.length}.`,
    );
  }
  return (view) => {
    if (view.features !== features) {
      throw new SoraError(
        'schema-mismatch',
        `The view has ${view.features} features, the model ${features}: it was made with another recipe.`,
      );
    }
    return predictMargins(view, values, outputs);
  };
}
