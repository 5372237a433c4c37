/**
 * Metrics of a two-class model as one summary over views: log loss, AUC, average precision, accuracy,
 * balanced accuracy, F1, Brier score, calibration. Margins come from the model's parameters.
 * State: three means, a 2 × 2 table, Σw² by class, and the score histogram with channels (negative, positive).
 */
import type { LearnerView } from '../fit/labels.ts';
import type { Json } from '../json.ts';
import { log, sigmoid, softplus } from '../kernel/elementary.ts';
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
import { expectedCalibrationError, plattScaling, reliabilityOfMargins } from './calibration.ts';
import { accuracy, balancedAccuracy, binaryF1, nested, rowTotal } from './confusion.ts';
import {
  addValues,
  effectiveRows,
  emptyMean,
  type MeanState,
  meanInterval,
  mergeMean,
  readMean,
  writeMean,
} from './mean.ts';
import { averagePrecision, rankingCurve, rocArea } from './ranking.ts';
import { type EvaluationResult, type Metric, metric } from './result.ts';

export interface BinaryMetricsOptions extends ScorerOptions {
  readonly baseline: Baseline;
  /** Rows with at least this probability are called positive; 0.5 by default. */
  readonly threshold?: number;
}

export interface BinaryState {
  rows: number;
  /** Log loss, squared error of the probability, and log loss of the baseline minus that of the model. */
  logLoss: MeanState;
  brier: MeanState;
  gain: MeanState;
  /** Weight by [true][called]. */
  table: Float64Array;
  /** Σw² of each true class. */
  squares: Float64Array;
  /** Margins; channels (negative, positive). */
  histogram: ScoreHistogram;
}

/** A share kept off 0 and 1, so that its logarithm is finite. */
const MIN_SHARE = 1e-15;

export function binaryMetrics(
  options: Json,
  parameters?: Uint8Array,
): Summary<BinaryState, EvaluationResult, LearnerView> {
  const checked = options as unknown as BinaryMetricsOptions;
  const threshold = checked.threshold ?? 0.5;
  const cut = log(threshold / (1 - threshold));
  const score = scorer(checked, parameters);
  return {
    id: `binary-metrics/1 ${JSON.stringify(options)}`,
    empty: () => ({
      rows: 0,
      logLoss: emptyMean(),
      brier: emptyMean(),
      gain: emptyMean(),
      table: new Float64Array(4),
      squares: new Float64Array(2),
      histogram: emptyHistogram(2),
    }),
    observe: (state, view) => observe(state, view, score, checked.baseline, cut),
    merge,
    read: (state) => read(state, checked.baseline),
    codec: taggedCodec('binary-metrics/1', write, parse),
  };
}

function observe(
  state: BinaryState,
  view: LearnerView,
  score: Scorer,
  baseline: Baseline,
  cut: number,
): void {
  const { rows, labels, weights } = view;
  const margins = score(view);
  const losses = new Float64Array(rows);
  const errors = new Float64Array(rows);
  const gains = new Float64Array(rows);
  const negatives = new Float64Array(rows);
  const positives = new Float64Array(rows);
  const constant = baseline.shares.map((share) => -log(Math.max(share, MIN_SHARE)));
  for (let row = 0; row < rows; row++) {
    const label = labels[row];
    const margin = margins[row];
    const weight = weights === undefined ? 1 : weights[row];
    const positive = label === 1;
    losses[row] = softplus(positive ? -margin : margin);
    const error = sigmoid(positive ? -margin : margin);
    errors[row] = error * error;
    gains[row] = constant[label] - losses[row];
    (positive ? positives : negatives)[row] = weight;
    state.table[label * 2 + (margin >= cut ? 1 : 0)] += weight;
    state.squares[label] += weight * weight;
  }
  state.rows += rows;
  addValues(state.logLoss, losses, rows, weights);
  addValues(state.brier, errors, rows, weights);
  addValues(state.gain, gains, rows, weights);
  addScores(state.histogram, margins, [negatives, positives], rows);
}

function merge(into: BinaryState, from: BinaryState): void {
  into.rows += from.rows;
  mergeMean(into.logLoss, from.logLoss);
  mergeMean(into.brier, from.brier);
  mergeMean(into.gain, from.gain);
  for (let i = 0; i < 4; i++) into.table[i] += from.table[i];
  for (let i = 0; i < 2; i++) into.squares[i] += from.squares[i];
  mergeHistogram(into.histogram, from.histogram);
}

function read(state: BinaryState, baseline: Baseline): EvaluationResult {
  const { table, histogram, logLoss, brier, gain } = state;
  const weights = [rowTotal(table, 2, 0), rowTotal(table, 2, 1)];
  const rowsOfClass = Float64Array.from(weights, (weight, c) =>
    state.squares[c] > 0 ? (weight * weight) / state.squares[c] : 0,
  );
  const effective = effectiveRows(logLoss);
  const share = weights[1] / logLoss.weight;
  const trained = baseline.shares[1];
  const majority = trained > 0.5 ? 1 : 0;
  const metrics: Metric[] = [];
  const notes: string[] = [];
  const area = rocArea(histogram, { negative: rowsOfClass[0], positive: rowsOfClass[1] });
  const precision = averagePrecision(histogram, rowsOfClass[1]);
  if (area && precision) {
    metrics.push(metric('auc', area.value, 'higher', area.interval, 0.5));
    metrics.push(metric('averagePrecision', precision.value, 'higher', precision.interval, share));
  } else {
    notes.push('All evaluated rows have the same class, so AUC and average precision are undefined.');
  }
  const constant = logLoss.mean + gain.mean;
  metrics.push(metric('logLoss', logLoss.mean, 'lower', meanInterval(logLoss), constant));
  const brierConstant = share * (1 - trained) * (1 - trained) + (1 - share) * trained * trained;
  metrics.push(metric('brier', brier.mean, 'lower', meanInterval(brier), brierConstant));
  const hit = accuracy(table, 2, effective);
  metrics.push(metric('accuracy', hit.value, 'higher', hit.interval, majority === 1 ? share : 1 - share));
  const balanced = balancedAccuracy(table, 2, rowsOfClass);
  metrics.push(metric('balancedAccuracy', balanced.value, 'higher', balanced.interval, 0.5));
  const f1 = binaryF1(table, effective / logLoss.weight);
  metrics.push(metric('f1', f1.value, 'higher', f1.interval, majority === 1 ? (2 * share) / (1 + share) : 0));
  const calibration = reliabilityOfMargins(histogram);
  metrics.push(metric('calibrationError', expectedCalibrationError(calibration), 'lower'));
  const interval = meanInterval(gain);
  const scaling = plattScaling(histogram);
  return {
    task: 'binary',
    rows: state.rows,
    weight: logLoss.weight,
    metrics,
    gain: { loss: 'log loss', value: gain.mean, ...(interval ? { interval } : {}) },
    confusion: nested(table, 2),
    calibration,
    ...(scaling ? { scaling } : {}),
    curve: rankingCurve(histogram),
    notes,
  };
}

function write(writer: ByteWriter, state: BinaryState): void {
  writer.f64(state.rows);
  for (const mean of [state.logLoss, state.brier, state.gain]) writeMean(writer, mean);
  writer.f64s(state.table);
  writer.f64s(state.squares);
  writeHistogram(writer, state.histogram);
}

function parse(reader: ByteReader): BinaryState {
  return {
    rows: reader.f64(),
    logLoss: readMean(reader),
    brier: readMean(reader),
    gain: readMean(reader),
    table: reader.f64s(),
    squares: reader.f64s(),
    histogram: readHistogram(reader),
  };
}
