/**
 * What appending costs: every summary of the catalogue over 100 particles, then again, then after one more. Particles
 * observed are counted; times are of processor and wall.
 *
 *     npm run build && node bench/append.mjs [--rows 5000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createParticle } from '../dist/particle/create.js';
import { randomUniform } from '../dist/random.js';
import { inlineExecutor } from '../dist/run/inline.js';
import { openStore } from '../dist/store/store.js';
import { SUMMARIES, summaryReference } from '../dist/summary/catalog.js';
import { FOLDER, machine, printTable, writeResult } from './common.mjs';

const { values: args } = parseArgs({ options: { rows: { type: 'string', default: '5000' } } });
const rows = Number(args.rows);
const PARTICLES = 100;

function particleOf(index) {
  const each = (of) => Array.from({ length: rows }, (_, i) => of(index * rows + i));
  const number = (seed) => each((i) => Math.fround(100 * randomUniform(seed, 0, i)));
  return createParticle({
    columns: {
      at: each((i) => 1.7e12 + 60_000 * i),
      ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((seed) => [`x${seed}`, number(seed)])),
      kind: each((i) => `k${Math.floor(20 * randomUniform(7, 0, i))}`),
      note: each((i) => `order ${i % 97} of ${i % 13}`),
      raw: each((i) => Uint8Array.of(i & 255, (i >> 8) & 255, 7)),
      y: number(8),
    },
    roles: { at: 'time', y: 'label' },
    types: { at: 'timestamp', note: 'text' },
  });
}

const OPTIONS = {
  histogram: { edges: [0, 25, 50, 75, 100], columns: ['x1', 'x2', 'x3'] },
  targets: { columns: [{ name: 'kind', levels: ['k1', 'k2'] }], label: { column: 'y' }, folds: 5, seed: 1 },
};

const folder = mkdtempSync(join(FOLDER, 'append-'));
const store = await openStore(join(folder, 'append.sora'), { create: true });
const executor = inlineExecutor();
const put = (index) => store.putParticle(particleOf(index));
const first = [];
for (let index = 0; index < PARTICLES; index++) first.push(await put(index));
const one = particleOf(0);
const before = await store.commit({ schema: one.schema, add: first });
const after = await store.commit({ add: [await put(PARTICLES)] });

async function play(name, { particles }) {
  const session = await executor.open({ particles, source: store.reference, partials: store.partials });
  const started = [performance.now(), process.cpuUsage()];
  const { observed } = await session.reduce({
    summary: summaryReference(name, OPTIONS[name] ?? null),
    keep: 'nodes',
  });
  const { user, system } = process.cpuUsage(started[1]);
  await session.close();
  return { observed, wall: performance.now() - started[0], cpu: (user + system) / 1000 };
}

const table = [];
for (const name of Object.keys(SUMMARIES)) {
  const [full, again, appended] = [
    await play(name, before),
    await play(name, before),
    await play(name, after),
  ];
  table.push({ summary: name, full, again, appended, share: appended.cpu / full.cpu });
}
const ms = ({ cpu, wall }) => `${cpu.toFixed(1)} (${wall.toFixed(0)})`;
printTable(
  ['summary', 'full pass, ms of processor (wall)', 'again', '1 % appended', 'observed', 'share'],
  table.map(({ summary, full, again, appended, share }) => [
    summary,
    ms(full),
    ms(again),
    ms(appended),
    `${full.observed}, ${again.observed}, ${appended.observed}`,
    `${(100 * share).toFixed(1)} %`,
  ]),
);
writeResult('append', { machine: machine(), particles: PARTICLES, rows, table });
await executor.close();
store.close();
rmSync(folder, { recursive: true, force: true });
