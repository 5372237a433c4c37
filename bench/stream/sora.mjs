/** Sora's side of the stream benchmark: FILE ROWS LEARNER …; prints one JSON line. */
import { readFileSync } from 'node:fs';
import { createOnline, createParticle, prequential, splitParticle } from '../../dist/index.js';

const [file, rows, ...names] = process.argv.slice(2);
const [head, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
const columns = head.split(',');
const cells = lines.map((line) => line.split(',').map(Number));
const whole = createParticle({
  columns: Object.fromEntries(columns.map((name, at) => [name, cells.map((row) => row[at])])),
  roles: { class: 'label' },
});
const features = Object.fromEntries(
  columns.filter((name) => name !== 'class').map((name) => [name, 'number']),
);
/** Settings as in peer.py. */
const OPTIONS = {
  ftrl: { name: 'ftrl', alpha: 0.5 },
  adagrad: { name: 'adagrad', rate: 0.3 },
  'passive-aggressive': { name: 'passive-aggressive', variant: 'pa' },
};
const SHORT = ['adaptive-forest', 'leveraging-bagging'];
const ONCE = ['gaussian-bayes', 'hoeffding-tree'];

const learners = {};
for (const name of names) {
  const short = SHORT.includes(name) ? splitParticle(whole, Number(rows)).slice(0, 1) : undefined;
  const particles = short ?? (ONCE.includes(name) ? [whole] : [whole, whole, whole]);
  const model = createOnline({ learner: OPTIONS[name] ?? name, features, classes: [0, 1], seed: 1 });
  const start = process.cpuUsage();
  const result = prequential(model, particles);
  const { user, system } = process.cpuUsage(start);
  learners[name] = { rowsPerSecond: (result.rows / (user + system)) * 1e6, accuracy: result.accuracy };
}
console.log(JSON.stringify({ learners }));
