/**
 * One model over several particles in memory, fitted inline: the whole idea in one file.
 * Moments of every particle merge into one standardisation, gradients of every particle merge into one step, so every
 * particle counts and the cut does not matter; fitting particle after particle would keep only the last.
 * For files, categories and stores use `train`.
 */
import { SoraError } from '../errors.ts';
import { predictMargins } from '../kernel/glm.ts';
import { type LossName, lossOf } from '../loss/registry.ts';
import { type Column, isPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import { roleIndex } from '../particle/schema.ts';
import type { DenseView } from '../particle/view.ts';
import { addMoments, emptyMoments, mergeMoments } from '../summary/moments.ts';
import { partial, type Summary } from '../summary/summary.ts';
import { gradient } from './glm/gradient.ts';
import { lbfgs } from './glm/lbfgs.ts';
import type { Evaluation } from './glm/objective.ts';
import { encodeParameters } from './glm/parameters.ts';
import { requireSmooth } from './labels.ts';
import { fitLoopSync } from './loop.ts';

export interface ParticleModelOptions {
  /** Default: `logistic`. */
  readonly loss?: LossName;
  /** Centre and scale every feature by its mean and standard deviation over all particles; default true. */
  readonly standardise?: boolean;
  /** Strength of the L2 penalty on coefficients; default 1 / Σ weights, as scikit-learn's C = 1. */
  readonly l2?: number;
  /** Stops when the largest gradient entry is below this; default 1e-8. */
  readonly tolerance?: number;
  /** Most passes over the particles; default 1000. */
  readonly maxRounds?: number;
}

/** A fitted model. */
export interface ParticleModel {
  /** Of the features as the model sees them (standardised, if asked for); class by class for softmax. */
  readonly coefficients: readonly (readonly number[])[];
  readonly intercepts: readonly number[];
  /** What standardisation subtracts and divides by, a number a feature. */
  readonly means: readonly number[];
  readonly scales: readonly number[];
  readonly converged: boolean;
  readonly rounds: number;
  readonly objective: number;
  /** Probabilities of class 1 (logistic), of every class row by row (softmax), numbers or counts. */
  predict(particle: Particle): Float64Array;
}

/**
 * Fits one model over all particles. Features are number and boolean columns, a missing value counts as the mean.
 * Throws `bad-data` without rows or with labels that the loss cannot learn. O(rounds × values).
 * @example
 * const a = createParticle({ features: [[1, 2], [3, 4]], labels: [0, 1] });
 * const b = createParticle({ features: [[2, 1], [4, 5]], labels: [0, 1] });
 * const model = createParticleModel([a, b], { loss: 'logistic' });
 * model.predict(a);
 */
export function createParticleModel(
  particles: readonly Particle[],
  options: ParticleModelOptions = {},
): ParticleModel {
  const { loss: name = 'logistic', standardise = true, tolerance = 1e-8, maxRounds = 1000 } = options;
  const loss = lossOf(name);
  requireSmooth(loss);
  const names = featureNames(particles);
  const { means, scales } = standardise ? standardisation(particles, names) : untouched(names.length);
  const views = particles.map((particle) => toView(particle, names, means, scales, true));
  const outputs = loss.perClass ? classCount(views) : 1;
  views.forEach((view, index) => {
    view.labels.forEach((label, row) => {
      const problem = loss.labelProblem(label, outputs);
      if (problem !== undefined) {
        throw new SoraError(
          'bad-data',
          `Particle ${index}, row ${row}: label ${label} does not suit the loss ${name}: ${problem}`,
        );
      }
    });
  });
  const shape = { loss: name, outputs, features: names.length };
  const evaluate = (at: Float64Array) =>
    objective(views, gradient(shape, encodeParameters(at)), at, options.l2);
  const start = new Float64Array(outputs * (names.length + 1));
  const optimum = fitLoopSync(lbfgs(start, { tolerance, maxRounds }), evaluate);
  const { parameters } = optimum.point;
  const rows = Array.from({ length: outputs }, (_, k) =>
    Array.from(parameters.subarray(k * (names.length + 1), (k + 1) * (names.length + 1))),
  );
  return {
    coefficients: rows.map((row) => row.slice(0, -1)),
    intercepts: rows.map((row) => row[row.length - 1]),
    means: Array.from(means),
    scales: Array.from(scales),
    converged: optimum.converged,
    rounds: optimum.rounds,
    objective: optimum.point.value,
    predict(particle) {
      const values = predictMargins(toView(particle, names, means, scales, false), parameters, outputs);
      loss.toMeans(values, outputs);
      return values;
    },
  };
}

/** Observe every view, merge in order, read: mean loss and gradient, with the penalty. */
function objective(
  views: readonly DenseView[],
  summary: Summary<{ loss: number; weight: number; gradient: Float64Array }, unknown, DenseView>,
  at: Float64Array,
  strength: number | undefined,
): Evaluation {
  const total = summary.empty();
  for (const view of views) summary.merge(total, partial(summary, view));
  if (!(total.weight > 0))
    throw new SoraError('bad-data', 'The particles have no rows with a positive weight.');
  const l2 = strength ?? 1 / total.weight;
  const width = views[0].features + 1;
  let value = total.loss / total.weight;
  const slope = total.gradient.map((sum, i) => {
    if (i % width === width - 1) return sum / total.weight;
    value += (l2 / 2) * at[i] * at[i];
    return sum / total.weight + l2 * at[i];
  });
  return { value, gradient: slope };
}

/** Names of the feature columns, the same in every particle. */
function featureNames(particles: readonly Particle[]): string[] {
  const [first] = particles;
  if (first === undefined) throw new SoraError('bad-data', 'There are no particles to fit.');
  return first.schema.fields.filter((field) => field.role === 'feature').map((field) => field.name);
}

/** Mean and standard deviation (divisor n; 1 where constant) of every feature over all particles. */
function standardisation(particles: readonly Particle[], names: readonly string[]) {
  const means = new Float64Array(names.length);
  const scales = new Float64Array(names.length);
  names.forEach((name, f) => {
    const all = emptyMoments();
    for (const particle of particles) {
      const state = emptyMoments();
      const values = numbers(particle, name).filter((value) => !Number.isNaN(value));
      addMoments(state, values, values.length);
      mergeMoments(all, state);
    }
    means[f] = all.mean;
    scales[f] = all.m2 > 0 ? Math.sqrt(all.m2 / all.n) : 1;
  });
  return { means, scales };
}

function untouched(features: number) {
  return { means: new Float64Array(features), scales: new Float64Array(features).fill(1) };
}

/** The numbers of a column, NaN where missing. */
function numbers(particle: Particle, name: string): Float64Array {
  const index = particle.schema.fields.findIndex((field) => field.name === name);
  if (index < 0) throw new SoraError('schema-mismatch', `A particle has no column "${name}".`);
  return columnNumbers(particle.columns[index], name);
}

function columnNumbers(column: Column, name: string): Float64Array {
  if (column.type !== 'number' && column.type !== 'boolean') {
    throw new SoraError(
      'bad-data',
      `Column "${name}" is of type ${column.type}; a model over particles in memory takes numbers and booleans. Use train() for other types.`,
    );
  }
  return Float64Array.from(column.values, (value, row) =>
    isPresent(column.validity, row) ? value : Number.NaN,
  );
}

/** The particle as a dense view; a missing feature is the mean, that is 0. */
function toView(
  particle: Particle,
  names: readonly string[],
  means: Float64Array,
  scales: Float64Array,
  labelled: boolean,
): DenseView {
  const { rows } = particle;
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(names.length * stride);
  names.forEach((name, f) => {
    const column = numbers(particle, name);
    for (let row = 0; row < rows; row++) {
      const value = column[row];
      values[f * stride + row] = Number.isNaN(value) ? 0 : (value - means[f]) / scales[f];
    }
  });
  const labels = labelled ? roleNumbers(particle, 'label') : new Float64Array(rows);
  if (labels === undefined) throw new SoraError('bad-data', 'A particle has no labels to fit.');
  const weights = labelled ? roleNumbers(particle, 'weight') : undefined;
  const common = { kind: 'dense', rows, features: names.length, stride, values, labels } as const;
  return weights === undefined ? common : { ...common, weights };
}

function roleNumbers(particle: Particle, role: 'label' | 'weight'): Float64Array | undefined {
  const index = roleIndex(particle.schema, role);
  return index < 0 ? undefined : columnNumbers(particle.columns[index], particle.schema.fields[index].name);
}

function classCount(views: readonly DenseView[]): number {
  let most = 0;
  for (const view of views) for (const label of view.labels) most = Math.max(most, label);
  return Math.max(2, most + 1);
}
