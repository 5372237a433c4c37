/**
 * A seeded sparse set, written as VW text and as libsvm: ROWS rows of 20 to 60 features (40 on average) out of 2^20, few of
 * them common and most rare (the chance of feature i falls as 1/i), values of two decimals, labels drawn from a logistic
 * model in which a third of the features have weights. The same bytes on every machine: whole numbers and sums alone.
 *
 *     node bench/stream/sparse-make.mjs FOLDER [ROWS]
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FEATURE_BITS = 20;

/** MurmurHash3's finaliser over a seed and a number: a random word. */
function word(seed, n) {
  let h = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(n, 0x85ebca6b)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A feature: a magnitude evenly among powers of two, then evenly within it. */
function feature(bits) {
  const power = bits % FEATURE_BITS;
  return 2 ** power + ((bits >>> 8) & (2 ** power - 1));
}

/** Weight of a feature: none for two thirds of them, else from -2 to 2 in steps of 1/64. */
function weightOf(id) {
  const bits = word(77, id);
  return bits % 3 === 0 ? ((bits >>> 8) % 257) / 64 - 2 : 0;
}

/** Share of label 1 in steps: a logistic curve as a table, so that no `Math.exp` decides a label. */
const CURVE = [0.5, 0.6225, 0.7311, 0.8176, 0.8808, 0.9241, 0.9526, 0.9707, 0.982, 0.989, 0.9933];
function share(margin) {
  const high = CURVE[Math.min(CURVE.length - 1, Math.round(Math.abs(margin) * 2))];
  return margin < 0 ? 1 - high : high;
}

/** One row: its label, 1 or -1, and its features as text. */
function row(r) {
  const count = 20 + (word(1, r) % 41);
  const ids = new Set();
  for (let e = 0; ids.size < count; e++) ids.add(feature(word(2, r * 256 + e)));
  let margin = 0;
  const pairs = [...ids].sort((a, b) => a - b);
  const texts = pairs.map((id) => {
    const hundredths = 5 + (word(3, Math.imul(r, 64) + id) % 96);
    margin += (weightOf(id) * hundredths) / 100;
    return `${id}:${hundredths / 100}`;
  });
  const label = word(4, r) / 2 ** 32 < share(margin) ? 1 : -1;
  return { label, text: texts.join(' ') };
}

/** Writes `sparse-ROWS.vw` and `.libsvm` into the folder unless they are there; gives their paths. */
export function makeSparse(folder, rows) {
  mkdirSync(folder, { recursive: true });
  const paths = { vw: join(folder, `sparse-${rows}.vw`), libsvm: join(folder, `sparse-${rows}.libsvm`) };
  if (existsSync(paths.vw) && existsSync(paths.libsvm)) return paths;
  const files = Object.values(paths).map((path) => openSync(`${path}.part`, 'w'));
  for (let start = 0; start < rows; start += 5000) {
    const block = Array.from({ length: Math.min(5000, rows - start) }, (_, i) => row(start + i));
    writeSync(files[0], block.map(({ label, text }) => `${label} |f ${text}\n`).join(''));
    writeSync(files[1], block.map(({ label, text }) => `${label} ${text}\n`).join(''));
  }
  for (const file of files) closeSync(file);
  for (const path of Object.values(paths)) renameSync(`${path}.part`, path);
  return paths;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(makeSparse(process.argv[2], Number(process.argv[3] ?? 1_000_000)));
}
