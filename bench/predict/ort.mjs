/** onnxruntime-node's side of the prediction benchmark: FOLDER MODEL ROWS; one thread. Prints one JSON line. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { median, peakBytes } from '../common.mjs';

const [folder, modelPath, rowsPath] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const ort = require(folder);
const FEATURES = 28;
const BATCH = 10_000;

const bytes = readFileSync(rowsPath);
const rows = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const count = rows.length / FEATURES;
const session = await ort.InferenceSession.create(modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 });

/** Probabilities of the positive class summed as log odds, for rows [from, from + size). */
async function predict(from, size) {
  const values = rows.subarray(from * FEATURES, (from + size) * FEATURES);
  const features = new ort.Tensor('float32', values, [size, FEATURES]);
  return (await session.run({ features }, ['probabilities'])).probabilities.data;
}

/** Microseconds of processor time of this process. */
function now() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

await predict(0, 1000);
const times = [];
let margin = 0;
for (let round = 0; round < 3; round++) {
  const blocks = [];
  const start = now();
  for (let from = 0; from < count; from += BATCH)
    blocks.push(await predict(from, Math.min(BATCH, count - from)));
  times.push(now() - start);
  const odds = (block) =>
    block.reduce((sum, p, i) => (i % 2 === 1 ? sum + Math.log(p / block[i - 1]) : sum), 0);
  margin = blocks.reduce((sum, block) => sum + odds(block), 0) / count;
}
const start = now();
for (let row = 0; row < 2000; row++) await predict(row, 1);
const one = (now() - start) / 2000;
const { version } = require(`${folder}/package.json`);
console.log(
  JSON.stringify({
    peer: `onnxruntime-node ${version}`,
    nanosecondsPerRow: (median(times) * 1e3) / count,
    oneRowMicroseconds: one,
    margin,
    peakMiB: peakBytes() / 2 ** 20,
  }),
);
