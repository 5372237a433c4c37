/**
 * Accuracy with defaults: Sora against LightGBM, XGBoost, CatBoost and scikit-learn, no option given but what the target
 * is, on five folds of twelve public sets. Writes bench/results/accuracy.json and the table of docs/accuracy.md.
 *
 *     npm run build && node bench/accuracy/run.mjs [--sets adult,ames] [--folds 0,1] [--learners sora,lightgbm] [--fresh]
 *
 * Results are kept in the benchmark's folder, a file for each set, learner and fold, and read again; Sora's are run anew
 * with --fresh. SORA_DATA names the folder of the sets.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  DATA,
  FOLDER,
  needPeers,
  PYTHON,
  printTable,
  runJson,
  threadEnvironment,
  writeResult,
} from '../common.mjs';

const SETS = [
  ...['adult', 'bank', 'california', 'credit', 'covertype', 'diamonds'],
  ...['ames', 'bike', 'kdd99', 'claims', 'traffic', 'compas'],
];
const PEERS = ['lightgbm', 'xgboost', 'catboost', 'scikit-learn'];
/** How much worse than the best peer still counts as equal: absolute for AUC, relative for errors. */
const CLOSE = { AUC: 0.002, error: 0.005 };

const { values: args } = parseArgs({
  options: {
    sets: { type: 'string', default: SETS.join() },
    folds: { type: 'string', default: '0,1,2,3,4' },
    learners: { type: 'string', default: ['sora', ...PEERS].join() },
    fresh: { type: 'boolean', default: false },
  },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = join(FOLDER, 'accuracy');
const results = join(folder, 'results');
mkdirSync(results, { recursive: true });

const env = threadEnvironment(1);

async function runSora(set, fold) {
  const out = join(results, `${set}.${fold}.csv`);
  const run = await runJson(process.execPath, [here('sora.mjs'), join(folder, set), fold, 1, out]);
  const judged = await runJson(PYTHON, [here('peer.py'), 'judge', join(folder, set), fold, out], { env });
  rmSync(out);
  return { ...run, ...judged };
}

/** What is kept of a run, or what a run gives. */
async function resultOf(set, learner, fold) {
  const file = join(results, `${set}.${learner}.${fold}.json`);
  const kept = existsSync(file) && !(learner === 'sora' && args.fresh) ? readFileSync(file, 'utf8') : '';
  if (kept.trim()) return JSON.parse(kept);
  const result =
    learner === 'sora'
      ? await runSora(set, fold)
      : await runJson(PYTHON, [here('peer.py'), learner, join(folder, set), fold, 1], { env });
  writeFileSync(file, `${JSON.stringify(result)}\n`);
  return result;
}

const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;

/** Results on disk by learner: those of the folds that Sora and that learner both ran. */
function gathered(set) {
  const read = (learner, fold) => {
    const file = join(results, `${set}.${learner}.${fold}.json`);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return text.trim() ? JSON.parse(text) : undefined;
  };
  const own = [0, 1, 2, 3, 4].map((fold) => read('sora', fold));
  const pairs = (learner) =>
    own.flatMap((sora, fold) => {
      const peer = read(learner, fold);
      return sora && peer ? [{ sora, peer }] : [];
    });
  return { own: own.filter(Boolean), peers: Object.fromEntries(PEERS.map((name) => [name, pairs(name)])) };
}

/** A line of the table. Each peer is compared on the folds that both ran. */
function summary(set) {
  const known = JSON.parse(readFileSync(join(folder, set, 'set.json'), 'utf8'));
  const { own, peers } = gathered(set);
  if (own.length === 0) return undefined;
  const { metric } = own[0];
  const isGain = metric === 'AUC';
  const of = (list) => ({
    folds: list.length,
    value: mean(list.map(({ value }) => value)),
    cpuSeconds: mean(list.map(({ cpuSeconds }) => cpuSeconds)),
  });
  const compared = Object.entries(peers).flatMap(([name, list]) => {
    if (list.length === 0) return [];
    const [sora, peer] = [of(list.map((pair) => pair.sora)), of(list.map((pair) => pair.peer))];
    // Above 0: Sora is better.
    const difference = isGain ? sora.value - peer.value : (peer.value - sora.value) / peer.value;
    return [{ name, version: list[0].peer.version, ...peer, sora: sora.value, difference }];
  });
  const best = compared.reduce((a, b) => (b.difference < a.difference ? b : a));
  const reached = best.difference >= -(isGain ? CLOSE.AUC : CLOSE.error);
  return {
    set,
    ...known,
    metric,
    sora: { ...of(own), rounds: own.map(({ rounds }) => rounds) },
    peers: compared,
    best: best.name,
    difference: best.difference,
    reached,
  };
}

const value = (x, metric) => (metric === 'RMSE' ? x.toPrecision(5) : x.toFixed(4));

function cells({ set, rows, of, metric, sora, peers, best, difference, reached }) {
  const cell = (name) => {
    const peer = peers.find((one) => one.name === name);
    if (peer === undefined) return '–';
    const some = peer.folds < sora.folds ? ` (${peer.folds})` : '';
    return `${value(peer.value, metric)}${some}`;
  };
  const shown = metric === 'AUC' ? difference.toFixed(4) : `${(100 * difference).toFixed(1)} %`;
  const signed = difference > 0 ? `+${shown}` : shown;
  const lightgbm = peers.find(({ name }) => name === 'lightgbm');
  return [
    set,
    of > rows ? `${rows} of ${of}` : rows,
    metric,
    sora.folds,
    value(sora.value, metric),
    ...PEERS.map(cell),
    best,
    reached ? signed : `**${signed}**`,
    sora.cpuSeconds.toFixed(1),
    lightgbm === undefined ? '–' : lightgbm.cpuSeconds.toFixed(1),
  ];
}

const HEAD = [
  ...['set', 'rows', 'metric', 'folds', 'Sora', 'LightGBM', 'XGBoost', 'CatBoost', 'scikit-learn'],
  ...['best peer', 'Sora better by', 'Sora s', 'LightGBM s'],
];

/** Puts the table between the marks of the page. */
function writePage(lines) {
  const page = here('../../docs/accuracy.md');
  if (!existsSync(page)) return;
  const [start, end] = ['<!-- table -->', '<!-- end of table -->'];
  const text = readFileSync(page, 'utf8');
  const table = [HEAD, HEAD.map(() => '---'), ...lines].map((row) => `| ${row.join(' | ')} |`).join('\n');
  const [before, after] = [text.slice(0, text.indexOf(start) + start.length), text.slice(text.indexOf(end))];
  writeFileSync(page, `${before}\n\n${table}\n\n${after}`);
}

needPeers();
const asked = args.sets.split(',').filter(Boolean);
for (const set of asked) {
  if (!existsSync(join(folder, set, 'set.json'))) await runJson(PYTHON, [here('make.py'), DATA, folder, set]);
}
for (const fold of args.folds.split(',').filter(Boolean)) {
  for (const set of asked) {
    for (const learner of args.learners.split(',').filter(Boolean)) await resultOf(set, learner, fold);
  }
}
const summaries = SETS.map((set) => existsSync(join(folder, set, 'set.json')) && summary(set)).filter(
  Boolean,
);
const lines = summaries.map(cells);
printTable(HEAD, lines);
writePage(lines);
writeResult('accuracy', { sets: summaries });
