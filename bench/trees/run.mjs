/**
 * Boosted trees against LightGBM (plain and quantized), XGBoost and scikit-learn: 1M × 28 dense, same leaves, rounds,
 * rate and bins, binning and training both counted, fresh processes in turn, 1 and 2 threads; medians.
 *
 *     node bench/trees/run.mjs [--runs 3] [--rounds 50] [--leaves 63] [--threads 1,2]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  alternate,
  FOLDER,
  needPeers,
  PYTHON,
  printTable,
  runJson,
  summarise,
  threadEnvironment,
  waitForQuiet,
  writeResult,
} from '../common.mjs';
import { makeDense } from '../linear/make.mjs';

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '50' },
    leaves: { type: 'string', default: '63' },
    threads: { type: 'string', default: '1,2' },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PEERS = ['lightgbm', 'lightgbm-quantized', 'xgboost', 'scikit-learn'];

needPeers();
const store = join(FOLDER, 'dense.ingested.sora');
const arrays = join(FOLDER, 'dense.npz');
const csv = await makeDense(FOLDER);
if (!existsSync(arrays)) await runJson(PYTHON, [here('../linear/peer.py'), 'prepare', 'dense', csv, arrays]);
if (!existsSync(store)) {
  const { ingest } = await import('../../dist/index.js');
  await ingest(csv, { target: 'y', store });
}
await waitForQuiet();
const results = {};
for (const threads of args.threads.split(',').map(Number)) {
  const settings = [threads, args.rounds, args.leaves];
  const peer = (name) => () =>
    runJson(PYTHON, [here('peer.py'), name, arrays, ...settings], { env: threadEnvironment(threads) });
  const runs = await alternate(
    {
      sora: () => runJson(process.execPath, [here('sora.mjs'), store, 'y', ...settings]),
      ...Object.fromEntries(PEERS.map((name) => [name, peer(name)])),
    },
    Number(args.runs),
  );
  const of = (list, field) => summarise(list.map((run) => run[field]));
  results[threads] = Object.fromEntries(
    Object.entries(runs).map(([name, list]) => [
      name,
      {
        version: list[0].peer,
        ...Object.fromEntries(
          ['seconds', 'firstSeconds', 'treeSeconds', 'cpuSeconds', 'peakMiB', 'trainLoss'].map((field) => [
            field,
            of(list, field),
          ]),
        ),
      },
    ]),
  );
  const fastest = Math.min(...PEERS.map((name) => results[threads][name].seconds.median));
  printTable(
    [
      `${threads} thread(s)`,
      'seconds',
      'against fastest peer',
      'first',
      'ms a tree',
      'CPU s',
      'peak MiB',
      'train loss',
    ],
    Object.entries(results[threads]).map(([name, r]) => [
      name,
      r.seconds.median.toFixed(2),
      (r.seconds.median / fastest).toFixed(2),
      r.firstSeconds.median.toFixed(2),
      (1000 * r.treeSeconds.median).toFixed(1),
      r.cpuSeconds.median.toFixed(2),
      r.peakMiB.median.toFixed(0),
      r.trainLoss.median.toFixed(6),
    ]),
  );
}
writeResult('trees', { rows: 1_000_000, features: 28, ...args, target: 0.67, results });
