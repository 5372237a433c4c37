/**
 * Sora's side of the linear benchmark, a process of its own: trains on a store, prints one JSON line.
 * Usage: sora.mjs STORE TARGET THREADS COEFFICIENTS. The clock runs over everything after the modules are loaded:
 * opening the store, starting threads, recipe, views, fit, explanation, the model on disk. The coefficients are
 * written in units of the raw columns, so that the peer can judge them by its own objective.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { train } from '../../dist/index.js';
import { peakBytes } from '../common.mjs';

const [store, target, threads, coefficients] = process.argv.slice(2);
const out = `${coefficients}.model`;
// Loaded when first used; the peer's modules are loaded before its clock runs, too.
await Promise.all(
  ['ingest/ingest', 'store/store', 'pipeline/data'].map((name) => import(`../../dist/${name}.js`)),
);

const start = performance.now();
const cpu = process.cpuUsage();
const result = await train(store, {
  learner: 'linear',
  target,
  testFraction: 0,
  numeric: 'standard',
  // All cores are the default, as they are the peer's; very little data then starts no threads.
  ...(Number(threads) === availableParallelism() ? {} : { workers: Number(threads) }),
  report: false,
  out,
  // The objective is compared to six digits; scikit-learn stops at gradients of 1e-4.
  tolerance: 1e-4,
});
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);

const { recipe, tensors, learner } = result.model;
writeFileSync(coefficients, JSON.stringify(rawCoefficients(recipe, tensors)));
rmSync(out, { recursive: true, force: true });
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    stages: result.seconds,
    rounds: learner.rounds,
    converged: learner.converged,
    objective: learner.objective,
    peakMiB: peakBytes() / 2 ** 20,
  }),
);

/** Coefficients by raw column and the intercept that goes with them. */
function rawCoefficients({ steps }, tensors) {
  const { values } = tensors.coefficients;
  let intercept = tensors.intercepts.values[0];
  const coefficients = [];
  for (const step of steps) {
    const base = coefficients.length;
    if (step.transform === 'number') {
      coefficients.push(values[base] * step.scale);
      intercept -= values[base] * step.scale * step.centre;
    } else {
      for (let i = 0; i < step.width; i++) coefficients.push(values[base + i] * (step.scales?.[i] ?? 1));
    }
  }
  return { coefficients, intercept };
}
