/**
 * One training of bench/budget, a process of its own: [store, workers, memory in bytes or 0]. Prints one JSON line:
 * the seconds of each pass of the fit, of everything, and the peak of the process.
 */
import { rmSync } from 'node:fs';
import { train } from '../../dist/index.js';
import { peakBytes } from '../common.mjs';

const [store, workers, memory, testFraction] = process.argv.slice(2);
const out = `${store}.${process.pid}.model`;
const passes = [];
let last;
const start = performance.now();
const result = await train(store, {
  learner: 'linear',
  target: 'y',
  testFraction: Number(testFraction),
  numeric: 'standard',
  workers: Number(workers),
  ...(Number(memory) > 0 ? { memory: `${memory}B` } : {}),
  cache: false,
  report: false,
  out,
  tolerance: 1e-12,
  maxRounds: 8,
  onProgress({ stage }) {
    if (stage !== 'fitting') return;
    const now = performance.now();
    if (last !== undefined) passes.push((now - last) / 1000);
    last = now;
  },
});
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage();
rmSync(out, { recursive: true, force: true });
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    stages: result.seconds,
    passes,
    objective: result.model.learner.objective,
    workers: result.workers,
    peakMiB: peakBytes() / 2 ** 20,
    maxRssMiB: process.resourceUsage().maxRSS / 1024,
  }),
);
