/**
 * What policies about drift are worth: prequential accuracy of online learners without and with each, on real streams and
 * on streams with drift put in (drift-streams.mjs; means over seeds). Losing cells too. `npm run build` first.
 *
 *     node bench/stream/policies.mjs [--detector adwin] [--seeds 5] [--streams elec2,weather,…]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createOnline, createParticle, prequential, splitParticle } from '../../dist/index.js';
import { CONCEPTS, driftStream } from './drift-streams.mjs';
import { readStream } from './read.mjs';

const { values: args } = parseArgs({
  options: {
    detector: { type: 'string', default: 'adwin' },
    seeds: { type: 'string', default: '5' },
    streams: { type: 'string', default: 'elec2,weather,abrupt,gradual,recurring' },
  },
});
const settings = JSON.parse(
  readFileSync(new URL('../../src/fit/online/fixtures/settings.json', import.meta.url), 'utf8'),
);
const LEARNERS = {
  ftrl: { name: 'ftrl', alpha: 0.5 },
  adagrad: { name: 'adagrad', rate: 0.3 },
  'pa-1': { name: 'passive-aggressive', aggressiveness: 0.01 },
  alma: { name: 'alma' },
  'gaussian-bayes': { name: 'gaussian-bayes' },
  'hoeffding-tree': { name: 'hoeffding-tree' },
};
const POLICIES = [undefined, 'step', 'window', 'swap'];
/** Learners without a step size. */
const STEPLESS = ['pa-1', 'gaussian-bayes', 'hoeffding-tree'];

/** One stream for each seed; a real one is the same for all. */
function streamsOf(name) {
  if (name in settings.streams) return [readStream(settings.streams[name])];
  return Array.from({ length: Number(args.seeds) }, (_, seed) => {
    const rows = driftStream({
      concept: CONCEPTS[seed % CONCEPTS.length],
      kind: name,
      seed,
      rows: 20_000,
      period: 5000,
    });
    return {
      particle: createParticle({
        features: rows.map(({ x }) => x),
        labels: rows.map(({ y }) => y),
        names: rows[0].x.map((_, i) => `x${i}`),
      }),
      features: Object.fromEntries(rows[0].x.map((_, i) => [`x${i}`, 'number'])),
      classes: [0, 1],
    };
  });
}

/** The particle in parts, with a look at the model after each: it keeps its latest 100 events only. */
function* parts(particle, after) {
  for (const part of splitParticle(particle, 1000)) {
    yield part;
    after();
  }
}

/** Times that the policy has acted since this was last asked. */
function actions(model) {
  const isAct = ({ kind, policy, action }) =>
    kind === 'swap' || (kind === 'drift' && policy !== 'swap' && action !== 'none');
  return model.takeEvents().filter(isAct).length;
}

for (const name of args.streams.split(',')) {
  const streams = streamsOf(name);
  console.log(`\n| ${name} | without | step | window | swap |\n|---|---|---|---|---|`);
  for (const [label, learner] of Object.entries(LEARNERS)) {
    const cells = POLICIES.map((policy) => {
      if (policy === 'step' && STEPLESS.includes(label)) return '–';
      let accuracy = 0;
      let acted = 0;
      for (const { particle, features, classes } of streams) {
        const drift = policy && { drift: { detector: args.detector, policy } };
        const model = createOnline({ learner, features, classes, seed: 1, ...drift });
        accuracy +=
          prequential(
            model,
            parts(particle, () => (acted += actions(model))),
          ).accuracy / streams.length;
      }
      return policy === undefined
        ? accuracy.toFixed(4)
        : `${accuracy.toFixed(4)} (${Math.round(acted / streams.length)})`;
    });
    console.log(`| \`${label}\` | ${cells.join(' | ')} |`);
  }
}
