/**
 * One step of the update benchmark, a process of its own: OPERATION STORE FILES OPTIONS. Prints one JSON line. Clocks run
 * from the start of the process to its end; `fit` is the part after reading and before evaluation.
 *   train: the files are appended to the store, and a model is trained on all of it;
 *   update: the files are given to an update of the model that was trained on the store.
 */
import { ingest, train, update } from '../../dist/index.js';

const [operation, store, files, text = '{}'] = process.argv.slice(2);
const { target, exposure, ...options } = JSON.parse(text);
const inputs = files.split(',');
let read = process.cpuUsage();
let fitted;
const onProgress = ({ stage }) => {
  if (stage === 'reading') read = process.cpuUsage();
  if (stage === 'evaluate') fitted ??= process.cpuUsage(read);
};
let result;
if (operation === 'train') {
  await ingest(inputs, { store, append: true, target, exposure, onProgress });
  read = process.cpuUsage();
  result = await train(store, { report: false, target, exposure, onProgress, ...options });
} else {
  result = await update(`${store}/models/first`, inputs, {
    out: `${store}/models/updated`,
    report: false,
    onProgress,
    ...options,
  });
}
const { user, system } = process.cpuUsage();
const seconds = performance.now() / 1000;
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
    judged: result.judged,
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
