/**
 * Platt scaling folded into the model: margins become slope · margin + intercept, by stretching what they are summed
 * from. Platt, "Probabilistic Outputs for Support Vector Machines" (1999).
 */
import { SoraError } from '../errors.ts';
import type { PlattScaling } from '../evaluate/calibration.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import type { Parameters } from '../model/scorer.ts';
import type { Fitted } from './fit.ts';

/** The fit with its margins rescaled as the held-out rows ask; throws `bad-option` unless it is binary. */
export function calibrated(fitted: Fitted, evaluation: EvaluationResult): Fitted {
  const { scaling } = evaluation;
  if (scaling === undefined) {
    throw new SoraError('bad-option', 'Option --calibrate needs a binary target with both classes held out.');
  }
  const { learner } = fitted;
  return { ...fitted, learner: { ...learner, parameters: rescaled(learner.parameters, scaling) } };
}

/** Parameters of one output with every margin rescaled: coefficients and intercept, or leaves and base. */
export function rescaled(parameters: Parameters, { slope, intercept }: PlattScaling): Parameters {
  if (parameters instanceof Float64Array) {
    const scaled = parameters.map((value) => value * slope);
    scaled[scaled.length - 1] += intercept;
    return scaled;
  }
  return {
    ...parameters,
    base: parameters.base.map((value) => value * slope + intercept),
    leafValues: parameters.leafValues.map((value) => value * slope),
  };
}
