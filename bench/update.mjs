/**
 * Updates beside full retrains: a model is trained on 90 % of the rows, then 1.1 % or 11 % more come as files. An update
 * appends and learns from them; a full retrain appends them and trains on all. Every run starts from a copy of the store
 * as the first training left it, in a process of its own, whole: both take turns. Scores are of the same held-out rows.
 * Usage: node bench/update.mjs [SETS] [ROUNDS], e.g. adult,kdd99 3. Needs bench/peers/install.sh for the data.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ingest, train } from '../dist/index.js';
import {
  DATA,
  FOLDER,
  machine,
  median,
  needPeers,
  PYTHON,
  printTable,
  runJson,
  writeResult,
} from './common.mjs';

const LINEAR = ['adult', 'a9a', 'kdd99', 'fremtpl2', 'generated', 'generated4m', 'newsgroups'];
/** Sets of more rows get the smaller append only. */
const LARGE = 2_000_000;
const CLOCKS = ['seconds', 'cpuSeconds', 'fitSeconds', 'fitCpuSeconds'];
const HEADLINE = ['logLoss', 'poissonDeviance', 'rmse'];
const [asked = `${LINEAR.join(',')},adult/trees,fremtpl2/trees`, rounds = 3] = process.argv.slice(2);
const folder = join(FOLDER, 'update');
const step = fileURLToPath(new URL('./update/sora.mjs', import.meta.url));
const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const make = fileURLToPath(new URL('./update/make.py', import.meta.url));
needPeers();

const LINEAR_UPDATES = { update: {} };
const TREE_UPDATES = {
  'add 10 %, all rows': {},
  'add 10 %, new rows': { rows: 'new' },
  'drop 10 %, add 20 %': { dropRounds: 'tenth' },
  'refit 0.9, all rows': { trees: 'refit' },
  'refit 0.9, new rows': { trees: 'refit', rows: 'new' },
};

const results = [];
for (const one of asked.split(',')) {
  const [name, learner = 'linear'] = one.split('/');
  results.push(await measure(name, learner));
}
const floor = { 'node -e 0': floorOf(['-e', '0']), 'sora --version': floorOf([cli, '--version']) };
writeResult('update', { results, floor });
const table = results.flatMap(({ set, learner, metric, runs }) =>
  runs.map((run) => [
    `${set}${learner === 'trees' ? ', trees' : ''}, +${run.share}`,
    run.name,
    ...CLOCKS.map((key) => run[key]?.toFixed(2) ?? ''),
    ...CLOCKS.map((key) => percent(run.ratios?.[key])),
    run.observed
      ? `${run.observed.new}/${run.particles.new} + ${run.observed.old}/${run.particles.old}`
      : 'all',
    metric,
    run.score.toFixed(5),
    run.noise.toFixed(5),
  ]),
);
printTable(
  [
    'data',
    'what',
    's',
    'CPU s',
    'fit s',
    'fit CPU s',
    'of full',
    'of its CPU',
    'of its fit',
    'of its fit’s CPU',
    'new + old particles',
    'metric',
    'score',
    '± 95 %',
  ],
  table,
);
for (const [what, seconds] of Object.entries(floor)) console.log(`${what}: ${seconds.toFixed(3)} s`);
console.log(JSON.stringify(machine()));

/** Seconds of a process that does nothing, the median of five: no update can be below. */
function floorOf(words) {
  return median(
    Array.from({ length: 5 }, () => {
      const started = performance.now();
      execFileSync(process.execPath, words);
      return (performance.now() - started) / 1000;
    }),
  );
}

function percent(share) {
  return share === undefined ? '' : `${(100 * share).toFixed(1)} %`;
}

async function measure(name, learner) {
  const place = join(folder, name);
  if (!existsSync(join(place, 'set.json')))
    execFileSync(PYTHON, [make, DATA, folder, name], { stdio: 'inherit' });
  const { kind, target, exposure, rows } = JSON.parse(readFileSync(join(place, 'set.json'), 'utf8'));
  const first = join(place, `${learner}.sora`);
  const roles = { target, ...(exposure ? { exposure } : {}) };
  const options = { learner, ...roles };
  const fileOf = (part) => join(place, `${part}.${kind}`);
  // One that something was appended to would let updates find their files there.
  const isFresh = existsSync(join(first, 'models/first')) && readdirSync(join(first, 'log')).length === 1;
  if (!isFresh) {
    rmSync(first, { recursive: true, force: true });
    await ingest(fileOf('base'), { store: first, ...roles });
    await train(first, { report: false, ...options, out: join(first, 'models/first') });
  }
  const there = JSON.parse(readFileSync(join(first, 'models/first/model.json'), 'utf8')).learner.rounds;
  const copy = join(place, 'copy.sora');
  const runs = [];
  const shares = { '1 %': ['one'], ...(rows > LARGE ? {} : { '11 %': ['one', 'ten'] }) };
  for (const [share, parts] of Object.entries(shares)) {
    const files = parts.map(fileOf).join(',');
    const updates = learner === 'trees' ? TREE_UPDATES : LINEAR_UPDATES;
    const seen = {};
    const scored = {};
    for (let round = 0; round < rounds; round++) {
      for (const [what, given] of Object.entries({ full: undefined, ...updates })) {
        const asked = { ...given };
        if (asked.dropRounds) asked.dropRounds = Math.max(1, Math.round(there / 10));
        const fresh = () => {
          rmSync(copy, { recursive: true, force: true });
          cpSync(first, copy, { recursive: true });
        };
        fresh();
        const result = given
          ? await run('update', copy, files, asked)
          : await run('train', copy, files, options);
        seen[what] = [...(seen[what] ?? []), result];
        // Scores of all held-out rows are taken apart: the update itself looks at some of them.
        if (given && round === 0) {
          fresh();
          scored[what] = await run('update', copy, files, { ...asked, heldOut: 'all' });
        }
      }
    }
    const of = (what, key) => seen[what].map((one) => one[key]);
    const metric = HEADLINE.find((one) => seen.full[0].metrics[one]);
    const width = ([low, high]) => (high - low) / 2;
    const old = scored[Object.keys(updates)[0]].before;
    runs.push({ share, name: 'not updated', score: old[metric].value, noise: width(old[metric].interval) });
    for (const what of Object.keys(seen)) {
      const { observed, judged, particles, rounds: fitRounds, how, prequential } = seen[what][0];
      const { metrics } = scored[what] ?? seen[what][0];
      const medians = Object.fromEntries(CLOCKS.map((key) => [key, median(of(what, key))]));
      const ratios = Object.fromEntries(CLOCKS.map((key) => [key, medians[key] / median(of('full', key))]));
      runs.push({
        ...{ share, name: what, how, fitRounds, observed, judged, particles, metrics, prequential },
        ...medians,
        all: Object.fromEntries(CLOCKS.map((key) => [key, of(what, key)])),
        ...(what === 'full' ? {} : { ratios }),
        score: metrics[metric].value,
        noise: width(metrics[metric].interval),
      });
      console.error(name, learner, share, what, JSON.stringify(medians), metrics[metric].value.toFixed(6));
    }
    rmSync(copy, { recursive: true, force: true });
  }
  return { set: name, learner, metric: HEADLINE.find((one) => runs[1].metrics[one]), runs };
}

function run(operation, store, files, options) {
  return runJson(process.execPath, [step, operation, store, files, JSON.stringify(options)]);
}
