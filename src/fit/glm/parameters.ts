/**
 * Parameters of a generalised linear model, output-major: coefficient f of output k at k (features + 1) + f, the
 * intercept of output k after its features. Their bytes are little-endian f64, as a model and a reference carry them.
 */
import { SoraError } from '../../errors.ts';
import { decodeParameters, encodeParameters } from '../../model/scorer.ts';

export { decodeParameters, encodeParameters };

/** Number of parameters. */
export function parameterCount(features: number, outputs: number): number {
  return outputs * (features + 1);
}

/** Decodes the parameters of a round; absent bytes mean all zero. Throws `internal` on another count. */
export function roundParameters(
  bytes: Uint8Array | undefined,
  features: number,
  outputs: number,
): Float64Array {
  const count = parameterCount(features, outputs);
  const parameters = bytes === undefined ? new Float64Array(count) : decodeParameters(bytes);
  if (parameters.length !== count) {
    throw new SoraError(
      'internal',
      `${outputs} output(s) of ${features} features take ${count} parameters, not ${parameters.length}.`,
    );
  }
  return parameters;
}
