/**
 * Sora's side of the accuracy benchmark, a process of its own: FOLDER FOLD THREADS PREDICTIONS [OPTIONS]. Trains on one
 * fold with no option but the target (and the exposure), writes what it predicts of the other rows, prints one JSON
 * line. The clock runs over recipe and fit; the rows are in a store before, as the peers' are in memory.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ingest, predict, train } from '../../dist/index.js';

const [folder, fold, threads, out, more = '{}'] = process.argv.slice(2);
const { target, exposure } = JSON.parse(readFileSync(join(folder, 'set.json'), 'utf8'));
const store = join(folder, `train${fold}.sora`);
const workers = Number(threads) === 1 ? 0 : Number(threads);
if (!existsSync(store)) await ingest(join(folder, `train${fold}.csv`), { target, exposure, store, workers });
const model = mkdtempSync(join(tmpdir(), 'sora-accuracy-'));
try {
  const cpu = process.cpuUsage();
  const trained = await train(store, {
    target,
    exposure,
    learner: 'trees',
    testFraction: 0,
    report: false,
    out: model,
    workers,
    ...JSON.parse(more),
  });
  const { user, system } = process.cpuUsage(cpu);
  await predict(model, join(folder, `test${fold}.csv`), { out, workers });
  const { options, loss } = trained.model.learner;
  console.log(
    JSON.stringify({
      seconds: trained.seconds.recipe + trained.seconds.fit,
      cpuSeconds: (user + system) / 1e6,
      rounds: trained.fit.rounds,
      learningRate: options.learningRate,
      leaves: options.leaves,
      loss,
    }),
  );
} finally {
  rmSync(model, { recursive: true, force: true });
}
