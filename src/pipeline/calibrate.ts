/**
 * Platt scaling folded into the model: margins become slope · margin + intercept, by stretching what they are summed
 * from. Platt, "Probabilistic Outputs for Support Vector Machines" (1999).
 * It is fitted on one half of the rows that the model has not seen, by row hash; only the other half may judge it.
 */
import { SoraError } from '../errors.ts';
import type { PlattScaling } from '../evaluate/calibration.ts';
import { halves } from '../evaluate/split.ts';
import { formatCount, formatNumber } from '../explain/format.ts';
import type { FactorModel } from '../model/factor.ts';
import { isFactors, type Parameters } from '../model/scorer.ts';
import type { Session } from '../run/session.ts';
import type { Split } from '../summary/split.ts';
import { evaluateOn, type Fitted } from './fit.ts';

/** A calibrated fit and what is left to judge it by. */
export interface Calibrated {
  readonly fitted: Fitted;
  /** The unseen rows that did not take part. */
  readonly rest: Split;
  /** Rows that did. */
  readonly rows: number;
  /** One sentence on what was done. */
  readonly note: string;
}

/**
 * The fit with its margins rescaled as half of `unseen` asks. Throws `bad-option` unless the target is binary
 * and both classes are among these rows. One round.
 */
export async function calibrate(session: Session, fitted: Fitted, unseen: Split): Promise<Calibrated> {
  const [own, rest] = halves(unseen);
  const { rows, scaling } = await evaluateOn(session, fitted, own);
  if (scaling === undefined) {
    throw new SoraError(
      'bad-option',
      `Option --calibrate needs rows of both classes, and the ${formatCount(rows)} that it is given have one; hold out more (--test-fraction).`,
    );
  }
  const { slope, intercept } = scaling;
  const { learner } = fitted;
  return {
    fitted: { ...fitted, learner: { ...learner, parameters: rescaled(learner.parameters, scaling) } },
    rest,
    rows,
    note: `Calibrated on ${formatCount(rows)} of the held-out rows (slope ${formatNumber(slope)}, intercept ${formatNumber(intercept)}); the metrics are of the others.`,
  };
}

/** Parameters of one output with every margin rescaled: coefficients and intercept, or leaves and base. */
export function rescaled(parameters: Parameters, { slope, intercept }: PlattScaling): Parameters {
  if (parameters instanceof Float64Array) {
    const scaled = parameters.map((value) => value * slope);
    scaled[scaled.length - 1] += intercept;
    return scaled;
  }
  if (isFactors(parameters)) return rescaledFactors(parameters, Math.max(0, slope), intercept);
  return {
    ...parameters,
    base: parameters.base.map((value) => value * slope + intercept),
    leafValues: parameters.leafValues.map((value) => value * slope),
  };
}

/** A product of two vectors is multiplied by what both are multiplied by the root of. */
function rescaledFactors(model: FactorModel, slope: number, intercept: number): FactorModel {
  const times = (factor: number) => (value: number) => value * factor;
  return {
    ...model,
    intercepts: model.intercepts.map((value) => value * slope + intercept),
    weights: model.weights.map(times(slope)),
    vectors: model.vectors.map(times(Math.sqrt(slope))),
  };
}
