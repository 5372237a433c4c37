/**
 * Following a million rows of ten columns as NDJSON on standard input, one process: rows a second, how long a row waits
 * until it is committed, peak resident size. Then the same killed ten times with SIGKILL: the models are compared byte for
 * byte, and the rows of the store counted.
 *
 *     node bench/stream/follow.mjs [--rows 1000000] [--kills 10] [--learner ftrl]
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openFollowed, openStore } from '../../dist/index.js';
import { FOLDER, MIB, printTable, waitForQuiet, writeResult } from '../common.mjs';

const { values: args } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '10' },
    learner: { type: 'string', default: 'ftrl' },
  },
});
const [rows, kills] = [Number(args.rows), Number(args.kills)];
const child = fileURLToPath(new URL('follow-child.mjs', import.meta.url));
const input = join(FOLDER, `follow-${rows}.ndjson`);

/** Numbers in [0, 1), the same in each run. */
function uniform() {
  let state = 12345;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function writeInput() {
  const next = uniform();
  const file = openSync(input, 'w');
  for (let from = 0; from < rows; from += 10_000) {
    const lines = [];
    for (let id = from; id < Math.min(rows, from + 10_000); id++) {
      const [a, b, c, d, e, f] = Array.from({ length: 6 }, next);
      const kind = 'abcdefgh'[Math.floor(8 * next())];
      const label = a + b - c + (kind === 'a' ? 0.5 : 0) + 0.3 * (next() - 0.5) > 0.5 ? 'up' : 'down';
      lines.push(
        JSON.stringify({ id, at: 1.6e12 + 1000 * id, a, b, c, d: Math.round(100 * d), e, f, kind, label }),
      );
    }
    writeSync(file, `${lines.join('\n')}\n`);
  }
  closeSync(file);
}

/** One run; killed after so many commits, if any. Resolves with what it printed, or undefined. */
function run(store, killAfter) {
  return new Promise((resolve, reject) => {
    const file = openSync(input, 'r');
    const words = [child, store, args.learner, killAfter === undefined ? 'quiet' : 'told'];
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

async function left(directory) {
  const { state } = await openFollowed(join(directory, 'models', 'label'));
  const store = await openStore(directory);
  const snapshot = await store.snapshot();
  store.close();
  return { model: readFileSync(join(directory, state.model)), rows: snapshot.rows, scores: state.scores };
}

if (!existsSync(input)) writeInput();
const stores = ['whole', 'killed'].map((name) => join(FOLDER, `follow-${name}.sora`));
for (const store of stores) rmSync(store, { recursive: true, force: true });
await waitForQuiet();
const whole = await run(stores[0]);
const result = {
  rows,
  learner: args.learner,
  rowsPerSecond: Math.round(whole.rows / whole.seconds),
  rowsPerProcessorSecond: Math.round(whole.rows / whole.cpuSeconds),
  lagMilliseconds: whole.lag,
  peakMiB: Math.round(whole.peakMemory / MIB),
  commits: whole.commits,
  scores: whole.scores,
};
printTable(
  ['learner', 'rows/s', 'rows/s of processor time', 'lag p50 ms', 'p99 ms', 'peak MiB', 'commits'],
  [
    [
      args.learner,
      result.rowsPerSecond,
      result.rowsPerProcessorSecond,
      whole.lag.p50,
      whole.lag.p99,
      result.peakMiB,
      whole.commits,
    ],
  ],
);
if (kills > 0) {
  let killed = 0;
  for (let i = 0; i < kills; i++) if ((await run(stores[1], 1 + (i % 3))) === undefined) killed++;
  await run(stores[1]);
  const [one, other] = await Promise.all(stores.map(left));
  const same = Buffer.compare(one.model, other.model) === 0;
  result.killed = { times: killed, sameModel: same, rows: other.rows };
  console.log(
    `killed ${killed} times: ${same ? 'the same model to the byte' : 'ANOTHER MODEL'}, ${other.rows} rows`,
  );
  if (!same || other.rows !== rows) process.exitCode = 1;
}
writeResult('follow', result);
