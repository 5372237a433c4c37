/**
 * Seeded inputs of the linear benchmark, written once into a folder and reused:
 * dense.csv   1,000,000 × 28, correlated and skewed numbers, a label with interactions that no linear model has;
 * sparse.libsvm  100,000 rows of about 60 of 50,000 words, Zipf-distributed as in text (about 6 million non-zeros).
 */
import { createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** Counter-based uniform numbers in (0, 1), two 32-bit mixes a number. */
function generator(seed) {
  let counter = seed >>> 0;
  const mix = (word) => {
    let h = word | 0;
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return (h ^ (h >>> 16)) >>> 0;
  };
  const uniform = () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    return (mix(counter ^ mix(seed)) + 0.5) / 0x1_0000_0000;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

async function writeLines(path, lines) {
  const part = `${path}.part`;
  const stream = createWriteStream(part);
  let block = [];
  for (const line of lines) {
    block.push(line);
    if (block.length === 4096) {
      if (!stream.write(`${block.join('\n')}\n`))
        await new Promise((resolve) => stream.once('drain', resolve));
      block = [];
    }
  }
  if (block.length > 0) stream.write(`${block.join('\n')}\n`);
  await new Promise((resolve, reject) => stream.end((error) => (error ? reject(error) : resolve())));
  renameSync(part, path);
}

export function* denseLines(rows, features = 28, seed = 7) {
  const { uniform, normal } = generator(seed);
  const weights = Array.from({ length: features }, () => 0.4 * normal());
  yield [...weights.map((_, f) => `x${f}`), 'y'].join(',');
  const x = new Array(features);
  for (let row = 0; row < rows; row++) {
    const shared = normal();
    let margin = -0.3;
    for (let f = 0; f < features; f++) {
      let value = f % 4 === 0 ? 0.7 * shared + 0.7 * normal() : normal();
      if (f % 7 === 5) value = 3 * Math.abs(value);
      x[f] = value.toFixed(5);
      margin += weights[f] * value;
    }
    margin += 0.5 * x[0] * x[1];
    yield `${x.join(',')},${uniform() < 1 / (1 + Math.exp(-margin)) ? 1 : 0}`;
  }
}

export function* sparseLines(rows, words = 50_000, seed = 11) {
  const { uniform, normal } = generator(seed);
  const weights = Float64Array.from({ length: words }, () => 0.5 * normal());
  for (let row = 0; row < rows; row++) {
    const length = 30 + Math.floor(60 * uniform());
    const counts = new Map();
    for (let i = 0; i < length; i++) {
      const word = Math.min(words - 1, Math.floor(words ** uniform()));
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const entries = [...counts].sort((a, b) => a[0] - b[0]);
    const norm = Math.sqrt(entries.reduce((sum, [, count]) => sum + count * count, 0));
    const margin = 4 * entries.reduce((sum, [word, count]) => sum + (weights[word] * count) / norm, 0);
    const label = uniform() < 1 / (1 + Math.exp(-margin)) ? 1 : 0;
    yield `${label} ${entries.map(([word, count]) => `${word + 1}:${(count / norm).toFixed(6)}`).join(' ')}`;
  }
}

/** Makes what is missing in `folder`; returns the two paths. */
export async function makeLinearData(folder, rows = 1_000_000, documents = 100_000) {
  mkdirSync(folder, { recursive: true });
  const dense = join(folder, `dense-${rows}.csv`);
  const sparse = join(folder, `sparse-${documents}.libsvm`);
  if (!existsSync(dense)) await writeLines(dense, denseLines(rows));
  if (!existsSync(sparse)) await writeLines(sparse, sparseLines(documents));
  return { dense, sparse };
}
