/**
 * Models of version 4 of the format, as they were first written: a factorization machine and a model with features over
 * time, with rows and the margins they had. They are read for ever, so run this for a new version only, into a new folder.
 *
 *     npm run build && node scripts/goldens/models.mjs 4
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadModel, train } from '../../dist/index.js';
import { objectsToParticle } from '../../dist/ingest/objects.js';
import { randomUniform } from '../../dist/random.js';

const version = process.argv[2];
const fixtures = new URL('../../src/model/fixtures/', import.meta.url).pathname;

/** Users of two kinds, who like items of one sort. */
const ratings = Array.from({ length: 300 }, (_, i) => {
  const [user, item] = [1, 2].map((stream) => Math.floor(8 * randomUniform(1, stream, i)));
  const stars = 2 + 2 * Number(user % 2 === item % 2) + Math.round(randomUniform(1, 3, i));
  return { user: `u${user}`, kind: `k${user % 2}`, item: `i${item}`, stars };
});

/** Hourly load of two places. */
const loads = Array.from({ length: 240 }, (_, i) => {
  const hour = Math.floor(i / 2);
  const load = 50 + 20 * Number(hour % 24 < 12) + 10 * (i % 2) + 4 * randomUniform(2, 1, i);
  const at = new Date(Date.UTC(2025, 0, 1, hour)).toISOString();
  return { at, place: i % 2 === 0 ? 'east' : 'west', load: Math.round(load), alarm: hour % 50 === 7 };
});

const MODELS = {
  factor: [ratings, { target: 'stars', task: 'regression', learner: 'factor', factors: 4, epochs: 6 }],
  history: [
    loads.slice(0, 200),
    {
      ...{
        target: 'load',
        task: 'regression',
        time: 'at',
        by: 'place',
        learner: 'trees',
        rounds: 5,
        leaves: 4,
      },
      ...{ lags: ['load:1,24'], rolling: ['load:mean:24', 'load:max:1d'], since: ['alarm'] },
    },
  ],
};

for (const [name, [rows, options]] of Object.entries(MODELS)) {
  const folder = mkdtempSync(join(tmpdir(), 'sora-fixture-'));
  const { directory } = await train(rows, {
    ...{ ...options, store: join(folder, 'rows.sora'), workers: 0, report: false },
  });
  const target = join(fixtures, `v${version}-${name}`);
  mkdirSync(target, { recursive: true });
  for (const file of ['model.json', 'parameters.safetensors'])
    cpSync(join(directory, file), join(target, file));
  const model = await loadModel(target);
  const asked =
    name === 'factor' ? [...rows.slice(0, 20), { user: 'new', kind: 'k1', item: 'i3' }] : loads.slice(200);
  const { margins } = model.predictParticle(objectsToParticle(model.model.schema, asked));
  writeFileSync(`${target}-margins.json`, `${JSON.stringify({ rows: asked, margins: [...margins] })}\n`);
  rmSync(folder, { recursive: true });
}
