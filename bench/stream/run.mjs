/**
 * Online learners against River on Elec2, one thread: every row predicted, then learned. Linear learners
 * on all rows, three times over, so that a run lasts long enough to measure; ensembles on the first 4,000. Fresh processes
 * in turn; medians of rows a second of processor time, start-up and reading not counted.
 *
 *     node bench/stream/run.mjs [--runs 2] [--rows 4000]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  alternate,
  DATA,
  printTable,
  RIVER,
  runJson,
  summarise,
  threadEnvironment,
  waitForQuiet,
  writeResult,
} from '../common.mjs';

const { values: args } = parseArgs({
  options: { runs: { type: 'string', default: '2' }, rows: { type: 'string', default: '4000' } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const input = join(DATA, 'elec2', 'elec.csv');
/** Least times as many rows a second as River. */
const TARGETS = { linear: 10, ensemble: 5 };
const LEARNERS = {
  ftrl: 'linear',
  adagrad: 'linear',
  'passive-aggressive': 'linear',
  alma: 'linear',
  'gaussian-bayes': 'linear',
  'hoeffding-tree': 'ensemble',
  'adaptive-forest': 'ensemble',
  'leveraging-bagging': 'ensemble',
};

if (!existsSync(input)) {
  console.log(`Left out: there is no ${input}; SORA_DATA names the folder of real data sets.`);
  process.exit(0);
}
if (!existsSync(RIVER)) throw new Error(`There is no ${RIVER}: run bench/peers/install.sh first.`);
await waitForQuiet();
const runs = await alternate(
  {
    sora: () => runJson(process.execPath, [here('sora.mjs'), input, args.rows, ...Object.keys(LEARNERS)]),
    river: () =>
      runJson(RIVER, [here('peer.py'), input, args.rows, ...Object.keys(LEARNERS)], {
        env: threadEnvironment(1),
      }),
  },
  Number(args.runs),
);
const results = Object.fromEntries(
  Object.entries(LEARNERS).map(([name, kind]) => {
    const of = (list) => summarise(list.map((run) => run.learners[name].rowsPerSecond));
    const [sora, river] = [of(runs.sora), of(runs.river)];
    return [
      name,
      {
        sora,
        river,
        times: Number((sora.median / river.median).toFixed(1)),
        target: TARGETS[kind],
        accuracy: {
          sora: runs.sora[0].learners[name].accuracy,
          river: runs.river[0].learners[name].accuracy,
        },
      },
    ];
  }),
);
printTable(
  ['rows a second', 'Sora', 'River', 'times', 'target', 'accuracy', 'River’s'],
  Object.entries(results).map(([name, { sora, river, times, target, accuracy }]) => [
    name,
    sora.median.toFixed(0),
    river.median.toFixed(0),
    times,
    target,
    accuracy.sora.toFixed(4),
    accuracy.river.toFixed(4),
  ]),
);
writeResult('stream', {
  river: runs.river[0].version,
  ensembleRows: Number(args.rows),
  runs: args.runs,
  results,
});
