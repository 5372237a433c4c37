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
const BIKE = 'season yr mnth hr holiday weekday workingday weathersit temp atemp hum windspeed'.split(' ');
const STREAMS = {
  elec2: { file: 'elec2/elec.csv', target: 'class' },
  phishing: { file: 'phishing_stream/phishing.csv.gz', target: 'target' },
  weather: { file: 'noaa_weather/weather.csv.gz', target: 'target' },
  bike: { file: 'bike_sharing/hour.csv', target: 'cnt', columns: BIKE },
};
/** Learners of chance: the mean over these seeds, as River's are. */
const SEEDS = { 'adaptive-forest': [1, 2, 3], 'leveraging-bagging': [1, 2, 3] };

function read({ file, target, columns }) {
  const path = [join(DATA, file), join(DATA, file).replace(/\.gz$/, '')].find(existsSync);
  if (path === undefined) throw new Error(`There is no ${file} in ${DATA}; SORA_DATA names the folder.`);
  const bytes = readFileSync(path);
  const text = path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  const [head, ...lines] = text.toString().trim().split(/\r?\n/);
  const names = head.split(',');
  const cells = lines.map((line) => line.split(','));
  const chosen = columns ?? names.filter((name) => name !== target);
  const numbers = (name) => cells.map((row) => Number(row[names.indexOf(name)]));
  return {
    features: Object.fromEntries(chosen.map((name) => [name, 'number'])),
    particle: createParticle({
      columns: Object.fromEntries([...chosen, target].map((name) => [name, numbers(name)])),
      roles: { [target]: 'label' },
    }),
  };
}

console.log('| stream | learner | Sora | River 0.26.1 | log loss, Sora | River | same as last |');
console.log('|---|---|---|---|---|---|---|');
for (const [stream, source] of Object.entries(STREAMS)) {
  const { features, particle } = read(source);
  const numbers = stream === 'bike';
  const learners = numbers ? settings.regressors : { ...settings.classifiers, stack: { name: 'stack' } };
  for (const [name, learner] of Object.entries(learners)) {
    const runs = (SEEDS[name] ?? [1]).map((seed) =>
      prequential(createOnline({ learner, features, seed, ...(numbers ? {} : { classes: [0, 1] }) }), [
        particle,
      ]),
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
