/**
 * Updates beside full retrains: a model is trained on 90 % of the rows, then 1.1 % and 11 % more are appended, and it is
 * updated and, separately, trained anew. Every run starts from a copy of the store as the first training left it, in a
 * process of its own; full retrain and update take turns. Scores are of the same held-out rows of all data.
 * Usage: node bench/update.mjs [SETS] [ROUNDS], e.g. adult,kdd99 3. Needs bench/peers/install.sh for the data.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ingest } from '../dist/index.js';
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

const LINEAR = ['adult', 'a9a', 'kdd99', 'fremtpl2', 'generated', 'newsgroups'];
const HEADLINE = ['logLoss', 'poissonDeviance', 'rmse'];
const [asked = `${LINEAR.join(',')},adult/trees,fremtpl2/trees`, rounds = 3] = process.argv.slice(2);
const folder = join(FOLDER, 'update');
const step = fileURLToPath(new URL('./update/sora.mjs', import.meta.url));
const make = fileURLToPath(new URL('./update/make.py', import.meta.url));
needPeers();

const LINEAR_UPDATES = { update: {}, 'update, 2 passes': { polish: 2 } };
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
writeResult('update', { results });
const table = results.flatMap(({ set, learner, metric, runs }) =>
  runs.map((run) => [
    `${set}${learner === 'trees' ? ', trees' : ''}, +${run.share}`,
    run.name,
    run.seconds.toFixed(2),
    run.fitSeconds.toFixed(2),
    percent(run.ratio),
    percent(run.cpuRatio),
    percent(run.fitCpuRatio),
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
    'fit s',
    'of full',
    'of its CPU',
    'of its fit’s CPU',
    'new + old particles',
    'metric',
    'score',
    '± 95 %',
  ],
  table,
);
console.log(JSON.stringify(machine()));

function percent(share) {
  return share === undefined ? '' : `${(100 * share).toFixed(1)} %`;
}

async function measure(name, learner) {
  const place = join(folder, name);
  if (!existsSync(join(place, 'set.json')))
    execFileSync(PYTHON, [make, DATA, folder, name], { stdio: 'inherit' });
  const { kind, target, exposure, rows } = JSON.parse(readFileSync(join(place, 'set.json'), 'utf8'));
  const first = join(place, `${learner}.sora`);
  const options = { learner, target, ...(exposure ? { exposure } : {}) };
  if (!existsSync(join(first, 'models/first'))) {
    rmSync(first, { recursive: true, force: true });
    for (const part of ['base', 'one', 'ten'])
      await ingest(join(place, `${part}.${kind}`), {
        store: first,
        target,
        exposure,
        append: part !== 'base',
      });
    await run('train', first, 1, { ...options, out: join(first, 'models/first') });
  }
  const there = JSON.parse(readFileSync(join(first, 'models/first/model.json'), 'utf8')).learner.rounds;
  const copies = [join(place, 'copy.sora'), ...(rows < 100_000 ? [join(place, 'copy.sora.warm')] : [])];
  const runs = [];
  for (const [share, commit] of [
    ['1 %', 2],
    ['11 %', 3],
  ]) {
    const updates = learner === 'trees' ? TREE_UPDATES : LINEAR_UPDATES;
    const seen = {};
    for (let round = 0; round < rounds; round++) {
      for (const [what, given] of Object.entries({ full: undefined, ...updates })) {
        const asked = { ...given };
        if (asked.dropRounds) asked.dropRounds = Math.max(1, Math.round(there / 10));
        for (const copy of copies) {
          rmSync(copy, { recursive: true, force: true });
          cpSync(first, copy, { recursive: true });
        }
        const result = given
          ? await run('update', copies[0], commit, asked)
          : await run('train', copies[0], commit, options);
        seen[what] = [...(seen[what] ?? []), result];
      }
    }
    const full = seen.full.map(({ seconds }) => seconds);
    const fullFit = seen.full.map(({ fitSeconds }) => fitSeconds);
    const fullCpu = seen.full.map(({ cpuSeconds }) => cpuSeconds);
    const fullFitCpu = seen.full.map(({ fitCpuSeconds }) => fitCpuSeconds);
    const metric = HEADLINE.find((one) => seen.full[0].metrics[one]);
    const width = ([low, high]) => (high - low) / 2;
    const old = seen[Object.keys(updates)[0]][0].before;
    runs.push({
      share,
      name: 'not updated',
      seconds: 0,
      fitSeconds: 0,
      score: old[metric].value,
      noise: width(old[metric].interval),
    });
    for (const [what, list] of Object.entries(seen)) {
      const { metrics, observed, particles, rounds: fitRounds, how, prequential } = list[0];
      const [seconds, fitSeconds, cpuSeconds, fitCpuSeconds] = [
        'seconds',
        'fitSeconds',
        'cpuSeconds',
        'fitCpuSeconds',
      ].map((key) => list.map((one) => one[key]));
      runs.push({
        share,
        name: what,
        ...{ how, fitRounds, observed, particles, metrics, prequential },
        ...{
          seconds: median(seconds),
          fitSeconds: median(fitSeconds),
          cpuSeconds: median(cpuSeconds),
          fitCpuSeconds: median(fitCpuSeconds),
          all: { seconds, fitSeconds, cpuSeconds, fitCpuSeconds },
        },
        ...(what === 'full'
          ? {}
          : {
              ratio: median(seconds) / median(full),
              cpuRatio: median(cpuSeconds) / median(fullCpu),
              fitCpuRatio: median(fitCpuSeconds) / median(fullFitCpu),
              fitRatio: median(fitSeconds) / median(fullFit),
            }),
        score: metrics[metric].value,
        noise: width(metrics[metric].interval),
      });
      console.error(
        name,
        learner,
        share,
        what,
        median(seconds).toFixed(2),
        median(fitSeconds).toFixed(3),
        'fit cpu',
        median(fitCpuSeconds).toFixed(3),
        'cpu',
        median(cpuSeconds).toFixed(2),
        metrics[metric].value.toFixed(5),
      );
    }
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
  return { set: name, learner, metric: HEADLINE.find((one) => runs[1].metrics[one]), runs };
}

function run(operation, store, commit, options) {
  return runJson(process.execPath, [step, operation, store, commit, JSON.stringify(options)]);
}
