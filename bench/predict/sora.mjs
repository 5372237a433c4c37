/**
 * Sora's side of the prediction benchmark, one thread: MODEL ROWS [export FILE]. Prints one JSON line. The clock runs from
 * columns in memory to probabilities; beside it the trees alone, the same by walking, and single rows.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setKernelMode } from '../../dist/kernel/mode.js';
import { exportedModel } from '../../dist/model/exchange/exported.js';
import { importText } from '../../dist/model/exchange/import.js';
import { importedModel } from '../../dist/model/exchange/model.js';
import { onnxBytes } from '../../dist/model/exchange/to-onnx.js';
import { forestMargins, forestRow, forestScorer } from '../../dist/model/forest-predict.js';
import { particlePredictor } from '../../dist/model/predict.js';
import { createParticle } from '../../dist/particle/create.js';
import { applyRecipe } from '../../dist/recipe/apply.js';
import { median, peakBytes } from '../common.mjs';

const [modelPath, rowsPath, task, onnxPath] = process.argv.slice(2);
const imported = importText(readFileSync(modelPath, 'utf8'), modelPath);
const model = importedModel(imported, { target: 'y' }, '0.0.0', modelPath);
if (task === 'export') {
  writeFileSync(onnxPath, onnxBytes(exportedModel(model, modelPath), '0.0.0'));
  console.log('{}');
  process.exit(0);
}

const bytes = readFileSync(rowsPath);
const rows = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const width = imported.features.length;
const count = rows.length / width;
const columns = Object.fromEntries(
  imported.features.map(({ name }, f) => [
    name,
    Float32Array.from({ length: count }, (_, r) => rows[r * width + f]),
  ]),
);
const particle = createParticle({ columns });

/** Median of three, after one to warm up; nanoseconds of processor time a row. */
function time(body, rowCount) {
  body();
  const times = [0, 1, 2].map(() => {
    const start = process.cpuUsage();
    body();
    const { user, system } = process.cpuUsage(start);
    return user + system;
  });
  return (median(times) * 1e3) / rowCount;
}

const predict = particlePredictor(model);
const nanosecondsPerRow = time(() => predict(particle), count);
const { forest } = imported;
const { view } = applyRecipe(model.recipe, particle);
const score = forestScorer(forest);
const treesAlone = time(() => score(view), count);
const margins = score(view);
setKernelMode('plain');
const byWalking = time(() => forestMargins(forest, view), count);
const sums = new Float64Array(1);
const features = new Float32Array(width);
const one = time(() => {
  for (let r = 0; r < 20_000; r++) {
    features.set(rows.subarray(r * width, (r + 1) * width));
    forestRow(forest, features, sums);
  }
}, 20_000);
console.log(
  JSON.stringify({
    peer: 'Sora',
    nanosecondsPerRow,
    treesAlone,
    byWalking,
    oneRowMicroseconds: one / 1000,
    margin: margins.reduce((sum, x) => sum + x, 0) / count,
    peakMiB: peakBytes() / 2 ** 20,
  }),
);
