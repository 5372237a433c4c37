/**
 * Inputs of the linear benchmark, written once into a folder and reused. Seeded:
 * dense     1,000,000 × 28, correlated and skewed numbers, a label with interactions that no linear model has;
 * sparse    100,000 rows of about 60 of 50,000 words, Zipf-distributed as in text (about 5 million non-zeros).
 * Real: the twenty newsgroups, words hashed to 2¹⁷ features and counted, computers against the rest.
 */
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

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
  for await (const line of lines) {
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

/** FNV-1a of a word. */
function hashWord(word) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** One line a post without its head: logarithmic counts of hashed words, of length 1. */
export async function* newsgroupLines(path, features = 2 ** 17) {
  const lines = createInterface({ input: createReadStream(path).pipe(createGunzip()) });
  for await (const line of lines) {
    const { label, text } = JSON.parse(line);
    const body = text.slice(text.indexOf('\n\n') + 1).toLowerCase();
    const counts = new Map();
    for (const word of body.match(/[a-z]{2,}/g) ?? []) {
      const index = hashWord(word) % features;
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    if (counts.size === 0) continue;
    const entries = [...counts]
      .map(([index, count]) => [index, 1 + Math.log(count)])
      .sort((a, b) => a[0] - b[0]);
    const norm = Math.sqrt(entries.reduce((sum, [, value]) => sum + value * value, 0));
    const pairs = entries.map(([index, value]) => `${index + 1}:${(value / norm).toFixed(6)}`);
    yield `${label.startsWith('comp.') ? 1 : 0} ${pairs.join(' ')}`;
  }
}

/** Path of an input in `folder`, made of `lines()` if it is not there. */
async function made(folder, name, lines) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  if (!existsSync(path)) await writeLines(path, lines());
  return path;
}

export const makeDense = (folder, rows = 1_000_000) =>
  made(folder, `dense-${rows}.csv`, () => denseLines(rows));

export const makeSparse = (folder, documents = 100_000) =>
  made(folder, `sparse-${documents}.libsvm`, () => sparseLines(documents));

/** Undefined where the data set is not there. */
export async function makeNewsgroups(folder, data) {
  const source = join(data, 'newsgroups20', '20_newsgroups.derived.jsonl.gz');
  return existsSync(source) ? made(folder, 'newsgroups.libsvm', () => newsgroupLines(source)) : undefined;
}
