/**
 * Logistic regression to the objective that scikit-learn reaches, on the same threads: time of everything after the
 * data are in a store, against scaling and fitting of arrays in memory. Fresh processes, in turn; medians.
 *
 *     node bench/linear/run.mjs [--runs 5] [--threads 2] [--only dense,sparse,newsgroups,a9a]
 */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  alternate,
  DATA,
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
import { makeDense, makeNewsgroups, makeSparse } from './make.mjs';

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string', default: 'dense,sparse,newsgroups,a9a' },
  },
});
const threads = Number(args.threads);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Input, target and kind of each data set; a path that is undefined leaves it out. */
const SETS = {
  dense: { kind: 'dense', target: 'y', input: () => makeDense(FOLDER) },
  sparse: { kind: 'sparse', target: 'label', input: () => makeSparse(FOLDER) },
  newsgroups: { kind: 'sparse', target: 'label', input: () => makeNewsgroups(FOLDER, DATA) },
  a9a: {
    kind: 'sparse',
    target: 'label',
    input: () => [join(DATA, 'a9a', 'a9a.derived.libsvm')].find(existsSync),
  },
};

const peer = (...command) =>
  runJson(PYTHON, [here('peer.py'), ...command], { env: threadEnvironment(threads) });

/** The store as ingest leaves it, and the peer's arrays. */
async function prepare(name, { kind, target, input }) {
  const path = await input();
  if (path === undefined) return undefined;
  const store = join(FOLDER, `${name}.ingested.sora`);
  const arrays = join(FOLDER, `${name}.npz`);
  if (!existsSync(arrays)) await peer('prepare', kind, path, arrays);
  if (!existsSync(store)) {
    const { ingest } = await import('../../dist/index.js');
    await ingest(path, { target, store });
  }
  return { store, arrays };
}

async function compare(name, set) {
  const data = await prepare(name, set);
  if (data === undefined) {
    console.log(`${name}: left out, its data are not in ${DATA}`);
    return undefined;
  }
  const store = join(FOLDER, `${name}.run.sora`);
  const coefficients = join(FOLDER, `${name}.coefficients.json`);
  const runs = await alternate(
    {
      async sora() {
        rmSync(store, { recursive: true, force: true });
        cpSync(data.store, store, { recursive: true });
        return runJson(process.execPath, [here('sora.mjs'), store, set.target, threads, coefficients]);
      },
      peer: () => peer('fit', set.kind, data.arrays),
    },
    Number(args.runs),
  );
  const judged = await peer('judge', set.kind, data.arrays, coefficients);
  rmSync(store, { recursive: true, force: true });
  return report(runs, judged.objective);
}

function report({ sora, peer: other }, judged) {
  const of = (list, field) => summarise(list.map((run) => run[field]));
  const side = (list, fields) => Object.fromEntries(fields.map((field) => [field, of(list, field)]));
  const common = ['seconds', 'cpuSeconds', 'processSeconds', 'peakMiB'];
  const result = {
    rows: other[0].rows,
    features: other[0].features,
    nonZeros: other[0].nonZeros,
    sora: {
      ...side(sora, common),
      stages: Object.fromEntries(
        ['ingest', 'recipe', 'fit', 'evaluate'].map((stage) => [
          stage === 'ingest' ? 'open' : stage,
          summarise(sora.map((run) => run.stages[stage])),
        ]),
      ),
      rounds: sora[0].rounds,
      converged: sora[0].converged,
      objective: sora[0].objective,
      objectiveByPeer: judged,
    },
    peer: {
      version: other[0].peer,
      ...side(other, [...common, 'scaleSeconds', 'fitSeconds']),
      rounds: other[0].rounds,
      objective: other[0].objective,
    },
  };
  const ratio = (field, pick) => Number((result.sora[field][pick] / result.peer[field][pick]).toFixed(3));
  return {
    ...result,
    ratios: {
      seconds: ratio('seconds', 'median'),
      secondsLeast: ratio('seconds', 'least'),
      cpuSeconds: ratio('cpuSeconds', 'median'),
      processSeconds: ratio('processSeconds', 'median'),
      objectiveExcess: judged / result.peer.objective - 1,
    },
  };
}

needPeers();
await waitForQuiet();
const sets = {};
for (const name of args.only.split(',')) {
  const result = await compare(name, SETS[name]);
  if (result !== undefined) sets[name] = result;
}
const s = (x) => x.toFixed(3);
printTable(
  [
    'logistic regression',
    'rows',
    'features',
    'Sora s',
    'peer s',
    'ratio',
    'least',
    'CPU',
    'process',
    'rounds',
    'objective excess',
  ],
  Object.entries(sets).map(([name, { rows, features, sora, peer: other, ratios }]) => [
    name,
    rows,
    features,
    s(sora.seconds.median),
    s(other.seconds.median),
    s(ratios.seconds),
    s(ratios.secondsLeast),
    s(ratios.cpuSeconds),
    s(ratios.processSeconds),
    `${sora.rounds}/${other.rounds}`,
    ratios.objectiveExcess.toExponential(1),
  ]),
);
writeResult('linear', { threads, runs: Number(args.runs), target: 0.5, sets });
