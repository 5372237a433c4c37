/**
 * Factorization machines against River on the first ratings of MovieLens 100k by time, one thread: every row predicted,
 * then learned, from user, item, age band, gender and occupation.
 *
 *     node bench/stream/factor.mjs [--rows 20000]
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createOnline, createParticle } from '../../dist/index.js';
import { FOLDER, printTable, RIVER, runJson, threadEnvironment, writeResult } from '../common.mjs';
import { movieLens } from './movielens.mjs';

const { values: args } = parseArgs({ options: { rows: { type: 'string', default: '20000' } } });
const NAMES = ['user', 'item', 'age', 'gender', 'occupation'];
const rows = movieLens()
  ?.sort((a, b) => a.seconds - b.seconds || a.user - b.user || a.item - b.item)
  .slice(0, Number(args.rows));
if (rows === undefined) {
  console.log('Left out: there is no movielens_100k; SORA_DATA names the folder of real data sets.');
  process.exit(0);
}
if (!existsSync(RIVER)) throw new Error(`There is no ${RIVER}: run bench/peers/install.sh first.`);

/** River takes the field of a feature from what stands before "_" in its name. */
const forRiver = rows.map((row) => [
  Object.fromEntries(NAMES.map((name) => [name, `${name}_${row[name]}`])),
  row.rating,
]);
const file = join(FOLDER, 'factor-rows.json');
mkdirSync(FOLDER, { recursive: true });
writeFileSync(file, JSON.stringify(forRiver));
const features = Object.fromEntries(NAMES.map((name) => [name, 'category']));
const particle = createParticle({
  columns: {
    ...Object.fromEntries(NAMES.map((name) => [name, rows.map((row) => row[name])])),
    rating: rows.map(({ rating }) => rating),
  },
  roles: { rating: 'label' },
  types: features,
});

/** Progressive errors of a learner, and rows a second of processor time. */
function ours(learner) {
  const open = createOnline({ learner, features, seed: 1 }).open(particle);
  const out = new Float64Array(1);
  const start = process.cpuUsage();
  let [absolute, squares] = [0, 0];
  for (let row = 0; row < open.rows; row++) {
    open.predict(row, out);
    const error = out[0] - rows[row].rating;
    absolute += Math.abs(error);
    squares += error * error;
    open.learn(row);
  }
  const { user, system } = process.cpuUsage(start);
  return {
    rowsPerSecond: (open.rows / (user + system)) * 1e6,
    mae: absolute / open.rows,
    rmse: Math.sqrt(squares / open.rows),
  };
}

const peer = fileURLToPath(new URL('factor-peer.py', import.meta.url));
const river = await runJson(RIVER, [peer, file], { env: threadEnvironment(1) });
const results = Object.fromEntries(
  Object.entries(river.learners).map(([name, theirs]) => {
    const own = ours(name);
    return [name, { sora: own, river: theirs, times: own.rowsPerSecond / theirs.rowsPerSecond }];
  }),
);
printTable(
  ['', 'RMSE', 'River’s', 'MAE', 'River’s', 'rows a second', 'River’s', 'times'],
  Object.entries(results).map(([name, { sora, river: theirs, times }]) => [
    name,
    ...[sora.rmse, theirs.rmse, sora.mae, theirs.mae].map((x) => x.toFixed(4)),
    Math.round(sora.rowsPerSecond),
    Math.round(theirs.rowsPerSecond),
    times.toFixed(1),
  ]),
);
writeResult('factor', { rows: rows.length, river: river.version, results });
