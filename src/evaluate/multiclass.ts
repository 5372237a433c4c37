/**
 * Metrics of a model of three or more classes as one summary over views: log loss, accuracy, balanced accuracy,
 * macro F1, macro one-against-rest AUC. State: two means, a K × K table, Σw² by class, and one score histogram a
 * class (channels: other, this class) whose capacity shrinks with K so that the state stays below about 5 MB.
 */
import type { LearnerView } from '../fit/labels.ts';
import type { Json } from '../json.ts';
import { exp, log } from '../kernel/elementary.ts';
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
import { accuracy, balancedAccuracy, f1Of, macroF1, nested, rowTotal } from './confusion.ts';
import {
  addValues,
  effectiveRows,
  emptyMean,
  type MeanState,
  meanInterval,
  mergeMean,
  normalInterval,
  readMean,
  writeMean,
} from './mean.ts';
import { rocArea } from './ranking.ts';
import { type EvaluationResult, type Metric, metric, type ReliabilityBin } from './result.ts';

export interface MulticlassMetricsOptions extends ScorerOptions {
  readonly baseline: Baseline;
}

export interface MulticlassState {
  rows: number;
  logLoss: MeanState;
  gain: MeanState;
  table: Float64Array;
  squares: Float64Array;
  /** Confidence of the called class in ten equal bins: weight, Σ confidence, Σ right. */
  confidence: Float64Array;
  histograms: ScoreHistogram[];
}

const BINS = 10;
const MIN_SHARE = 1e-15;

function capacityOf(classes: number): number {
  return Math.max(1024, Math.floor(2 ** 18 / classes));
}

export function multiclassMetrics(
  options: Json,
  parameters?: Uint8Array,
): Summary<MulticlassState, EvaluationResult, LearnerView> {
  const checked = options as unknown as MulticlassMetricsOptions;
  const classes = checked.outputs;
  const score = scorer(checked, parameters);
  return {
    id: `multiclass-metrics/1 ${JSON.stringify(options)}`,
    empty: () => ({
      rows: 0,
      logLoss: emptyMean(),
      gain: emptyMean(),
      table: new Float64Array(classes * classes),
      squares: new Float64Array(classes),
      confidence: new Float64Array(3 * BINS),
      histograms: Array.from({ length: classes }, () => emptyHistogram(2, capacityOf(classes))),
    }),
    observe: (state, view) => observe(state, view, score, checked.baseline),
    merge,
    read: (state) => read(state, checked.baseline),
    codec: taggedCodec('multiclass-metrics/1', write, parse),
  };
}

function observe(state: MulticlassState, view: LearnerView, score: Scorer, baseline: Baseline): void {
  const { rows, labels, weights } = view;
  const classes = state.squares.length;
  const margins = score(view);
  const losses = new Float64Array(rows);
  const gains = new Float64Array(rows);
  const probabilities = Array.from({ length: classes }, () => new Float64Array(rows));
  const constant = baseline.shares.map((share) => -log(Math.max(share, MIN_SHARE)));
  for (let row = 0; row < rows; row++) {
    const label = labels[row];
    const weight = weights === undefined ? 1 : weights[row];
    const called = softmaxRow(margins, row, classes, probabilities, losses, label);
    gains[row] = constant[label] - losses[row];
    state.table[label * classes + called] += weight;
    state.squares[label] += weight * weight;
    const sure = probabilities[called][row];
    const bin = 3 * Math.min(BINS - 1, Math.floor(sure * BINS));
    state.confidence[bin] += weight;
    state.confidence[bin + 1] += weight * sure;
    if (called === label) state.confidence[bin + 2] += weight;
  }
  state.rows += rows;
  addValues(state.logLoss, losses, rows, weights);
  addValues(state.gain, gains, rows, weights);
  addClassScores(state, view, probabilities);
}

/** Fills the probabilities and the log loss of a row; returns the most likely class, the first of equals. */
function softmaxRow(
  margins: Float64Array,
  row: number,
  classes: number,
  probabilities: Float64Array[],
  losses: Float64Array,
  label: number,
): number {
  const base = row * classes;
  let called = 0;
  for (let c = 1; c < classes; c++) if (margins[base + c] > margins[base + called]) called = c;
  const top = margins[base + called];
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const e = exp(margins[base + c] - top);
    probabilities[c][row] = e;
    sum += e;
  }
  for (let c = 0; c < classes; c++) probabilities[c][row] /= sum;
  losses[row] = log(sum) + top - margins[base + label];
  return called;
}

function addClassScores(state: MulticlassState, view: LearnerView, probabilities: Float64Array[]): void {
  const { rows, labels, weights } = view;
  for (let c = 0; c < state.histograms.length; c++) {
    const others = new Float64Array(rows);
    const own = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      (labels[row] === c ? own : others)[row] = weights === undefined ? 1 : weights[row];
    }
    addScores(state.histograms[c], probabilities[c], [others, own], rows);
  }
}

function merge(into: MulticlassState, from: MulticlassState): void {
  into.rows += from.rows;
  mergeMean(into.logLoss, from.logLoss);
  mergeMean(into.gain, from.gain);
  for (let i = 0; i < into.table.length; i++) into.table[i] += from.table[i];
  for (let i = 0; i < into.squares.length; i++) into.squares[i] += from.squares[i];
  for (let i = 0; i < into.confidence.length; i++) into.confidence[i] += from.confidence[i];
  into.histograms.forEach((histogram, c) => {
    mergeHistogram(histogram, from.histograms[c]);
  });
}

function read(state: MulticlassState, baseline: Baseline): EvaluationResult {
  const { table, logLoss, gain } = state;
  const classes = state.squares.length;
  const weights = Float64Array.from({ length: classes }, (_, c) => rowTotal(table, classes, c));
  const rowsOfClass = weights.map((weight, c) =>
    state.squares[c] > 0 ? (weight * weight) / state.squares[c] : 0,
  );
  const present = weights.filter((weight) => weight > 0).length;
  const majority = baseline.shares.indexOf(Math.max(...baseline.shares));
  const metrics: Metric[] = [];
  const hit = accuracy(table, classes, effectiveRows(logLoss));
  metrics.push(metric('accuracy', hit.value, 'higher', hit.interval, weights[majority] / logLoss.weight));
  metrics.push(metric('logLoss', logLoss.mean, 'lower', meanInterval(logLoss), logLoss.mean + gain.mean));
  const area = macroArea(state.histograms, rowsOfClass, effectiveRows(logLoss));
  const notes: string[] = [];
  if (area === undefined) notes.push('All evaluated rows have the same class, so AUC is undefined.');
  else metrics.push(metric('auc', area.value, 'higher', area.interval, 0.5));
  const balanced = balancedAccuracy(table, classes, rowsOfClass);
  metrics.push(metric('balancedAccuracy', balanced.value, 'higher', balanced.interval, 1 / present));
  const constantTable = new Float64Array(classes * classes);
  for (let c = 0; c < classes; c++) constantTable[c * classes + majority] = weights[c];
  const f1Constant =
    f1Of(constantTable, classes, majority) / Math.max(1, present + (weights[majority] > 0 ? 0 : 1));
  const f1 = macroF1(table, classes, effectiveRows(logLoss) / logLoss.weight);
  metrics.push(metric('f1', f1.value, 'higher', f1.interval, f1Constant));
  const interval = meanInterval(gain);
  return {
    task: 'multiclass',
    rows: state.rows,
    weight: logLoss.weight,
    metrics,
    gain: { loss: 'log loss', value: gain.mean, ...(interval ? { interval } : {}) },
    confusion: nested(table, classes),
    calibration: confidenceBins(state.confidence),
    notes,
  };
}

/** Mean one-against-rest area over the classes that occur; its error is at most the mean of theirs. */
function macroArea(histograms: readonly ScoreHistogram[], rowsOfClass: Float64Array, rows: number) {
  let sum = 0;
  let error = 0;
  let present = 0;
  histograms.forEach((histogram, c) => {
    const area = rocArea(histogram, {
      negative: Math.max(0, rows - rowsOfClass[c]),
      positive: rowsOfClass[c],
    });
    if (area === undefined) return;
    sum += area.value;
    error += area.error;
    present++;
  });
  if (present === 0) return undefined;
  const value = sum / present;
  return { value, interval: normalInterval(value, error / present, 0, 1) };
}

function confidenceBins(sums: Float64Array): ReliabilityBin[] {
  const bins: ReliabilityBin[] = [];
  for (let at = 0; at < sums.length; at += 3) {
    const weight = sums[at];
    if (weight > 0) bins.push({ predicted: sums[at + 1] / weight, observed: sums[at + 2] / weight, weight });
  }
  return bins;
}

function write(writer: ByteWriter, state: MulticlassState): void {
  writer.f64(state.rows);
  writeMean(writer, state.logLoss);
  writeMean(writer, state.gain);
  writer.f64s(state.table);
  writer.f64s(state.squares);
  writer.f64s(state.confidence);
  for (const histogram of state.histograms) writeHistogram(writer, histogram);
}

function parse(reader: ByteReader): MulticlassState {
  const rows = reader.f64();
  const logLoss = readMean(reader);
  const gain = readMean(reader);
  const table = reader.f64s();
  const squares = reader.f64s();
  const confidence = reader.f64s();
  const histograms = Array.from(squares, () => readHistogram(reader));
  return { rows, logLoss, gain, table, squares, confidence, histograms };
}
