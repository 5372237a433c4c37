/**
 * One run of Sora: CSV → particles of a fresh store, committed. Prints seconds, peak memory, bytes as JSON.
 * Usage: node bench/ingest/sora.mjs CSV STORE WORKERS
 */
import { rmSync } from 'node:fs';
import { ingestInto } from '../../dist/ingest/ingest.js';
import { openStore } from '../../dist/store/store.js';

const [csv, directory, workers] = process.argv.slice(2);
rmSync(directory, { recursive: true, force: true });
const start = performance.now();
const store = await openStore(directory, { create: true });
const report = await ingestInto(store, csv, { target: 'label', workers: Number(workers) });
const seconds = (performance.now() - start) / 1000;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const { id } = await store.snapshot();
rmSync(directory, { recursive: true, force: true });
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMiB: maxRSS / 1024,
    rows: report.rows,
    particles: report.particles,
    bytes: report.bytes,
    snapshot: id,
  }),
);
