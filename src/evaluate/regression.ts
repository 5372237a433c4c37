/**
 * Metrics of predicted numbers and counts as one summary over views: RMSE, MAE, R²; and the deviance of Poisson, gamma
 * and Tweedie losses, or the pinball loss of quantiles. State: means of the row losses and of their differences to the baseline's, the labels' moments,
 * and a histogram of predictions with channels (weight, weight·label).
 */
import { SoraError } from '../errors.ts';
import type { LearnerView } from '../fit/labels.ts';
import type { Json } from '../json.ts';
import { exp, log } from '../kernel/elementary.ts';
import { gammaDeviance } from '../loss/gamma.ts';
import type { Loss } from '../loss/loss.ts';
import { pinballLoss } from '../loss/quantile.ts';
import { type LossSpec, lossOf } from '../loss/registry.ts';
import { tweedieDeviance } from '../loss/tweedie.ts';
import { type Scorer, type ScorerOptions, scorer } from '../model/scorer.ts';
import { type ByteReader, type ByteWriter, taggedCodec } from '../summary/codec.ts';
import {
  addScores,
  emptyHistogram,
  mergeHistogram,
  readHistogram,
  type ScoreHistogram,
  writeHistogram,
} from '../summary/score-histogram.ts';
import type { Summary } from '../summary/summary.ts';
import type { Baseline } from './baseline.ts';
import { reliabilityOfValues } from './calibration.ts';
import {
  addValues,
  emptyMean,
  type Interval,
  type MeanState,
  meanInterval,
  mergeMean,
  readMean,
  standardError,
  writeMean,
  Z95,
} from './mean.ts';
import { type EvaluationResult, type Metric, metric } from './result.ts';

export interface RegressionMetricsOptions extends ScorerOptions {
  /** The loss with its parameter; by default that of the name. */
  readonly spec?: LossSpec;
  readonly baseline: Baseline;
}

const MEANS = [
  'squared',
  'absolute',
  'deviance',
  'squaredGain',
  'absoluteGain',
  'devianceGain',
  'label',
  'bias',
  'covered',
] as const;
type MeanName = (typeof MEANS)[number];

export interface RegressionState {
  rows: number;
  means: Record<MeanName, MeanState>;
  histogram: ScoreHistogram;
}

export function regressionMetrics(
  options: Json,
  parameters?: Uint8Array,
): Summary<RegressionState, EvaluationResult, LearnerView> {
  const checked = options as unknown as RegressionMetricsOptions;
  const score = scorer(checked, parameters);
  const shape = shapeOf(checked);
  return {
    id: `regression-metrics/2 ${JSON.stringify(options)}`,
    empty: () => ({ rows: 0, means: eachMean(emptyMean), histogram: emptyHistogram(2) }),
    observe: (state, view) => observe(state, view, score, shape),
    merge(into, from) {
      into.rows += from.rows;
      for (const name of MEANS) mergeMean(into.means[name], from.means[name]);
      mergeHistogram(into.histogram, from.histogram);
    },
    read: (state) => read(state, shape),
    codec: taggedCodec('regression-metrics/2', write, parse),
  };
}

function eachMean(make: () => MeanState): Record<MeanName, MeanState> {
  return Object.fromEntries(MEANS.map((name) => [name, make()])) as Record<MeanName, MeanState>;
}

/** Poisson deviance of a row: 2·(y·log(y / mean) − (y − mean)). */
export function poissonDeviance(label: number, mean: number): number {
  return 2 * ((label > 0 ? label * log(label / mean) : 0) - (label - mean));
}

/** What the loss makes of the metrics. */
interface Shape {
  readonly loss: Loss;
  readonly baseline: Baseline;
  /** Loss of a row that is reported beside RMSE and MAE: a deviance, or the pinball loss. */
  readonly own?: { readonly metric: string; readonly of: (label: number, prediction: number) => number };
  /** Whether predictions are of rates, which the exposure of a row multiplies. */
  readonly isRate: boolean;
}

function shapeOf({ spec, loss: name, baseline }: RegressionMetricsOptions): Shape {
  const loss = lossOf(spec ?? name);
  const power = loss.parameter;
  const own = {
    poisson: { metric: 'poissonDeviance', of: poissonDeviance },
    gamma: { metric: 'gammaDeviance', of: gammaDeviance },
    tweedie: { metric: 'tweedieDeviance', of: (y: number, mean: number) => tweedieDeviance(y, mean, power) },
    quantile: { metric: 'pinballLoss', of: (y: number, at: number) => pinballLoss(y, at, power) },
  }[loss.name];
  return { loss, baseline, own, isRate: own !== undefined && loss.name !== 'quantile' };
}

/** Throws `bad-data` where a label has no deviance: every metric of it would be infinite. */
function checkRange(loss: Loss, label: number): void {
  const problem = loss.labelProblem(label, 1);
  if (problem === undefined) return;
  throw new SoraError(
    'bad-data',
    `A row to evaluate on has label ${label}, which loss ${loss.id} does not take: ${problem} Leave such rows out, or choose another loss.`,
    { details: { label, loss: loss.id } },
  );
}

function observe(
  state: RegressionState,
  view: LearnerView,
  score: Scorer,
  { loss, baseline, own, isRate }: Shape,
): void {
  const { rows, labels, weights, offsets } = view;
  const predictions = score(view);
  loss.toMeans(predictions, 1);
  const columns = Object.fromEntries(MEANS.map((name) => [name, new Float64Array(rows)])) as Record<
    MeanName,
    Float64Array
  >;
  const sums = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const label = labels[row];
    const error = label - predictions[row];
    const exposure = offsets === undefined ? 1 : exp(offsets[row]);
    const mean = isRate ? baseline.rate * exposure : baseline.mean;
    const middle = isRate ? mean : baseline.median;
    columns.squared[row] = error * error;
    columns.absolute[row] = Math.abs(error);
    columns.squaredGain[row] = (label - mean) * (label - mean) - error * error;
    columns.absoluteGain[row] = Math.abs(label - middle) - Math.abs(error);
    columns.label[row] = label;
    columns.bias[row] = -error;
    columns.covered[row] = error <= 0 ? 1 : 0;
    if (own !== undefined) {
      checkRange(loss, label);
      const constant = isRate ? mean : (baseline.quantile ?? baseline.median);
      columns.deviance[row] = own.of(label, predictions[row]);
      columns.devianceGain[row] = own.of(label, constant) - columns.deviance[row];
    }
    sums[row] = (weights === undefined ? 1 : weights[row]) * label;
  }
  state.rows += rows;
  for (const name of MEANS) addValues(state.means[name], columns[name], rows, weights);
  const amounts = weights ?? new Float64Array(rows).fill(1);
  addScores(state.histogram, predictions, [amounts, sums], rows);
}

function read(
  { rows, means, histogram }: RegressionState,
  { loss: { name, leafQuantile }, baseline, own, isRate }: Shape,
): EvaluationResult {
  const { squared, absolute, deviance, label } = means;
  const variance = label.m2 / label.weight;
  const rmse = Math.sqrt(squared.mean);
  const rmseInterval = rootInterval(squared);
  const constant = squared.mean + means.squaredGain.mean;
  const metrics: Metric[] = [metric('rmse', rmse, 'lower', rmseInterval, Math.sqrt(constant))];
  metrics.push(
    metric('mae', absolute.mean, 'lower', meanInterval(absolute), absolute.mean + means.absoluteGain.mean),
  );
  const notes: string[] = [];
  if (variance > 0) {
    const explained = (mse: number) => 1 - mse / variance;
    const interval: Interval | undefined = rmseInterval && [
      explained(rmseInterval[1] * rmseInterval[1]),
      explained(rmseInterval[0] * rmseInterval[0]),
    ];
    metrics.push(metric('r2', explained(squared.mean), 'higher', interval, explained(constant)));
  } else {
    notes.push('All evaluated rows have the same label, so R² is undefined.');
  }
  if (own !== undefined) {
    const null0 = deviance.mean + means.devianceGain.mean;
    metrics.unshift(metric(own.metric, deviance.mean, 'lower', meanInterval(deviance), null0));
    if (null0 > 0 && isRate)
      metrics.splice(1, 0, metric('devianceExplained', 1 - deviance.mean / null0, 'higher', undefined, 0));
  }
  if (leafQuantile !== undefined) {
    const [share, asked] = [means.covered.mean, leafQuantile].map((x) => `${(100 * x).toFixed(1)} %`);
    notes.push(`${share} of the labels lie at or below their prediction; ${asked} were asked for.`);
  }
  metrics.push(metric('bias', means.bias.mean, 'lower', meanInterval(means.bias)));
  const [loss, gain] = own
    ? ([isRate ? 'deviance' : 'pinball loss', means.devianceGain] as const)
    : name === 'huber'
      ? (['absolute error', means.absoluteGain] as const)
      : (['squared error', means.squaredGain] as const);
  const interval = meanInterval(gain);
  return {
    task: baseline.task,
    rows,
    weight: squared.weight,
    metrics,
    gain: { loss, value: gain.mean, ...(interval ? { interval } : {}) },
    calibration: reliabilityOfValues(histogram),
    notes,
  };
}

/** Interval of the root of a mean by the delta method: error of √m is error of m / 2√m. */
function rootInterval(state: MeanState): Interval | undefined {
  const root = Math.sqrt(state.mean);
  const error = standardError(state) / (2 * root);
  if (!(root > 0 && Number.isFinite(error))) return undefined;
  return [Math.max(0, root - Z95 * error), root + Z95 * error];
}

function write(writer: ByteWriter, state: RegressionState): void {
  writer.f64(state.rows);
  for (const name of MEANS) writeMean(writer, state.means[name]);
  writeHistogram(writer, state.histogram);
}

function parse(reader: ByteReader): RegressionState {
  const rows = reader.f64();
  const means = eachMean(emptyMean);
  for (const name of MEANS) means[name] = readMean(reader);
  return { rows, means, histogram: readHistogram(reader) };
}
