/**
 * Online linear learners on sparse rows against Vowpal Wabbit and River: 1M rows of 40 features on average, every row predicted and
 * then learned, one core, rows a second of processor time, and the progressive loss beside them. Vowpal Wabbit reads its
 * cache, and text; Sora particles of a store, with their checks, and particles in memory. River takes the first rows.
 *
 *     node bench/stream/sparse.mjs [--rows 1000000] [--runs 2] [--bits 18]
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  alternate,
  FOLDER,
  printTable,
  RIVER,
  runJson,
  summarise,
  threadEnvironment,
  VW,
  waitForQuiet,
  writeResult,
} from '../common.mjs';
import { makeSparse } from './sparse-make.mjs';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '2' },
    bits: { type: 'string', default: '18' },
  },
});
/** FTRL's step size: the best of 0.05, 0.1 and 0.2 on this set. Vowpal Wabbit's own default is its best of 0.25, 0.5, 1. */
const ALPHA = '0.2';
const RIVER_ROWS = '20000';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
for (const [name, path] of Object.entries({ RIVER, VW })) {
  if (!existsSync(path)) throw new Error(`There is no ${path} (${name}): run bench/peers/install.sh first.`);
}
/** On one core, where the system has a word for it. */
const pinned = existsSync('/usr/bin/taskset') ? ['/usr/bin/taskset', '-c', '0'] : [];
const onOneCore = (command, ...words) => {
  const [first, ...rest] = [...pinned, command, ...words];
  return runJson(first, rest, { env: threadEnvironment(1) });
};

const files = makeSparse(FOLDER, Number(args.rows));
const store = join(FOLDER, `sparse-${args.rows}.sora`);
if (!existsSync(store)) {
  const { ingest } = await import('../../dist/index.js');
  await ingest(files.libsvm, { store, target: 'label' });
}
const cache = join(FOLDER, `sparse-${args.rows}-${args.bits}.cache`);
const common = ['--loss_function', 'logistic', '-b', args.bits, '-d', files.vw];
const vw = (...words) => onOneCore(VW, here('sparse-peer.py'), 'vw', ...common, ...words);
rmSync(cache, { force: true });
await vw('--cache_file', cache);
await waitForQuiet();
const runs = await alternate(
  {
    sora: () => onOneCore(process.execPath, here('sparse-sora.mjs'), store, args.bits, ALPHA),
    'vw, cache': () => vw('--cache_file', cache),
    'vw --ftrl, cache': () => vw('--cache_file', cache, '--ftrl'),
    'vw, text': () => vw(),
    river: () => onOneCore(RIVER, here('sparse-peer.py'), 'river', files.libsvm, RIVER_ROWS, ALPHA),
  },
  Number(args.runs),
);
const speeds = (list, key = 'cpu') => summarise(list.map((run) => run.rows / run[key]));
const results = {
  'sora, store': { rowsPerSecond: speeds(runs.sora), loss: runs.sora[0].loss },
  'sora, in memory': { rowsPerSecond: speeds(runs.sora, 'learning'), loss: runs.sora[0].loss },
  ...Object.fromEntries(
    Object.entries(runs)
      .filter(([name]) => name !== 'sora')
      .map(([name, list]) => [name, { rowsPerSecond: speeds(list), loss: list[0].loss }]),
  ),
};
const own = results['sora, store'].rowsPerSecond.median;
printTable(
  ['', 'rows a second', 'Sora, store / it', 'progressive loss'],
  Object.entries(results).map(([name, { rowsPerSecond, loss }]) => [
    name,
    rowsPerSecond.median.toFixed(0),
    (own / rowsPerSecond.median).toFixed(2),
    loss.toFixed(4),
  ]),
);
console.log(`River: the first ${RIVER_ROWS} rows, so its loss is that of fewer rows.`);
writeResult(args.bits === '18' ? 'sparse' : `sparse-${args.bits}`, {
  rows: Number(args.rows),
  bits: Number(args.bits),
  versions: { vw: runs['vw, text'][0].version, river: runs.river[0].version },
  results,
});
