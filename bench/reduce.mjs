/**
 * What a reduce costs: one worker against two, memory against streaming, and the price of a round itself.
 * Rounds of the things compared alternate, so that a noisy machine disturbs both alike; medians and best are printed.
 *
 *     npm run build && node bench/reduce.mjs [--particles 400] [--keep]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inlineExecutor } from '../dist/run/inline.js';
import { threadExecutor } from '../dist/run/threads.js';
import { benchStore, FEATURES, PARTICLE_ROWS } from './reduce/data.mjs';
import { gradientRound, nothingRound } from './reduce/rounds.mjs';

const MIB = 2 ** 20;
const { values: args } = parseArgs({
  options: { particles: { type: 'string', default: '400' }, keep: { type: 'boolean', default: false } },
});

function summarise(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const round = (x) => Math.round(x * 1000) / 1000;
  return { median: round(sorted[sorted.length >> 1]), best: round(sorted[0]), rounds: times.length };
}

/** Plays a round on each session in turn, `rounds` times over. */
async function alternate(sessions, round, rounds) {
  const times = Object.fromEntries(Object.keys(sessions).map((name) => [name, []]));
  for (let i = 0; i < rounds; i++) {
    for (const [name, session] of Object.entries(sessions)) {
      const start = performance.now();
      await session.reduce(round);
      times[name].push(performance.now() - start);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, summarise(list)]));
}

/** One and two workers, and inline, over views of `count` particles that all lie in memory. */
async function workersBench(root, count) {
  const { store, snapshot } = await benchStore(join(root, `resident-${count}.sora`), count);
  const executors = {
    inline: inlineExecutor(),
    one: threadExecutor({ workers: 1 }),
    two: threadExecutor({ workers: 2 }),
  };
  const sessions = {};
  for (const [name, executor] of Object.entries(executors)) {
    sessions[name] = await executor.open({ particles: snapshot.particles, source: store.reference });
    await sessions[name].reduce(gradientRound);
  }
  const gradient = await alternate(sessions, gradientRound, 60);
  const nothing = await alternate(sessions, nothingRound, 500);
  for (const executor of Object.values(executors)) await executor.close();
  store.close();
  return { rows: count * PARTICLE_ROWS, gradient, nothing };
}

/** A process of its own, so that its peak of memory is its own. */
function passes(root, count, memory) {
  const script = fileURLToPath(new URL('./reduce/passes.mjs', import.meta.url));
  const child = fork(script, [root, String(count), String(memory ?? 0)]);
  return {
    async pass() {
      child.send('pass');
      const [answer] = await once(child, 'message');
      return answer;
    },
    end: () => child.kill(),
  };
}

/** In memory and within a tenth of it, pass by pass in turn. */
async function memoryBench(root, count) {
  const path = join(root, 'large.sora');
  const { store } = await benchStore(path, count);
  store.close();
  const viewBytes = count * PARTICLE_ROWS * (4 * FEATURES + 8);
  const budget = Math.floor(viewBytes / 10);
  const all = passes(path, count);
  const tenth = passes(path, count, budget);
  const first = { all: await all.pass(), tenth: await tenth.pass() };
  const times = { all: [], tenth: [] };
  const cpu = { all: [], tenth: [] };
  let last;
  for (let i = 0; i < 15; i++) {
    const whole = await all.pass();
    last = await tenth.pass();
    times.all.push(whole.ms);
    times.tenth.push(last.ms);
    cpu.all.push(whole.cpuMs);
    cpu.tenth.push(last.cpuMs);
  }
  all.end();
  tenth.end();
  return {
    rows: count * PARTICLE_ROWS,
    viewMiB: Math.round(viewBytes / MIB),
    budgetMiB: Math.round(budget / MIB),
    peakMiB: Math.round(last.peakBytes / MIB),
    workers: last.workers,
    first: { inMemory: Math.round(first.all.ms), streaming: Math.round(first.tenth.ms) },
    inMemory: summarise(times.all),
    streaming: summarise(times.tenth),
    inMemoryCpu: summarise(cpu.all),
    streamingCpu: summarise(cpu.tenth),
  };
}

const ratio = (a, b) => Math.round((100 * a) / b) / 100;

const root = join(tmpdir(), 'sora-bench-reduce');
const loadBefore = loadavg()[0];
const workers = await workersBench(root, 20);
const larger = await workersBench(root, 80);
const memory = await memoryBench(root, Number(args.particles));
if (!args.keep) rmSync(root, { recursive: true, force: true });

const { gradient, nothing } = workers;
const result = {
  machine: {
    cpu: cpus()[0].model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: [loadBefore, loadavg()[0]],
  },
  features: FEATURES,
  particleRows: PARTICLE_ROWS,
  milliseconds: true,
  workers,
  larger,
  memory,
  ratios: {
    twoWorkersSpeedup: ratio(gradient.one.median, gradient.two.median),
    twoWorkersSpeedupBest: ratio(gradient.one.best, gradient.two.best),
    twoWorkersSpeedupLarger: ratio(larger.gradient.one.median, larger.gradient.two.median),
    streamingOverMemory: ratio(memory.streaming.median, memory.inMemory.median),
    streamingOverMemoryBest: ratio(memory.streaming.best, memory.inMemory.best),
    streamingOverMemoryCpu: ratio(memory.streamingCpu.median, memory.inMemoryCpu.median),
    peakOverBudget: ratio(memory.peakMiB, memory.budgetMiB),
  },
};
writeFileSync(
  fileURLToPath(new URL('./results/reduce.json', import.meta.url)),
  `${JSON.stringify(result, null, 2)}\n`,
);

const row = (label, { median, best }) =>
  console.log(`${label.padEnd(44)}${median.toFixed(2).padStart(10)}${best.toFixed(2).padStart(10)}`);
console.log(`${'milliseconds'.padEnd(44)}${'median'.padStart(10)}${'best'.padStart(10)}`);
for (const [name, time] of Object.entries(gradient))
  row(`gradient, 1M × ${FEATURES} in memory, ${name}`, time);
for (const [name, time] of Object.entries(larger.gradient))
  row(`gradient, 4M × ${FEATURES} in memory, ${name}`, time);
for (const [name, time] of Object.entries(nothing)) row(`a round of nothing, ${name}`, time);
row(`gradient, ${memory.rows / 1e6}M × ${FEATURES}, in memory`, memory.inMemory);
row(`gradient, ${memory.rows / 1e6}M × ${FEATURES}, budget ${memory.budgetMiB} MiB`, memory.streaming);
row('  its processor time, in memory', memory.inMemoryCpu);
row('  its processor time, streaming', memory.streamingCpu);
console.log(
  `peak of the process: ${memory.peakMiB} MiB of ${memory.budgetMiB} MiB, ${memory.workers} worker(s)`,
);
for (const [name, value] of Object.entries(result.ratios))
  console.log(`${name.padEnd(44)}${value.toFixed(2).padStart(10)}`);
