/** Seeded data for bench/reduce.mjs: a store of dense particles, written once and reused. */
import { existsSync } from 'node:fs';
import { randomWord } from '../../dist/random.js';
import { openStore } from '../../dist/store/store.js';

export const FEATURES = 28;
export const PARTICLE_ROWS = 50_000;

/** One particle: uniform f32 features of 8 random bits of mantissa less than all, so that ZSTD does not pay, and labels. */
function particle(index) {
  const columns = [];
  for (let f = 0; f < FEATURES; f++) {
    const values = new Float32Array(PARTICLE_ROWS);
    for (let r = 0; r < PARTICLE_ROWS; r++) values[r] = randomWord(index, f, r) / 2 ** 32 - 0.5;
    columns.push({ type: 'number', values });
  }
  const labels = new Int8Array(PARTICLE_ROWS);
  for (let r = 0; r < PARTICLE_ROWS; r++) labels[r] = columns[0].values[r] + columns[1].values[r] > 0 ? 1 : 0;
  columns.push({ type: 'number', values: labels });
  const fields = columns.map((_, i) => ({
    name: i < FEATURES ? `f${i}` : 'label',
    type: 'number',
    role: i < FEATURES ? 'feature' : 'label',
  }));
  return { schema: { fields }, rows: PARTICLE_ROWS, columns };
}

/** Opens the store of `count` particles in `root`, making it if it is not there. */
export async function benchStore(root, count) {
  const options = { create: !existsSync(root), viewBytes: 2 ** 36 };
  const store = await openStore(root, options);
  const snapshot = options.create ? undefined : await store.snapshot();
  if (snapshot !== undefined && snapshot.particles.length === count) return { store, snapshot };
  const add = [];
  let schema;
  for (let i = 0; i < count; i++) {
    const made = particle(i);
    schema = made.schema;
    add.push(await store.putParticle(made));
  }
  return { store, snapshot: await store.commit({ schema, add, why: 'benchmark' }) };
}
