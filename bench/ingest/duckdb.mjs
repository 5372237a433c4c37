/**
 * One run of the peer: DuckDB's own CSV → Parquet with ZSTD. Prints seconds, peak memory, bytes as JSON.
 * Usage: node bench/ingest/duckdb.mjs CSV PARQUET THREADS
 */
import { rmSync, statSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const [csv, parquet, threads] = process.argv.slice(2);
rmSync(parquet, { force: true });
const start = performance.now();
const instance = await DuckDBInstance.create(':memory:', { threads });
const connection = await instance.connect();
await connection.run(`COPY (SELECT * FROM read_csv('${csv}')) TO '${parquet}' (FORMAT parquet, CODEC zstd)`);
const seconds = (performance.now() - start) / 1000;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const bytes = statSync(parquet).size;
rmSync(parquet);
console.log(
  JSON.stringify({ seconds, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMiB: maxRSS / 1024, bytes }),
);
