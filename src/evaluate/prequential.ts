/**
 * Prequential evaluation: every row is predicted, then learned from (Dawid, JRSS A 147, 1984; Gama, Sebastião & Rodrigues,
 * Machine Learning 90, 2013). Beside the model always stands the predictor that repeats the last label: on streams whose
 * labels come in runs it is hard to beat. Sums are kept per stretch of rows, so that change over time shows.
 */

import { SoraError } from '../errors.ts';
import { largest } from '../fit/online/largest.ts';
import type { OnlineModel } from '../fit/online/online.ts';
import { log } from '../kernel/elementary.ts';
import type { Particle } from '../particle/particle.ts';

/** Means over rows of a stream, by their weights. Classes have accuracies and a log loss, numbers absolute errors. */
export interface PrequentialScores {
  readonly rows: number;
  /** Share of rows whose class was the one predicted. */
  readonly accuracy?: number;
  /** Mean of −log share of the class that came, shares no less than 1e-15. */
  readonly logLoss?: number;
  /** Mean absolute error. */
  readonly mae?: number;
  /** Accuracy, or mean absolute error, of repeating the last label; the first row is predicted as class 0, or 0. */
  readonly sameAsLast: number;
}

/** Scores of the whole stream, and of each stretch of it in order. */
export interface PrequentialResult extends PrequentialScores {
  readonly stretches: readonly PrequentialScores[];
}

/** Sums that scores are read from: a part of a stream. Plain numbers, so that they can be kept and gone on from. */
export interface PrequentialSums {
  rows: number;
  weight: number;
  /** Rows that were right, or the absolute errors. */
  score: number;
  logLoss: number;
  last: number;
}

const LEAST_SHARE = 1e-15;

/**
 * Predicts and then learns every row with a label and a weight above 0 of the particles in order. The model goes on from its state, and has learned
 * them all afterwards. `stretch` is the number of rows of each entry of `stretches`. O(rows).
 * @example
 * const { accuracy, sameAsLast } = prequential(model, [particle]);
 */
export function prequential(
  model: OnlineModel,
  particles: Iterable<Particle>,
  options: { readonly stretch?: number } = {},
): PrequentialResult {
  const { stretch = 1000 } = options;
  if (model.unlabelled) {
    throw new SoraError(
      'bad-option',
      'The model learns without labels, so its answers are no labels that can be right; compare its scores with what they are to find.',
    );
  }
  const classes = model.classes.length;
  const total = emptySums();
  const stretches: PrequentialScores[] = [];
  let part = emptySums();
  let last = 0;
  const visit = (label: number, weight: number, out: Float64Array) => {
    for (const sums of [total, part]) addPrediction(sums, out, label, last, weight, classes);
    last = label;
    if (part.rows < stretch) return;
    stretches.push(prequentialScores(part, classes));
    part = emptySums();
  };
  for (const particle of particles) testThenTrain(model, particle, visit);
  if (part.rows > 0) stretches.push(prequentialScores(part, classes));
  return { ...prequentialScores(total, classes), stretches };
}

/** Rows that are predicted before they are visited. */
const AHEAD = 1024;

/** Predicts and then learns the rows of a particle; visits those with a label and a weight. */
function testThenTrain(
  model: OnlineModel,
  particle: Particle,
  visit: (label: number, weight: number, answer: Float64Array) => void,
): void {
  const rows = model.open(particle);
  let answers = new Float64Array(0);
  for (let from = 0, to = 0; from < rows.rows; from = to) {
    const { outputs } = model;
    if (answers.length !== AHEAD * outputs) answers = new Float64Array(AHEAD * outputs);
    to = rows.learnRange(from, Math.min(rows.rows, from + AHEAD), answers);
    for (let row = from; row < to; row++) {
      const label = rows.label(row);
      const weight = rows.weight(row);
      const at = (row - from) * outputs;
      if (label !== undefined && weight !== 0) visit(label, weight, answers.subarray(at, at + outputs));
    }
  }
}

/** Sums of no rows. */
export function emptySums(): PrequentialSums {
  return { rows: 0, weight: 0, score: 0, logLoss: 0, last: 0 };
}

/**
 * Counts one row: `out` is what was said of it before it was learned, `label` its class index or number, `last` the
 * label before it. A class that was not known when it was asked had no share.
 */
export function addPrediction(
  sums: PrequentialSums,
  out: Float64Array,
  label: number,
  last: number,
  weight: number,
  classes: number,
): void {
  sums.rows++;
  sums.weight += weight;
  if (classes === 0) {
    sums.score += weight * Math.abs(out[0] - label);
    sums.last += weight * Math.abs(last - label);
    return;
  }
  if (largest(out) === label) sums.score += weight;
  if (last === label) sums.last += weight;
  const share = Math.min(Math.max(out[label] ?? 0, LEAST_SHARE), 1 - LEAST_SHARE);
  sums.logLoss -= weight * log(share);
}

/** The scores that sums make; 0 over no weight. `classes` is 0 where numbers are learned. */
export function prequentialScores(
  { rows, weight, score, logLoss, last }: PrequentialSums,
  classes: number,
): PrequentialScores {
  const of = (sum: number) => (weight > 0 ? sum / weight : 0);
  if (classes === 0) return { rows, mae: of(score), sameAsLast: of(last) };
  return { rows, accuracy: of(score), logLoss: of(logLoss), sameAsLast: of(last) };
}
