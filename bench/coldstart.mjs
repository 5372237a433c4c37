/**
 * New users of MovieLens 100k: root mean squared error of ratings of users who were not there in training but for 0, 1,
 * 5 or 20 of their ratings, against the mean, biases of users and films (Koren's baseline, as Surprise fits it), and a
 * factorization machine of ids alone. The rated rows are the same at every point: what a new user rated beyond 20.
 *
 * Two users in five are for choosing settings alone (some of them taken for new, the best mean error of the four points
 * wins, for every model by the same procedure); new users are drawn from the others, anew for each seed. Predictions are
 * cut to 1 … 5, for every model. `--items` does the same with films instead of users.
 *
 *     node bench/coldstart.mjs [--from 4] [--to 13] [--items]
 */
import { parseArgs } from 'node:util';
import { fitFactor } from '../dist/fit/factor/fit.js';
import { createParticle } from '../dist/index.js';
import { factorScorer } from '../dist/model/factor.js';
import { combine32, hashText } from '../dist/random.js';
import { applyRecipe } from '../dist/recipe/apply.js';
import { prepareRecipe } from '../dist/recipe/prepare.js';
import { levelGroups } from '../dist/recipe/recipe.js';
import { learnerViewReference } from '../dist/recipe/view.js';
import { inlineExecutor } from '../dist/run/inline.js';
import { memoryParticles } from '../dist/run/memory-source.js';
import { printTable, writeResult } from './common.mjs';
import { movieLens } from './stream/movielens.mjs';

const { values: args } = parseArgs({
  options: {
    from: { type: 'string', default: '4' },
    to: { type: 'string', default: '13' },
    items: { type: 'boolean', default: false },
  },
});
const ratings = movieLens();
if (ratings === undefined) {
  console.log('Left out: there is no movielens_100k; SORA_DATA names the folder of real data sets.');
  process.exit(0);
}
const WHO = args.items ? 'item' : 'user';
const POINTS = [0, 1, 5, 20];
const CHOOSING = 0.4;
const FRESH = 150;
/** Ids of users and films lie below it. */
const MOST_IDS = 2000;

/** Lists in an order that is a function of the seed and the hash of each member. */
function shuffled(list, seed, hashOf) {
  return list
    .map((x) => [combine32(hashOf(x), seed), x])
    .sort((a, b) => a[0] - b[0])
    .map(([, x]) => x);
}

for (const row of ratings) row.hash = hashText(`${row.user}/${row.item}`);
const hashOf = (row) => row.hash;
const rowsOf = new Map();
for (const row of ratings) {
  if (!rowsOf.has(row[WHO])) rowsOf.set(row[WHO], []);
  rowsOf.get(row[WHO]).push(row);
}

/** New ones among `candidates`, what is revealed of them by point, rows to be rated, and the rows of all others of `all`. */
function split(all, candidates, count, seed) {
  const fresh = shuffled(
    candidates.filter((who) => rowsOf.get(who).length > 20),
    seed,
    (who) => hashText(who),
  ).slice(0, count);
  const isFresh = new Set(fresh);
  const own = fresh.map((who) => shuffled(rowsOf.get(who), seed, hashOf));
  const base = all.filter((who) => !isFresh.has(who)).flatMap((who) => rowsOf.get(who));
  const at = new Map(
    POINTS.map((n) => [n, shuffled([...base, ...own.flatMap((rows) => rows.slice(0, n))], seed, hashOf)]),
  );
  return { rated: own.flatMap((rows) => rows.slice(20)), at: (n) => at.get(n) };
}

function rmse(rows, predict) {
  const squares = rows.reduce((sum, row, i) => {
    const error = Math.min(5, Math.max(1, predict(row, i))) - row.rating;
    return sum + error * error;
  }, 0);
  return Math.sqrt(squares / rows.length);
}

const constant = (value) => () => value;
const meanOf = (rows) => rows.reduce((sum, { rating }) => sum + rating, 0) / rows.length;

/** Biases of users and films by alternating ridge means, ten times over (Koren, TKDD 2010; Surprise's BaselineOnly). */
function biases(rows, { user: userPrior, item: itemPrior }) {
  const mean = meanOf(rows);
  const users = Uint16Array.from(rows, ({ user }) => Number(user));
  const items = Uint16Array.from(rows, ({ item }) => Number(item));
  const labels = Float64Array.from(rows, ({ rating }) => rating - mean);
  const [ofUser, ofItem] = [new Float64Array(MOST_IDS), new Float64Array(MOST_IDS)];
  for (let pass = 0; pass < 10; pass++) {
    refit(ofItem, items, itemPrior, ofUser, users, labels);
    refit(ofUser, users, userPrior, ofItem, items, labels);
  }
  return ({ user, item }) => mean + ofUser[user] + ofItem[item];
}

/** Ridge means of what the other biases leave, by id. */
function refit(own, ids, prior, other, otherIds, labels) {
  const [sums, counts] = [new Float64Array(MOST_IDS), new Float64Array(MOST_IDS)];
  for (let row = 0; row < ids.length; row++) {
    sums[ids[row]] += labels[row] - other[otherIds[row]];
    counts[ids[row]]++;
  }
  for (let id = 0; id < MOST_IDS; id++) own[id] = sums[id] / (prior + counts[id]);
}

const IDS = ['user', 'item'];
const ALL = [...IDS, 'age', 'gender', 'occupation', 'year', 'genres'];

function particleOf(rows, names) {
  const column = (name) =>
    name === 'genres'
      ? rows.map(({ genres }) => genres.map(([genre]) => `g${genre}`).join(' '))
      : rows.map((row) => row[name]);
  return createParticle({
    columns: {
      ...Object.fromEntries(names.map((name) => [name, column(name)])),
      rating: rows.map(({ rating }) => rating),
    },
    roles: { rating: 'label' },
    types: Object.fromEntries(names.map((name) => [name, name === 'genres' ? 'text' : 'category'])),
  });
}

const executor = inlineExecutor();

/** A factorization machine fitted as `sora train --learner factor --patience 0` does. */
async function machine(rows, names, settings) {
  const particle = particleOf(rows, names);
  const session = await executor.open(memoryParticles([particle]));
  const { recipe } = await prepareRecipe(session, {
    schema: particle.schema,
    options: { for: 'factor', onehotLevels: 100_000, minCount: 1, rowBands: settings.bands ?? [] },
    label: { task: 'regression' },
  });
  const { model } = await fitFactor(session, {
    ...{
      loss: 'squared',
      outputs: 1,
      features: recipe.width,
      view: learnerViewReference({ recipe, purpose: 'fit' }),
    },
    ...(settings.alike ? {} : { columnOf: levelGroups(recipe) }),
    ...{ factors: 8, patience: 0, seed: 1, spread: 0.05, rate: 0.1, factorRate: 0.1, ...settings },
  });
  await session.close();
  const score = factorScorer(model, 1);
  return (some) => {
    const margins = score(applyRecipe(recipe, particleOf(some, names), undefined, 'score').view);
    return rmse(some, (_, i) => margins[i]);
  };
}

/** Settings of machines: passes, and priors of weights and vectors. */
const GRID = [
  { epochs: 10, prior: 5, factorPrior: 15 },
  { epochs: 10, prior: 5, factorPrior: 30 },
  { epochs: 10, prior: 5, factorPrior: 60 },
  { epochs: 6, prior: 5, factorPrior: 30 },
  { epochs: 6, prior: 10, factorPrior: 100 },
];

const machineOf = (names, more) => ({
  grid: GRID.map((settings) => ({ ...settings, ...more })),
  error: async (rows, rated, settings) => (await machine(rows, names, settings))(rated),
});

const OURS = 'side columns, priors from components, bands';
const MODELS = {
  'global mean': { grid: [{}], error: (rows, rated) => rmse(rated, constant(meanOf(rows))) },
  biases: {
    grid: [2, 5, 10].flatMap((user) => [2, 5].map((item) => ({ user, item }))),
    error: (rows, rated, settings) => rmse(rated, biases(rows, settings)),
  },
  'machine of ids': machineOf(IDS, { alike: true }),
  'side columns, priors alike': machineOf(ALL, { alike: true }),
  'side columns, priors from components': machineOf(ALL, {}),
  [OURS]: machineOf(ALL, { bands: ['item'] }),
};

async function errorsOf(model, { rated, at }, settings) {
  const errors = [];
  for (const n of POINTS) errors.push(await model.error(at(n), rated, settings));
  return errors;
}

const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;
const deviation = (list) =>
  Math.sqrt(list.reduce((sum, x) => sum + (x - mean(list)) ** 2, 0) / Math.max(1, list.length - 1));

const everybody = shuffled([...rowsOf.keys()], 1, (who) => hashText(who));
const cut = Math.round(CHOOSING * everybody.length);
const [choosing, judged] = [everybody.slice(0, cut), everybody.slice(cut)];
const chosen = {};
const trials = [1, 2, 3].map((seed) => split(choosing, choosing, Math.round(choosing.length / 5), seed));
for (const [name, model] of Object.entries(MODELS)) {
  let least = Number.POSITIVE_INFINITY;
  for (const settings of model.grid) {
    const found = [];
    for (const trial of model.grid.length === 1 ? [] : trials)
      found.push(...(await errorsOf(model, trial, settings)));
    const error = found.length === 0 ? 0 : mean(found);
    if (error < least) [least, chosen[name]] = [error, settings];
  }
  console.log(`chosen: ${name} ${JSON.stringify(chosen[name])}`);
}
const errors = Object.fromEntries(Object.keys(MODELS).map((name) => [name, POINTS.map(() => [])]));
for (let seed = Number(args.from); seed <= Number(args.to); seed++) {
  const parts = split(everybody, judged, FRESH, 100 + seed);
  for (const [name, model] of Object.entries(MODELS)) {
    const found = await errorsOf(model, parts, chosen[name]);
    for (const [i, error] of found.entries()) errors[name][i].push(error);
    console.log(`seed ${seed}: ${name} ${found.map((error) => error.toFixed(4)).join(' ')}`);
  }
}
await executor.close();
/** Mean gain of a model over another with its standard error over draws, and draws won. */
function gainOf(than, own) {
  return errors[than].map((list, i) => {
    const gains = list.map((x, draw) => x - errors[own][i][draw]);
    const error = deviation(gains) / Math.sqrt(gains.length);
    const wins = gains.filter((gain) => gain > 0).length;
    return `${mean(gains).toFixed(4)} ± ${error.toFixed(4)} (${wins} of ${gains.length})`;
  });
}

const against = ['biases', 'machine of ids'];
printTable(
  [`RMSE, new ${WHO}s`, ...POINTS.map((n) => `${n} ratings`)],
  [
    ...Object.entries(errors).map(([name, lists]) => [
      name,
      ...lists.map((list) => `${mean(list).toFixed(4)} ± ${deviation(list).toFixed(4)}`),
    ]),
    ...Object.keys(MODELS)
      .filter((name) => name.startsWith('side'))
      .flatMap((own) => against.map((than) => [`${own}: less than ${than} by`, ...gainOf(than, own)])),
  ],
);
writeResult(args.items ? 'coldstart-items' : 'coldstart', { points: POINTS, fresh: FRESH, chosen, errors });
