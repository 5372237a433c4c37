/**
 * Tweedie loss e^((2-p) z) / (2-p) + y e^((1-p) z) / (p-1) of amounts that are often 0, log link: the negative log
 * quasi-likelihood whose variance is the mean to the power p, 1 < p < 2 (Jørgensen, J. R. Stat. Soc. B 49, 1987); near
 * 1 it is Poisson's, near 2 gamma's. Beyond z = ±100 it goes on as its tangent: a step too long costs a finite loss.
 */
import { SoraError } from '../errors.ts';
import { exp, log } from '../kernel/elementary.ts';
import { finiteMargin, type Loss, SMALLEST_SHARE } from './loss.ts';

/** Largest size of a margin in the exponentials. */
const LIMIT = 100;

/** Power where none is given: the middle. */
const DEFAULT_POWER = 1.5;

/** Tweedie deviance of a row: 2·(y^(2-p) / ((1-p)(2-p)) − y mean^(1-p) / (1-p) + mean^(2-p) / (2-p)). */
export function tweedieDeviance(label: number, mean: number, power: number): number {
  const [one, two] = [1 - power, 2 - power];
  const at = log(mean);
  const own = label > 0 ? exp(two * log(label)) / (one * two) : 0;
  return 2 * (own - (label * exp(one * at)) / one + exp(two * at) / two);
}

export function tweedie(power: number = DEFAULT_POWER): Loss {
  if (!(power > 1 && power < 2)) {
    throw new SoraError(
      'bad-option',
      `The Tweedie power is ${power}; it must lie between 1 and 2 (1 is loss poisson, 2 is loss gamma).`,
    );
  }
  return {
    id: `tweedie(${power})`,
    name: 'tweedie',
    perClass: false,
    parameter: power,
    kernel: 'tweedieBlock',
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      const up = 2 - power;
      const down = power - 1;
      const [inverseUp, inverseDown] = [1 / up, 1 / down];
      let even = 0;
      let odd = 0;
      for (let r = 0; r < rows; r++) {
        const z = finiteMargin(margins[r]);
        const w = weights[r];
        const below = z > LIMIT ? LIMIT : z;
        const c = below < -LIMIT ? -LIMIT : below;
        const a = labels[r] * exp(-(down * c));
        const b = exp(up * c);
        const slope = b - a;
        residuals[r] = w * slope;
        if (curvatures) curvatures[r] = w * (up * b + down * a);
        const value = w * (b * inverseUp + a * inverseDown + slope * (z - c));
        if (r & 1) odd += value;
        else even += value;
      }
      return even + odd;
    },
    labelProblem: (label) =>
      label >= 0 && Number.isFinite(label) ? undefined : 'amounts must be finite and not negative.',
    toMeans(margins) {
      for (let i = 0; i < margins.length; i++) margins[i] = exp(margins[i]);
    },
    toMargins(means) {
      for (let i = 0; i < means.length; i++) means[i] = log(means[i]);
    },
    /** Log of the mean a unit of exposure. */
    bestConstant({ sum, exposure }) {
      if (!(exposure > 0)) return Float64Array.of(0);
      return Float64Array.of(log(Math.max(sum, SMALLEST_SHARE * exposure)) - log(exposure));
    },
  };
}
