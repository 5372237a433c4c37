/**
 * One step of the update benchmark, a process of its own: OPERATION STORE COMMIT OPTIONS. Prints one JSON line. The
 * clock runs over everything after the modules are loaded; `fit` is the part without reading and evaluation.
 *   train: on the store as of a commit; update: the model that was trained as of commit 1.
 */
import { existsSync } from 'node:fs';
import { train, update } from '../../dist/index.js';

const [operation, store, commit, text = '{}'] = process.argv.slice(2);
const options = JSON.parse(text);
await Promise.all(['store/store', 'pipeline/data'].map((name) => import(`../../dist/${name}.js`)));
let cpu = process.cpuUsage();
let fitted;
const onProgress = ({ stage }) => {
  if (stage === 'evaluate') fitted ??= process.cpuUsage(cpu);
};
const run = (place) =>
  operation === 'train'
    ? train(place, { report: false, at: commit, onProgress, ...options })
    : update(`${place}/models/first`, place, {
        at: commit,
        out: `${place}/models/updated`,
        onProgress,
        ...options,
      });
// Where data is small, most of the first run is the compiler's: it is done on a copy before the clock starts.
if (existsSync(`${store}.warm`)) await run(`${store}.warm`);
fitted = undefined;
cpu = process.cpuUsage();
const start = performance.now();
const result = await run(store);
const { user, system } = process.cpuUsage(cpu);
const seconds = (performance.now() - start) / 1000;
const evaluation = operation === 'train' ? result.evaluation : result.after;
const { recipe = 0, fit } = result.seconds;
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    // Until the evaluation has looked at its first particles.
    fitCpuSeconds: (fitted.user + fitted.system) / 1e6,
    fitSeconds: recipe + fit,
    evaluateSeconds: result.seconds.evaluate,
    rounds: result.fit.rounds,
    observed: result.observed,
    particles: result.particles,
    how: result.how,
    rows: evaluation.rows,
    metrics: scores(evaluation),
    before: result.before && scores(result.before),
    prequential: result.prequential && scores(result.prequential),
  }),
);

function scores({ metrics }) {
  return Object.fromEntries(metrics.map(({ name, value, interval }) => [name, { value, interval }]));
}
