/**
 * Prediction from a model and nothing else: recipe, margins, link. Pure and free of Node, so it runs in a browser.
 * Unknown categories and missing values are what the recipe makes of them, and are counted.
 * Cost: O(values of the particle + features × rows).
 */
import { exp, sigmoid } from '../kernel/elementary.ts';
import { lossOf } from '../loss/registry.ts';
import type { Particle } from '../particle/particle.ts';
import { applyRecipe } from '../recipe/apply.ts';
import { historyAdder } from './history.ts';
import { type Model, modelParameters, recordedLoss } from './model.ts';
import { encodeParameters, type ScorerOptions, scorer } from './scorer.ts';

/** What is predicted for the rows of a particle, in their order. */
export interface Predictions {
  readonly kind: 'binary' | 'multiclass' | 'number' | 'count';
  readonly rows: number;
  /** Number of outputs of the model: margins a row. */
  readonly outputs: number;
  /** Linear predictors, row by row; for counts the log of the expected count, exposure included. */
  readonly margins: Float64Array;
  /** Numbers, or expected counts (times exposure). */
  readonly values?: Float64Array;
  /** Names of the classes; probability of class c of row r is `probabilities[r * classes.length + c]`. */
  readonly classes?: readonly string[];
  readonly probabilities?: Float64Array;
  /** Index of the predicted class of each row. */
  readonly classIndices?: Uint32Array;
  /** Missing values that were imputed, by column. */
  readonly imputed: Readonly<Record<string, number>>;
  /** Categories that training never saw, by column. */
  readonly unknown: Readonly<Record<string, number>>;
}

/** Predicts particles with one model; made once, used for many. */
export type ParticlePredictor = (particle: Particle) => Predictions;

/**
 * A predictor of particles. Throws `schema-mismatch`, when used, on a particle without a column the model needs.
 * Models with features over time start each particle after the rows of training, or after the one before (`following`).
 * @example
 * const predict = particlePredictor(model);
 * const { probabilities } = predict(particle);
 */
export function particlePredictor(
  model: Model,
  order: { readonly following?: boolean } = {},
): ParticlePredictor {
  const { recipe, learner } = model;
  const score = scorer(scorerOptions(model), encodeParameters(modelParameters(model)));
  const kind = recipe.label?.kind ?? (learner.loss === 'logistic' ? 'binary' : 'number');
  const withHistory = historyAdder(model, order);
  return (particle) => {
    const { view, imputed, unknown } = applyRecipe(recipe, withHistory(particle));
    const margins = score(view);
    const common = { kind, rows: particle.rows, outputs: learner.outputs, margins, imputed, unknown };
    if (kind === 'number' || kind === 'count') {
      const values = margins.slice();
      lossOf(recordedLoss(learner)).toMeans(values, 1);
      return { ...common, values };
    }
    const classes = recipe.label?.classes ?? ['0', '1'];
    const link = kind === 'binary' ? binaryClasses : manyClasses;
    return { ...common, classes, ...link(margins, classes.length, learner.threshold ?? 0.5) };
  };
}

/** {@link particlePredictor} for a single particle. */
export function predictParticle(model: Model, particle: Particle): Predictions {
  return particlePredictor(model)(particle);
}

function scorerOptions({ learner: { name, loss, outputs, features } }: Model): ScorerOptions {
  return { learner: name, loss, outputs, features };
}

function binaryClasses(margins: Float64Array, _classes: number, threshold: number) {
  const rows = margins.length;
  const probabilities = new Float64Array(2 * rows);
  const classIndices = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    const positive = sigmoid(margins[row]);
    probabilities[2 * row] = sigmoid(-margins[row]);
    probabilities[2 * row + 1] = positive;
    classIndices[row] = positive >= threshold ? 1 : 0;
  }
  return { probabilities, classIndices };
}

function manyClasses(margins: Float64Array, classes: number) {
  const rows = margins.length / classes;
  const probabilities = new Float64Array(margins.length);
  const classIndices = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    const base = row * classes;
    let top = 0;
    for (let c = 1; c < classes; c++) if (margins[base + c] > margins[base + top]) top = c;
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      probabilities[base + c] = exp(margins[base + c] - margins[base + top]);
      sum += probabilities[base + c];
    }
    for (let c = 0; c < classes; c++) probabilities[base + c] /= sum;
    classIndices[row] = top;
  }
  return { probabilities, classIndices };
}
