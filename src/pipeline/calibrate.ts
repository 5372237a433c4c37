/**
 * Platt scaling folded into the model: sigmoid(slope · margin + intercept) is itself a logistic model, with its
 * coefficients stretched by the slope. Platt, "Probabilistic Outputs for Support Vector Machines" (1999).
 */
import { SoraError } from '../errors.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import type { Fitted } from './fit.ts';

/** The fit with its margins rescaled as the held-out rows ask; throws `bad-option` unless it is binary. */
export function calibrated(fitted: Fitted, evaluation: EvaluationResult): Fitted {
  const { scaling } = evaluation;
  if (scaling === undefined) {
    throw new SoraError('bad-option', 'Option --calibrate needs a binary target with both classes held out.');
  }
  const parameters = fitted.result.parameters.map((value) => value * scaling.slope);
  parameters[parameters.length - 1] += scaling.intercept;
  return { ...fitted, result: { ...fitted.result, parameters } };
}
