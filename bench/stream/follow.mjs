/**
 * Following a million rows of ten columns on standard input, from PostgreSQL and from Redis, one process: rows a second, how
 * long a row waits until it is committed, peak resident size. Then the same killed ten times with SIGKILL: the models are
 * compared byte for byte, also between the sources, and the rows of the store counted.
 *
 *     node bench/stream/follow.mjs [--rows 1000000] [--kills 10] [--learner ftrl] [--sources stdin,postgres,redis]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openFollowed, openStore } from '../../dist/index.js';
import { FOLDER, MIB, printTable, waitForQuiet, writeResult } from '../common.mjs';
import { SOURCES, writeInput } from './follow-sources.mjs';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '10' },
    learner: { type: 'string', default: 'ftrl' },
    sources: { type: 'string', default: Object.keys(SOURCES).join(',') },
  },
});
const [rows, kills] = [Number(args.rows), Number(args.kills)];
const child = fileURLToPath(new URL('follow-child.mjs', import.meta.url));
const input = writeInput(rows);

/** One run; killed after so many commits, if any. Resolves with what it printed, or undefined. */
function run(address, store, killAfter) {
  return new Promise((resolve, reject) => {
    const file = openSync(input, 'r');
    const words = [child, address, store, args.learner, rows, killAfter === undefined ? 'quiet' : 'told'];
    const process_ = spawn(process.execPath, words, { stdio: [file, 'pipe', 'pipe'] });
    closeSync(file);
    let out = '';
    let told = '';
    process_.stdout.on('data', (text) => {
      out += text;
    });
    process_.stderr.on('data', (text) => {
      told += text;
      if (killAfter !== undefined && told.split('\n').length > killAfter) process_.kill('SIGKILL');
    });
    process_.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(out));
      else if (signal === 'SIGKILL') resolve(undefined);
      else reject(new Error(told));
    });
  });
}

/** Hash of the newest model, and rows of the store. */
async function left(directory) {
  const { state } = await openFollowed(join(directory, 'models', 'label'));
  const store = await openStore(directory);
  const snapshot = await store.snapshot();
  store.close();
  const bytes = readFileSync(join(directory, state.model));
  return { model: createHash('sha256').update(bytes).digest('hex'), rows: snapshot.rows };
}

async function measure(name, { address }) {
  const stores = ['whole', 'killed'].map((kind) => join(FOLDER, `follow-${name}-${kind}.sora`));
  for (const store of stores) rmSync(store, { recursive: true, force: true });
  const whole = await run(address, stores[0]);
  const { model } = await left(stores[0]);
  const result = {
    source: name,
    rowsPerSecond: Math.round(whole.rows / whole.seconds),
    rowsPerProcessorSecond: Math.round(whole.rows / whole.cpuSeconds),
    lagMilliseconds: whole.lag,
    peakMiB: Math.round(whole.peakMemory / MIB),
    commits: whole.commits,
    scores: whole.scores,
    model,
  };
  if (kills === 0) return result;
  let killed = 0;
  for (let i = 0; i < kills; i++) if ((await run(address, stores[1], 1 + (i % 3))) === undefined) killed++;
  await run(address, stores[1]);
  const other = await left(stores[1]);
  if (other.model !== model || other.rows !== rows) process.exitCode = 1;
  return { ...result, killed: { times: killed, sameModel: other.model === model, rows: other.rows } };
}

await waitForQuiet();
const results = [];
for (const name of args.sources.split(',')) {
  const source = await SOURCES[name](input);
  if (source.missing !== undefined) {
    console.warn(`${name} left out: ${source.missing}`);
    continue;
  }
  try {
    results.push(await measure(name, source));
  } finally {
    await source.remove();
  }
}
printTable(
  ['source', 'rows/s', 'rows/s of processor time', 'lag p50 ms', 'p99 ms', 'peak MiB', 'commits', 'killed'],
  results.map((result) => [
    result.source,
    result.rowsPerSecond,
    result.rowsPerProcessorSecond,
    result.lagMilliseconds.p50,
    result.lagMilliseconds.p99,
    result.peakMiB,
    result.commits,
    result.killed === undefined
      ? ''
      : `${result.killed.times} ×: ${result.killed.sameModel ? 'the same model' : 'ANOTHER MODEL'}, ${result.killed.rows} rows`,
  ]),
);
const same = new Set(results.map(({ model }) => model)).size === 1;
console.log(same ? 'All sources gave the same model to the byte.' : 'The sources gave DIFFERENT MODELS.');
if (!same) process.exitCode = 1;
writeResult('follow', { rows, learner: args.learner, results });
