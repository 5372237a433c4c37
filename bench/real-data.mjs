/**
 * Real files with no option but the target: what is chosen, how good it is, what it costs. Writes
 * bench/results/real-data.json and the table of docs/real-data.md.
 *
 *     npm run build && node bench/real-data.mjs [--only kdd99,a9a] [--required]
 *
 * SORA_DATA names the folder of the data sets (default ../shared/data); sets that are not there are left out.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DATA, MIB, machine, printTable, runJson, waitForQuiet, writeResult } from './common.mjs';

const { values: args } = parseArgs({
  options: { only: { type: 'string' }, required: { type: 'boolean', default: false } },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const MAIN = process.env.SORA_MAIN ?? join(root, 'dist', 'cli', 'main.js');
const PAGE = join(root, 'docs', 'real-data.md');

const only = args.only?.split(',');
const sets = JSON.parse(readFileSync(join(root, 'test', 'real-data.json'), 'utf8')).filter(
  (set) => (only === undefined || only.includes(set.name)) && (set.required || !args.required),
);

function pathOf(file) {
  return file.startsWith('repository:') ? join(root, file.slice('repository:'.length)) : join(DATA, file);
}

/** Trains on a set in a folder of its own. */
async function measure(set) {
  const folder = mkdtempSync(join(tmpdir(), 'sora-real-'));
  try {
    const words = ['train', pathOf(set.file), '--target', set.target, '--store', join(folder, 'x.sora')];
    const program = `const { spawnSync } = require('node:child_process');
      const run = spawnSync(process.execPath, ${JSON.stringify([MAIN, ...words, '--json'])}, { maxBuffer: 1 << 28 });
      if (run.status !== 0) { console.error(String(run.stderr) + String(run.stdout)); process.exit(1); }
      console.log(JSON.stringify(JSON.parse(run.stdout)));`;
    return describe(set, await runJson(process.execPath, ['-e', program]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(set, trained) {
  const metric = trained.evaluation.metrics.find(({ name }) => name === set.metric);
  return {
    name: set.name,
    rows: trained.rows.total,
    columns: trained.schema.fields.length,
    task: trained.evaluation.task,
    learner: trained.learner,
    features: trained.featureCount,
    rounds: trained.fit.rounds,
    converged: trained.fit.converged,
    reason: trained.fit.reason,
    metric: set.metric,
    value: metric.value,
    interval: metric.interval,
    baseline: metric.baseline,
    reference: set.reference,
    verdict: trained.verdict,
    reached: set.atLeast === undefined ? metric.value <= set.atMost : metric.value >= set.atLeast,
    seconds: trained.processSeconds,
    stages: trained.seconds,
    peakMiB: trained.peakMemory / MIB,
  };
}

function number(value) {
  if (value === undefined) return '';
  return Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(4)));
}

const HEAD = [
  'set',
  'rows',
  'columns',
  'task',
  'learner',
  'score',
  '95 % interval',
  'baseline',
  'others',
  'rounds',
  'seconds',
  'peak MiB',
];

function cellsOf(result) {
  return [
    result.name,
    result.rows.toLocaleString('en-US'),
    result.columns,
    result.task,
    result.learner,
    `${result.metric} ${number(result.value)}`,
    result.interval?.map(number).join(' – ') ?? '',
    number(result.baseline),
    result.reference,
    `${result.rounds}${result.converged ? '' : ` (${result.reason})`}`,
    result.seconds.toFixed(1),
    Math.round(result.peakMiB),
  ];
}

/** Puts the table and the machine between the marks of the page. */
function writePage(results) {
  const { date, cpu, cores, memoryGiB, node, platform, loadBefore } = machine();
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  const lines = [
    `Measured on ${date}: ${cpu}, ${cores} cores, ${memoryGiB} GiB, Node ${node}, ${platform}; load by others before: ${loadBefore.toFixed(1)}.`,
    '',
    line(HEAD),
    line(HEAD.map(() => '---')),
    ...results.map((result) => line(cellsOf(result))),
  ];
  const page = readFileSync(PAGE, 'utf8');
  const marked = /(<!-- table -->\n)[\s\S]*(\n<!-- end of table -->)/;
  writeFileSync(
    PAGE,
    page.replace(marked, (_, before, after) => `${before}\n${lines.join('\n')}\n${after}`),
  );
}

const results = [];
for (const set of sets) {
  if (!existsSync(pathOf(set.file))) {
    console.log(`left out: ${set.name}, there is no ${set.file}`);
    continue;
  }
  await waitForQuiet();
  const result = await measure(set);
  results.push(result);
  console.log(`${set.name}: ${set.metric} ${number(result.value)}, ${result.seconds.toFixed(1)} s`);
}
printTable(HEAD, results.map(cellsOf));
writeResult('real-data', { results });
if (only === undefined && !args.required && existsSync(PAGE)) writePage(results);
const missed = results.filter(({ reached }) => !reached).map(({ name }) => name);
if (missed.length > 0) {
  console.error(`Below what is expected: ${missed.join(', ')}.`);
  process.exitCode = 1;
}
