/**
 * What the labels of a set of rows are, over learner views: totals from which the best constant prediction is read.
 * State: rows, Σw, Σw², Σw·y, centred squares, Σw·e^offset, extremes, and for classes the weight and rows of each.
 * O(rows).
 */

import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { exp } from '../kernel/elementary.ts';
import type { Loss } from '../loss/loss.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import { type ByteReader, type ByteWriter, taggedCodec } from '../summary/codec.ts';
import type { Summary } from '../summary/summary.ts';
import type { LearnerView } from './glm/pass.ts';

export type { LearnerView };

/** Totals of labels. `classes[c]` is the weight of class c; empty for numbers and counts. */
export interface LabelTotals {
  rows: number;
  weight: number;
  squares: number;
  /** Σ w·y. */
  sum: number;
  /** Σ w·(y − mean)². */
  m2: number;
  /** Σ w·y·offset. */
  offsetSum: number;
  /** Σ w·e^offset: the total exposure of counts; the weight where there are no offsets. */
  exposure: number;
  min: number;
  max: number;
  classes: Float64Array;
  classRows: Float64Array;
}

/** Reference of the summary for `classes` classes (0: numbers or counts). */
export function labelsReference(classes: number): Reference {
  return { module: import.meta.url, name: 'labels', options: { classes } };
}

/** Summary of the labels of learner views. */
export function labels(options: Json): Summary<LabelTotals, LabelTotals, LearnerView> {
  const { classes } = options as { classes: number };
  return {
    id: `labels/1 ${classes}`,
    empty: () => emptyTotals(classes),
    observe,
    merge,
    read: (state) => state,
    codec: taggedCodec('labels/1', writeTotals, readTotals),
  };
}

/**
 * One round over the labels that a fit learns from. Throws `bad-data` when there is nothing to learn from (no rows, or
 * one class) or the loss does not take the least or the largest label.
 */
export async function learnableTotals(
  session: Session,
  loss: Loss,
  outputs: number,
  view: Reference,
): Promise<LabelTotals> {
  const classes = loss.perClass ? outputs : loss.name === 'logistic' ? 2 : 0;
  const { value: totals } = await session.reduce<LabelTotals, LabelTotals>({
    summary: labelsReference(classes),
    view,
    keep: 'root',
    label: 'labels',
  });
  if (!(totals.weight > 0)) {
    throw new SoraError(
      'bad-data',
      'There are no training rows: every label is missing or every weight is 0.',
    );
  }
  if (Number.isNaN(totals.sum)) throw unlearnable(loss, 'A label', Number.NaN, 'it must be a number.');
  for (const [which, label] of [
    ['least', totals.min],
    ['largest', totals.max],
  ] as const) {
    const problem = loss.labelProblem(label, outputs);
    if (problem === undefined) continue;
    throw unlearnable(loss, `The ${which} label`, label, problem);
  }
  if (classes > 0 && totals.classRows.reduce((sum, rows) => sum + rows, 0) < totals.rows) {
    throw unlearnable(
      loss,
      'A label',
      'no whole number',
      `it must be a class index from 0 to ${classes - 1}.`,
    );
  }
  if (classes > 0 && totals.classRows.filter((rows) => rows > 0).length < 2) {
    throw new SoraError(
      'bad-data',
      `All ${totals.rows} training rows have the same class: there is nothing to learn. Check the target and the filter of the data.`,
    );
  }
  return totals;
}

/** Throws `bad-option` for a loss that linear fits cannot go by: rows alone have no curvature of it, or no values. */
export function requireSmooth({ id, name, leafQuantile, perQuery }: Loss): void {
  if (leafQuantile === undefined && !perQuery && name !== 'own') return;
  throw new SoraError(
    'bad-option',
    `Loss ${id} has no curvature of its rows for a linear fit to go by: fit trees, or choose another loss.`,
    { details: { option: 'loss' } },
  );
}

function unlearnable(loss: Loss, which: string, label: number | string, problem: string): SoraError {
  return new SoraError(
    'bad-data',
    `${which} of the training rows is ${label}, which loss ${loss.id} cannot learn: ${problem} Choose another loss (--loss), or leave those rows out.`,
    { details: { label, loss: loss.id } },
  );
}

export function writeTotals(writer: ByteWriter, state: LabelTotals): void {
  for (const value of [state.rows, state.weight, state.squares, state.sum, state.m2, state.offsetSum])
    writer.f64(value);
  for (const value of [state.exposure, state.min, state.max]) writer.f64(value);
  writer.f64s(state.classes);
  writer.f64s(state.classRows);
}

export function readTotals(reader: ByteReader): LabelTotals {
  return {
    rows: reader.f64(),
    weight: reader.f64(),
    squares: reader.f64(),
    sum: reader.f64(),
    m2: reader.f64(),
    offsetSum: reader.f64(),
    exposure: reader.f64(),
    min: reader.f64(),
    max: reader.f64(),
    classes: reader.f64s(),
    classRows: reader.f64s(),
  };
}

function emptyTotals(classes: number): LabelTotals {
  return {
    rows: 0,
    weight: 0,
    squares: 0,
    sum: 0,
    m2: 0,
    offsetSum: 0,
    exposure: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    classes: new Float64Array(classes),
    classRows: new Float64Array(classes),
  };
}

function observe(state: LabelTotals, view: LearnerView): void {
  const part = emptyTotals(state.classes.length);
  part.rows = view.rows;
  sumLabels(part, view);
  if (part.classes.length > 0) countClasses(part, view);
  part.m2 = centredSquares(view.labels, view.weights, view.rows, part.sum / part.weight);
  merge(state, part);
}

/** Sums and extremes; kept in local variables, since a number that is stored in an object is a new object each time. */
function sumLabels(part: LabelTotals, view: LearnerView): void {
  const { rows, labels: values, weights, offsets } = view;
  if (weights === undefined && offsets === undefined) {
    sumPlain(part, view);
    return;
  }
  let [total, squares, sum, exposure, offsetSum] = [0, 0, 0, 0, 0];
  let [min, max] = [part.min, part.max];
  for (let row = 0; row < rows; row++) {
    const label = values[row];
    const weight = weights === undefined ? 1 : weights[row];
    total += weight;
    squares += weight * weight;
    sum += weight * label;
    exposure += offsets === undefined ? weight : weight * exp(offsets[row]);
    if (offsets !== undefined) offsetSum += weight * label * offsets[row];
    if (label < min) min = label;
    if (label > max) max = label;
  }
  part.weight = total;
  part.squares = squares;
  part.sum = sum;
  part.exposure = exposure;
  part.offsetSum = offsetSum;
  part.min = min;
  part.max = max;
}

/** The same where every row weighs 1: sums of ones are exact. */
function sumPlain(part: LabelTotals, { rows, labels: values }: LearnerView): void {
  let sum = 0;
  let { min, max } = part;
  for (let row = 0; row < rows; row++) {
    const label = values[row];
    sum += label;
    if (label < min) min = label;
    if (label > max) max = label;
  }
  part.weight = rows;
  part.squares = rows;
  part.exposure = rows;
  part.sum = sum;
  part.min = min;
  part.max = max;
}

function countClasses({ classes, classRows }: LabelTotals, { rows, labels: values, weights }: LearnerView) {
  for (let row = 0; row < rows; row++) classRows[values[row]]++;
  if (weights === undefined) classes.set(classRows);
  else for (let row = 0; row < rows; row++) classes[values[row]] += weights[row];
}

function centredSquares(
  values: Float64Array,
  weights: Float64Array | undefined,
  rows: number,
  mean: number,
): number {
  let m2 = 0;
  if (weights === undefined) {
    for (let row = 0; row < rows; row++) {
      const d = values[row] - mean;
      m2 += d * d;
    }
    return m2;
  }
  for (let row = 0; row < rows; row++) {
    const d = values[row] - mean;
    m2 += weights[row] * d * d;
  }
  return m2;
}

function merge(into: LabelTotals, from: LabelTotals): void {
  if (into.weight > 0 && from.weight > 0) {
    const delta = from.sum / from.weight - into.sum / into.weight;
    into.m2 += (delta * delta * into.weight * from.weight) / (into.weight + from.weight);
  }
  into.m2 += from.m2;
  into.offsetSum += from.offsetSum;
  into.rows += from.rows;
  into.weight += from.weight;
  into.squares += from.squares;
  into.sum += from.sum;
  into.exposure += from.exposure;
  into.min = Math.min(into.min, from.min);
  into.max = Math.max(into.max, from.max);
  for (let c = 0; c < into.classes.length; c++) {
    into.classes[c] += from.classes[c];
    into.classRows[c] += from.classRows[c];
  }
}
