/**
 * Naive Bayes, one row at a time. Gaussian: a normal distribution per class and position, mean and population variance by Welford's
 * recurrence (Technometrics 4, 1962); densities are added to 1e-9 before their logarithm, so that no position decides alone.
 * Multinomial: P(index | class) = (count + α) / (total + α · indices seen) of non-negative values (Manning, Raghavan &
 * Schütze, "Introduction to Information Retrieval", section 13.2).
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { exp, log } from '../../kernel/elementary.ts';
import { widened } from './grown.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export const gaussianBayesOptions = z.strictObject({ name: z.literal('gaussian-bayes') });

export const multinomialBayesOptions = z.strictObject({
  name: z.literal('multinomial-bayes'),
  /** What is added to every count. */
  alpha: z.number().positive().default(1),
});

const DENSITY_FLOOR = 1e-9;
const ROOT_TAU = Math.sqrt(2 * Math.PI);

/** Gaussian naive Bayes of dense rows. O(entries × classes) a prediction; 24 bytes a position and class. */
export function gaussianBayes(_options: z.infer<typeof gaussianBayesOptions>, shape: Shape): OnlineLearner {
  const classes = requireClasses('gaussian-bayes', shape);
  const priors = new Float64Array(classes);
  const counts = new Float64Array(shape.width * classes);
  const means = new Float64Array(shape.width * classes);
  const squares = new Float64Array(shape.width * classes);

  function density(at: number, x: number): number {
    const variance = counts[at] > 0 ? squares[at] / counts[at] : 0;
    if (!(variance > 0)) return 0;
    const d = x - means[at];
    return exp((d * d) / (-2 * variance)) / (ROOT_TAU * Math.sqrt(variance));
  }

  return {
    forget: (keep) => scaleAll(keep, [priors, counts, squares]),
    learn({ count, indices, values }, label, weight) {
      priors[label] += weight;
      for (let e = 0; e < count; e++) {
        const at = indices[e] * classes + label;
        counts[at] += weight;
        const d = values[e] - means[at];
        means[at] += (weight * d) / counts[at];
        squares[at] += weight * d * (values[e] - means[at]);
      }
    },
    predict({ count, indices, values }, out) {
      logPriors(priors, out);
      for (let c = 0; c < classes; c++) {
        if (priors[c] === 0) continue;
        for (let e = 0; e < count; e++) {
          out[c] += log(DENSITY_FLOOR + density(indices[e] * classes + c, values[e]));
        }
      }
      normaliseLogs(out, classes);
    },
    save: (): Arrays => ({ priors, counts, means, squares }),
    grown: () => withClass({ priors, counts, means, squares }, classes),
    restore(arrays) {
      fill(priors, arrays, 'priors');
      fill(counts, arrays, 'counts');
      fill(means, arrays, 'means');
      fill(squares, arrays, 'squares');
    },
  };
}

/** Multinomial naive Bayes of counts. O(entries × classes) a prediction; 8 bytes an index and class. */
export function multinomialBayes(
  { alpha }: z.infer<typeof multinomialBayesOptions>,
  shape: Shape,
): OnlineLearner {
  const classes = requireClasses('multinomial-bayes', shape);
  const priors = new Float64Array(classes);
  const totals = new Float64Array(classes);
  const counts = new Float64Array(shape.width * classes);
  const seen = new Uint8Array(shape.width);
  const seenCount = new Float64Array(1);

  return {
    forget: (keep) => scaleAll(keep, [priors, totals, counts]),
    learn(row, label, weight) {
      const { count, indices, values } = row;
      checkCounts(row);
      priors[label] += weight;
      for (let e = 0; e < count; e++) {
        counts[indices[e] * classes + label] += weight * values[e];
        totals[label] += weight * values[e];
        seenCount[0] += 1 - seen[indices[e]];
        seen[indices[e]] = 1;
      }
    },
    predict({ count, indices, values }, out) {
      logPriors(priors, out);
      for (let c = 0; c < classes; c++) {
        if (priors[c] === 0) continue;
        const base = log(totals[c] + alpha * Math.max(1, seenCount[0]));
        for (let e = 0; e < count; e++) {
          out[c] += values[e] * (log(counts[indices[e] * classes + c] + alpha) - base);
        }
      }
      normaliseLogs(out, classes);
    },
    save: (): Arrays => ({ priors, totals, counts, seen, seenCount }),
    grown: () => ({ ...withClass({ priors, totals, counts }, classes), seen, seenCount }),
    restore(arrays) {
      fill(priors, arrays, 'priors');
      fill(totals, arrays, 'totals');
      fill(counts, arrays, 'counts');
      fill(seen, arrays, 'seen');
      fill(seenCount, arrays, 'seenCount');
    },
  };
}

/** The arrays with one class more. */
function withClass(arrays: Arrays, classes: number): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, widened(array, classes)]));
}

/** Multiplies every entry. */
function scaleAll(factor: number, arrays: readonly Float64Array[]): void {
  for (const array of arrays) for (let at = 0; at < array.length; at++) array[at] *= factor;
}

function checkCounts({ count, values }: Row): void {
  for (let e = 0; e < count; e++) {
    if (values[e] >= 0) continue;
    throw new SoraError(
      'bad-data',
      `The learner multinomial-bayes met the value ${values[e]}; it takes counts of 0 or more. Do not standardise its columns.`,
    );
  }
}

function requireClasses(name: string, { classes }: Shape): number {
  if (classes >= 2) return classes;
  throw new SoraError('bad-option', `The learner ${name} learns classes; give \`classes\`, at least two.`);
}

/** Logarithms of the classes' shares; -Infinity where a class has not been seen, equal shares where none has. */
function logPriors(priors: Float64Array, out: Float64Array): void {
  let total = 0;
  for (let c = 0; c < priors.length; c++) total += priors[c];
  for (let c = 0; c < priors.length; c++) out[c] = total > 0 ? log(priors[c] / total) : 0;
}

/** Log likelihoods to shares that add up to 1, in place. */
export function normaliseLogs(out: Float64Array, classes: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classes; c++) if (out[c] > most) most = out[c];
  let total = 0;
  for (let c = 0; c < classes; c++) {
    out[c] = exp(out[c] - most);
    total += out[c];
  }
  for (let c = 0; c < classes; c++) out[c] /= total;
}
