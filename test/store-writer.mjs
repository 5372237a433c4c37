/**
 * A process that commits to a store, for store-torture.test.ts: `node store-writer.mjs <root> <writer> <count>`.
 * Every commit adds two particles; partials and views are written on the way. The number of each commit is
 * printed as soon as `commit` has returned, so a line on the pipe is a promise that the store must keep.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../dist/store/store.js';

const [root, writer, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const schema = { fields: [{ name: 'x', type: 'number', role: 'feature' }] };

function particle(number) {
  const values = Float64Array.from({ length: 200 }, (_, i) => writer * 1e6 + number + i / 1000);
  return { schema, rows: values.length, columns: [{ type: 'number', values }] };
}

const store = await openStore(root, { create: true });
writeSync(1, 'ready\n');
for (let i = 0; i < count; i++) {
  const add = await Promise.all([2 * i, 2 * i + 1].map((number) => store.putParticle(particle(number))));
  for (const { hash } of add) {
    store.partials.put(`state of ${hash}`, Buffer.from(hash));
    store.views?.write(`view of ${hash}`, Buffer.alloc(3000, hash));
  }
  const { commit } = await store.commit({ schema, add, why: `writer ${writer}, commit ${i}` });
  writeSync(1, `${commit}\n`);
}
