/**
 * Boosted trees against LightGBM (plain and quantized), XGBoost, CatBoost and scikit-learn on five data sets: the same
 * matrix, leaves, rounds, rate and bins, binning and training both counted, fresh processes in turn, medians.
 *
 *     node bench/trees/run.mjs [--sets dense,covertype,kdd99,fremtpl2,tennis] [--runs 3] [--rounds N] [--leaves 63]
 *                              [--threads 1,2] [--peers lightgbm,lightgbm-quantized,xgboost,catboost,scikit-learn]
 *
 * Sets whose file is not there are left out. Results of sets that are not asked for stay in the result file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  alternate,
  needPeers,
  PYTHON,
  printTable,
  runJson,
  summarise,
  threadEnvironment,
  waitForQuiet,
  writeResult,
} from '../common.mjs';
import { prepareSet, SETS } from './data.mjs';

const { values: args } = parseArgs({
  options: {
    sets: { type: 'string', default: Object.keys(SETS).join() },
    peers: { type: 'string', default: 'lightgbm,lightgbm-quantized,xgboost,catboost,scikit-learn' },
    runs: { type: 'string', default: '3' },
    rounds: { type: 'string' },
    leaves: { type: 'string', default: '63' },
    threads: { type: 'string', default: '1,2' },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PEERS = args.peers.split(',');
const FIELDS = ['seconds', 'firstSeconds', 'roundSeconds', 'cpuSeconds', 'peakMiB', 'trainLoss'];

needPeers();
for (const name of args.sets.split(',')) {
  if (!(name in SETS)) throw new Error(`There is no set ${name}; there are ${Object.keys(SETS).join(', ')}.`);
}

/** Name of contestant → what it took, on so many threads. */
async function compare(set, rounds, threads) {
  const settings = [threads, rounds, args.leaves];
  const env = threadEnvironment(threads);
  const peer = (name) => () => runJson(PYTHON, [here('peer.py'), name, set.path, ...settings], { env });
  const runs = await alternate(
    {
      sora: () => runJson(process.execPath, [here('sora.mjs'), set.store, ...settings]),
      ...Object.fromEntries(PEERS.map((name) => [name, peer(name)])),
    },
    Number(args.runs),
  );
  const of = (list, field) => (list[0][field] === null ? null : summarise(list.map((run) => run[field])));
  return Object.fromEntries(
    Object.entries(runs).map(([name, list]) => [
      name,
      { version: list[0].peer, ...Object.fromEntries(FIELDS.map((field) => [field, of(list, field)])) },
    ]),
  );
}

function print(title, results) {
  const fastest = Math.min(...PEERS.map((name) => results[name].seconds.median));
  const heads = ['seconds', 'of the fastest', 'first', 'ms a round', 'CPU s', 'peak MiB', 'train loss'];
  printTable(
    [title, ...heads],
    Object.values(results).map((r) => [
      r.version,
      r.seconds.median.toFixed(2),
      (r.seconds.median / fastest).toFixed(2),
      r.firstSeconds?.median.toFixed(2) ?? '–',
      r.roundSeconds ? (1000 * r.roundSeconds.median).toFixed(1) : '–',
      r.cpuSeconds.median.toFixed(2),
      r.peakMiB.median.toFixed(0),
      r.trainLoss.median.toFixed(6),
    ]),
  );
}

const written = join(process.env.SORA_BENCH_RESULTS ?? here('../results'), 'trees.json');
const sets = (existsSync(written) && JSON.parse(readFileSync(written, 'utf8')).sets) || {};
for (const name of args.sets.split(',')) {
  const set = await prepareSet(name);
  if (set === undefined) {
    console.log(`${name}: ${SETS[name].file} is not there; SORA_DATA names the folder of the data sets.`);
    continue;
  }
  const { rows, features, task, classes } = set;
  const rounds = Number(args.rounds ?? SETS[name].rounds);
  sets[name] = { rows, features, task, classes, rounds, leaves: Number(args.leaves), results: {} };
  await waitForQuiet();
  for (const threads of args.threads.split(',').map(Number)) {
    const results = await compare(set, rounds, threads);
    sets[name].results[threads] = results;
    const outputs = classes > 1 ? `, ${classes} classes` : '';
    print(`${name}, ${rows} × ${features}${outputs}, ${rounds} rounds, ${threads} thread(s)`, results);
  }
}
writeResult('trees', { runs: Number(args.runs), target: 0.67, sets });
