/**
 * CSV → particles against DuckDB's own CSV → ZSTD Parquet: the same file, the same number of cores, in turn, each run
 * a process of its own. Target: at most 1.5 times the seconds, and peak memory that does not grow with the rows.
 * Usage: node bench/ingest.mjs (after `npm run build`); SORA_BENCH_ROWS=1000000,10000000 SORA_BENCH_ROUNDS=5
 */
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alternate, FOLDER, printTable, runJson, summarise, waitForQuiet, writeResult } from './common.mjs';

const SIZES = (process.env.SORA_BENCH_ROWS ?? '1000000,10000000').split(',').map(Number);
const ROUNDS = Number(process.env.SORA_BENCH_ROUNDS ?? 5);
const CORES = Math.min(2, availableParallelism());
const script = (name) => fileURLToPath(new URL(`./ingest/${name}.mjs`, import.meta.url));
const node = (name, ...args) => runJson(process.execPath, [script(name), ...args]);

function facts(runs) {
  const last = runs[runs.length - 1];
  return {
    seconds: summarise(runs.map((run) => run.seconds)),
    cpuSeconds: summarise(runs.map((run) => run.cpuSeconds)),
    peakMiB: summarise(runs.map((run) => run.peakMiB)),
    bytes: last.bytes,
  };
}

async function measure(rows) {
  const csv = join(FOLDER, `ingest-${rows}.csv`);
  await node('make', rows, csv);
  await waitForQuiet();
  const runs = await alternate(
    {
      sora: () => node('sora', csv, join(FOLDER, 'ingest.sora'), CORES),
      duckdb: () => node('duckdb', csv, join(FOLDER, 'ingest.parquet'), CORES),
    },
    ROUNDS,
  );
  const [sora, duckdb] = [facts(runs.sora), facts(runs.duckdb)];
  const ratio = sora.seconds.median / duckdb.seconds.median;
  const snapshots = new Set(runs.sora.map((run) => run.snapshot));
  if (snapshots.size !== 1) throw new Error('Two runs over one file made different particles.');
  return { rows, columns: 28, csvBytes: statSync(csv).size, cores: CORES, ratio, sora, duckdb };
}

const results = [];
for (const rows of SIZES) results.push(await measure(rows));

const fixed = (value, digits = 2) => value.toFixed(digits);
printTable(
  ['', 'seconds', 'best', 'CPU s', 'peak MiB', 'MB', 'rows/s'],
  results.flatMap(({ rows, ratio, sora, duckdb }) =>
    [
      [`Sora ${rows.toLocaleString('en')}`, sora],
      ['DuckDB → Parquet', duckdb],
    ]
      .map(([name, run]) => [
        name,
        fixed(run.seconds.median),
        fixed(run.seconds.least),
        fixed(run.cpuSeconds.median),
        fixed(run.peakMiB.median, 0),
        fixed(run.bytes / 1e6, 0),
        Math.round(rows / run.seconds.median).toLocaleString('en'),
      ])
      .concat([['ratio', fixed(ratio), fixed(sora.seconds.least / duckdb.seconds.least), '', '', '', '']]),
  ),
);
const peaks = results.map((result) => result.sora.peakMiB.median);
if (peaks.length > 1)
  console.log(`\npeak memory of the largest is ${fixed(peaks.at(-1) / peaks[0])} × that of the smallest`);
writeResult('ingest', { rounds: ROUNDS, target: { ratio: 1.5 }, results });
