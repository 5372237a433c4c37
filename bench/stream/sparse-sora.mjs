/**
 * Sora's side of the sparse benchmark: STORE BITS ALPHA; prints one JSON line. FTRL over the particles of the store, every row
 * predicted, then learned: reading and checking the particles counted, and not.
 */
import { createOnline, openStore, prequential } from '../../dist/index.js';

const [place, bits, alpha] = process.argv.slice(2);
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const before = cpu();
const store = await openStore(place);
const { particles, rows } = await store.snapshot();
const model = createOnline({
  learner: { name: 'ftrl', alpha: Number(alpha) },
  features: { features: 'sparse' },
  classes: [-1, 1],
  hashBits: Number(bits),
});
let learning = 0;
let loss = 0;
for (const ref of particles) {
  const particle = await store.loadParticle(ref);
  const start = cpu();
  const scores = prequential(model, [particle]);
  learning += cpu() - start;
  loss += scores.logLoss * scores.rows;
}
console.log(JSON.stringify({ rows, cpu: cpu() - before, learning, loss: loss / rows }));
