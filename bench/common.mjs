/** What the benchmarks share: the machine, folders, processes run in turn, medians, tables, results on disk. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of inputs and stores; SORA_BENCH moves it. */
export const FOLDER = process.env.SORA_BENCH ?? join(tmpdir(), 'sora-bench');
mkdirSync(FOLDER, { recursive: true });

/** Real data sets; benchmarks that need one are left out where it is not there. */
export const DATA = process.env.SORA_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url));

/** Python of the peers, as bench/peers/install.sh makes it. */
export const PYTHON = join(process.env.SORA_PEERS ?? join(tmpdir(), 'sora-peers'), 'bin', 'python');

/** Python with River, as bench/peers/install.sh makes it: its pins do not suit the other peers. */
export const RIVER = join(process.env.SORA_RIVER ?? join(tmpdir(), 'sora-river'), 'bin', 'python');

/** Python with Vowpal Wabbit, as bench/peers/install.sh makes it. */
export const VW = join(process.env.SORA_VW ?? join(tmpdir(), 'sora-vw'), 'bin', 'python');

/** onnxruntime-node, as bench/peers/install.sh installs it outside of the project. */
export const ORT = join(
  process.env.SORA_ORT ?? join(tmpdir(), 'sora-ort'),
  'node_modules',
  'onnxruntime-node',
);

export const MIB = 2 ** 20;

/** Throws, saying what to do, unless the peers are there. */
export function needPeers() {
  if (!existsSync(PYTHON)) throw new Error(`There is no ${PYTHON}: run bench/peers/install.sh first.`);
}

/** Load of the machine by others, before anything runs here. */
export const loadBefore = loadavg()[0];

/** What the numbers were measured on. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loadBefore,
    loadAfter: loadavg()[0],
  };
}

/** Waits until the load average is below `most`, at most `minutes`. */
export async function waitForQuiet(most = 0.7, minutes = Number(process.env.SORA_BENCH_WAIT ?? 0)) {
  const end = Date.now() + minutes * 60_000;
  while (loadavg()[0] > most && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5_000));
}

/** Environment that gives numeric libraries of Python this many threads. */
export function threadEnvironment(threads) {
  const names = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS'];
  return { ...process.env, ...Object.fromEntries(names.map((name) => [name, String(threads)])) };
}

/**
 * Runs a command in a process of its own. Its last line is one JSON value; the result adds the seconds of the whole
 * process. Rejects with what it wrote to standard error.
 */
export function runJson(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let out = '';
    let err = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      err += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const processSeconds = (performance.now() - start) / 1000;
      const last = out.trim().split('\n').at(-1);
      if (code !== 0 || !last) reject(new Error(`${command} ${args.join(' ')} ended with ${code}: ${err}`));
      else resolve({ ...JSON.parse(last), processSeconds });
    });
  });
}

/** Runs every task of `tasks` (name → async function) in turn, `rounds` times over: A B A B. Name → results. */
export async function alternate(tasks, rounds) {
  const results = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, task] of Object.entries(tasks)) results[name].push(await task());
  }
  return results;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, least and all. */
export function summarise(values) {
  const round = (x) => Number(x.toPrecision(5));
  return { median: round(median(values)), least: round(Math.min(...values)), all: values.map(round) };
}

/** Prints rows of cells in columns: text to the left, numbers to the right. */
export function printTable(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  for (const row of cells) {
    console.log(
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    );
  }
}

/** Writes bench/results/<name>.json, or beside others' results where SORA_BENCH_RESULTS names a folder. */
export function writeResult(name, result) {
  const folder = process.env.SORA_BENCH_RESULTS ?? fileURLToPath(new URL('./results', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, `${name}.json`),
    `${JSON.stringify({ machine: machine(), ...result }, null, 2)}\n`,
  );
}

/** Peak resident size of this process, all threads, in bytes. */
export function peakBytes() {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
}
