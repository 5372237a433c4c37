/**
 * Trees on 10M × 28 rows: Sora under a memory budget, so that the process stays below 512 MB, Sora without one, and
 * LightGBM, once handed the rows in blocks (lightgbm.Sequence) so that it need not hold them as floats, which takes it
 * longer, and once given them in memory. Few trees.
 *
 *     node bench/trees/memory.mjs [--rows 10000000] [--budget 488] [--rounds 4] [--leaves 63] [--threads 2]
 *
 * --budget is in MiB. Each contestant runs once in a fresh process.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openStore } from '../../dist/store/store.js';
import { FEATURES, makeStore } from '../budget/data.mjs';
import {
  FOLDER,
  MIB,
  needPeers,
  PYTHON,
  printTable,
  runJson,
  threadEnvironment,
  waitForQuiet,
  writeResult,
} from '../common.mjs';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    budget: { type: 'string', default: '488' },
    rounds: { type: 'string', default: '4' },
    leaves: { type: 'string', default: '63' },
    threads: { type: 'string', default: '2' },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const rows = Number(args.rows);

/** The store's rows as peer.py reads them. */
async function exportRows(root, path) {
  if (existsSync(`${path}.json`)) return;
  const store = await openStore(root);
  const { particles } = await store.snapshot();
  const [x, y] = ['x.f32', 'y.f64'].map((end) => openSync(`${path}.${end}.part`, 'w'));
  for (const ref of particles) {
    const particle = await store.loadParticle(ref);
    const block = new Float32Array(particle.rows * FEATURES);
    for (let f = 0; f < FEATURES; f++) {
      const { values } = particle.columns[f];
      for (let r = 0, at = f; r < particle.rows; r++, at += FEATURES) block[at] = values[r];
    }
    writeSync(x, block);
    writeSync(y, Float64Array.from(particle.columns[FEATURES].values));
  }
  for (const file of [x, y]) closeSync(file);
  for (const end of ['x.f32', 'y.f64']) renameSync(`${path}.${end}.part`, `${path}.${end}`);
  store.close();
  writeFileSync(`${path}.json`, JSON.stringify({ rows, features: FEATURES, task: 'binary', classes: 1 }));
}

needPeers();
const store = join(FOLDER, `trees-${rows}.sora`);
const path = join(FOLDER, `trees-${rows}`);
await makeStore(store, rows);
await exportRows(store, path);
const settings = [args.threads, args.rounds, args.leaves];
const sora = (memory) => runJson(process.execPath, [here('sora.mjs'), store, ...settings, memory]);
const lightgbm = (name) =>
  runJson(PYTHON, [here('peer.py'), name, path, ...settings], {
    env: threadEnvironment(Number(args.threads)),
  });
// The profile of the columns is a part of the ingest: a first run leaves it in the store.
await runJson(process.execPath, [here('sora.mjs'), store, args.threads, 1, 2, 0]);
await waitForQuiet();
const results = {
  [`Sora, ${args.budget} MiB`]: await sora(Number(args.budget) * MIB),
  'Sora, no budget': await sora(0),
  'LightGBM, blocks': await lightgbm('lightgbm-blocks'),
  'LightGBM, rows in memory': await lightgbm('lightgbm'),
};
rmSync(join(store, 'cache', 'views'), { recursive: true, force: true });
printTable(
  [
    `${rows} × ${FEATURES}, ${args.rounds} trees`,
    'seconds',
    'first',
    's a tree',
    'CPU s',
    'peak MiB',
    'loss',
  ],
  Object.entries(results).map(([name, r]) => [
    name,
    r.seconds.toFixed(2),
    r.firstSeconds.toFixed(2),
    r.roundSeconds.toFixed(2),
    r.cpuSeconds.toFixed(1),
    r.peakMiB.toFixed(0),
    r.trainLoss.toFixed(6),
  ]),
);
writeResult('trees-memory', { rows, features: FEATURES, ...args, targetPeakMB: 512, results });
