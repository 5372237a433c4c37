/**
 * The table of docs/online.md: prequential scores of every learner on every stream, River's from the goldens beside them,
 * and what repeating the last label would score. `npm run build` first.
 *
 *     node bench/stream/table.mjs
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createOnline, createParticle, prequential } from '../../dist/index.js';
import { DATA } from '../common.mjs';

const fixture = (name) =>
  JSON.parse(readFileSync(new URL(`../../src/fit/online/fixtures/${name}.json`, import.meta.url), 'utf8'));
const river = fixture('river');
const settings = fixture('settings');
/** Learners of chance: the mean over as many seeds as River's. */
const seedsOf = (stream, name) => (river[stream][name]?.seeds ?? [0]).map((_, index) => index + 1);

function read({ file, target, columns, delimiter = ',' }) {
  const path = [join(DATA, file), join(DATA, file).replace(/\.gz$/, '')].find(existsSync);
  if (path === undefined) throw new Error(`There is no ${file} in ${DATA}; SORA_DATA names the folder.`);
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().replaceAll('"', '');
  const [names, ...cells] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(delimiter));
  const chosen = columns ?? names.filter((name) => name !== target);
  const valuesOf = (name) => {
    const texts = cells.map((row) => row[names.indexOf(name)]);
    const numbers = texts.map(Number);
    return numbers.some(Number.isNaN) ? texts : numbers;
  };
  const values = Object.fromEntries([...chosen, target].map((name) => [name, valuesOf(name)]));
  const isNumber = (name) => typeof values[name][0] === 'number';
  return {
    features: Object.fromEntries(chosen.map((name) => [name, isNumber(name) ? 'number' : 'category'])),
    particle: createParticle({ columns: values, roles: { [target]: 'label' } }),
    classes: isNumber(target) ? [0, 1] : ['no', 'yes'],
  };
}

/** Learners of a stream by name. */
function learnersOf(stream) {
  if (stream === 'bike') return settings.regressors;
  return { ...(stream === 'bank' ? settings.mixed : settings.classifiers), stack: { name: 'stack' } };
}

console.log('| stream | learner | Sora | River 0.26.1 | log loss, Sora | River | same as last |');
console.log('|---|---|---|---|---|---|---|');
for (const [stream, source] of Object.entries(settings.streams)) {
  const { particle, features, classes } = read(source);
  const numbers = stream === 'bike';
  for (const [name, learner] of Object.entries(learnersOf(stream))) {
    const runs = seedsOf(stream, name).map((seed) =>
      prequential(createOnline({ learner, features, seed, ...(numbers ? {} : { classes }) }), [particle]),
    );
    const mean = (key) => runs.reduce((sum, run) => sum + run[key], 0) / runs.length;
    const peer = river[stream][name];
    const cells = numbers
      ? [mean('mae').toFixed(2), peer.mae.toFixed(2), '–', '–', mean('sameAsLast').toFixed(2)]
      : [
          mean('accuracy').toFixed(4),
          peer?.accuracy.toFixed(4) ?? '–',
          mean('logLoss').toFixed(3),
          peer?.logLoss.toFixed(3) ?? '–',
          mean('sameAsLast').toFixed(4),
        ];
    console.log(`| ${[stream, name, ...cells].join(' | ')} |`);
  }
}
