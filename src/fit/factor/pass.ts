/**
 * One averaged pass as a summary: every particle starts from the round's state, takes one step a row, and says how far
 * each weight and vector has moved, weighted by the squared gradients it saw there (Agarwal et al., JMLR 15, 2014,
 * algorithm 1, as fit/glm/sgd.ts does). What one particle alone knows of (a user whose rows are all in it) moves as that
 * particle says; what many know of moves by their average. So the result does not depend on who observes what, and
 * does on how rows are cut into particles: of the laws of summaries it keeps all but "split anywhere".
 * Rows are taken in golden-ratio strides from a start that changes with the round, so that sorted rows do little harm.
 */
import type { Json } from '../../json.ts';
import { factorPass, factorRecord, factorSettings } from '../../kernel/factor.ts';
import { LOSS_KERNELS } from '../../kernel/load.ts';
import { type KernelRun, runKernels } from '../../kernel/mode.ts';
import type { Loss } from '../../loss/loss.ts';
import { lossOf } from '../../loss/registry.ts';
import { decodeParameters } from '../../model/scorer.ts';
import type { CsrView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import type { Summary } from '../../summary/summary.ts';
import { addTotals } from '../glm/gradient.ts';
import type { PassTotals } from '../glm/pass.ts';
import { rowLoss } from '../glm/sgd.ts';
import { addVector, decodeSums, encodeSums } from '../glm/sum-bytes.ts';
import type { LearnerView } from '../labels.ts';
import { type MachineOptions, sparse, stateLength } from './machine.ts';

/** Options of a pass; JSON. */
export interface PassOptions extends MachineOptions {
  readonly round: number;
}

/** Sums over particles: Σ confidence · way where a number moves, Σ confidence where squares are kept. */
export interface PassSums extends PassTotals {
  moved: Float64Array;
}

/** The state after the pass; the loss is that of each row before its step. */
export interface PassValue extends PassTotals {
  readonly state: Float64Array;
}

/** Summary of one pass from the round's state. */
export function machinePass(
  options: Json,
  parameters: Uint8Array,
): Summary<PassSums, PassValue, LearnerView> {
  const machine = options as unknown as PassOptions;
  const { outputs, features, factors, round } = machine;
  const loss = lossOf(machine.loss);
  const start = decodeParameters(parameters);
  const length = stateLength(machine);
  return {
    id: `factor-pass/1 ${loss.id} ${outputs}×${features}×${factors} ${round}`,
    empty: () => ({ loss: 0, weight: 0, rows: 0, moved: new Float64Array(length) }),
    observe: (state, view) => addPass(state, sparse(view), machine, loss, start),
    merge(into, from) {
      addTotals(into, from);
      addVector(into.moved, from.moved);
    },
    read: ({ moved, ...totals }) => ({ ...totals, state: averaged(machine, moved, start) }),
    codec: {
      encode: ({ loss: sum, weight, rows, moved }) => encodeSums([sum, weight, rows], [moved]),
      decode(bytes) {
        const { numbers, vectors } = decodeSums(bytes, 3, [length]);
        return { loss: numbers[0], weight: numbers[1], rows: numbers[2], moved: vectors[0] };
      },
    },
  };
}

/** Visits each run of numbers that share a confidence: where its squares are, and the numbers [from, to). */
function eachPart(
  { outputs, features, factors }: MachineOptions,
  visit: (squares: number, from: number, to: number) => void,
): void {
  for (let k = 0; k < outputs; k++) visit(2 * k + 1, 2 * k, 2 * k + 1);
  const stride = factorRecord(factors);
  for (let at = 0, record = 2 * outputs; at < features * outputs; at++, record += stride) {
    visit(record + 1, record, record + 1);
    visit(record + 2, record + 4, record + stride);
  }
}

/** Where the averaged way leads from the start. */
function averaged(machine: MachineOptions, moved: Float64Array, start: Float64Array): Float64Array {
  const state = start.slice();
  eachPart(machine, (squares, from, to) => {
    const confidence = moved[squares];
    if (!(confidence > 0)) return;
    state[squares] += confidence;
    for (let i = from; i < to; i++) state[i] += moved[i] / confidence;
  });
  return state;
}

/** Rows in strides of about the golden ratio, each once. */
function rowOrder(run: KernelRun, rows: number, round: number): Uint32Array {
  const order = run.zeros(Uint32Array, rows);
  let stride = Math.max(1, Math.round(rows * 0.6180339887498949));
  while (divisor(stride, rows) !== 1) stride++;
  let row = Math.floor(rows * randomUniform(0, 0, round));
  for (let i = 0; i < rows; i++) {
    order[i] = row;
    row = (row + stride) % rows;
  }
  return order;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

function addPass(sums: PassSums, view: CsrView, machine: PassOptions, loss: Loss, start: Float64Array): void {
  const { rows } = view;
  if (rows === 0) return;
  runKernels((run) => {
    const state = run.zeros(Float64Array, start.length);
    state.set(start);
    const pass = prepare(run, view, machine, loss, state);
    sums.loss += pass();
    sums.rows += rows;
    for (let r = 0; r < rows; r++) sums.weight += view.weights ? view.weights[r] : 1;
    eachPart(machine, (squares, from, to) => {
      const confidence = state[squares] - start[squares];
      if (!(confidence > 0)) return;
      sums.moved[squares] += confidence;
      for (let i = from; i < to; i++) sums.moved[i] += confidence * (state[i] - start[i]);
    });
  });
}

/** The steps of a particle, all its room allocated; the state is changed in place. */
function prepare(
  run: KernelRun,
  view: CsrView,
  machine: PassOptions,
  loss: Loss,
  state: Float64Array,
): () => number {
  const { outputs, factors, round, centres, scale, slopeScale } = machine;
  const { rows } = view;
  const order = rowOrder(run, rows, round);
  const labels = run.place(view.labels);
  const weights = view.weights ? run.place(view.weights) : run.zeros(Float64Array, rows).fill(1);
  const offsets = view.offsets ? run.place(view.offsets) : run.zeros(Float64Array, rows);
  const sums = run.zeros(Float64Array, outputs * factors);
  const row = run.zeros(Float64Array, 4 * outputs + 4);
  const intercepts = state.subarray(0, 2 * outputs);
  const records = state.subarray(2 * outputs);
  const batch = { factors, outputs, records, sums, intercepts, scale, centres: Float64Array.from(centres) };
  const settings = run.place(factorSettings(batch, machine, slopeScale));
  if (run.wasm === undefined || loss.kernel === undefined) {
    const plain = rowLoss(loss, row, outputs);
    return () =>
      factorPass(batch, view, { order, labels, weights, offsets }, machine, slopeScale, row, plain);
  }
  const { wasm } = run;
  const [starts, indices, values] = [run.place(view.starts), run.place(view.indices), run.place(view.values)];
  const pointers = [starts, indices, values, order, labels, weights, offsets].map((a) => a.byteOffset);
  const state4 = [intercepts, records, sums, row].map((array) => array.byteOffset);
  const tail = [outputs, factors, LOSS_KERNELS.indexOf(loss.kernel), loss.parameter, settings.byteOffset];
  return () => wasm.factorPass(...pointers, rows, ...state4, ...tail);
}
