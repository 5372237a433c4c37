/** Seeded data for bench/budget: a store of dense particles with noisy labels, written through the store's own API. */
import { existsSync } from 'node:fs';
import { randomWord } from '../../dist/random.js';
import { openStore } from '../../dist/store/store.js';

export const FEATURES = 28;
const PARTICLE_ROWS = 25_000;

/** Uniform features; the label follows two of them, with noise, so that no coefficient runs away. */
function particle(index) {
  const columns = [];
  for (let f = 0; f < FEATURES; f++) {
    const values = new Float32Array(PARTICLE_ROWS);
    for (let r = 0; r < PARTICLE_ROWS; r++) values[r] = randomWord(index, f, r) / 2 ** 32 - 0.5;
    columns.push({ type: 'number', values });
  }
  const labels = new Int8Array(PARTICLE_ROWS);
  const [a, b, noise] = [columns[0].values, columns[1].values, columns[2].values];
  for (let r = 0; r < PARTICLE_ROWS; r++) labels[r] = a[r] + b[r] + 2 * noise[r] * b[r] > noise[r] ? 1 : 0;
  columns.push({ type: 'number', values: labels });
  const fields = columns.map((_, f) => ({
    name: f < FEATURES ? `x${f}` : 'y',
    type: 'number',
    role: f < FEATURES ? 'feature' : 'label',
  }));
  return { schema: { fields }, rows: PARTICLE_ROWS, columns };
}

/** Makes the store of `rows` rows in `root` if it is not there. */
export async function makeStore(root, rows) {
  if (existsSync(root)) return;
  const store = await openStore(root, { create: true });
  const add = [];
  for (let i = 0; i < rows / PARTICLE_ROWS; i++) add.push(await store.putParticle(particle(i)));
  await store.commit({ schema: particle(0).schema, add, why: 'benchmark' });
  store.close();
}

/** Bytes of the views of so many rows: features in f32, the label in f64. */
export const viewBytes = (rows) => rows * (4 * FEATURES + 8);
