/**
 * All benchmarks, or those that are named; each prints its table and writes bench/results/<name>.json.
 *
 *     npm run build && bench/peers/install.sh && node bench/run.mjs [linear|trees|predict|shap|stream|sparse|reduce|budget|ingest|kernels …]
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SCRIPTS = {
  ingest: 'ingest.mjs',
  linear: 'linear/run.mjs',
  trees: 'trees/run.mjs',
  predict: 'predict/run.mjs',
  shap: 'shap/run.mjs',
  stream: 'stream/run.mjs',
  sparse: 'stream/sparse.mjs',
  reduce: 'reduce.mjs',
  budget: 'budget/run.mjs',
  kernels: 'kernels.mjs',
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in SCRIPTS));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(SCRIPTS).join(', ')}.`);
  process.exit(2);
}
if (!existsSync(fileURLToPath(new URL('../dist/index.js', import.meta.url)))) {
  console.error('There is no dist/: run npm run build first.');
  process.exit(2);
}
for (const name of named.length > 0 ? named : Object.keys(SCRIPTS)) {
  console.log(`\n${name}`);
  const script = fileURLToPath(new URL(SCRIPTS[name], import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: 'inherit' });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) process.exitCode = 1;
}
