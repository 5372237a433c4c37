/**
 * Transfer: with how many rows of a new place or time does a model that starts from one of the old reach the score of
 * one that starts from nothing? RMSE on 5,000 rows of the new, medians over five draws, every draw in the results file.
 * Usage: node bench/transfer.mjs [SETS] [LEARNERS], e.g. taxi,bike linear. Needs bench/peers/install.sh for the data.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluate, train } from '../dist/index.js';
import { DATA, FOLDER, median, needPeers, PYTHON, printTable, writeResult } from './common.mjs';

const SETS = {
  taxi: { target: 'minutes', map: { trip_distance: 'distance' } },
  california: { target: 'median_house_value' },
  bike: { target: 'cnt' },
};
const SIZES = [100, 200, 400, 800, 1600];
const SEEDS = 5;
/** Draws 1 to 5 chose the defaults. */
const FIRST = 11;
const [sets = Object.keys(SETS).join(','), learners = 'linear,trees'] = process.argv.slice(2);
const folder = join(FOLDER, 'transfer');
const make = fileURLToPath(new URL('./update/transfer.py', import.meta.url));
needPeers();

const results = [];
for (const name of sets.split(','))
  for (const learner of learners.split(',')) results.push(await measure(name, learner));
writeResult('transfer', { results });
for (const { set, learner, asItIs, ways } of results) {
  console.log(
    `\n${set}, ${learner}: RMSE of the old model as it is ${asItIs?.toFixed(3) ?? 'unknown: it has other columns'}`,
  );
  printTable(
    ['rows of the new', ...SIZES],
    Object.entries(ways).flatMap(([way, bySize]) => [
      [way, ...SIZES.map((size) => median(bySize[size].map(({ rmse }) => rmse)).toFixed(3))],
      ...(learner === 'trees'
        ? [[`${way}, rounds added`, ...SIZES.map((size) => median(bySize[size].map(({ rounds }) => rounds)))]]
        : []),
    ]),
  );
}

async function measure(name, learner) {
  const { target, map } = SETS[name];
  const place = join(folder, name);
  if (!existsSync(join(place, 'test.csv')))
    execFileSync(PYTHON, [make, DATA, folder, name, SEEDS, SIZES.join(',')], { stdio: 'inherit' });
  const common = {
    target,
    learner,
    task: 'regression',
    loss: 'squared',
    report: false,
    testFraction: 0,
    workers: 0,
  };
  const old = join(place, `${learner}.model`);
  const store = join(place, 'store.sora');
  rmSync(store, { recursive: true, force: true });
  const source = await train(join(place, 'source.csv'), { ...common, store, out: old });
  const test = join(place, 'test.csv');
  const rmse = async (model) =>
    (await evaluate(model, test, { workers: 0 })).evaluation.metrics.find((one) => one.name === 'rmse').value;
  const ways = {
    'from nothing': {},
    tune: { transfer: old, map },
    ...(learner === 'linear' ? { 'tune, pull 100': { transfer: old, map, pull: 100 } } : {}),
    freeze: { transfer: old, map, adapt: 'freeze' },
  };
  const found = Object.fromEntries(Object.keys(ways).map((way) => [way, {}]));
  for (const size of SIZES) {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      for (const [way, options] of Object.entries(ways)) {
        const out = join(place, 'new.model');
        rmSync(store, { recursive: true, force: true });
        const result = await train(join(place, `${size}-${seed}.csv`), { ...common, ...options, store, out });
        const rounds = result.fit.rounds - (options.transfer && learner === 'trees' ? source.fit.rounds : 0);
        found[way][size] = [...(found[way][size] ?? []), { seed, rmse: await rmse(out), rounds }];
      }
    }
  }
  return { set: name, learner, asItIs: map ? undefined : await rmse(old), ways: found };
}
