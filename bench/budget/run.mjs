/**
 * Training over views ten times the memory budget: whether the whole process, all threads and every stage, stays
 * inside the budget, and what a pass costs against one with everything in memory.
 *
 *     node bench/budget/run.mjs [--rows 24000000] [--runs 5] [--threads 2] [--keep]
 */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  alternate,
  FOLDER,
  MIB,
  median,
  printTable,
  runJson,
  summarise,
  waitForQuiet,
  writeResult,
} from '../common.mjs';
import { FEATURES, makeStore, viewBytes } from './data.mjs';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '24000000' },
    runs: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    holdout: { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
  },
});
const rows = Number(args.rows);
const budget = Math.floor(viewBytes(rows) / 10);
const store = join(FOLDER, `budget-${rows}.sora`);
const script = fileURLToPath(new URL('./train.mjs', import.meta.url));
const training = (memory) => () =>
  runJson(process.execPath, [script, store, args.threads, memory, args.holdout]);

await makeStore(store, rows);
await waitForQuiet();
// The first training under the budget also writes the cache of views; it is not timed, but its peak counts.
const first = await training(budget)();
const runs = await alternate({ memory: training(0), budget: training(budget) }, Number(args.runs));
if (!args.keep) rmSync(store, { recursive: true, force: true });

const side = (list) => ({
  // Medians of each run: the first pass of a run may still be loading views.
  pass: summarise(list.map((run) => median(run.passes))),
  seconds: summarise(list.map((run) => run.seconds)),
  cpuSeconds: summarise(list.map((run) => run.cpuSeconds)),
  peakMiB: summarise(list.map((run) => run.peakMiB)),
  maxRssMiB: summarise(list.map((run) => run.maxRssMiB)),
  workers: list[0].workers,
  objective: list[0].objective,
});
const result = {
  rows,
  features: FEATURES,
  viewMiB: Math.round(viewBytes(rows) / MIB),
  budgetMiB: Math.round(budget / MIB),
  threads: Number(args.threads),
  target: { peakOverBudget: 1, pass: 1.5 },
  first: { seconds: first.seconds, peakMiB: first.peakMiB, stages: first.stages },
  memory: side(runs.memory),
  budget: side(runs.budget),
};
const largest = Math.max(first.peakMiB, ...result.budget.peakMiB.all);
result.ratios = {
  pass: Number((result.budget.pass.median / result.memory.pass.median).toFixed(3)),
  passLeast: Number((result.budget.pass.least / result.memory.pass.least).toFixed(3)),
  cpuSeconds: Number((result.budget.cpuSeconds.median / result.memory.cpuSeconds.median).toFixed(3)),
  peakOverBudget: Number((largest / result.budgetMiB).toFixed(3)),
  sameObjective: result.memory.objective === result.budget.objective,
};
const s = (x) => x.toFixed(3);
printTable(
  [
    `training, ${rows / 1e6}M × ${FEATURES}, views of ${result.viewMiB} MiB`,
    'pass s',
    'least',
    'all s',
    'CPU s',
    'peak MiB',
    'workers',
  ],
  [
    ['in memory', result.memory],
    [`budget of ${result.budgetMiB} MiB`, result.budget],
  ].map(([name, { pass, seconds, cpuSeconds, peakMiB, workers }]) => [
    name,
    s(pass.median),
    s(pass.least),
    s(seconds.median),
    s(cpuSeconds.median),
    Math.max(...peakMiB.all).toFixed(0),
    workers,
  ]),
);
console.log(`first training under the budget: ${s(first.seconds)} s, peak ${first.peakMiB.toFixed(0)} MiB`);
for (const [name, value] of Object.entries(result.ratios)) console.log(`${name.padEnd(20)}${value}`);
writeResult('budget', result);
