/**
 * What the kernels of generalised linear models cost, beside plain loops and the floor that memory sets: 1M × 28 dense
 * rows and 250k sparse rows of 20 entries, one core. Rows of the table take turns; the best CPU time of each is printed,
 * since a shared machine can only make it longer.
 *
 *     npm run build && node bench/kernels.mjs
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { curvature } from '../dist/fit/glm/curvature.js';
import { gradient } from '../dist/fit/glm/gradient.js';
import { encodeParameters } from '../dist/fit/glm/parameters.js';
import { sgd } from '../dist/fit/glm/sgd.js';
import { predictMargins } from '../dist/kernel/glm.js';
import { arena, configureMemory } from '../dist/kernel/memory.js';
import { setKernelMode } from '../dist/kernel/mode.js';
import { randomUniform } from '../dist/random.js';
import { partial } from '../dist/summary/summary.js';

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const ROWS = 1_000_000;
const FEATURES = 28;
const SPARSE_ROWS = 250_000;
const ENTRIES = 20;
configureMemory({ bytes: 2 ** 30 });

function denseData() {
  const values = arena.alloc(Float32Array, ROWS * FEATURES);
  for (let i = 0; i < values.length; i++) values[i] = 2 * randomUniform(1, 0, i) - 1;
  const labels = arena.alloc(Float64Array, ROWS);
  for (let r = 0; r < ROWS; r++) labels[r] = values[r] > 0 ? 1 : 0;
  return { kind: 'dense', rows: ROWS, features: FEATURES, stride: ROWS, values, labels };
}

function sparseData(features) {
  const starts = arena.alloc(Uint32Array, SPARSE_ROWS + 1);
  const indices = arena.alloc(Uint32Array, SPARSE_ROWS * ENTRIES);
  const values = arena.alloc(Float32Array, SPARSE_ROWS * ENTRIES);
  const labels = arena.alloc(Float64Array, SPARSE_ROWS);
  for (let r = 0, at = 0; r < SPARSE_ROWS; r++) {
    for (let j = 0; j < ENTRIES; j++, at++) {
      indices[at] = Math.min(features - 1, Math.floor(((j + randomUniform(2, j, r)) / ENTRIES) * features));
      values[at] = randomUniform(3, j, r);
    }
    starts[r + 1] = at;
    labels[r] = randomUniform(4, 0, r) < 0.5 ? 1 : 0;
  }
  return { kind: 'csr', rows: SPARSE_ROWS, features, starts, indices, values, labels };
}

/** What one writes first: a loop over columns, then rows, then columns, with Math.exp. */
function naiveDense({ values, labels }, w) {
  const z = new Float64Array(ROWS).fill(w[FEATURES]);
  const sums = new Float64Array(FEATURES + 1);
  let loss = 0;
  for (let f = 0; f < FEATURES; f++) {
    for (let r = 0; r < ROWS; r++) z[r] += values[f * ROWS + r] * w[f];
  }
  for (let r = 0; r < ROWS; r++) {
    loss += Math.log1p(Math.exp(z[r])) - labels[r] * z[r];
    z[r] = 1 / (1 + Math.exp(-z[r])) - labels[r];
    sums[FEATURES] += z[r];
  }
  for (let f = 0; f < FEATURES; f++) {
    let sum = 0;
    for (let r = 0; r < ROWS; r++) sum += values[f * ROWS + r] * z[r];
    sums[f] = sum;
  }
  return loss + sums[0];
}

function naiveSparse({ starts, indices, values, labels, features }, w) {
  const sums = new Float64Array(features + 1);
  let loss = 0;
  for (let r = 0; r < SPARSE_ROWS; r++) {
    let z = w[features];
    for (let j = starts[r]; j < starts[r + 1]; j++) z += values[j] * w[indices[j]];
    loss += Math.log1p(Math.exp(z)) - labels[r] * z;
    const residual = 1 / (1 + Math.exp(-z)) - labels[r];
    for (let j = starts[r]; j < starts[r + 1]; j++) sums[indices[j]] += values[j] * residual;
    sums[features] += residual;
  }
  return loss + sums[0];
}

/** Reads one word of every cache line: the floor of any pass over data that are not in cache. */
function touch(array) {
  const words = new Int32Array(array.buffer, array.byteOffset, array.byteLength / 4);
  let sum = 0;
  for (let i = 0; i < words.length; i += 16) sum += words[i];
  return sum;
}

const plain = (body) => () => {
  setKernelMode('plain');
  body();
  setKernelMode('wasm');
};

function cases() {
  const dense = denseData();
  const small = sparseData(10_000);
  const large = sparseData(1_000_000);
  const start = (features, outputs = 1) =>
    Float64Array.from({ length: outputs * (features + 1) }, (_, i) => (randomUniform(5, 0, i) - 0.5) / 4);
  const at = (features, outputs) => encodeParameters(start(features, outputs));
  const pass = (factory, view, loss, outputs = 1, more = {}) => {
    const summary = factory({ loss, features: view.features, outputs, ...more }, at(view.features, outputs));
    return () => partial(summary, view);
  };
  const heap = { ...dense, values: dense.values.slice(), labels: dense.labels.slice() };
  const values = ROWS * FEATURES;
  const entries = SPARSE_ROWS * ENTRIES;
  const pairs = (values * (FEATURES + 1)) / 2;
  return [
    ['dense: touch every cache line (floor)', values, () => touch(dense.values)],
    ['dense: logistic gradient, plain loops, Math.exp', values, () => naiveDense(dense, start(FEATURES))],
    ['dense: logistic gradient, twins', values, plain(pass(gradient, dense, 'logistic'))],
    ['dense: logistic gradient', values, pass(gradient, dense, 'logistic')],
    ['dense: logistic gradient, view not resident', values, pass(gradient, heap, 'logistic')],
    ['dense: squared gradient', values, pass(gradient, dense, 'squared')],
    ['dense: Huber gradient', values, pass(gradient, dense, 'huber')],
    ['dense: Poisson gradient', values, pass(gradient, dense, 'poisson')],
    ['dense: softmax gradient, 3 outputs', values * 3, pass(gradient, dense, 'softmax', 3)],
    ['dense: margins', values, () => predictMargins(dense, start(FEATURES), 1)],
    ['dense: Hessian, a pair of features', pairs, pass(curvature, dense, 'logistic')],
    ['dense: diagonal', values, pass(curvature, dense, 'logistic', 1, { curvature: 'diagonal' })],
    ['dense: averaged adaptive pass', values, pass(sgd, dense, 'logistic')],
    ['sparse: touch every cache line (floor)', entries, () => touch(small.values) + touch(small.indices)],
    ['sparse 10k: logistic gradient, plain loops', entries, () => naiveSparse(small, start(10_000))],
    ['sparse 10k: logistic gradient', entries, pass(gradient, small, 'logistic')],
    ['sparse 10k: averaged adaptive pass', entries, pass(sgd, small, 'logistic')],
    ['sparse 1M: logistic gradient, plain loops', entries, () => naiveSparse(large, start(1_000_000))],
    ['sparse 1M: logistic gradient', entries, pass(gradient, large, 'logistic')],
    ['sparse 1M: averaged adaptive pass', entries, pass(sgd, large, 'logistic')],
  ];
}

const list = cases();
const best = new Float64Array(list.length).fill(Number.POSITIVE_INFINITY);
for (let round = 0; round < Number(args.rounds) + 2; round++) {
  for (const [i, [, , body]] of list.entries()) {
    const before = process.cpuUsage();
    body();
    const { user, system } = process.cpuUsage(before);
    if (round >= 2) best[i] = Math.min(best[i], user + system);
  }
}
const table = list.map(([name, count], i) => ({
  name,
  milliseconds: Math.round(best[i] / 10) / 100,
  nanosecondsPerValue: Math.round((best[i] * 1e6) / count) / 1000,
}));
for (const row of table) {
  console.log(
    `${row.name.padEnd(50)} ${row.milliseconds.toFixed(2).padStart(8)} ms ${row.nanosecondsPerValue.toFixed(3).padStart(8)} ns per value`,
  );
}
const machine = {
  cpu: cpus()[0].model.trim(),
  cores: availableParallelism(),
  node: process.version,
  load: loadavg()[0],
};
const result = { machine, rows: ROWS, features: FEATURES, sparseRows: SPARSE_ROWS, entries: ENTRIES, table };
writeFileSync(new URL('./results/kernels.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
