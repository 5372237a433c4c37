/**
 * The table of docs/online.md: prequential scores of every learner on every stream, River's from the goldens beside them,
 * and what repeating the last label would score. `npm run build` first.
 *
 *     node bench/stream/table.mjs
 */
import { readFileSync } from 'node:fs';
import { createOnline, prequential } from '../../dist/index.js';
import { readStream } from './read.mjs';

const fixture = (name) =>
  JSON.parse(readFileSync(new URL(`../../src/fit/online/fixtures/${name}.json`, import.meta.url), 'utf8'));
const river = fixture('river');
const settings = fixture('settings');
/** Learners of chance: the mean over as many seeds as River's. */
const seedsOf = (stream, name) => (river[stream][name]?.seeds ?? [0]).map((_, index) => index + 1);

/** Learners of a stream by name. */
function learnersOf(stream) {
  if (stream === 'bike') return settings.regressors;
  return {
    ...(['bank', 'flights'].includes(stream) ? settings.mixed : settings.classifiers),
    stack: { name: 'stack' },
  };
}

const streams = Object.keys(settings.streams);
const digits = (stream) => (stream === 'bike' ? 2 : 4);
/** Learner → stream → cell. */
const cells = {};
const last = {};
for (const [stream, source] of Object.entries(settings.streams)) {
  const { particle, features, classes } = readStream(source);
  const numbers = stream === 'bike';
  for (const [name, learner] of Object.entries(learnersOf(stream))) {
    const runs = seedsOf(stream, name).map((seed) =>
      prequential(createOnline({ learner, features, seed, ...(numbers ? {} : { classes }) }), [particle]),
    );
    const key = numbers ? 'mae' : 'accuracy';
    const own = runs.reduce((sum, run) => sum + run[key], 0) / runs.length;
    const peer = river[stream][name]?.[key].toFixed(digits(stream)) ?? '–';
    cells[name] = { ...cells[name], [stream]: `${own.toFixed(digits(stream))} / ${peer}` };
    last[stream] = runs[0].sameAsLast.toFixed(digits(stream));
  }
}
console.log(`| Sora / River ${river.river} | ${streams.join(' | ')} |`);
console.log(`|---|${streams.map(() => '---|').join('')}`);
for (const [name, row] of Object.entries(cells)) {
  console.log(`| \`${name}\` | ${streams.map((stream) => row[stream] ?? '').join(' | ')} |`);
}
console.log(`| same as last | ${streams.map((stream) => last[stream]).join(' | ')} |`);
