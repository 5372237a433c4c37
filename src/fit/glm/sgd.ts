/**
 * One averaged adaptive pass as a summary: every particle starts from the round's parameters, takes one AdaGrad step
 * a row, and the particles' parameters are averaged coordinate by coordinate, each weighted by its confidence there,
 * D_k = Σ g² (Agarwal, Chapelle, Dudík & Langford, "A Reliable Effective Terascale Linear Learning System", JMLR 15,
 * 2014, algorithms 1 and 2): a particle moves the model as far as its evidence goes. A place to start from, not an
 * optimum: no regularisation, and the result depends on how rows are cut into particles and ordered in them, so of
 * the laws of summaries it keeps all but "split anywhere".
 * Steps are normalised as in Ross, Mineiro & Langford, "Normalized Online Learning" (UAI 2013), with the scale of a
 * feature taken from the whole particle first. Cost about 4 ns per dense value, 9 ns per sparse entry.
 */
import { SoraError } from '../../errors.ts';
import type { Json } from '../../json.ts';
import { LOSS_KERNELS } from '../../kernel/load.ts';
import { type KernelRun, runKernels } from '../../kernel/mode.ts';
import {
  denseRows,
  denseScales,
  RECORD,
  type RowLoss,
  type SgdRows,
  sgdCsr,
  sgdDense,
} from '../../kernel/sgd.ts';
import type { Loss } from '../../loss/loss.ts';
import type { CsrView, DenseView } from '../../particle/view.ts';
import type { Summary } from '../../summary/summary.ts';
import { addTotals } from './gradient.ts';
import { parameterCount, roundParameters } from './parameters.ts';
import { type GlmOptions, type GlmShape, glmShape, type LearnerView, type PassTotals } from './pass.ts';
import { addVector, decodeSums, encodeSums } from './sum-bytes.ts';

/** Options of the pass. */
export interface SgdOptions extends GlmOptions {
  /** Length of the steps, in units that do not depend on the scale of features. Default 0.5. */
  readonly learningRate?: number;
}

/** Sums over particles; `loss` is that of each row before its step. */
export interface SgdSums extends PassTotals {
  /** Σ confidence · parameters, a number a parameter. */
  weighted: Float64Array;
  /** Σ confidence: squared gradients. */
  confidence: Float64Array;
}

/** Averaged parameters, and how much evidence each rests on. */
export interface SgdValue extends PassTotals {
  readonly parameters: Float64Array;
  readonly confidence: Float64Array;
}

/** Summary of one averaged pass. */
export function sgd(options: Json, parameters?: Uint8Array): Summary<SgdSums, SgdValue, LearnerView> {
  const shape = glmShape(options);
  const { loss, features, outputs } = shape;
  const { learningRate = 0.5 } = options as unknown as SgdOptions;
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new SoraError('bad-option', `The learning rate is ${learningRate}; it must be a positive number.`);
  }
  const start = roundParameters(parameters, features, outputs);
  const length = parameterCount(features, outputs);
  return {
    id: `sgd/1 ${learningRate} ${loss.id} ${outputs}×${features}`,
    empty: () => ({
      loss: 0,
      weight: 0,
      rows: 0,
      weighted: new Float64Array(length),
      confidence: new Float64Array(length),
    }),
    observe: (state, view) => addPass(state, view, shape, start, learningRate),
    merge(into, from) {
      addTotals(into, from);
      addVector(into.weighted, from.weighted);
      addVector(into.confidence, from.confidence);
    },
    read: (state) => ({ ...state, parameters: averaged(state, start) }),
    codec: {
      encode: (state) =>
        encodeSums([state.loss, state.weight, state.rows], [state.weighted, state.confidence]),
      decode(bytes) {
        const { numbers, vectors } = decodeSums(bytes, 3, [length, length]);
        const [weighted, confidence] = vectors;
        return { loss: numbers[0], weight: numbers[1], rows: numbers[2], weighted, confidence };
      },
    },
  };
}

/** Σ D w / Σ D; where no gradient was ever seen, the parameter that the pass started from. */
function averaged({ weighted, confidence }: SgdSums, start: Float64Array): Float64Array {
  return start.map((value, i) => (confidence[i] > 0 ? weighted[i] / confidence[i] : value));
}

/** A pass over one particle whose scratch is allocated. */
interface ParticlePass {
  /** Takes the steps; returns Σ weight · loss of each row before its step. */
  run(): number;
  /** Parameter and sum of squared gradients of coordinate f of output k, the intercept last. */
  parameter(k: number, f: number): number;
  squares(k: number, f: number): number;
}

function addPass(
  state: SgdSums,
  view: LearnerView,
  shape: GlmShape,
  start: Float64Array,
  learningRate: number,
): void {
  if (view.rows === 0) return;
  const { features, outputs } = shape;
  runKernels((run) => {
    const pass =
      view.kind === 'dense'
        ? densePass(run, view, shape, start, learningRate)
        : csrPass(run, view, shape, start, learningRate);
    state.loss += pass.run();
    state.rows += view.rows;
    for (let r = 0; r < view.rows; r++) state.weight += view.weights ? view.weights[r] : 1;
    for (let k = 0, to = 0; k < outputs; k++) {
      for (let f = 0; f <= features; f++, to++) {
        const confidence = pass.squares(k, f);
        state.confidence[to] += confidence;
        state.weighted[to] += confidence * pass.parameter(k, f);
      }
    }
  });
}

/**
 * Rate of every coordinate, the intercept last: learning rate / (scale · root of the mean normalised squared length of
 * a row), from the largest |x| (the scale) and Σ x² of every feature.
 */
function ratesOf(
  scales: Float64Array,
  squares: Float64Array,
  rows: number,
  learningRate: number,
): Float64Array {
  let length = rows;
  for (let f = 0; f < scales.length; f++) if (scales[f] > 0) length += squares[f] / (scales[f] * scales[f]);
  const step = learningRate / Math.sqrt(length / rows);
  const rates = new Float64Array(scales.length + 1);
  for (let f = 0; f < scales.length; f++) rates[f] = scales[f] > 0 ? step / scales[f] : 0;
  rates[scales.length] = step;
  return rates;
}

/** Rows whose labels, weights and offsets are staged at once. */
const BLOCK_ROWS = 64;

function stagedRows(run: KernelRun): SgdRows {
  return {
    labels: run.zeros(Float64Array, BLOCK_ROWS),
    weights: run.zeros(Float64Array, BLOCK_ROWS).fill(1),
    offsets: run.zeros(Float64Array, BLOCK_ROWS),
  };
}

function stage(staged: SgdRows, view: LearnerView, start: number, rows: number): void {
  staged.labels.set(view.labels.subarray(start, start + rows));
  if (view.weights) staged.weights.set(view.weights.subarray(start, start + rows));
  if (view.offsets) staged.offsets.set(view.offsets.subarray(start, start + rows));
}

/** The loss of the one row in `row`, plain. */
export function rowLoss(loss: Loss, row: Float64Array, outputs: number): RowLoss {
  const plane = outputs * 2;
  const [labels, weights] = [row.subarray(2 * plane, 2 * plane + 2), row.subarray(2 * plane + 2)];
  const residuals = row.subarray(plane, 2 * plane);
  const block = { rows: 2, outputs, stride: 2, margins: row, labels, weights, residuals };
  return (label, weight) => {
    labels[0] = label;
    weights[0] = weight;
    return loss.block(block);
  };
}

/** Pointers to staged rows, and their number, as both kernels take them. */
function rowArguments({ labels, weights, offsets }: SgdRows, rows: number): number[] {
  return [labels.byteOffset, weights.byteOffset, offsets.byteOffset, rows];
}

/** The arguments that both kernels end with. */
function lossArguments(loss: Loss, row: Float64Array, outputs: number): number[] {
  const index = loss.kernel === undefined ? -1 : LOSS_KERNELS.indexOf(loss.kernel);
  return [row.byteOffset, outputs, index, loss.parameter];
}

function eachBlock(
  view: LearnerView,
  staged: SgdRows,
  visit: (start: number, rows: number) => number,
): number {
  let loss = 0;
  for (let start = 0; start < view.rows; start += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, view.rows - start);
    stage(staged, view, start, rows);
    loss += visit(start, rows);
  }
  return loss;
}

function densePass(
  run: KernelRun,
  view: DenseView,
  { loss, features, outputs }: GlmShape,
  start: Float64Array,
  learningRate: number,
): ParticlePass {
  const width = (features + 4) & ~3;
  const parameters = run.zeros(Float64Array, outputs * width);
  const squares = run.zeros(Float64Array, outputs * width);
  const rates = run.zeros(Float64Array, width);
  const row = run.zeros(Float64Array, outputs * 4 + 4);
  const x = run.zeros(Float32Array, BLOCK_ROWS * width);
  const staged = stagedRows(run);
  const [scales, sums] = [run.zeros(Float64Array, features), run.zeros(Float64Array, features)];
  for (let k = 0; k < outputs; k++) {
    const from = k * (features + 1);
    parameters.set(start.subarray(from, from + features + 1), k * width);
  }
  for (let r = 0; r < BLOCK_ROWS; r++) x[r * width + features] = 1;
  const kernels = run.inPlace(view.values) ? run.wasm : undefined;
  const { values, stride } = view;
  if (kernels) {
    kernels.denseScales(values.byteOffset, stride * 4, features, stride, scales.byteOffset, sums.byteOffset);
  } else denseScales(values, stride, features, stride, scales, sums);
  rates.set(ratesOf(scales, sums, view.rows, learningRate));
  const state = { width, outputs, parameters, squares, rates, row };
  const steps = loss.kernel === undefined ? undefined : run.wasm?.sgdDense;
  const plain = rowLoss(loss, row, outputs);
  const vectors = [parameters.byteOffset, squares.byteOffset, rates.byteOffset];
  const tail = lossArguments(loss, row, outputs);
  return {
    run: () =>
      eachBlock(view, staged, (at, rows) => {
        const whole = (rows + 3) & ~3;
        const xPtr = values.byteOffset + at * 4;
        if (kernels) kernels.denseRows(xPtr, stride * 4, features, whole, x.byteOffset, width);
        else denseRows(values, at, stride, features, whole, x, width);
        if (!steps) return sgdDense(x, staged, rows, state, plain);
        return steps(x.byteOffset, width, ...rowArguments(staged, rows), ...vectors, ...tail);
      }),
    parameter: (k, f) => parameters[k * width + f],
    squares: (k, f) => squares[k * width + f],
  };
}

function csrScales(
  { starts, indices, values, rows }: CsrView,
  scales: Float64Array,
  squares: Float64Array,
): void {
  for (let j = starts[0]; j < starts[rows]; j++) {
    const f = indices[j];
    const size = Math.abs(values[j]);
    if (size > scales[f]) scales[f] = size;
    squares[f] += size * size;
  }
}

function csrPass(
  run: KernelRun,
  view: CsrView,
  { loss, features, outputs }: GlmShape,
  start: Float64Array,
  learningRate: number,
): ParticlePass {
  const width = features + 1;
  const records = run.zeros(Float64Array, outputs * width * RECORD);
  const row = run.zeros(Float64Array, outputs * 4 + 4);
  const staged = stagedRows(run);
  const wasm = loss.kernel === undefined ? undefined : run.wasm;
  const [starts, indices, values] = wasm
    ? [run.place(view.starts), run.place(view.indices), run.place(view.values)]
    : [view.starts, view.indices, view.values];
  const [scales, sums] = [new Float64Array(features), new Float64Array(features)];
  csrScales(view, scales, sums);
  const rates = ratesOf(scales, sums, view.rows, learningRate);
  for (let i = 0; i < start.length; i++) {
    records[i * RECORD] = start[i];
    records[i * RECORD + 2] = rates[i % width];
  }
  const state = { width, outputs, records, row };
  const plain = rowLoss(loss, row, outputs);
  const tail = [records.byteOffset, ...lossArguments(loss, row, outputs)];
  const entries = [indices.byteOffset, values.byteOffset, width];
  return {
    run: () =>
      eachBlock(view, staged, (at, rows) => {
        if (!wasm) return sgdCsr({ starts, indices, values }, at, staged, rows, state, plain);
        return wasm.sgdCsr(starts.byteOffset + at * 4, ...entries, ...rowArguments(staged, rows), ...tail);
      }),
    parameter: (k, f) => records[(k * width + f) * RECORD],
    squares: (k, f) => records[(k * width + f) * RECORD + 1],
  };
}
