/**
 * Sora's side of the tree benchmark, a process of its own: STORE THREADS ROUNDS LEAVES [MEMORY]. Prints one JSON line.
 * The clock runs over everything after the store is open: threads, recipe, bins, trees. Same settings as peer.py.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fitTrees } from '../../dist/fit/tree/fit.js';
import { openSession } from '../../dist/pipeline/data.js';
import { prepareRecipe } from '../../dist/recipe/prepare.js';
import { categoricalFeatures } from '../../dist/recipe/recipe.js';
import { learnerViewReference } from '../../dist/recipe/view.js';
import { inlineExecutor } from '../../dist/run/inline.js';
import { threadExecutor } from '../../dist/run/threads.js';
import { openStore } from '../../dist/store/store.js';
import { peakBytes } from '../common.mjs';

const [path, threads, rounds, leaves, memory] = process.argv.slice(2);
const store = await openStore(path);
const snapshot = await store.snapshot();
const { schema } = snapshot;
// Binned views that an earlier run had no memory for would save this one the binning.
rmSync(join(path, 'cache', 'views'), { recursive: true, force: true });
const start = performance.now();
const cpu = process.cpuUsage();
// One thread is the calling one, as it is for the peers.
const executor =
  Number(threads) < 2
    ? inlineExecutor()
    : threadExecutor({ workers: Number(threads), ...(Number(memory) > 0 ? { memory: Number(memory) } : {}) });
// The profile of the columns is a part of the ingest, and found in the store.
const session = await openSession(executor, { store, snapshot, schema }, {}, true);
const { recipe } = await prepareRecipe(session, { schema, options: { for: 'trees' } });
let binned;
const result = await fitTrees(session, {
  loss: recipe.label.loss,
  outputs: recipe.label.loss === 'softmax' ? recipe.label.classes.length : 1,
  features: recipe.width,
  view: learnerViewReference({ recipe, purpose: 'fit' }),
  categorical: categoricalFeatures(recipe),
  rounds: Number(rounds),
  leaves: Number(leaves),
  learningRate: 0.1,
  l2: 1,
  minRows: 20,
  onRound: ({ round }) => {
    if (round === 1) binned = performance.now();
  },
});
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
await session.close();
await executor.close();
const { trainLoss } = result.history.at(-1);
console.log(
  JSON.stringify({
    peer: 'Sora',
    seconds,
    // Up to the end of the first round, and each of the others.
    firstSeconds: (binned - start) / 1000,
    roundSeconds: (seconds - (binned - start) / 1000) / (result.rounds - 1),
    cpuSeconds: (user + system) / 1e6,
    peakMiB: peakBytes() / 2 ** 20,
    trainLoss,
    loss: recipe.label.loss,
    features: recipe.width,
    categorical: categoricalFeatures(recipe).filter(Boolean).length,
  }),
);
