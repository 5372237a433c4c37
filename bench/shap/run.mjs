/**
 * SHAP values against LightGBM's pred_contrib and XGBoost's pred_contribs, and interaction values against XGBoost's
 * pred_interactions: 100 trees of 63 leaves over 28 features, one thread, fresh processes in turn; medians. Sora explains
 * LightGBM's trees, and its values are held against LightGBM's.
 *
 *     node bench/shap/run.mjs [--runs 3] [--rows 10000] [--few 100] [--pairs 100] [--trees 100] [--leaves 63]
 */
import { existsSync, mkdirSync } from 'node:fs';
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
    rows: { type: 'string', default: '10000' },
    few: { type: 'string', default: '100' },
    pairs: { type: 'string', default: '100' },
    trees: { type: 'string', default: '100' },
    leaves: { type: 'string', default: '63' },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

needPeers();
const folder = join(FOLDER, `shap-${args.trees}-${args.leaves}-${args.rows}`);
if (!existsSync(folder)) {
  const arrays = join(FOLDER, 'dense.npz');
  const csv = await makeDense(FOLDER);
  if (!existsSync(arrays))
    await runJson(PYTHON, [here('../linear/peer.py'), 'prepare', 'dense', csv, arrays]);
  mkdirSync(folder);
  await runJson(PYTHON, [here('peer.py'), 'train', arrays, folder, args.trees, args.leaves, args.rows]);
}
await waitForQuiet();
const env = threadEnvironment(1);
const sora = (rows, kind) => () => runJson(process.execPath, [here('sora.mjs'), folder, rows, kind]);
const peer = (name, rows) => () => runJson(PYTHON, [here('peer.py'), name, folder, 1, rows], { env });
const CASES = {
  values: {
    rows: args.rows,
    tasks: {
      lightgbm: peer('lightgbm', args.rows),
      xgboost: peer('xgboost', args.rows),
      sora: sora(args.rows, 'features'),
    },
  },
  'values of few rows': {
    rows: args.few,
    tasks: {
      lightgbm: peer('lightgbm', args.few),
      xgboost: peer('xgboost', args.few),
      sora: sora(args.few, 'features'),
    },
  },
  interactions: {
    rows: args.pairs,
    tasks: { xgboost: peer('xgboost-pairs', args.pairs), sora: sora(args.pairs, 'pairs') },
  },
};
const results = {};
for (const [name, { rows, tasks }] of Object.entries(CASES)) {
  const runs = await alternate(tasks, Number(args.runs));
  results[name] = Object.fromEntries(
    Object.entries(runs).map(([who, list]) => [
      who,
      {
        version: list[0].peer,
        rows: Number(rows),
        seconds: summarise(list.map(({ seconds }) => seconds)),
        cpuSeconds: summarise(list.map(({ cpuSeconds }) => cpuSeconds)),
        ...(list[0].apart === undefined ? {} : { apart: list[0].apart }),
      },
    ]),
  );
  const own = results[name].sora;
  printTable(
    [`${name}, ${rows} rows`, 'µs a row', 'times Sora', 'CPU times Sora', 'apart from LightGBM'],
    Object.entries(results[name]).map(([who, { seconds, cpuSeconds, apart }]) => [
      who,
      ((1e6 * seconds.median) / Number(rows)).toFixed(1),
      (seconds.median / own.seconds.median).toFixed(2),
      (cpuSeconds.median / own.cpuSeconds.median).toFixed(2),
      apart === undefined ? '' : apart.toExponential(1),
    ]),
  );
}
writeResult('shap', { ...args, features: 28, threads: 1, target: 3, results });
